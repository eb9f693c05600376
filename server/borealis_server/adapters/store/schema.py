"""Brings a database to the schema that this program knows: forward only, one transaction for each migration."""

from __future__ import annotations

import sqlite3
from importlib import resources
from typing import TYPE_CHECKING

from borealis_server.domain.startup import StartRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def known_migrations() -> tuple[str, ...]:
    """The SQL of every migration, first to last; the first brings a database to version 1."""
    folder = resources.files("borealis_server.adapters.store") / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(file.read_text(encoding="utf-8") for file in files)


def migrate(connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
    """Apply the migrations that the database has not seen.

    Errors: StartRefusedError when a newer program has written it.
    """
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL PRIMARY KEY)")
    (version,) = connection.execute("SELECT COALESCE(MAX(version), 0) FROM schema_version").fetchone()
    if version > len(migrations):
        raise StartRefusedError(
            f"the store was written by a newer Borealis (schema {version}, this one knows {len(migrations)}): "
            "start that version, or restore a backup of the data folder"
        )
    for number, script in enumerate(migrations[version:], start=version + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in _statements(script):
                connection.execute(statement)
            connection.execute("INSERT INTO schema_version (version) VALUES (?)", (number,))
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def _statements(script: str) -> Iterator[str]:
    """Statement by statement, since executing a script at once would commit in between."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    if pending.strip():
        raise ValueError(f"the migration ends in the middle of a statement: {pending.strip()[:80]}")
