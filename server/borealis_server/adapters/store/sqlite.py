"""A SQLite database: one writer that commits in groups, and readers beside it.

Owns connections, threads, transactions and the translation of database errors. What is read and written is said in
`credentials.py`, `agents.py` and `deployments.py`.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from borealis_server.adapters.store.schema import known_migrations, migrate
from borealis_server.domain.errors import ServerUnavailable
from borealis_server.domain.startup import StartRefusedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

T = TypeVar("T")

_READERS = 2
_QUEUE_OPERATIONS = 1024
_GROUP_OPERATIONS = 256
_BUSY_TIMEOUT_MS = 5000
_ANSWER_LIMIT_S = 30.0


@dataclass(slots=True)
class _Pending:
    operation: Callable[[sqlite3.Connection], Any]  # Any: each operation has a result of its own
    outcome: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException


class SqliteDatabase:
    """Runs functions on a database: writes in groups that share one durable commit, reads beside them."""

    def __init__(self, writer: sqlite3.Connection, file: Path, on_commit: Callable[[int], None]) -> None:
        self._writer = writer
        self._file = file
        self._on_commit = on_commit
        self._queue: asyncio.Queue[_Pending | None] = asyncio.Queue(_QUEUE_OPERATIONS)
        self._is_closing = False
        self._has_ended = asyncio.Event()
        self._write_thread = ThreadPoolExecutor(1, "store-writer")
        self._read_threads = ThreadPoolExecutor(_READERS, "store-reader")
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []

    async def write(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        """The result of `operation`, after what it wrote is durable. An error that it raises undoes what it wrote.

        Shape: runs in another thread, in a savepoint; it may share its transaction with other operations.
        Errors: ServerUnavailable when the database cannot be written or is closing; whatever the operation raises.
        """
        if self._is_closing:
            raise ServerUnavailable("it is stopping")
        pending = _Pending(operation, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(_ANSWER_LIMIT_S):
                await self._queue.put(pending)
                outcome: T = await pending.outcome
                return outcome
        except TimeoutError as error:
            raise ServerUnavailable(f"its store did not answer within {_ANSWER_LIMIT_S:g} s") from error

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """The result of `query` on everything that was committed before.

        Errors: ServerUnavailable when the database cannot be read; whatever the query raises.
        """
        if self._is_closing:
            raise ServerUnavailable("it is stopping")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_ANSWER_LIMIT_S):
                return await loop.run_in_executor(self._read_threads, self._query, query)
        except sqlite3.OperationalError as error:
            raise ServerUnavailable(f"its store cannot be read ({error})") from error
        except TimeoutError as error:
            raise ServerUnavailable(f"its store did not answer within {_ANSWER_LIMIT_S:g} s") from error

    async def serve(self) -> None:
        """Commit what is written, group by group, until `close`. Whoever opened the database runs this."""
        try:
            while (group := await self._next_group()) is not None:
                await self._commit(group)
        finally:
            self._has_ended.set()

    async def close(self) -> None:
        """Take no more work, and wait until what was taken is durable."""
        self._is_closing = True
        if not self._has_ended.is_set():
            await self._queue.put(None)
        await self._has_ended.wait()

    def release(self) -> None:
        """Close every connection and thread. Only after `serve` has ended."""
        while not self._queue.empty():
            if (pending := self._queue.get_nowait()) is not None:
                _resolve(pending.outcome, _Failed(ServerUnavailable("it is stopping")))
        self._write_thread.shutdown()
        self._read_threads.shutdown()
        for connection in (*self._readers, self._writer):
            connection.close()

    async def _commit(self, group: Sequence[_Pending]) -> None:
        operations = [pending.operation for pending in group]
        outcomes: Sequence[object] = [_Failed(ServerUnavailable("it is stopping"))] * len(group)
        try:
            loop = asyncio.get_running_loop()
            outcomes = await loop.run_in_executor(self._write_thread, _commit, self._writer, operations)
            self._on_commit(len(group))
        finally:
            for pending, outcome in zip(group, outcomes, strict=True):
                _resolve(pending.outcome, outcome)

    async def _next_group(self) -> list[_Pending] | None:
        """Everything that waits, at least one operation; None after the last."""
        first = await self._queue.get()
        if first is None:
            return None
        group = [first]
        while len(group) < _GROUP_OPERATIONS and not self._queue.empty():
            pending = self._queue.get_nowait()
            if pending is None:
                self._queue.put_nowait(None)
                break
            group.append(pending)
        return group

    def _query(self, query: Callable[[sqlite3.Connection], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = _connect(self._file)
            connection.execute("PRAGMA query_only = 1")
            self._local.connection = connection
            self._readers.append(connection)
        return query(connection)


@asynccontextmanager
async def open_database(
    file: Path, *, migrations: Sequence[str] | None = None, on_commit: Callable[[int], None] = lambda _: None
) -> AsyncIterator[SqliteDatabase]:
    """The database in `file`, made or migrated as needed; `on_commit` learns how many operations each commit carried.

    Errors: StartRefusedError when it cannot be opened or was written by a newer program.
    """
    writer = await asyncio.to_thread(_open_writer, file, known_migrations() if migrations is None else migrations)
    database = SqliteDatabase(writer, file, on_commit)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(database.serve(), name="store.writer")
            try:
                yield database
            finally:
                await database.close()
    finally:
        database.release()


def _open_writer(file: Path, migrations: Sequence[str]) -> sqlite3.Connection:
    try:
        connection = _connect(file)
        connection.execute("PRAGMA journal_mode = WAL")
        migrate(connection, migrations)
    except sqlite3.Error as error:
        raise StartRefusedError(f"cannot open the store {file}: {error}; restore a backup, or move it away") from error
    file.chmod(0o600)
    return connection


def _connect(file: Path) -> sqlite3.Connection:
    # One thread at a time uses a connection; it is another one only when it is closed.
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    for setting in ("synchronous = FULL", "foreign_keys = ON", f"busy_timeout = {_BUSY_TIMEOUT_MS}"):
        connection.execute(f"PRAGMA {setting}")
    return connection


def _commit(connection: sqlite3.Connection, operations: Sequence[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
    """What each operation returned or raised, after all of them were committed together."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        outcomes = [_run(connection, operation) for operation in operations]
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        return [_Failed(_unavailable(error)) for _ in operations]
    return outcomes


def _run(connection: sqlite3.Connection, operation: Callable[[sqlite3.Connection], Any]) -> Any:
    """Result or failure of one operation in a savepoint. Raises sqlite3.Error only when the transaction is lost."""
    connection.execute("SAVEPOINT operation")
    try:
        result = operation(connection)
    except Exception as error:
        if not connection.in_transaction:
            raise sqlite3.OperationalError(f"the transaction was lost: {error}") from error
        connection.execute("ROLLBACK TO operation")
        connection.execute("RELEASE operation")
        return _Failed(_unavailable(error) if isinstance(error, sqlite3.OperationalError) else error)
    connection.execute("RELEASE operation")
    return result


def _unavailable(error: sqlite3.Error) -> ServerUnavailable:
    unavailable = ServerUnavailable(f"its store cannot be written ({error})")
    unavailable.__cause__ = error
    return unavailable


def _resolve(future: asyncio.Future[Any], outcome: object) -> None:
    if future.done():  # whoever asked has been cancelled
        return
    if isinstance(outcome, _Failed):
        future.set_exception(outcome.error)
    else:
        future.set_result(outcome)
