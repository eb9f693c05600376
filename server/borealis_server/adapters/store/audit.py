"""The audit of relayed calls in SQLite."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from borealis_server.adapters.store.rules import to_us
from borealis_server.domain.audit import AuditCall, AuditEnd, AuditEntry

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from datetime import datetime

    from borealis_server.adapters.store.sqlite import SqliteDatabase
    from borealis_server.domain.audit import AuditFilter

_encode = msgspec.json.Encoder().encode
_call = msgspec.json.Decoder(AuditCall).decode
_end = msgspec.json.Decoder(AuditEnd).decode

_INSERT = (
    "INSERT INTO audit_entries (sequence, tenant, call_id, is_end, at_us, agent, actor, record) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_PRUNE = (
    "DELETE FROM audit_entries WHERE sequence IN (SELECT sequence FROM audit_entries WHERE at_us < ? "
    "AND sequence < (SELECT MAX(sequence) FROM audit_entries) ORDER BY at_us LIMIT ?)"
)


class SqliteAuditStore:
    """Implements `ports.audit_store.AuditStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def append(self, calls: Sequence[AuditCall], ended: Sequence[AuditCall] = ()) -> None:
        """Keep calls, and the ends of those in `ended`, all or none."""

        def add(connection: sqlite3.Connection) -> None:
            (last,) = connection.execute("SELECT COALESCE(MAX(sequence), 0) FROM audit_entries").fetchone()
            rows = [*map(_opened_row, calls), *map(_ended_row, ended)]
            connection.executemany(_INSERT, [(number, *row) for number, row in enumerate(rows, start=last + 1)])

        await self._database.write(add)

    async def list(
        self, wanted: AuditFilter, *, limit: int, before: tuple[datetime, int] | None = None
    ) -> tuple[AuditEntry, ...]:
        """At most `limit` calls that `wanted` describes, newest first."""
        conditions: list[tuple[str, tuple[str | int, ...]]] = [("is_end = 0 AND tenant = ?", (wanted.tenant,))]
        if wanted.agent:
            conditions.append(("agent = ?", (wanted.agent,)))
        if wanted.actor:
            conditions.append(("actor = ?", (wanted.actor,)))
        if wanted.since is not None:
            conditions.append(("at_us >= ?", (to_us(wanted.since),)))
        if wanted.until is not None:
            conditions.append(("at_us < ?", (to_us(wanted.until),)))
        if before is not None:
            conditions.append(("(at_us, sequence) < (?, ?)", (to_us(before[0]), before[1])))
        where = " AND ".join(condition for condition, _ in conditions)
        sql = (
            "SELECT sequence, record, (SELECT ended.record FROM audit_entries AS ended "  # noqa: S608 - conditions from above
            "WHERE ended.is_end = 1 AND ended.call_id = audit_entries.call_id LIMIT 1) "
            f"FROM audit_entries WHERE {where} ORDER BY at_us DESC, sequence DESC LIMIT ?"
        )
        values = (*(value for _, part in conditions for value in part), limit)
        rows = await self._database.read(lambda connection: connection.execute(sql, values).fetchall())
        return tuple(_entry(*row) for row in rows)

    async def prune(self, older_than: datetime, *, limit: int) -> int:
        """Forget what is older, the newest entry of all excepted; how many entries are gone."""
        values = (to_us(older_than), limit)
        return await self._database.write(lambda connection: connection.execute(_PRUNE, values).rowcount)


def _opened_row(call: AuditCall) -> tuple[str, str, int, int, str, str, str]:
    return (call.tenant, call.id, 0, to_us(call.opened_at), call.agent, call.actor, _encode(call).decode())


def _ended_row(call: AuditCall) -> tuple[str, str, int, int, str, str, str]:
    if call.end is None:
        raise ValueError(f"call {call.id} has not ended")
    return (call.tenant, call.id, 1, to_us(call.end.closed_at), call.agent, call.actor, _encode(call.end).decode())


def _entry(sequence: int, record: str, end: str | None) -> AuditEntry:
    call = _call(record)
    return AuditEntry(sequence=sequence, call=call if end is None else replace(call, end=_end(end)))
