"""Where a writer waits while its transport has enough: the writing half of an asyncio protocol."""

from __future__ import annotations

import asyncio


class WriteGate:
    """Open unless the transport said that it has enough. One task waits at a time."""

    def __init__(self) -> None:
        self._is_open = True
        self._waiter: asyncio.Future[None] | None = None

    def shut(self) -> None:
        """The transport has enough."""
        self._is_open = False

    def open(self) -> None:
        """The transport takes more, or is gone: whoever writes finds out."""
        self._is_open = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def passed(self) -> None:
        """Wait until it is open."""
        while not self._is_open:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
