"""What SQLite promises beyond the contract: groups, crashes, full disks, and schemas of other versions."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from borealis_server.adapters.store.deployments import SqliteDeploymentStore
from borealis_server.adapters.store.sqlite import open_database
from borealis_server.domain.deployment import DeploymentKey
from borealis_server.domain.errors import ServerUnavailable
from borealis_server.domain.startup import StartRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from borealis_server.adapters.store.sqlite import SqliteDatabase

PROGRAM = Path(__file__).parent / "commit_stream.py"
TABLE = "CREATE TABLE numbers (n INTEGER PRIMARY KEY);"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "borealis.db"


def insert(number: int) -> Callable[[sqlite3.Connection], int]:
    return lambda connection: connection.execute("INSERT INTO numbers VALUES (?)", (number,)).rowcount


async def numbers(database: SqliteDatabase) -> list[int]:
    rows = await database.read(lambda connection: connection.execute("SELECT n FROM numbers ORDER BY n").fetchall())
    return [number for (number,) in rows]


def acknowledged_before_kill(file: Path, lines: int) -> dict[str, int]:
    """The last sequence that each writer heard to be durable, when the program is killed after so many lines."""
    seen: dict[str, int] = {}
    with subprocess.Popen([sys.executable, PROGRAM, file], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        said = [program.stdout.readline() for _ in range(lines)]
        program.kill()
        said += program.stdout.readlines()
    for line in said:
        if line.endswith("\n"):  # the last one may have been cut
            name, sequence = line.split()
            seen[name] = int(sequence)
    return seen


@pytest.mark.parametrize("lines", [1, 40, 400])
async def test_everything_acknowledged_survives_a_kill_in_the_middle_of_commits(file, lines):
    seen = acknowledged_before_kill(file, lines)

    async with open_database(file) as database:
        store = SqliteDeploymentStore(database)
        for name, sequence in seen.items():
            key = DeploymentKey(tenant="main", id=name)
            kept = await store.get(key)
            events = await store.events(key, after_sequence=0, limit=100_000)
            assert kept.sequence >= sequence
            assert [event.sequence for event in events] == list(range(1, kept.sequence + 1))
    assert seen


async def test_writes_that_wait_share_one_commit(file):
    groups: list[int] = []

    async with open_database(file, migrations=[TABLE], on_commit=groups.append) as database:
        async with asyncio.TaskGroup() as tasks:
            for number in range(100):
                tasks.create_task(database.write(insert(number)))
        kept = await numbers(database)

    assert kept == list(range(100))
    assert sum(groups) == 100
    assert len(groups) <= 3


async def test_an_operation_that_fails_undoes_only_itself(file):
    async def outcome(number: int) -> str:
        try:
            await database.write(insert(number))
        except sqlite3.IntegrityError:
            return "refused"
        return "kept"

    async with open_database(file, migrations=[TABLE]) as database:
        async with asyncio.TaskGroup() as tasks:
            results = [tasks.create_task(outcome(number)) for number in (1, 2, 2, 3)]
        kept = await numbers(database)

    assert [task.result() for task in results] == ["kept", "kept", "refused", "kept"]
    assert kept == [1, 2, 3]


async def test_a_half_done_operation_leaves_nothing(file):
    def half(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO numbers VALUES (1)")
        raise LookupError("no")

    async with open_database(file, migrations=[TABLE]) as database:
        with pytest.raises(LookupError):
            await database.write(half)

        assert await numbers(database) == []


async def test_a_full_disk_is_reported_to_everybody_and_does_not_end_the_store(file):
    async with open_database(file, migrations=["CREATE TABLE blobs (b BLOB);"]) as database:
        await database.write(lambda connection: connection.execute("PRAGMA max_page_count = 10").fetchone())
        with pytest.raises(ServerUnavailable, match="full"):
            await database.write(lambda connection: connection.execute("INSERT INTO blobs VALUES (zeroblob(1000000))"))

        await database.write(lambda connection: connection.execute("INSERT INTO blobs VALUES (zeroblob(10))").rowcount)
        (count,) = await database.read(lambda connection: connection.execute("SELECT count(*) FROM blobs").fetchone())
        assert count == 1


async def test_readers_cannot_write(file):
    async with open_database(file, migrations=[TABLE]) as database:
        with pytest.raises(ServerUnavailable, match="readonly"):
            await database.read(insert(1))


async def test_work_that_was_taken_is_finished_when_the_store_closes(file):
    async with asyncio.TaskGroup() as tasks:
        async with open_database(file, migrations=[TABLE]) as database:
            writes = [tasks.create_task(database.write(insert(number))) for number in range(50)]
            await asyncio.sleep(0)

        for write in writes:
            assert await write == 1

    async with open_database(file, migrations=[TABLE]) as database:
        assert await numbers(database) == list(range(50))


async def test_a_closed_store_refuses_and_says_so(file):
    async with open_database(file, migrations=[TABLE]) as database:
        pass

    with pytest.raises(ServerUnavailable, match="stopping"):
        await database.write(insert(1))
    with pytest.raises(ServerUnavailable, match="stopping"):
        await numbers(database)


async def test_a_caller_that_was_cancelled_does_not_disturb_the_others(file):
    async with open_database(file, migrations=[TABLE]) as database:
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(database.write(insert(1)))
            tasks.create_task(database.write(insert(2)))
            await asyncio.sleep(0)
            first.cancel()

        assert 2 in await numbers(database)


async def test_migrations_are_applied_once_and_in_order(file):
    second = "ALTER TABLE numbers ADD COLUMN name TEXT;\n-- a comment; with a semicolon\nCREATE TABLE more (m TEXT);"

    async with open_database(file, migrations=[TABLE]) as database:
        await database.write(insert(1))
    async with open_database(file, migrations=[TABLE, second]) as database:
        await database.write(lambda connection: connection.execute("INSERT INTO numbers VALUES (2, 'two')").rowcount)
    async with open_database(file, migrations=[TABLE, second]) as database:
        assert await numbers(database) == [1, 2]


async def test_a_migration_that_fails_leaves_the_schema_as_it_was(file):
    broken = "CREATE TABLE fine (f TEXT);\nCREATE TABLE broken broken broken;"

    async with open_database(file, migrations=[TABLE]) as database:
        await database.write(insert(1))
    with pytest.raises(StartRefusedError, match="syntax error"):
        async with open_database(file, migrations=[TABLE, broken]):
            pass

    async with open_database(file, migrations=[TABLE]) as database:
        assert await numbers(database) == [1]


async def test_a_store_of_a_newer_program_is_refused(file):
    async with open_database(file, migrations=[TABLE, "CREATE TABLE more (m TEXT);"]):
        pass

    with pytest.raises(StartRefusedError, match=r"newer Borealis \(schema 2, this one knows 1\)"):
        async with open_database(file, migrations=[TABLE]):
            pass


async def test_a_file_that_is_no_database_is_refused(file):
    file.write_bytes(b"certainly not a database" * 100)

    with pytest.raises(StartRefusedError, match="cannot open the store"):
        async with open_database(file):
            pass


async def test_the_file_is_its_owners_alone(file):
    async with open_database(file):
        assert file.stat().st_mode & 0o777 == 0o600
