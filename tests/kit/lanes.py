"""Two ends of a lane in memory, which tests can hold up, cut and break."""

from __future__ import annotations

import asyncio

from borealis.tunnel.v1.tunnel_service_pb2 import LaneRequest
from borealis_wire.aio.lane import LaneLost


class MemoryLane:
    """One end of a lane. `gate` holds up writes while it is not set."""

    def __init__(self, incoming: asyncio.Queue, outgoing: asyncio.Queue) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self.gate = asyncio.Event()
        self.gate.set()
        self.is_broken = False

    async def read(self):
        message = await self._incoming.get()
        if message is LaneLost:
            raise LaneLost("cut by the test")
        return None if message is None else LaneRequest.FromString(message).frames

    async def write(self, frames):
        await self.gate.wait()
        if self.is_broken:
            raise LaneLost("broken by the test")
        self._outgoing.put_nowait(LaneRequest(frames=frames).SerializeToString())

    async def finish(self):
        if self.is_broken:
            raise LaneLost("broken by the test")
        self._outgoing.put_nowait(None)

    def cut(self) -> None:
        """Let the next read fail."""
        self._incoming.put_nowait(LaneLost)


def lane_pair() -> tuple[MemoryLane, MemoryLane]:
    """Both ends of a lane."""
    up, down = asyncio.Queue(), asyncio.Queue()
    return MemoryLane(up, down), MemoryLane(down, up)
