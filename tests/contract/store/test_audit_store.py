"""What every store of the audit does."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from borealis_server.adapters.store.audit import SqliteAuditStore
from borealis_server.adapters.store.memory import MemoryAuditStore
from borealis_server.adapters.store.sqlite import open_database
from borealis_server.domain.audit import AuditCall, AuditEnd, AuditFilter

NOON = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
MAIN = AuditFilter(tenant="main")


@pytest.fixture(params=["memory", "sqlite"])
async def store(request, tmp_path):
    if request.param == "memory":
        yield MemoryAuditStore()
        return
    async with open_database(tmp_path / "borealis.db") as database:
        yield SqliteAuditStore(database)


def call(name, *, minutes=0, tenant="main", agent="west", actor="ana", **more):
    return AuditCall(
        id=name,
        opened_at=NOON + timedelta(minutes=minutes),
        tenant=tenant,
        agent=agent,
        target="kube",
        actor=actor,
        actor_groups=("borealis:admin",),
        method="GET",
        path="/api/v1/pods?labelSelector=app%3Dü",
        request_id="r-1",
        policy_digest="d" * 64,
        **more,
    )


END = AuditEnd(
    closed_at=NOON + timedelta(hours=1),
    duration_us=1_500_000,
    status=200,
    sent_bytes=3,
    received_bytes=5_000_000_000,
    outcome="complete",
    code="",
)


async def calls(store, wanted=MAIN, **more):
    return [entry.call for entry in await store.list(wanted, limit=100, **more)]


async def test_calls_come_back_whole_and_newest_first(store):
    first, second = call("a"), call("b", minutes=1, is_denied=True, end=END)

    await store.append([first, second])

    assert await calls(store) == [second, first]


async def test_an_end_that_comes_later_joins_its_call(store):
    first, second = call("a"), call("b", minutes=1)
    await store.append([first, second])

    await store.append([call("c", minutes=2)], [replace(first, end=END)])

    assert [one.end for one in await calls(store)] == [None, None, END]


async def test_filters_hold_together(store):
    await store.append(
        [
            call("a", agent="east"),
            call("b", actor="bob", minutes=1),
            call("c", minutes=2),
            call("d", tenant="other", minutes=3),
        ]
    )

    async def ids(**more):
        return [one.id for one in await calls(store, replace(MAIN, **more))]

    assert await ids() == ["c", "b", "a"]
    assert await ids(agent="west") == ["c", "b"]
    assert await ids(agent="west", actor="bob") == ["b"]
    assert await ids(since=NOON + timedelta(minutes=1)) == ["c", "b"]
    assert await ids(until=NOON + timedelta(minutes=1)) == ["a"]
    assert await ids(since=NOON + timedelta(minutes=1), until=NOON + timedelta(minutes=2), actor="ana") == []


async def test_another_tenants_calls_are_never_shown(store):
    await store.append([call("a", tenant="other"), call("b")])

    assert [one.id for one in await calls(store)] == ["b"]


async def test_pages_meet_without_a_gap_also_where_times_are_equal(store):
    await store.append([call(f"c{number}") for number in range(7)])
    seen, before = [], None

    while page := await store.list(MAIN, limit=3, before=before):
        seen += [entry.call.id for entry in page]
        before = (page[-1].call.opened_at, page[-1].sequence)

    assert seen == [f"c{number}" for number in reversed(range(7))]


async def test_pruning_takes_the_oldest_first_and_leaves_the_rest(store):
    await store.append([call(f"c{number}", minutes=number) for number in range(5)])

    gone = await store.prune(NOON + timedelta(minutes=3), limit=2)
    left = [one.id for one in await calls(store)]

    assert (gone, left) == (2, ["c4", "c3", "c2"])
    assert await store.prune(NOON + timedelta(minutes=3), limit=2) == 1
    assert await store.prune(NOON + timedelta(minutes=3), limit=2) == 0


async def test_numbers_go_on_after_everything_was_pruned(store):
    await store.append([call("a"), call("b")])
    await store.prune(NOON + timedelta(days=1), limit=100)
    (kept,) = await store.list(MAIN, limit=10)

    await store.append([call("c", minutes=1)])
    newest, _ = await store.list(MAIN, limit=10)

    assert kept.call.id == "b"
    assert newest.sequence == kept.sequence + 1


async def test_lists_are_served_by_an_index_and_not_by_sorting(tmp_path):
    file = tmp_path / "borealis.db"
    async with open_database(file) as database:
        await SqliteAuditStore(database).append([call("a")])
    plans = []
    with sqlite3.connect(file) as connection:
        for where in ("tenant = 'a'", "tenant = 'a' AND agent = 'b'", "tenant = 'a' AND actor = 'b' AND at_us < 9"):
            sql = (
                "EXPLAIN QUERY PLAN SELECT record FROM audit_entries "  # noqa: S608 - conditions from above
                f"WHERE is_end = 0 AND {where} ORDER BY at_us DESC, sequence DESC LIMIT 5"
            )
            plans.append(" ".join(row[3] for row in connection.execute(sql)))
    connection.close()

    assert ["TEMP B-TREE" in plan for plan in plans] == [False] * 3
    assert ["audit_newest" in plan for plan in plans] == [True] * 3
