"""The tenants of an organization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from borealis_server.domain.access import Permission
from borealis_server.domain.directory import reachable_tenants
from borealis_server.domain.errors import TenantInUse, TenantNotFound
from borealis_server.domain.giving import check_everywhere
from borealis_server.domain.names import RANDOM_ID_BYTES, random_id
from borealis_server.domain.paging import Page, paged
from borealis_server.domain.tenants import with_new_tenant, without_tenant

if TYPE_CHECKING:
    from borealis_server.domain.deployment import Deployment
    from borealis_server.domain.directory import Directory, Tenant
    from borealis_server.domain.identity import Principal
    from borealis_server.domain.paging import PageRequest
    from borealis_server.ports.clock import Clock
    from borealis_server.ports.randomness import Randomness
    from borealis_server.services.directories import Directories


class DeploymentLister(Protocol):
    """Tells what goes on in a tenant."""

    async def list(self, tenant: str, *, limit: int, in_progress_only: bool = False) -> tuple[Deployment, ...]:
        """Up to `limit` deployments of the tenant."""
        ...


class TenantService:
    """Shows, creates and deletes tenants."""

    def __init__(
        self, directories: Directories, deployments: DeploymentLister, clock: Clock, randomness: Randomness
    ) -> None:
        self._directories = directories
        self._deployments = deployments
        self._clock = clock
        self._randomness = randomness

    async def list(self, caller: Principal, page: PageRequest) -> Page[Tenant]:
        """The tenants in which the caller can do anything, by name. Errors: InvalidArgument, PageTokenInvalid."""
        directory = await directory_of(self._directories, caller)
        tenants = reachable_tenants(directory, caller.grants, home=caller.tenant)
        return paged(
            tenants, page, f"tenants/{caller.subject}", lambda tenant: f"{tenant.name.casefold()}\n{tenant.id}"
        )

    async def create(self, caller: Principal, name: str) -> Tenant:
        """A new tenant of that name. Errors: InvalidArgument, TenantExists, PermissionDenied."""
        check_everywhere(caller.grants, Permission.TENANTS_WRITE)
        random = random_id(self._randomness.token_bytes(RANDOM_ID_BYTES))
        now = self._clock.now()
        changed = await self._directories.change(
            caller.organization, lambda newest: with_new_tenant(newest, name, random=random, now=now)
        )
        created = changed.tenant(name)
        if created is None:
            raise TenantNotFound(name)
        return created

    async def delete(self, caller: Principal, name: str, *, confirmation: str) -> None:
        """Delete a tenant with its roles, target groups and credentials; what ran there stays in the store, unseen.

        Errors: TenantNotFound, TenantInUse, InvalidArgument, PermissionDenied.
        """
        check_everywhere(caller.grants, Permission.TENANTS_WRITE)
        directory = await directory_of(self._directories, caller)
        tenant = directory.tenant(name)
        if tenant is None:
            raise TenantNotFound(name)
        if await self._deployments.list(tenant.id, limit=1, in_progress_only=True):
            raise TenantInUse(tenant.name, "deployments are in progress: wait for their end, or cancel them")
        now = self._clock.now()
        await self._directories.change(
            caller.organization,
            lambda newest: without_tenant(newest, tenant.id, confirmation=confirmation, now=now),
            with_credentials=True,
        )


async def directory_of(directories: Directories, caller: Principal) -> Directory:
    """The caller's organization. Errors: TenantNotFound when it went a moment ago."""
    directory = await directories.get(caller.organization)
    if directory is None:
        raise TenantNotFound(caller.tenant)
    return directory
