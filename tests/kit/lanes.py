"""Two ends of a lane in memory, which tests can hold up, cut and break."""

from __future__ import annotations

import asyncio
from typing import TypeAlias

from borealis_wire.aio.lane import LaneLost

Pipe: TypeAlias = "asyncio.Queue[bytes | LaneLost | None]"
"""Batches as bytes; None for the end, LaneLost for a cut."""


class MemoryLane:
    """One end of a lane. `gate` holds up writes while it is not set."""

    def __init__(self, incoming: Pipe, outgoing: Pipe) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self.gate = asyncio.Event()
        self.gate.set()
        self.is_broken = False
        self.delay_s = 0.0
        """How long a batch is on its way to the other end."""

    async def read(self) -> bytes | None:
        """The next batch."""
        message = await self._incoming.get()
        if isinstance(message, LaneLost):
            raise message
        return message

    async def write(self, batch: bytes) -> None:
        """Send one batch."""
        await self.gate.wait()
        if self.is_broken:
            raise LaneLost("broken by the test")
        if self.delay_s:
            asyncio.get_running_loop().call_later(self.delay_s, self._outgoing.put_nowait, batch)
        else:
            self._outgoing.put_nowait(batch)

    async def finish(self) -> None:
        """Say that no more follow."""
        if self.is_broken:
            raise LaneLost("broken by the test")
        self._outgoing.put_nowait(None)

    def cut_peer(self) -> None:
        """Let the other side's next read fail."""
        self._outgoing.put_nowait(LaneLost("cut by the test"))

    def cut(self) -> None:
        """Let the next read fail."""
        self._incoming.put_nowait(LaneLost("cut by the test"))


def lane_pair() -> tuple[MemoryLane, MemoryLane]:
    """Both ends of a lane."""
    up: Pipe = asyncio.Queue()
    down: Pipe = asyncio.Queue()
    return MemoryLane(up, down), MemoryLane(down, up)
