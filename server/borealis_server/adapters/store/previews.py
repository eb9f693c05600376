"""Previews in SQLite."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, cast

from borealis_server.adapters.store.rules import from_us, to_us
from borealis_server.domain.preview import Preview, PreviewName, PreviewRule

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from datetime import datetime

    from borealis_server.adapters.store.sqlite import SqliteDatabase

_COLUMNS = (
    "tenant, id, token, deployment, target, step, agent, namespace, service, port, requires_login, signing_key, "
    "created_us, expires_us, revoked_us, revoked_why"
)
_SELECT = f"SELECT {_COLUMNS} FROM previews WHERE "  # noqa: S608 - constants
_ADD = f"""
    INSERT INTO previews ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (tenant, deployment, target, step, service) DO NOTHING
"""  # noqa: S608 - constants
_OF_STEP = _SELECT + "tenant = ? AND deployment = ? AND target = ? AND step = ? AND service = ?"
_REVOKE = "UPDATE previews SET revoked_us = ?, revoked_why = ? WHERE revoked_us IS NULL AND tenant = ? AND "
_PRUNE = """
    DELETE FROM previews WHERE (tenant, id) IN
      (SELECT tenant, id FROM previews WHERE expires_us < ? ORDER BY expires_us LIMIT ?)
"""
_SET_RULE = """
    INSERT INTO preview_rules (tenant, rule) VALUES (?, ?) ON CONFLICT (tenant) DO UPDATE SET rule = excluded.rule
"""


class SqlitePreviewStore:
    """Implements `ports.previews.PreviewStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def add_previews(self, previews: Sequence[Preview]) -> tuple[Preview, ...]:
        """Keep previews of one step, all or none; what is kept."""

        def add(connection: sqlite3.Connection) -> tuple[Preview, ...]:
            kept = []
            for one in previews:
                connection.execute(_ADD, _row(one))
                place = (one.name.tenant, one.deployment, one.target, one.step, one.service)
                kept.append(_preview(connection.execute(_OF_STEP, place).fetchone()))
            return tuple(kept)

        return await self._database.write(add)

    async def preview_of(self, token: str) -> Preview | None:
        """The preview with that token, in whichever tenant."""
        found = await self._read("token = ?", token)
        return found[0] if found else None

    async def get_preview(self, name: PreviewName) -> Preview | None:
        """The preview of that name."""
        found = await self._read("tenant = ? AND id = ?", name.tenant, name.id)
        return found[0] if found else None

    async def list_previews(
        self,
        tenant: str,
        *,
        limit: int,
        after: tuple[datetime, str] | None = None,
        deployment: str = "",
        active_at: datetime | None = None,
    ) -> tuple[Preview, ...]:
        """At most `limit` previews of the tenant behind `after`, newest first."""
        where = "tenant = ?"
        values: list[str | int] = [tenant]
        if after is not None:
            where += " AND (created_us, id) < (?, ?)"
            values += [to_us(after[0]), after[1]]
        if deployment:
            where += " AND deployment = ?"
            values.append(deployment)
        if active_at is not None:
            where += " AND revoked_us IS NULL AND expires_us > ?"
            values.append(to_us(active_at))
        return await self._read(f"{where} ORDER BY created_us DESC, id DESC LIMIT ?", *values, limit)

    async def live_previews(self, now: datetime) -> tuple[Preview, ...]:
        """Every preview of every tenant that leads somewhere."""
        return await self._read("revoked_us IS NULL AND expires_us > ?", to_us(now))

    async def revoke_preview(self, name: PreviewName, at: datetime, why: str) -> Preview | None:
        """End a preview, unless it has ended before; as it is then."""
        sql, values = _REVOKE + "id = ?", (to_us(at), why, name.tenant, name.id)
        await self._database.write(lambda connection: connection.execute(sql, values).rowcount)
        return await self.get_preview(name)

    async def revoke_previews(self, tenant: str, deployment: str, target: str, at: datetime, why: str) -> int:
        """End every preview of a target that leads somewhere; how many."""
        sql = _REVOKE + "deployment = ? AND target = ? AND expires_us > ?"
        values = (to_us(at), why, tenant, deployment, target, to_us(at))
        return await self._database.write(lambda connection: connection.execute(sql, values).rowcount)

    async def prune_previews(self, expired_before: datetime, *, limit: int) -> int:
        """Forget at most `limit` previews that expired before then; how many."""
        values = (to_us(expired_before), limit)
        return await self._database.write(lambda connection: connection.execute(_PRUNE, values).rowcount)

    async def preview_rule(self, tenant: str) -> PreviewRule:
        """What the tenant allows; PUBLIC where it has never said."""
        sql = "SELECT rule FROM preview_rules WHERE tenant = ?"
        row = await self._database.read(lambda connection: connection.execute(sql, (tenant,)).fetchone())
        return PreviewRule(row[0]) if row else PreviewRule.PUBLIC

    async def set_preview_rule(self, tenant: str, rule: PreviewRule) -> None:
        """Keep what the tenant allows from now on."""
        values = (tenant, rule.value)
        await self._database.write(lambda connection: connection.execute(_SET_RULE, values).rowcount)

    async def _read(self, where: str, *values: str | int) -> tuple[Preview, ...]:
        """Previews by a condition of ours."""
        rows = await self._database.read(lambda connection: connection.execute(_SELECT + where, values).fetchall())
        return tuple(_preview(row) for row in rows)


_Row = tuple[str, str, str, str, str, str, str, str, str, int, int, str, int, int, int | None, str]

_Rest = tuple[int, str, int, int, int | None, str]


def _row(one: Preview) -> _Row:
    revoked_us = None if one.revoked_at is None else to_us(one.revoked_at)
    return (
        *(one.name.tenant, one.name.id, one.token, one.deployment, one.target, one.step, one.agent),
        *(one.namespace, one.service, one.port, int(one.requires_login), base64.b64encode(one.key).decode()),
        *(to_us(one.created_at), to_us(one.expires_at), revoked_us, one.revoked_why),
    )


def _preview(row: _Row) -> Preview:
    tenant, preview, token, deployment, target, step, agent, namespace, service, port, *rest = row
    requires_login, key, created_us, expires_us, revoked_us, revoked_why = cast("_Rest", tuple(rest))
    return Preview(
        name=PreviewName(tenant, preview),
        token=token,
        deployment=deployment,
        target=target,
        step=step,
        agent=agent,
        namespace=namespace,
        service=service,
        port=port,
        requires_login=bool(requires_login),
        key=base64.b64decode(key),
        created_at=from_us(created_us),
        expires_at=from_us(expires_us),
        revoked_at=None if revoked_us is None else from_us(revoked_us),
        revoked_why=revoked_why,
    )
