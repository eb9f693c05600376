"""Records of logins in SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from borealis_server.adapters.store.rules import to_us
from borealis_server.domain.login.records import KINDS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from borealis_server.adapters.store.sqlite import SqliteDatabase
    from borealis_server.domain.login.records import LoginRecord
    from borealis_server.ports.login_store import R, T

_encode = msgspec.json.Encoder().encode
_decoders: Mapping[type[LoginRecord], msgspec.json.Decoder[Any]] = {  # Any: each decodes the kind that it stands under
    kind: msgspec.json.Decoder(kind) for kind in KINDS
}

_GET = "SELECT record FROM login_records WHERE kind = ? AND record_key = ?"
_FORGET = (
    "DELETE FROM login_records WHERE (kind, record_key) IN "
    "(SELECT kind, record_key FROM login_records WHERE expires_us <= ? ORDER BY expires_us LIMIT ?)"
)


class SqliteLoginStore:
    """Implements `ports.login_store.LoginStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def add(self, record: LoginRecord) -> bool:
        """Keep a new record; False when its kind has one of that key."""
        sql = (
            "INSERT INTO login_records (kind, record_key, user_id, expires_us, record) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (kind, record_key) DO NOTHING"
        )
        row = (record.kind, record.key, *_columns(record))
        return await self._database.write(lambda connection: connection.execute(sql, row).rowcount > 0)

    async def get(self, kind: type[R], key: str) -> R | None:
        """The record of that kind and key, also when its time is over."""
        row = await self._database.read(lambda connection: connection.execute(_GET, (kind.kind, key)).fetchone())
        return _decoded(kind, *row) if row else None

    async def change(self, kind: type[R], key: str, change: Callable[[R], tuple[R, T]]) -> T | None:
        """Replace a record by what `change` makes of it, in one transaction; what else it gives."""
        sql = "UPDATE login_records SET user_id = ?, expires_us = ?, record = ? WHERE kind = ? AND record_key = ?"

        def replace(connection: sqlite3.Connection) -> T | None:
            row = connection.execute(_GET, (kind.kind, key)).fetchone()
            if row is None:
                return None
            before = _decoded(kind, *row)
            after, answer = change(before)
            if after != before:
                connection.execute(sql, (*_columns(after), kind.kind, key))
            return answer

        return await self._database.write(replace)

    async def remove(self, kind: type[LoginRecord], key: str) -> bool:
        """Forget a record; whether there was one."""
        sql = "DELETE FROM login_records WHERE kind = ? AND record_key = ?"
        return await self._database.write(lambda connection: connection.execute(sql, (kind.kind, key)).rowcount > 0)

    async def of_user(self, kind: type[R], user_id: str) -> tuple[R, ...]:
        """Every record of that kind that belongs to the user, by key."""
        sql = "SELECT record FROM login_records WHERE user_id = ? AND user_id <> '' AND kind = ? ORDER BY record_key"
        rows = await self._database.read(lambda connection: connection.execute(sql, (user_id, kind.kind)).fetchall())
        return tuple(_decoded(kind, *row) for row in rows)

    async def forget(self, before: datetime, *, limit: int) -> int:
        """Forget at most `limit` records whose time was over at that moment; how many are gone."""
        return await self._database.write(
            lambda connection: connection.execute(_FORGET, (to_us(before), limit)).rowcount
        )


def _columns(record: LoginRecord) -> tuple[str, int | None, str]:
    expires_us = None if record.expires_at is None else to_us(record.expires_at)
    return record.user_id, expires_us, _encode(record).decode()


def _decoded(kind: type[R], text: str) -> R:
    record: R = _decoders[kind].decode(text)
    return record
