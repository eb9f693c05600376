"""How RPCs fail: whatever error leaves a servicer or another interceptor is answered as `transport/errors.py` says."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from borealis_server.transport.errors import finish
from borealis_server.transport.interceptors.wrapping import Context, Interceptor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def failure_interceptor() -> Interceptor:
    """Ends failed RPCs with a status of ours. Belongs outside of everything that may fail."""
    return Interceptor(lambda _method, _handler: _around)


@asynccontextmanager
async def _around(_request: Any, context: Context) -> AsyncIterator[None]:
    try:
        yield
    except BaseException as error:
        await finish(context, error)
        raise
