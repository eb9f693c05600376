"""Secrets in SQLite, encrypted before they come here."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from borealis_server.adapters.store.rules import from_us, to_us
from borealis_server.domain.secret import Sealed, SecretName, SecretRecord

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from borealis_server.adapters.store.sqlite import SqliteDatabase

_COLUMNS = "tenant, name, key_id, wrapped_key, ciphertext, created_us, updated_us, updated_by"
_SET = f"""
    INSERT INTO secrets ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (tenant, name) DO UPDATE SET key_id = excluded.key_id, wrapped_key = excluded.wrapped_key,
      ciphertext = excluded.ciphertext, updated_us = excluded.updated_us, updated_by = excluded.updated_by
    RETURNING {_COLUMNS}
"""  # noqa: S608 - constants


class SqliteSecretStore:
    """Implements `ports.secrets.SecretStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def set_secret(self, record: SecretRecord) -> SecretRecord:
        """Keep the secret in place of the one of its name; what is kept."""
        row = await self._database.write(lambda connection: connection.execute(_SET, _row(record)).fetchone())
        return _record(*row)

    async def get_secrets(self, tenant: str, names: Collection[str]) -> tuple[SecretRecord, ...]:
        """Those of the tenant's secrets that exist, in no particular order."""
        if not names:
            return ()
        marks = ", ".join("?" for _ in names)
        sql = f"SELECT {_COLUMNS} FROM secrets WHERE tenant = ? AND name IN ({marks})"  # noqa: S608 - marks only
        rows = await self._database.read(lambda connection: connection.execute(sql, (tenant, *names)).fetchall())
        return tuple(_record(*row) for row in rows)

    async def list_secrets(self, tenant: str, *, after: str, limit: int) -> tuple[SecretRecord, ...]:
        """At most `limit` secrets of the tenant with names behind `after`, by name."""
        sql = f"SELECT {_COLUMNS} FROM secrets WHERE tenant = ? AND name > ? ORDER BY name LIMIT ?"  # noqa: S608 - constants
        rows = await self._database.read(lambda connection: connection.execute(sql, (tenant, after, limit)).fetchall())
        return tuple(_record(*row) for row in rows)

    async def secret_names(self, tenant: str) -> frozenset[str]:
        """The names of all secrets of the tenant."""
        sql = "SELECT name FROM secrets WHERE tenant = ?"
        rows = await self._database.read(lambda connection: connection.execute(sql, (tenant,)).fetchall())
        return frozenset(name for (name,) in rows)

    async def remove_secret(self, name: SecretName) -> bool:
        """Forget a secret; whether there was one."""
        sql, values = "DELETE FROM secrets WHERE tenant = ? AND name = ?", (name.tenant, name.id)
        return await self._database.write(lambda connection: connection.execute(sql, values).rowcount > 0)

    async def key_ids(self) -> frozenset[str]:
        """The ids of all keys that something is sealed with."""
        sql = "SELECT DISTINCT key_id FROM secrets"
        rows = await self._database.read(lambda connection: connection.execute(sql).fetchall())
        return frozenset(key_id for (key_id,) in rows)

    async def sealed_with_others(
        self, key_id: str, *, after: SecretName | None, limit: int
    ) -> tuple[SecretRecord, ...]:
        """At most `limit` secrets of all tenants that another key than `key_id` sealed, behind `after`, by name."""
        sql = (
            f"SELECT {_COLUMNS} FROM secrets "  # noqa: S608 - constants
            "WHERE key_id <> ? AND (tenant, name) > (?, ?) ORDER BY tenant, name LIMIT ?"
        )
        values = (key_id, *((after.tenant, after.id) if after else ("", "")), limit)
        rows = await self._database.read(lambda connection: connection.execute(sql, values).fetchall())
        return tuple(_record(*row) for row in rows)

    async def replace_seal(self, name: SecretName, before: Sealed, after: Sealed) -> bool:
        """Replace the seal of a secret; False when it is not sealed by `before` any more."""
        sql = (
            "UPDATE secrets SET key_id = ?, wrapped_key = ?, ciphertext = ? "
            "WHERE tenant = ? AND name = ? AND key_id = ? AND wrapped_key = ? AND ciphertext = ?"
        )
        values = (*_seal_row(after), name.tenant, name.id, *_seal_row(before))

        def replace(connection: sqlite3.Connection) -> bool:
            return connection.execute(sql, values).rowcount > 0

        return await self._database.write(replace)


def _row(record: SecretRecord) -> tuple[str, str, str, str, str, int, int, str]:
    times = (to_us(record.created_at), to_us(record.updated_at))
    return (record.name.tenant, record.name.id, *_seal_row(record.sealed), *times, record.updated_by)


def _seal_row(sealed: Sealed) -> tuple[str, str, str]:
    return (sealed.key_id, base64.b64encode(sealed.wrapped_key).decode(), base64.b64encode(sealed.ciphertext).decode())


def _record(
    tenant: str,
    name: str,
    key_id: str,
    wrapped_key: str,
    ciphertext: str,
    created_us: int,
    updated_us: int,
    updated_by: str,
) -> SecretRecord:
    return SecretRecord(
        name=SecretName(tenant, name),
        sealed=Sealed(
            key_id=key_id, wrapped_key=base64.b64decode(wrapped_key), ciphertext=base64.b64decode(ciphertext)
        ),
        created_at=from_us(created_us),
        updated_at=from_us(updated_us),
        updated_by=updated_by,
    )
