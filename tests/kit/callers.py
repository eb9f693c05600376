"""Callers with roles, and an identity service on stores that forget."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from borealis_server.adapters.randomness import SystemRandomness
from borealis_server.adapters.store.memory import MemoryCredentialStore
from borealis_server.adapters.store.memory_directory import MemoryDirectoryStore
from borealis_server.domain.access import ORGANIZATION, HeldGrant, api
from borealis_server.domain.directory import Directory, Organization, Tenant, held_grants
from borealis_server.domain.identity import Principal, PrincipalKind
from borealis_server.domain.names import HOME_ORGANIZATION
from borealis_server.domain.roles import ADMINISTRATOR, Role
from borealis_server.services.directories import Directories
from borealis_server.services.identity import IdentityService

if TYPE_CHECKING:
    from collections.abc import Sequence

    from borealis_server.ports.clock import Clock
    from borealis_server.ports.directory import DirectoryStore
    from borealis_server.ports.identity import TokenSigner
    from borealis_server.ports.randomness import Randomness

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
EVERYTHING = (HeldGrant(grant=api(ORGANIZATION), tenant="", role=ADMINISTRATOR.name),)
"""What an Organization Admin holds."""


def an_organization(*tenants: str, organization: str = HOME_ORGANIZATION) -> Directory:
    """An organization of that id with tenants of these names, which are their ids too; else `main` and `other`."""
    named = tenants or ("main", "other")
    return Directory(
        organization=Organization(id=organization, name="Home", created_at=NOON),
        tenants={name: Tenant(id=name, name=name, created_at=NOON) for name in named},
    )


def a_caller(
    *roles: Role,
    tenant: str = "main",
    directory: Directory | None = None,
    kind: PrincipalKind = PrincipalKind.MACHINE,
    subject: str = "clients/x",
    name: str = "ana",
    agent: str = "",
    expires_at: datetime = NOON,
) -> Principal:
    """Somebody with these roles, acting in that tenant; machines are at home there."""
    home = tenant if kind is PrincipalKind.MACHINE else ""
    return Principal(
        subject=subject,
        kind=kind,
        display_name=name,
        email=f"{name}@example.org" if kind is PrincipalKind.USER else "",
        organization=HOME_ORGANIZATION,
        tenant=tenant,
        roles=roles,
        grants=held_grants(directory or an_organization(), roles, home=home),
        agent_name=agent,
        expires_at=expires_at,
    )


def an_identity(
    clock: Clock,
    signer: TokenSigner,
    *,
    store: MemoryCredentialStore | None = None,
    directories: DirectoryStore | None = None,
    randomness: Randomness | None = None,
    token_lifetime_s: int = 900,
) -> IdentityService:
    """An identity service; without `directories`, of an organization with the tenants `main` and `other`."""
    credentials = store or MemoryCredentialStore()
    return IdentityService(
        credentials=credentials,
        directories=Directories(directories or a_directory_store(credentials), clock),
        signer=signer,
        clock=clock,
        randomness=randomness or SystemRandomness(),
        token_lifetime_s=token_lifetime_s,
    )


def a_directory_store(
    credentials: MemoryCredentialStore, organizations: Sequence[Directory] = ()
) -> MemoryDirectoryStore:
    """A store with these organizations; without any, with one that has the tenants `main` and `other`."""
    store = MemoryDirectoryStore(credentials)
    for one in organizations or (an_organization(),):
        store.put(one)
    return store
