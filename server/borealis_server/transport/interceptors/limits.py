"""How large a request may be, with an answer that says so.

gRPC's own limit (a little above this one) protects the process, but its answer does not help anybody.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from borealis_server.domain.errors import InvalidArgument
from borealis_server.transport.interceptors.wrapping import Context, Interceptor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_MIB = 2**20


def size_interceptor(max_request_bytes: int) -> Interceptor:
    """Refuses single requests of more than `max_request_bytes`. Streams bound their own messages."""

    @asynccontextmanager
    async def around(request: Any, _context: Context) -> AsyncIterator[None]:
        size_bytes = request.ByteSize() if isinstance(request, Message) else 0
        if size_bytes > max_request_bytes:
            size, limit = size_bytes / _MIB, max_request_bytes / _MIB
            raise InvalidArgument.of(
                "request", f"has {size:.1f} MiB, more than the {limit:.1f} MiB allowed: send less at once"
            )
        yield

    return Interceptor(lambda _method, handler: None if handler.request_streaming else around)
