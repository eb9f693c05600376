"""Integrations in SQLite. Records are JSON; columns hold only what is searched by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from borealis_server.adapters.store.rules import from_us, to_us
from borealis_server.domain.errors import IntegrationExists, IntegrationNotFound
from borealis_server.domain.integration import SETTINGS_OF, Integration, IntegrationName, ProviderKind, ProviderSettings

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from borealis_server.adapters.store.sqlite import SqliteDatabase

_GET = "SELECT record FROM integrations WHERE tenant = ? AND id = ?"
_LIST = "SELECT id, record FROM integrations WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?"
_ADD = "INSERT INTO integrations (tenant, id, record) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_REPLACE = "UPDATE integrations SET record = ? WHERE tenant = ? AND id = ?"


class SqliteIntegrationStore:
    """Implements `ports.integrations.IntegrationStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def add_integration(self, integration: Integration) -> None:
        """Keep a new integration. Errors: IntegrationExists."""
        name = integration.name

        def add(connection: sqlite3.Connection) -> None:
            if connection.execute(_ADD, (name.tenant, name.id, _text(integration))).rowcount == 0:
                raise IntegrationExists(name)

        await self._database.write(add)

    async def get_integration(self, name: IntegrationName) -> Integration:
        """The integration. Errors: IntegrationNotFound."""
        return await self._database.read(lambda connection: _get(connection, name))

    async def list_integrations(self, tenant: str, *, after: str, limit: int) -> tuple[Integration, ...]:
        """At most `limit` integrations of the tenant with ids behind `after`, by id."""
        rows = await self._database.read(
            lambda connection: connection.execute(_LIST, (tenant, after, limit)).fetchall()
        )
        return tuple(_integration(IntegrationName(tenant, identifier), text) for identifier, text in rows)

    async def integration_names(self, tenant: str) -> frozenset[str]:
        """The ids of all integrations of the tenant."""
        sql = "SELECT id FROM integrations WHERE tenant = ?"
        rows = await self._database.read(lambda connection: connection.execute(sql, (tenant,)).fetchall())
        return frozenset(identifier for (identifier,) in rows)

    async def update_integration(
        self, name: IntegrationName, change: Callable[[Integration], Integration]
    ) -> Integration:
        """Replace an integration by what `change` makes of its newest state. Errors: IntegrationNotFound."""

        def update(connection: sqlite3.Connection) -> Integration:
            after = change(_get(connection, name))
            connection.execute(_REPLACE, (_text(after), name.tenant, name.id))
            return after

        return await self._database.write(update)

    async def remove_integration(self, name: IntegrationName) -> None:
        """Forget an integration. Errors: IntegrationNotFound."""

        def remove(connection: sqlite3.Connection) -> None:
            sql = "DELETE FROM integrations WHERE tenant = ? AND id = ?"
            if connection.execute(sql, (name.tenant, name.id)).rowcount == 0:
                raise IntegrationNotFound(name)

        await self._database.write(remove)


def _get(connection: sqlite3.Connection, name: IntegrationName) -> Integration:
    row = connection.execute(_GET, (name.tenant, name.id)).fetchone()
    if row is None:
        raise IntegrationNotFound(name)
    return _integration(name, row[0])


def _text(integration: Integration) -> str:
    record = {
        "kind": integration.kind,
        "url": integration.url,
        "agent": integration.agent,
        "settings": integration.settings,
        "created_us": to_us(integration.created_at),
        "updated_us": to_us(integration.updated_at),
        "updated_by": integration.updated_by,
        "revision": integration.revision,
    }
    return msgspec.json.encode(record).decode()


def _integration(name: IntegrationName, text: str) -> Integration:
    record: dict[str, Any] = msgspec.json.decode(text)  # Any: a value of its own kind in each field
    settings: ProviderSettings = msgspec.convert(record["settings"], SETTINGS_OF[ProviderKind(record["kind"])])
    return Integration(
        name=name,
        url=record["url"],
        agent=record["agent"],
        settings=settings,
        created_at=from_us(record["created_us"]),
        updated_at=from_us(record["updated_us"]),
        updated_by=record["updated_by"],
        revision=record["revision"],
    )
