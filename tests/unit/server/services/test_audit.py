"""The audit is written beside the calls: in batches, through failures of the store, and never in their way."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from borealis_server.adapters.clock import SystemClock
from borealis_server.adapters.randomness import SystemRandomness
from borealis_server.adapters.store.audit import SqliteAuditStore
from borealis_server.adapters.store.memory_audit import MemoryAuditStore
from borealis_server.adapters.store.sqlite import open_database
from borealis_server.domain.audit import AuditFilter
from borealis_server.domain.errors import InvalidArgument, PageTokenInvalid, ServerUnavailable
from borealis_server.domain.paging import PageRequest
from borealis_server.ports.audit import Decision, RelayEnd, RelayOutcome
from borealis_server.ports.relay import AgentRef, RelayRequest, TcpRequest
from borealis_server.services.audit import AuditService, AuditSettings, AuditTrail, open_audit_trail

WEST = AgentRef(tenant="main", name="west")
MAIN = AuditFilter(tenant="main")
ALL = PageRequest(size=250)
QUICK = AuditSettings(linger_s=0.0, retry_s=0.01, max_waiting=5)


def request(actor="ana", path="/api/v1/pods", method="GET"):
    return RelayRequest(method=method, path=path, actor=actor, actor_groups=("borealis:admin",), request_id="r-1")


def end(outcome=RelayOutcome.COMPLETE, code="", status=200, sent_bytes=0):
    return RelayEnd(outcome=outcome, code=code, status=status, sent_bytes=sent_bytes, received_bytes=9, duration_s=0.25)


class Counted:
    """What the trail told."""

    def __init__(self) -> None:
        self.written: list[int] = []
        self.lost = 0

    def lose(self, count: int) -> None:
        self.lost += count


@asynccontextmanager
async def open_trail(store, settings=QUICK, counted=None):
    counted = counted or Counted()
    trail = open_audit_trail(
        store,
        SystemClock(),
        SystemRandomness(),
        settings=settings,
        on_written=counted.written.append,
        on_lost=counted.lose,
    )
    async with trail as opened_trail:
        yield opened_trail


def opened(trail, asked=None, decision=Decision.ALLOWED):
    return trail.opened(WEST, asked or request(), decision=decision, policy_digest="digest")


async def listed(store, wanted=MAIN):
    return [entry.call for entry in await store.list(wanted, limit=100)]


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_a_call_that_ends_before_it_was_written_is_one_entry():
    store, counted = MemoryAuditStore(), Counted()

    async with open_trail(store, counted=counted) as trail:
        opened(trail).closed(end(status=404, sent_bytes=3))

    (call,) = await listed(store)
    assert counted.written == [1]
    assert (call.tenant, call.agent, call.actor, call.actor_groups) == ("main", "west", "ana", ("borealis:admin",))
    assert (call.method, call.path, call.target, call.policy_digest) == ("GET", "/api/v1/pods", "kube", "digest")
    assert (call.end.status, call.end.sent_bytes, call.end.received_bytes, call.end.duration_us) == (404, 3, 9, 250_000)
    assert (call.end.outcome, call.is_denied) == ("complete", False)


async def test_a_long_call_is_seen_while_it_goes_on_and_gets_its_end_later():
    store, counted = MemoryAuditStore(), Counted()

    async with open_trail(store, counted=counted) as trail:
        call = opened(trail)
        await until(lambda: counted.written)
        (open_call,) = await listed(store)
        call.closed(end(outcome=RelayOutcome.CANCELLED, code="CANCELLED"))

    (ended,) = await listed(store)
    assert open_call.end is None
    assert (ended.id, ended.end.outcome, ended.end.code) == (open_call.id, "cancelled", "CANCELLED")


async def test_many_calls_share_a_write():
    store, counted = MemoryAuditStore(), Counted()

    async with open_trail(store, AuditSettings(linger_s=0.01), counted) as trail:
        for _ in range(1000):
            opened(trail).closed(end())

    assert sum(counted.written) == 1000
    assert len(counted.written) <= 2


async def test_secrets_in_queries_are_not_kept():
    store = MemoryAuditStore()

    async with open_trail(store) as trail:
        opened(trail, request(path="/api/v1/namespaces/a/pods/b/exec?command=login&command=pa55&container=c"))

    (call,) = await listed(store)
    assert "pa55" not in call.path
    assert "container=c" in call.path


async def test_a_very_long_path_is_cut():
    store = MemoryAuditStore()

    async with open_trail(store) as trail:
        opened(trail, request(path="/" + "a" * 8000))

    (call,) = await listed(store)
    assert len(call.path) == 2048
    assert call.path.endswith("…")


async def test_plain_connections_and_refusals_are_kept_too():
    store = MemoryAuditStore()
    tcp = TcpRequest(target="prometheus", host="db", port=5432, actor="ana")

    async with open_trail(store) as trail:
        opened(trail, tcp)
        opened(trail, request(method="DELETE"), Decision.DENIED)

    denied, connection = await listed(store)
    assert (connection.method, connection.path, connection.target) == ("TCP", "db:5432", "prometheus")
    assert (denied.method, denied.is_denied, denied.end) == ("DELETE", True, None)


async def test_a_full_disk_refuses_people_and_lets_deployments_go_on_until_there_is_room_again(tmp_path, logs):
    """F23: with a real SQLite file that may not grow."""
    counted = Counted()
    async with open_database(tmp_path / "borealis.db") as database:
        store = SqliteAuditStore(database)
        async with open_trail(store, AuditSettings(linger_s=0.0, retry_s=0.01, max_waiting=10_000), counted) as trail:
            await _limit_pages(database, 1)
            while not counted.lost and not any(entry["event"] == "audit.unwritable" for entry in logs):
                opened(trail, request(actor="", path="/" + "x" * 2000))
                await asyncio.sleep(0.001)
            with pytest.raises(ServerUnavailable, match=r"the audit cannot be written \(.*full"):
                opened(trail, request(actor="ana"))
            engine = opened(trail, request(actor="", path="/of-a-deployment"))
            await _limit_pages(database, 1_000_000)
            await until(lambda: any(entry["event"] == "audit.recovered" for entry in logs))
            engine.closed(end())
            opened(trail, request(actor="ana", path="/afterwards")).closed(end())

        paths = [call.path for call in await listed(store)]

    assert paths[:2] == ["/afterwards", "/of-a-deployment"]
    assert counted.lost == 0
    assert sum(entry["event"] == "audit.unwritable" for entry in logs) == 1


async def _limit_pages(database, pages):
    """SQLite may not grow beyond what it has, or `pages`: what it says then is what it says of a full disk."""
    await database.write(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchone())


class Broken(MemoryAuditStore):
    """Fails until it is repaired."""

    def __init__(self) -> None:
        super().__init__()
        self.is_broken = True

    async def append(self, calls=(), ended=(), *, actions=(), actions_ended=()):
        if self.is_broken:
            raise ServerUnavailable("its store cannot be written (disk I/O error)")
        await super().append(calls, ended, actions=actions, actions_ended=actions_ended)


async def test_what_waits_is_bounded_and_what_is_lost_is_counted(logs):
    store, counted = Broken(), Counted()

    async with open_trail(store, counted=counted) as trail:
        first = opened(trail, request(actor=""))
        await until(lambda: any(entry["event"] == "audit.unwritable" for entry in logs))
        waiting = [opened(trail, request(actor="")) for _ in range(7)]
        lost_openings = counted.lost
        first.closed(end())
        store.is_broken = False
        await until(lambda: counted.written)
        waiting[0].closed(end())

    assert lost_openings == 2
    assert counted.lost == 3  # the end of the first call found no place either
    assert len(await listed(store)) == 6
    assert sum(entry["event"] == "audit.losing" for entry in logs) == 1


async def test_too_many_waiting_entries_refuse_people():
    trail = AuditTrail(MemoryAuditStore(), SystemClock(), SystemRandomness(), settings=QUICK)
    for _ in range(5):
        opened(trail)

    with pytest.raises(ServerUnavailable, match="too many entries wait"):
        opened(trail)


async def test_closing_with_a_broken_store_ends_and_counts_what_is_lost():
    counted = Counted()

    async with open_trail(Broken(), counted=counted) as trail:
        opened(trail, request(actor=""))

    assert counted.lost == 1


class StoppedClock(SystemClock):
    def __init__(self, at):
        self.at = at

    def now(self):
        return self.at


async def test_what_is_older_than_the_retention_goes():
    store, noon = MemoryAuditStore(), datetime(2026, 1, 1, 12, tzinfo=UTC)
    clock = StoppedClock(noon)
    trail = AuditTrail(store, clock, SystemRandomness(), settings=QUICK)
    async with asyncio.TaskGroup() as group:
        group.create_task(trail.run())
        for hours in range(3):
            clock.at = noon + timedelta(hours=hours)
            opened(trail)
        trail.close()
    service = AuditService(store, clock, AuditSettings(retention_s=3600.0))

    assert await service.prune() == 1
    assert len(await listed(store)) == 2


async def test_pages_follow_each_other_and_belong_to_their_query():
    store = MemoryAuditStore()
    async with open_trail(store, AuditSettings()) as trail:
        for number in range(5):
            opened(trail, request(path=f"/{number}"))
    service = AuditService(store, SystemClock())

    first = await service.list(MAIN, PageRequest(size=3))
    second = await service.list(MAIN, PageRequest(size=3, token=first.next_token))

    assert [entry.call.path for entry in (*first.items, *second.items)] == ["/4", "/3", "/2", "/1", "/0"]
    assert second.next_token == ""
    with pytest.raises(PageTokenInvalid):
        await service.list(AuditFilter(tenant="main", actor="bob"), PageRequest(token=first.next_token))
    now = SystemClock().now()
    with pytest.raises(InvalidArgument, match="after start_time"):
        await service.list(AuditFilter(tenant="main", since=now, until=now), ALL)
