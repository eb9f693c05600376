"""Client credentials in SQLite."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from borealis_server.adapters.store.rules import from_us, to_us
from borealis_server.domain.errors import CredentialExists
from borealis_server.domain.identity import ClientCredential

if TYPE_CHECKING:
    import sqlite3

    from borealis_server.adapters.store.sqlite import SqliteDatabase

COLUMNS = "tenant, client_id, display_name, roles, agent, secret_hash, created_us"
"""As `row_of` writes and `credential_of` reads them."""
INSERT = f"INSERT INTO credentials ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants
"""Keeps the row of a credential."""
BUMP = "UPDATE directory_version SET version = version + 1"
"""Tells every server that who may do what has changed."""


class SqliteCredentialStore:
    """Implements `ports.identity.CredentialStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def add_credential(self, credential: ClientCredential) -> None:
        """Keep a new credential. Errors: CredentialExists."""

        def add(connection: sqlite3.Connection) -> None:
            done = connection.execute(f"{INSERT} ON CONFLICT (tenant, display_name) DO NOTHING", row_of(credential))
            if done.rowcount == 0:
                raise CredentialExists(credential.display_name)
            connection.execute(BUMP)

        await self._database.write(add)

    async def get_credential(self, client_id: str) -> ClientCredential | None:
        """The credential with that client id, in whichever tenant."""
        sql = f"SELECT {COLUMNS} FROM credentials WHERE client_id = ?"  # noqa: S608 - constants
        row = await self._database.read(lambda connection: connection.execute(sql, (client_id,)).fetchone())
        return credential_of(*row) if row else None

    async def find_credential(self, tenant: str, display_name: str) -> ClientCredential | None:
        """The tenant's credential of that display name."""
        sql = f"SELECT {COLUMNS} FROM credentials WHERE tenant = ? AND display_name = ?"  # noqa: S608 - constants
        row = await self._database.read(lambda connection: connection.execute(sql, (tenant, display_name)).fetchone())
        return credential_of(*row) if row else None

    async def list_credentials(self, tenant: str, *, after: str, limit: int) -> tuple[ClientCredential, ...]:
        """At most `limit` credentials of the tenant with display names behind `after`, by display name."""
        sql = (
            f"SELECT {COLUMNS} FROM credentials "  # noqa: S608 - constants
            "WHERE tenant = ? AND display_name > ? ORDER BY display_name LIMIT ?"
        )
        rows = await self._database.read(lambda connection: connection.execute(sql, (tenant, after, limit)).fetchall())
        return tuple(credential_of(*row) for row in rows)

    async def list_agent_names(self, tenant: str, *, after: str, limit: int) -> tuple[str, ...]:
        """At most `limit` agents behind `after` that a credential of the tenant is bound to; sorted, each once."""
        sql = (
            "SELECT DISTINCT agent FROM credentials WHERE tenant = ? AND agent > ? AND agent <> '' "
            "ORDER BY agent LIMIT ?"
        )
        rows = await self._database.read(lambda connection: connection.execute(sql, (tenant, after, limit)).fetchall())
        return tuple(name for (name,) in rows)

    async def has_agent(self, tenant: str, agent: str) -> bool:
        """Whether a credential of the tenant is bound to that agent."""
        sql = "SELECT 1 FROM credentials WHERE tenant = ? AND agent = ? AND agent <> '' LIMIT 1"
        row = await self._database.read(lambda connection: connection.execute(sql, (tenant, agent)).fetchone())
        return row is not None


def row_of(credential: ClientCredential) -> tuple[str, str, str, str, str, str, int]:
    """The row of a credential."""
    return (
        credential.tenant,
        credential.client_id,
        credential.display_name,
        json.dumps(credential.roles),
        credential.agent,
        credential.secret_hash,
        to_us(credential.created_at),
    )


def credential_of(
    tenant: str, client_id: str, display_name: str, roles: str, agent: str, secret_hash: str, created_us: int
) -> ClientCredential:
    """The credential in a row."""
    return ClientCredential(
        tenant=tenant,
        client_id=client_id,
        display_name=display_name,
        roles=tuple(json.loads(roles)),
        agent=agent,
        secret_hash=secret_hash,
        created_at=from_us(created_us),
    )
