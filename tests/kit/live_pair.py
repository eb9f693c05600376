"""Both ends of a running tunnel over a lane in memory, for tests in virtual time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_wire.aio.live import LiveTunnel
from borealis_wire.tunnel import Role, Tunnel
from kit.lanes import lane_pair
from kit.wire import FEATURES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from borealis_wire.aio.live import Timing
    from borealis_wire.aio.stream import LiveStream
    from borealis_wire.events import Event
    from borealis_wire.limits import Limits
    from kit.lanes import MemoryLane


class Ends:
    """Both ends of a running tunnel, greeted."""

    def __init__(self, limits: Limits | None, timing: Timing | None, chance: float) -> None:
        self.server_lane, self.agent_lane = lane_pair()
        self.events: list[Event] = []
        self.opened: asyncio.Queue[tuple[LiveStream, pb.Open]] = asyncio.Queue()
        self.server = self._live(Role.SERVER, self.server_lane, limits, timing, chance)
        self.agent = self._live(Role.AGENT, self.agent_lane, limits, timing, chance)
        self.server_task: asyncio.Task[str]
        self.agent_task: asyncio.Task[str]

    def _live(
        self, role: Role, lane: MemoryLane, limits: Limits | None, timing: Timing | None, chance: float
    ) -> LiveTunnel:
        return LiveTunnel(
            Tunnel(role, limits),
            lane,
            on_event=self.events.append,
            on_open=lambda stream, request: self.opened.put_nowait((stream, request)),
            timing=timing,
            chance=lambda: chance,
        )

    async def greet(self) -> None:
        """Exchange Hello and Welcome."""
        self.agent.core.hello(pb.Hello(agent="prod", features=FEATURES))
        self.agent.flush()
        await until(lambda: self.events)
        self.server.core.welcome(pb.Welcome(features=FEATURES))
        self.server.flush()
        await until(lambda: len(self.events) > 1)
        self.events.clear()

    async def accepted(self) -> LiveStream:
        """The next stream that the server opened, at the agent."""
        stream, _ = await self.opened.get()
        return stream


@asynccontextmanager
async def running(
    limits: Limits | None = None, *, timing: Timing | None = None, chance: float = 0.5
) -> AsyncIterator[Ends]:
    """A tunnel that runs while the context is open; `chance` is what both sides draw, 0 to 1."""
    ends = Ends(limits, timing, chance)
    async with asyncio.TaskGroup() as tasks:
        ends.server_task = tasks.create_task(ends.server.run())
        ends.agent_task = tasks.create_task(ends.agent.run())
        await ends.greet()
        yield ends
        ends.server_task.cancel()
        ends.agent_task.cancel()


async def until(condition: Callable[[], object]) -> None:
    """Wait until `condition()` holds."""
    async with asyncio.timeout(100):
        while not condition():
            await asyncio.sleep(0.001)
