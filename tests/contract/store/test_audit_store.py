"""What every store of the audit does."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_client import check_export
from borealis_server.adapters.store.audit import SqliteAuditStore
from borealis_server.adapters.store.memory_audit import MemoryAuditStore
from borealis_server.adapters.store.rules import to_us
from borealis_server.adapters.store.schema import known_migrations
from borealis_server.adapters.store.sqlite import open_database
from borealis_server.domain.audit import AuditAction, AuditActionEnd, AuditCall, AuditChange, AuditEnd, AuditFilter
from borealis_server.domain.audit_chain import GENESIS, AuditRow, line, link
from borealis_server.domain.paging import PageRequest
from borealis_server.services.audit_proof import AuditProofService, KeptHead

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
                f"WHERE is_end = 0 AND kind = 'call' AND {where} ORDER BY at_us DESC, sequence DESC LIMIT 5"
            )
            plans.append(" ".join(row[3] for row in connection.execute(sql)))
    connection.close()

    assert ["TEMP B-TREE" in plan for plan in plans] == [False] * 3
    assert ["audit_newest" in plan for plan in plans] == [True] * 3


def action(name, *, minutes=0, tenant="main", actor="ana", **more):
    return AuditAction(
        id=name,
        opened_at=NOON + timedelta(minutes=minutes),
        tenant=tenant,
        actor=actor,
        subject="clients/abc",
        source="ipv4:127.0.0.1:5000",
        method="borealis.secret.v1.SecretService/SetSecret",
        request='{"secret_id": "ü", "value": "****"}',
        request_id="r-2",
        **more,
    )


DONE = AuditActionEnd(
    closed_at=NOON + timedelta(hours=1),
    reason="STALE",
    changes=(AuditChange(what="tenants/main/secrets/a", before='{"key": "k1"}', after='{"key": "k2"}'),),
)


async def proven(store, tenant="main", kept=None):
    return await AuditProofService(store).verify(tenant, kept)


async def test_actions_come_back_whole_and_apart_from_calls(store):
    first, second = action("a"), action("b", minutes=1, refusal="Principal Not Authorized")
    await store.append([call("c")], actions=[first, second])
    await store.append(actions_ended=[replace(first, end=DONE)])

    actions = await store.list_actions(MAIN, limit=10)

    assert [entry.action for entry in actions] == [second, replace(first, end=DONE)]
    assert [one.id for one in await calls(store)] == ["c"]
    assert await store.list_actions(replace(MAIN, actor="bob"), limit=10) == ()
    assert await store.list_actions(AuditFilter(tenant="other"), limit=10) == ()


async def test_every_entry_is_a_link_of_the_chain_of_its_tenant(store):
    first = call("a")
    await store.append([first, call("b", tenant="other")], actions=[action("c")])
    await store.append([], [replace(first, end=END)], actions_ended=[replace(action("c"), end=DONE)])

    mine, theirs = await store.links("main", after=0, limit=10), await store.links("other", after=0, limit=10)
    head = await store.head("main")

    assert [(one.number, one.row.part) for one in mine] == [
        (1, "call"),
        (2, "action"),
        (3, "call_end"),
        (4, "action_end"),
    ]
    assert [one.previous for one in mine] == [GENESIS, *(one.hash for one in mine[:-1])]
    assert [one.number for one in theirs] == [1]
    assert (head.number, head.hash, head.first_number) == (4, mine[-1].hash, 1)
    assert await store.links("main", after=2, limit=1) == mine[2:3]
    assert (await proven(store)).entries == 4
    assert (await proven(store)).broken_number == 0
    assert (await proven(store, "nobody")).entries == 0


async def test_a_chain_that_was_shortened_by_age_is_whole_still(store):
    await store.append([call(f"c{number}", minutes=number) for number in range(5)])
    kept = (await store.links("main", after=0, limit=1))[0]

    gone = await store.prune(NOON + timedelta(minutes=3), limit=2)
    gone += await store.prune(NOON + timedelta(minutes=3), limit=2)
    await store.append([call("c5", minutes=9)])

    proof = await proven(store)
    assert (gone, proof.entries, proof.head.first_number, proof.broken_number) == (3, 3, 4, 0)
    assert "forgotten by age" in (await proven(store, kept=KeptHead(number=1, hash=kept.hash))).fault


async def test_a_young_entry_keeps_what_is_behind_it(store):
    await store.append([call("young", minutes=60), call("old"), call("newest", minutes=90)])

    assert await store.prune(NOON + timedelta(minutes=30), limit=10) == 0


async def test_what_is_exported_proves_itself_elsewhere(store):
    await store.append([call(f"c{number}") for number in range(3)], actions=[action("a")])
    proofs = AuditProofService(store)

    first = await proofs.export("main", PageRequest(size=3), after=0)
    rest = await proofs.export("main", PageRequest(size=3), after=first.last_number)
    found = check_export([*first.lines, *rest.lines])

    assert (await proofs.export("main", PageRequest(size=3), after=rest.last_number)).last_number == 0
    head = await store.head("main")
    assert (found.entries, found.head_number, found.head_hash) == (4, 4, head.hash)
    assert found.broken_line == 0


TAMPERINGS = [
    pytest.param("UPDATE audit_entries SET record = replace(record, 'ana', 'eve') WHERE number = 3", 3, id="record"),
    pytest.param("UPDATE audit_entries SET actor = 'eve' WHERE number = 3", 3, id="actor"),
    pytest.param("UPDATE audit_entries SET at_us = at_us + 1 WHERE number = 3", 3, id="time"),
    pytest.param("DELETE FROM audit_entries WHERE number = 3", 3, id="taken-out"),
    pytest.param("DELETE FROM audit_entries WHERE number = 1", 1, id="first-taken-out"),
    pytest.param("DELETE FROM audit_entries WHERE number >= 3", 3, id="end-cut-off"),
    pytest.param("DELETE FROM audit_entries", 1, id="all-gone"),
    pytest.param(
        "UPDATE audit_entries SET number = CASE number WHEN 2 THEN 3 ELSE 2 END, sequence = sequence "
        "WHERE number IN (2, 3)",
        2,
        id="exchanged",
    ),
    pytest.param("UPDATE audit_heads SET number = 3", 3, id="head-moved-back"),
]


@pytest.mark.parametrize(("sql", "broken"), TAMPERINGS)
async def test_whoever_changes_the_files_is_found_out(tmp_path, sql, broken):
    file = tmp_path / "borealis.db"
    async with open_database(file) as database:
        await SqliteAuditStore(database).append([call(f"c{number}") for number in range(5)])
    with sqlite3.connect(file) as connection:
        connection.execute("DROP INDEX audit_links")
        connection.execute(sql)
    connection.close()

    async with open_database(file) as database:
        proof = await proven(SqliteAuditStore(database))

    assert proof.broken_number == broken
    assert proof.fault


async def test_a_chain_written_anew_is_found_out_by_an_entry_that_was_kept_elsewhere(tmp_path):
    kept: dict[str, KeptHead] = {}
    for name, count in (("true", 5), ("forged", 5), ("cut", 3)):
        async with open_database(tmp_path / f"{name}.db") as database:
            store = SqliteAuditStore(database)
            actor = "eve" if name == "forged" else "ana"
            await store.append([call(f"c{number}", actor=actor) for number in range(count)])
            head = await store.head("main")
            kept.setdefault("head", KeptHead(number=head.number, hash=head.hash))
            proof, with_head = await proven(store), await proven(store, kept=kept["head"])
        assert proof.broken_number == 0
        assert with_head.broken_number == (0 if name == "true" else 5)


async def test_entries_from_before_the_chain_are_listed_and_forgotten_as_ever(tmp_path):
    file = tmp_path / "borealis.db"
    async with open_database(file, migrations=known_migrations()[:-1]):
        pass
    with sqlite3.connect(file) as connection:
        connection.execute(
            "INSERT INTO audit_entries (sequence, tenant, call_id, is_end, at_us, agent, actor, record) "
            "VALUES (1, 'main', 'old', 0, ?, 'west', 'ana', ?)",
            (to_us(NOON), msgspec.json.encode(call("old")).decode()),
        )
    connection.close()

    async with open_database(file) as database:
        store = SqliteAuditStore(database)
        await store.append([call("new", minutes=1)])
        listed = [one.id for one in await calls(store)]
        proof = await proven(store)
        gone = await store.prune(NOON + timedelta(seconds=30), limit=10)

    assert listed == ["new", "old"]
    assert (proof.entries, proof.broken_number, gone) == (1, 0, 1)


@given(
    st.lists(
        st.builds(
            AuditRow,
            tenant=st.just("main"),
            id=st.text(max_size=5),
            part=st.sampled_from(["call", "action_end"]),
            time_us=st.integers(min_value=0, max_value=2**53),
            agent=st.text(max_size=9),
            actor=st.text(st.characters(), max_size=9),
            record=st.dictionaries(
                st.text(max_size=5), st.text(max_size=9) | st.integers() | st.booleans() | st.none(), max_size=3
            ).map(lambda record: msgspec.json.Encoder(order="sorted").encode(record).decode()),
        ),
        max_size=6,
    )
)
def test_both_ways_of_checking_read_every_entry_alike(rows):
    lines, previous = [], GENESIS
    for number, row in enumerate(rows, start=1):
        one = link(number, row, previous)
        lines.append(line(one))
        previous = one.hash

    assert check_export(lines).entries == len(rows)
    assert check_export(lines).broken_line == 0
