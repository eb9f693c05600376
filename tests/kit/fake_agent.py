"""A hub with agents that do what a test tells them to: real tunnels over lanes in memory, virtual time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_server.adapters.relay.hub import RelayHub
from borealis_server.domain.errors import BorealisError
from borealis_server.domain.roles import AGENT
from borealis_wire.aio.live import LiveTunnel
from borealis_wire.tunnel import Role as Side
from borealis_wire.tunnel import Tunnel
from kit.callers import a_caller
from kit.lanes import lane_pair
from kit.wire import FEATURES, ok

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from borealis_server.adapters.relay.connection import RelaySettings
    from borealis_server.domain.identity import Principal
    from borealis_server.ports.audit import RelayAudit
    from borealis_wire.aio.stream import LiveStream
    from borealis_wire.events import Event
    from kit.lanes import MemoryLane

    Verify: TypeAlias = Callable[[str], Awaitable[Principal]]

Kind = TypeVar("Kind")

START = datetime(2026, 1, 1, tzinfo=UTC)


class LoopClock:
    """The loop's virtual time as a wall clock."""

    def now(self) -> datetime:
        """The time."""
        return START + timedelta(seconds=asyncio.get_running_loop().time())


def principal(agent: str = "prod", *, life_s: float = 10_000.0, tenant: str = "main") -> Principal:
    """Who an agent's credential says it is."""
    expires_at = LoopClock().now() + timedelta(seconds=life_s)
    return a_caller(AGENT, tenant=tenant, name=agent, agent=agent, expires_at=expires_at)


class FakeAgent:
    """The other end of a lane: answers with its name, or does what a test tells it to."""

    def __init__(self, lane: MemoryLane, instance: str, features: Sequence[str] = FEATURES) -> None:
        self.events: list[Event] = []
        self.requests: list[pb.Open] = []
        self.reset_code: pb.Reset.Code | None = None
        self.dispatched = False
        self.is_silent = False
        self.serve: Callable[[LiveStream, pb.Open], None] | None = None
        """What to do with a stream instead; must not wait."""
        self.instance = instance
        self.features = features
        self.lane = lane
        self.live = LiveTunnel(Tunnel(Side.AGENT), lane, on_event=self.events.append, on_open=self._on_open)
        self.serving: asyncio.Task[BorealisError | None]
        """The hub's side of the lane."""
        self.running: asyncio.Task[str]
        """The agent's side of the lane."""

    @property
    def opened(self) -> int:
        """Streams that the hub opened."""
        return len(self.requests)

    def greet(self, name: str) -> None:
        """Say Hello."""
        self.live.core.hello(
            pb.Hello(
                agent=name,
                instance_id=self.instance,
                version="9",
                features=self.features,
                policy_digest=f"digest of {self.instance}",
            ),
        )
        self.live.flush()

    def got(self, kind: type[Kind]) -> list[Kind]:
        """Events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def crash(self) -> None:
        """Break the lane as a lost connection does."""
        self.running.cancel()
        self.lane.cut_peer()

    def _on_open(self, stream: LiveStream, request: pb.Open) -> None:
        self.requests.append(request)
        if self.serve is not None:
            self.serve(stream, request)
        elif self.reset_code is not None:
            stream.reset(self.reset_code, "told to", dispatched=self.dispatched)
        elif not self.is_silent:
            self.answer(stream)

    def answer(self, stream: LiveStream, body: bytes | None = None) -> None:
        """Answer a stream whole."""
        stream.answer(ok())
        self.live.core.send(stream.id, self.instance.encode() if body is None else body)
        stream.end()
        stream.close()


class HubBed:
    """A hub, and a way to connect agents to it."""

    def __init__(
        self, tasks: asyncio.TaskGroup, *, settings: RelaySettings | None = None, audit: RelayAudit | None = None
    ) -> None:
        self.hub = RelayHub(LoopClock(), settings, audit=audit)
        self.agents: list[FakeAgent] = []
        self._tasks = tasks

    async def connect(
        self,
        instance: str,
        *,
        name: str = "prod",
        who: Principal | None = None,
        verify: Verify | None = None,
        features: Sequence[str] = FEATURES,
        says: str | None = None,
    ) -> FakeAgent:
        """An agent that has introduced itself."""
        server_lane, agent_lane = lane_pair()
        agent = FakeAgent(agent_lane, instance, features)
        self.agents.append(agent)
        serving = self.hub.serve(
            server_lane,
            lane_number=0,
            principal=who or principal(name),
            token="t0",
            verify=verify or never_asked,
        )
        agent.serving = self._tasks.create_task(outcome(serving))
        agent.running = self._tasks.create_task(agent.live.run())
        agent.greet(says or name)
        await asyncio.sleep(0.01)
        return agent

    def stop(self) -> None:
        """End all tunnels at once."""
        for agent in self.agents:
            agent.serving.cancel()
            agent.running.cancel()


@asynccontextmanager
async def open_bed(*, settings: RelaySettings | None = None, audit: RelayAudit | None = None) -> AsyncIterator[HubBed]:
    """A hub without agents."""
    async with asyncio.TaskGroup() as tasks:
        bed = HubBed(tasks, settings=settings, audit=audit)
        yield bed
        bed.stop()


@asynccontextmanager
async def hub_with(
    *instances: str,
    settings: RelaySettings | None = None,
    who: Principal | None = None,
    verify: Verify | None = None,
    name: str = "prod",
) -> AsyncIterator[tuple[RelayHub, list[FakeAgent]]]:
    """A hub and an agent for each instance."""
    async with open_bed(settings=settings) as bed:
        for instance in instances:
            await bed.connect(instance, who=who or principal(), verify=verify, says=name)
        yield bed.hub, bed.agents


async def outcome(serving: Awaitable[None]) -> BorealisError | None:
    """How a lane ended: None, or the refusal."""
    try:
        await serving
    except BorealisError as error:
        return error
    return None


async def never_asked(_token: str) -> Principal:
    """A token that is always good."""
    return principal()
