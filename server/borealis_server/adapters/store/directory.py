"""Organizations in SQLite: rows for what belongs to them, written where they differ."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from borealis_server.adapters.store.credentials import BUMP, COLUMNS, INSERT, credential_of, row_of
from borealis_server.domain.directory import Directory, Invitation, Organization, Tenant, User
from borealis_server.domain.errors import (
    BorealisError,
    CredentialExists,
    OrganizationNotFound,
    TenantExists,
    UserExists,
)
from borealis_server.domain.roles import Role, TargetGroup

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from borealis_server.adapters.store.sqlite import SqliteDatabase
    from borealis_server.domain.identity import ClientCredential

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """How one kind of record is kept."""

    kind: type
    key: str = ""
    """A column beside the record that is unique in the installation, named as the record's field."""
    taken: Callable[[Any], BorealisError] | None = None  # Any: a record of the kind
    """What to raise when another organization has it."""


_TABLES = {
    "tenants": _Table(kind=Tenant, taken=lambda one: TenantExists(one.name)),
    "users": _Table(kind=User, key="email", taken=lambda one: UserExists(one.email)),
    "invitations": _Table(kind=Invitation, key="token_hash"),
    "roles": _Table(kind=Role),
    "target_groups": _Table(kind=TargetGroup),
}
"""By their names in the database, which are those of the directory's fields."""


class SqliteDirectoryStore:
    """Implements `ports.directory.DirectoryStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def create(self, directory: Directory) -> None:
        """Keep a new organization with all that belongs to it. Errors: TenantExists, UserExists; ValueError."""

        def add(connection: sqlite3.Connection) -> None:
            organization = directory.organization
            row = (organization.id, _encode(organization).decode())
            if connection.execute("SELECT 1 FROM organizations WHERE id = ?", row[:1]).fetchone():
                raise ValueError(f"organization {organization.id} exists")
            connection.execute("INSERT INTO organizations (id, record) VALUES (?, ?)", row)
            _write(connection, Directory(organization=organization), directory)

        await self._database.write(add)

    async def change(
        self, organization: str, decide: Callable[[Directory], Directory], *, with_credentials: bool = False
    ) -> Directory:
        """Replace a directory by what `decide` makes of it.

        Errors: OrganizationNotFound, UserExists, TenantExists, CredentialExists.
        """

        def swap(connection: sqlite3.Connection) -> Directory:
            before = _read(connection, organization, with_credentials=with_credentials)
            if before is None:
                raise OrganizationNotFound(organization)
            after = decide(before)
            if after == before:
                return after
            _write(connection, before, after)
            if with_credentials:
                _write_credentials(connection, before.credentials, after.credentials)
            return after

        return await self._database.write(swap)

    async def get(self, organization: str) -> Directory | None:
        """The newest state, without credentials."""
        return await self._database.read(lambda connection: _read(connection, organization))

    async def version(self) -> int:
        """A number that grows with every change of any organization or credential."""
        sql = "SELECT version FROM directory_version"
        (version,) = await self._database.read(lambda connection: connection.execute(sql).fetchone())
        return int(version)

    async def organization_of_tenant(self, tenant: str) -> str | None:
        """Id of the organization that has the tenant of this id, a deleted one too."""
        return await self._organization("tenants", "id", tenant)

    async def organization_of_user(self, user: str) -> str | None:
        """Id of the organization of the person with this id."""
        return await self._organization("users", "id", user)

    async def organization_of_email(self, email: str) -> str | None:
        """Id of the organization of the person with this address, in its normal form."""
        return await self._organization("users", "email", email)

    async def organization_of_invitation(self, token_hash: str) -> str | None:
        """Id of the organization that has sent the invitation with this secret."""
        return await self._organization("invitations", "token_hash", token_hash)

    async def _organization(self, table: str, column: str, value: str) -> str | None:
        sql = f"SELECT organization FROM {table} WHERE {column} = ?"  # noqa: S608 - names from above
        row = await self._database.read(lambda connection: connection.execute(sql, (value,)).fetchone())
        return None if row is None else str(row[0])


def _read(connection: sqlite3.Connection, organization: str, *, with_credentials: bool = False) -> Directory | None:
    row = connection.execute("SELECT record FROM organizations WHERE id = ?", (organization,)).fetchone()
    if row is None:
        return None
    parts: dict[str, Mapping[str, Any]] = {}  # Any: each table has records of its own kind
    for name, table in _TABLES.items():
        sql = f"SELECT id, record FROM {name} WHERE organization = ?"  # noqa: S608 - constants
        rows = connection.execute(sql, (organization,)).fetchall()
        parts[name] = {key: msgspec.json.decode(record, type=table.kind) for key, record in rows}
    if with_credentials:
        parts["credentials"] = _credentials(connection, organization)
    return Directory(organization=msgspec.json.decode(row[0], type=Organization), **parts)


def _credentials(connection: sqlite3.Connection, organization: str) -> dict[str, ClientCredential]:
    sql = (
        f"SELECT {COLUMNS} FROM credentials "  # noqa: S608 - constants
        "WHERE tenant IN (SELECT id FROM tenants WHERE organization = ?)"
    )
    found = (credential_of(*row) for row in connection.execute(sql, (organization,)))
    return {credential.client_id: credential for credential in found}


def _write(connection: sqlite3.Connection, before: Directory, after: Directory) -> None:
    """Write what differs. Errors: TenantExists, UserExists; ValueError for a change into another organization."""
    if before.organization.id != after.organization.id:
        raise ValueError(f"a change of {before.organization.id} cannot make it {after.organization.id}")
    if before.organization != after.organization:
        row = (_encode(after.organization).decode(), after.organization.id)
        connection.execute("UPDATE organizations SET record = ? WHERE id = ?", row)
    for name, table in _TABLES.items():
        _write_table(connection, name, table, (after.organization.id, getattr(before, name), getattr(after, name)))
    connection.execute(BUMP)


def _write_table(
    connection: sqlite3.Connection,
    name: str,
    table: _Table,
    change: tuple[str, Mapping[str, Any], Mapping[str, Any]],  # Any: records of the table's kind
) -> None:
    organization, before, after = change
    gone = [(key,) for key in before.keys() - after.keys()]
    connection.executemany(f"DELETE FROM {name} WHERE id = ?", gone)  # noqa: S608 - constants
    for key, one in after.items():
        if before.get(key) == one:
            continue
        row = {"id": key, "organization": organization, "record": _encode(one).decode()}
        if table.key:
            row[table.key] = getattr(one, table.key)
        try:
            connection.execute(_upsert(name, tuple(row), is_new=key not in before), tuple(row.values()))
        except sqlite3.IntegrityError as error:
            if table.taken is None:
                raise
            raise table.taken(one) from error


def _upsert(table: str, columns: tuple[str, ...], *, is_new: bool) -> str:
    marks = ", ".join("?" for _ in columns)
    insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - constants
    if is_new:
        return insert
    changes = ", ".join(f"{column} = excluded.{column}" for column in columns[1:])
    return f"{insert} ON CONFLICT (id) DO UPDATE SET {changes}"


def _write_credentials(
    connection: sqlite3.Connection, before: Mapping[str, ClientCredential], after: Mapping[str, ClientCredential]
) -> None:
    stale = [key for key, one in before.items() if after.get(key) != one]
    connection.executemany("DELETE FROM credentials WHERE client_id = ?", [(key,) for key in stale])
    for key, one in after.items():
        if before.get(key) == one:
            continue
        try:
            connection.execute(INSERT, row_of(one))
        except sqlite3.IntegrityError as error:
            raise CredentialExists(one.display_name) from error
