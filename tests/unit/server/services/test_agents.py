"""The view of agents, over a relay whose sessions come and go by hand."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from borealis_server.adapters.store.memory import MemoryAgentRecordStore, MemoryCredentialStore
from borealis_server.domain.agent import AgentRecord
from borealis_server.domain.errors import AgentNotFound, ServerUnavailable
from borealis_server.domain.identity import ClientCredential
from borealis_server.domain.names import AgentName
from borealis_server.domain.paging import PageRequest
from borealis_server.ports.relay import AgentChange, AgentChangeKind, AgentRef, AgentSession
from borealis_server.services.agents import AgentService

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WEST = AgentName("main", "west")


def a_session(name: str = "west", *, minute: int = 0, tenant: str = "main") -> AgentSession:
    return AgentSession(
        agent=AgentRef(tenant=tenant, name=name),
        session_id=f"{name}-{minute}",
        instance_id="i",
        version="0.1.0",
        connected_at=NOON + timedelta(minutes=minute),
        last_seen_at=NOON + timedelta(minutes=minute + 30),
        open_streams=0,
        kubernetes_version="v1.30.0",
    )


class SessionsByHand:
    """The part of a relay that knows sessions."""

    def __init__(self) -> None:
        self.live: list[AgentSession] = []
        self._watchers: list[asyncio.Queue[AgentChange]] = []
        self.watching = asyncio.Event()

    def connect(self, session: AgentSession) -> None:
        self.live.append(session)
        self._tell(AgentChangeKind.CONNECTED, session)

    def disconnect(self, session: AgentSession) -> None:
        self.live.remove(session)
        self._tell(AgentChangeKind.DISCONNECTED, session)

    def sessions(self, agent: AgentRef) -> tuple[AgentSession, ...]:
        return tuple(session for session in self.live if session.agent == agent)

    def is_connected(self, agent: AgentRef) -> bool:
        return bool(self.sessions(agent))

    @asynccontextmanager
    async def watch_agents(self):
        queue: asyncio.Queue[AgentChange] = asyncio.Queue()
        self._watchers.append(queue)
        self.watching.set()
        try:
            yield self._changes(queue)
        finally:
            self._watchers.remove(queue)

    async def _changes(self, queue):
        while True:
            yield await queue.get()

    def _tell(self, kind: AgentChangeKind, session: AgentSession) -> None:
        for queue in self._watchers:
            queue.put_nowait(AgentChange(kind=kind, session=session))


@pytest.fixture
def relay() -> SessionsByHand:
    return SessionsByHand()


@pytest.fixture
def records() -> MemoryAgentRecordStore:
    return MemoryAgentRecordStore()


@pytest.fixture
async def agents(relay, records) -> AgentService:
    credentials = MemoryCredentialStore()
    for tenant, name in (("main", "west"), ("main", "east"), ("other", "south")):
        await credentials.add_credential(
            ClientCredential(
                tenant=tenant,
                client_id=name,
                display_name=name,
                roles=("agent",),
                agent=name,
                secret_hash="",
                created_at=NOON,
            )
        )
    return AgentService(credentials=credentials, records=records, relay=relay)


async def test_an_agent_that_never_came_is_known_and_never_seen(agents):
    view = await agents.get("main", WEST)

    assert (view.name, view.sessions, view.since, view.last_seen_at) == (WEST, (), None, None)


async def test_an_agent_is_there_since_its_oldest_tunnel_and_seen_by_its_newest_frame(agents, relay):
    relay.connect(a_session(minute=5))
    relay.connect(a_session(minute=9))

    view = await agents.get("main", WEST)

    assert len(view.sessions) == 2
    assert view.since == NOON + timedelta(minutes=5)
    assert view.last_seen_at == NOON + timedelta(minutes=39)


async def test_an_agent_that_went_is_away_since_then(agents, records):
    await records.record_agent(
        AgentRecord(tenant="main", name="west", last_seen_at=NOON, disconnected_at=NOON + timedelta(minutes=1))
    )

    view = await agents.get("main", WEST)

    assert (view.since, view.last_seen_at) == (NOON + timedelta(minutes=1), NOON)


async def test_an_agent_whose_end_nobody_saw_is_away_since_it_was_last_seen(agents, records):
    await records.record_agent(AgentRecord(tenant="main", name="west", last_seen_at=NOON))

    assert (await agents.get("main", WEST)).since == NOON


async def test_those_that_are_away_are_told_with_their_last_sign_of_life(agents, records, relay):
    await records.record_agent(AgentRecord(tenant="main", name="west", last_seen_at=NOON))

    assert await agents.away("main", ("east", "west")) == {"east": None, "west": NOON}
    relay.connect(a_session(minute=5))
    assert await agents.away("main", ("east", "west")) == {"east": None}


@pytest.mark.parametrize("name", [AgentName("main", "nobody"), AgentName("other", "south")], ids=str)
async def test_agents_that_are_not_there_or_not_ours_are_not_found(agents, name):
    with pytest.raises(AgentNotFound):
        await agents.get("main", name)


async def test_lists_are_by_name_and_page(agents):
    first = await agents.list("main", PageRequest(size=1))
    second = await agents.list("main", PageRequest(size=1, token=first.next_token))

    assert [view.name.id for view in (*first.items, *second.items)] == ["east", "west"]
    assert second.next_token == ""
    assert await agents.agent_names("main") == ("east", "west")
    assert await agents.agent_names("nobody") == ()


async def test_a_watch_shows_everybody_and_then_each_change_of_the_tenant(agents, relay):
    async with agents.watch("main", None) as watch:
        relay.connect(a_session("south", tenant="other"))
        relay.connect(session := a_session())
        came = await anext(watch.changes)
        relay.disconnect(session)
        went = await anext(watch.changes)

    assert [view.name.id for view in watch.initial] == ["east", "west"]
    assert (came.name, len(came.sessions)) == (WEST, 1)
    assert (went.name, len(went.sessions)) == (WEST, 0)


async def test_a_watch_of_one_agent_shows_no_other(agents, relay):
    async with agents.watch("main", WEST) as watch:
        relay.connect(a_session("east"))
        relay.connect(a_session())
        change = await anext(watch.changes)

    assert [view.name for view in watch.initial] == [WEST]
    assert change.name == WEST


async def test_a_watch_of_nobody_is_refused(agents):
    with pytest.raises(AgentNotFound):
        async with agents.watch("main", AgentName("main", "nobody")):
            pass


class Records(MemoryAgentRecordStore):
    """Fails as often as told, and tells when something was kept."""

    def __init__(self) -> None:
        super().__init__()
        self.failures = 0
        self.kept: asyncio.Queue[AgentRecord] = asyncio.Queue()

    async def record_agent(self, record: AgentRecord) -> None:
        if self.failures:
            self.failures -= 1
            raise ServerUnavailable("the disk is full")
        await super().record_agent(record)
        self.kept.put_nowait(record)


async def keeping(relay, records, use):
    """Run `use` while records are kept."""
    service = AgentService(credentials=MemoryCredentialStore(), records=records, relay=relay)
    async with asyncio.TaskGroup() as group:
        keeper = group.create_task(service.keep_records())
        await relay.watching.wait()
        await use()
        keeper.cancel()


async def test_it_is_written_down_when_an_agents_last_tunnel_ends(relay):
    records = Records()
    one, two = a_session(minute=1), a_session(minute=2)

    async def come_and_go() -> None:
        for session in (one, two):
            relay.connect(session)
        relay.disconnect(one)
        assert [(await records.kept.get()).disconnected_at for _ in range(3)] == [None, None, None]
        relay.disconnect(two)
        last = await records.kept.get()
        assert last == AgentRecord(
            tenant="main", name="west", last_seen_at=two.last_seen_at, disconnected_at=two.last_seen_at
        )

    await keeping(relay, records, come_and_go)


@pytest.mark.looptime
async def test_a_store_that_fails_for_a_while_does_not_end_the_keeping(relay):
    records = Records()
    records.failures = 1

    async def fail_then_work() -> None:
        relay.connect(a_session(minute=1))
        relay.watching.clear()
        await relay.watching.wait()
        session = replace(a_session(minute=2), session_id="later")
        relay.connect(session)
        assert (await records.kept.get()).last_seen_at == session.last_seen_at

    await keeping(relay, records, fail_then_work)
