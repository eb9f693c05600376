"""Copies of the database: one taken while a server writes to it, and one put in its place while none runs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from borealis_server.adapters.private_files import hold_lock, open_directory
from borealis_server.adapters.store.schema import known_migrations
from borealis_server.domain.startup import StartRefusedError

if TYPE_CHECKING:
    from pathlib import Path

_OTHER_FILES: Final = ("-wal", "-shm")


def back_up(file: Path, to: Path) -> int:
    """Write everything that is committed now to `to`, one new file with mode 0600; its size in bytes.

    Shape: a server may go on writing to `file` meanwhile; it waits for nothing.
    Errors: StartRefusedError when there is no database, `to` exists, or it cannot be written.
    """
    if not file.is_file():
        raise StartRefusedError(f"there is no store in {file.parent}: name the data folder of the server")
    if to.exists():
        raise StartRefusedError(f"{to} exists: choose another file, so that no backup is lost")
    try:
        _copy(file, to)
    except (sqlite3.Error, OSError) as error:
        to.unlink(missing_ok=True)
        raise StartRefusedError(f"cannot back up {file} to {to}: {error}") from error
    return to.stat().st_size


def restore(source: Path, file: Path) -> Path | None:
    """Put the database in `source` in the place of `file`; where the one that stood there is now, if there was one.

    Errors: StartRefusedError when `source` is no whole database that this program knows, or a server is running.
    """
    check(source)
    open_directory(file.parent)
    with hold_lock(file.parent / "server.lock"):
        coming, before = file.with_suffix(".restoring"), None
        coming.unlink(missing_ok=True)
        try:
            _copy(source, coming)
            if file.exists():
                before = _moved_aside(file)
            coming.replace(file)
        except (sqlite3.Error, OSError) as error:
            coming.unlink(missing_ok=True)
            raise StartRefusedError(f"cannot restore {source} to {file}: {error}") from error
    return before


def check(file: Path) -> None:
    """Look whether the file is a whole database that this program knows. Errors: StartRefusedError."""
    if not file.is_file():
        raise StartRefusedError(f"there is no file {file}")
    try:
        with closing(_opened(file)) as connection:
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            (version,) = connection.execute("SELECT MAX(version) FROM schema_version").fetchone()
    except sqlite3.Error as error:
        raise StartRefusedError(f"{file} is no backup of a store: {error}") from error
    if verdict != "ok":
        raise StartRefusedError(f"{file} is damaged: {verdict}")
    if version > len(known_migrations()):
        raise StartRefusedError(f"{file} was written by a newer Borealis (schema {version}): restore it with that one")


def _copy(file: Path, to: Path) -> None:
    to.touch(mode=0o600)
    with closing(_opened(file)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)  # all at once: in steps, a busy writer would make it begin again for ever
        target.execute("PRAGMA journal_mode = DELETE")  # one file, without companions
    check(to)


def _moved_aside(file: Path) -> Path:
    """Where the database is now, whole and in one file."""
    number = 1
    while (aside := file.with_suffix(f".before-restore-{number}")).exists():
        number += 1
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    file.rename(aside)
    for name in _OTHER_FILES:
        file.with_name(file.name + name).unlink(missing_ok=True)
    return aside


def _opened(file: Path) -> sqlite3.Connection:
    """The database for reading only."""
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)
