"""Backups are taken from a database that is written to, and restored where no server runs."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing, nullcontext
from datetime import UTC, datetime

import pytest

from borealis_server.adapters.private_files import hold_lock
from borealis_server.adapters.store.agents import SqliteAgentRecordStore
from borealis_server.adapters.store.backup import back_up, restore
from borealis_server.adapters.store.sqlite import open_database
from borealis_server.domain.agent import AgentRecord
from borealis_server.domain.startup import StartRefusedError

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def record(name):
    return AgentRecord(tenant="main", name=name, last_seen_at=NOON, disconnected_at=None)


async def names(file, wanted):
    async with open_database(file) as database:
        return {one.name for one in await SqliteAgentRecordStore(database).agent_records("main", wanted)}


async def test_a_backup_holds_what_was_committed_and_is_one_whole_file(tmp_path):
    file, copy = tmp_path / "data" / "borealis.db", tmp_path / "backup.db"
    file.parent.mkdir(mode=0o700)
    written = 0

    async with open_database(file) as database:
        store = SqliteAgentRecordStore(database)

        async def keep_writing() -> None:
            nonlocal written
            while True:
                await store.record_agent(record(f"a{written}"))
                written += 1

        async with asyncio.TaskGroup() as group:
            writer = group.create_task(keep_writing())
            while written < 50:
                await asyncio.sleep(0)
            before = written
            size_bytes = await asyncio.to_thread(back_up, file, copy)
            writer.cancel()

    found = await names(copy, [f"a{number}" for number in range(written + 1)])
    assert {f"a{number}" for number in range(before)} <= found
    assert size_bytes > 0
    assert copy.stat().st_mode & 0o777 == 0o600


async def test_what_is_restored_goes_on_and_what_was_there_is_kept(tmp_path):
    file, copy = tmp_path / "data" / "borealis.db", tmp_path / "backup.db"
    file.parent.mkdir(mode=0o700)
    async with open_database(file) as database:
        await SqliteAgentRecordStore(database).record_agent(record("early"))
    back_up(file, copy)
    async with open_database(file) as database:
        await SqliteAgentRecordStore(database).record_agent(record("late"))

    before = restore(copy, file)

    assert before is not None
    async with open_database(file) as database:
        await SqliteAgentRecordStore(database).record_agent(record("after"))
    assert await names(file, ["early", "late", "after"]) == {"early", "after"}
    assert await names(before, ["early", "late", "after"]) == {"early", "late"}
    assert restore(before, file) != before


def test_a_backup_of_nothing_and_over_something_is_refused(tmp_path):
    with pytest.raises(StartRefusedError, match="there is no store"):
        back_up(tmp_path / "borealis.db", tmp_path / "copy.db")
    (tmp_path / "borealis.db").write_bytes(b"")
    (tmp_path / "copy.db").write_text("mine")
    with pytest.raises(StartRefusedError, match="exists"):
        back_up(tmp_path / "borealis.db", tmp_path / "copy.db")

    assert (tmp_path / "copy.db").read_text() == "mine"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param("absent", "there is no file", id="absent"),
        pytest.param("other", "is no backup of a store", id="something-else"),
        pytest.param("newer", "written by a newer Borealis", id="newer"),
        pytest.param("damaged", "damaged|no backup", id="damaged"),
        pytest.param("running", "another server", id="server-is-running"),
    ],
)
async def test_what_cannot_be_restored_changes_nothing(tmp_path, fault, words):
    file, copy = tmp_path / "data" / "borealis.db", tmp_path / "backup.db"
    file.parent.mkdir(mode=0o700)
    async with open_database(file) as database:
        await SqliteAgentRecordStore(database).record_agent(record("kept"))
    back_up(file, copy)
    if fault == "absent":
        copy.unlink()
    elif fault == "other":
        copy.write_text("not a database at all")
    elif fault == "newer":
        with closing(sqlite3.connect(copy)) as connection, connection:
            connection.execute("INSERT INTO schema_version VALUES (9999)")
    elif fault == "damaged":
        content = bytearray(copy.read_bytes())
        content[4096 : len(content) // 2] = bytes(len(content) // 2 - 4096)
        copy.write_bytes(content)

    lock = hold_lock(file.parent / "server.lock") if fault == "running" else nullcontext()
    with lock, pytest.raises(StartRefusedError, match=words):
        restore(copy, file)

    assert await names(file, ["kept"]) == {"kept"}
