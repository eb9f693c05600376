"""Ends what only listens when the server closes: a watch would hold the door open for the whole grace period."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from borealis_server.domain.errors import ServerUnavailable
from borealis_server.transport.interceptors.wrapping import Context, Interceptor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def closing_interceptor(closing: asyncio.Event) -> Interceptor:
    """Answers every watch with UNAVAILABLE once `closing` is set: its client resumes with whoever serves next."""

    @asynccontextmanager
    async def around(_request: Any, _context: Context) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            guard = group.create_task(_end_at(closing), name="rpc.closing")
            yield
            guard.cancel()

    return Interceptor(
        lambda _method, handler: around if handler.response_streaming and not handler.request_streaming else None
    )


async def _end_at(closing: asyncio.Event) -> None:
    await closing.wait()
    raise ServerUnavailable("it is stopping")
