"""Who wants to know about sessions that begin and end. A slow watcher loses its oldest changes, never slows the hub."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from borealis_server.ports.relay import AgentChange

_QUEUE_SIZE = 256


class Watchers:
    """Hands every change to everybody who watches."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[AgentChange]] = set()

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[AsyncIterator[AgentChange]]:
        """The changes from now on."""
        queue: asyncio.Queue[AgentChange] = asyncio.Queue(_QUEUE_SIZE)
        self._queues.add(queue)
        try:
            yield _changes(queue)
        finally:
            self._queues.discard(queue)

    def tell(self, change: AgentChange) -> None:
        """A session began or ended."""
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(change)


async def _changes(queue: asyncio.Queue[AgentChange]) -> AsyncIterator[AgentChange]:
    while True:
        yield await queue.get()
