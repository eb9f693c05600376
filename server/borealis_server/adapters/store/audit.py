"""The audit in SQLite. The chain is made by the writer, within the commit that it shares with others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_server.adapters.store.audit_rows import action_of, bound_of_pruning, call_of, linked, rows_of
from borealis_server.adapters.store.rules import to_us
from borealis_server.domain.audit import AuditedAction, AuditEntry
from borealis_server.domain.audit_chain import AuditHead, AuditRow, Link

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from datetime import datetime

    from borealis_server.adapters.store.sqlite import SqliteDatabase
    from borealis_server.domain.audit import AuditAction, AuditCall, AuditFilter

_INSERT = (
    "INSERT INTO audit_entries "
    "(sequence, tenant, call_id, kind, is_end, at_us, agent, actor, record, number, previous_hash, hash) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_HEAD = "SELECT number, hash, first_number, before_hash FROM audit_heads WHERE tenant = ?"
_KEEP_HEAD = (
    "INSERT INTO audit_heads (tenant, number, hash, first_number, before_hash) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (tenant) DO UPDATE SET number = excluded.number, hash = excluded.hash, "
    "first_number = excluded.first_number, before_hash = excluded.before_hash"
)
_LINKS = (
    "SELECT number, tenant, call_id, kind, is_end, at_us, agent, actor, record, previous_hash, hash "
    "FROM audit_entries WHERE tenant = ? AND number > 0 AND number > ? ORDER BY number LIMIT ?"
)
_PRUNE_UNCHAINED = (
    "DELETE FROM audit_entries WHERE sequence IN (SELECT sequence FROM audit_entries WHERE at_us < ? AND number = 0 "
    "AND sequence < (SELECT MAX(sequence) FROM audit_entries) ORDER BY at_us LIMIT ?)"
)


class SqliteAuditStore:
    """Implements `ports.audit_store.AuditStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def append(
        self,
        calls: Sequence[AuditCall] = (),
        ended: Sequence[AuditCall] = (),
        *,
        actions: Sequence[AuditAction] = (),
        actions_ended: Sequence[AuditAction] = (),
    ) -> None:
        """Keep calls and actions, and the ends of those that were kept before; all or none."""

        def add(connection: sqlite3.Connection) -> None:
            (last,) = connection.execute("SELECT COALESCE(MAX(sequence), 0) FROM audit_entries").fetchone()
            rows = rows_of(calls, ended, actions, actions_ended)
            heads = {row.tenant: AuditHead() for row in rows}
            heads = {tenant: _head(connection, tenant) for tenant in heads}
            links = enumerate(linked(rows, heads), start=last + 1)
            connection.executemany(_INSERT, [_inserted(sequence, one) for sequence, one in links])
            connection.executemany(_KEEP_HEAD, [_head_row(tenant, head) for tenant, head in heads.items()])

        await self._database.write(add)

    async def list(
        self, wanted: AuditFilter, *, limit: int, before: tuple[datetime, int] | None = None
    ) -> tuple[AuditEntry, ...]:
        """At most `limit` calls that `wanted` describes, newest first."""
        rows = await self._list("call", wanted, limit, before)
        return tuple(AuditEntry(sequence=sequence, call=call_of(record, end)) for sequence, record, end in rows)

    async def list_actions(
        self, wanted: AuditFilter, *, limit: int, before: tuple[datetime, int] | None = None
    ) -> tuple[AuditedAction, ...]:
        """At most `limit` actions that `wanted` describes, newest first."""
        rows = await self._list("action", wanted, limit, before)
        return tuple(AuditedAction(sequence=sequence, action=action_of(record, end)) for sequence, record, end in rows)

    async def head(self, tenant: str) -> AuditHead:
        """Beginning and end of the tenant's chain."""
        return await self._database.read(lambda connection: _head(connection, tenant))

    async def links(self, tenant: str, *, after: int, limit: int) -> tuple[Link, ...]:
        """At most `limit` entries of the tenant's chain with numbers above `after`, by number."""
        return await self._database.read(lambda connection: _links(connection, tenant, after, limit))

    async def prune(self, older_than: datetime, *, limit: int) -> int:
        """Forget what is older, oldest first, the newest of each tenant excepted; how many entries are gone."""
        cutoff_us = to_us(older_than)

        def forget(connection: sqlite3.Connection) -> int:
            gone: int = connection.execute(_PRUNE_UNCHAINED, (cutoff_us, limit)).rowcount
            for (tenant,) in connection.execute("SELECT tenant FROM audit_heads ORDER BY tenant").fetchall():
                gone += _prune_chain(connection, tenant, cutoff_us, limit - gone)
            return gone

        return await self._database.write(forget)

    async def _list(
        self, kind: str, wanted: AuditFilter, limit: int, before: tuple[datetime, int] | None
    ) -> Sequence[tuple[int, str, str | None]]:
        conditions: list[tuple[str, tuple[str | int, ...]]] = [
            (f"is_end = 0 AND kind = '{kind}' AND tenant = ?", (wanted.tenant,))
        ]
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
        return await self._database.read(lambda connection: connection.execute(sql, values).fetchall())


def _inserted(sequence: int, one: Link) -> tuple[int | str, ...]:
    row = one.row
    kind, _, end = row.part.partition("_")
    place = (one.number, one.previous, one.hash)
    return (sequence, row.tenant, row.id, kind, int(bool(end)), row.time_us, row.agent, row.actor, row.record, *place)


def _head(connection: sqlite3.Connection, tenant: str) -> AuditHead:
    row = connection.execute(_HEAD, (tenant,)).fetchone()
    if row is None:
        return AuditHead()
    number, digest, first_number, before = row
    return AuditHead(number=number, hash=digest, first_number=first_number, before=before)


def _head_row(tenant: str, head: AuditHead) -> tuple[str, int, str, int, str]:
    return (tenant, head.number, head.hash, head.first_number, head.before)


def _links(connection: sqlite3.Connection, tenant: str, after: int, limit: int) -> tuple[Link, ...]:
    return tuple(
        Link(number, AuditRow(owner, name, f"{kind}_end" if is_end else kind, at_us, agent, actor, record), before, own)
        for number, owner, name, kind, is_end, at_us, agent, actor, record, before, own in connection.execute(
            _LINKS, (tenant, after, limit)
        )
    )


def _prune_chain(connection: sqlite3.Connection, tenant: str, cutoff_us: int, limit: int) -> int:
    head = _head(connection, tenant)
    oldest = _links(connection, tenant, head.first_number - 1, min(limit, head.number - head.first_number))
    gone = oldest[: bound_of_pruning(oldest, cutoff_us)]
    if not gone:
        return 0
    last = gone[-1]
    connection.execute(
        "DELETE FROM audit_entries WHERE tenant = ? AND number > 0 AND number <= ?", (tenant, last.number)
    )
    moved = AuditHead(number=head.number, hash=head.hash, first_number=last.number + 1, before=last.hash)
    connection.execute(_KEEP_HEAD, _head_row(tenant, moved))
    return len(gone)
