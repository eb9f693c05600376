"""The roles and target groups of an organization."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from borealis_server.domain.errors import RoleNotFound, TargetGroupNotFound, TenantNotFound
from borealis_server.domain.giving import roles_meant
from borealis_server.domain.names import RANDOM_ID_BYTES, random_id
from borealis_server.domain.paging import Page, PageRequest, paged
from borealis_server.domain.role_changes import with_role, with_target_group, without_role, without_target_group
from borealis_server.domain.roles import Role, TargetGroup, name_key
from borealis_server.services.tenants import directory_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from borealis_server.domain.access import Grant, TargetPlace
    from borealis_server.domain.directory import Directory
    from borealis_server.domain.identity import Principal
    from borealis_server.ports.clock import Clock
    from borealis_server.ports.randomness import Randomness
    from borealis_server.services.directories import Directories


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRole:
    """What somebody asks for when they ask for a role."""

    name: str
    grants: tuple[Grant, ...]
    tenant: str = ""
    """Id or name of its tenant; empty for the whole organization."""


class RoleService:
    """Shows roles and target groups, and changes those that are not of the system."""

    def __init__(self, directories: Directories, clock: Clock, randomness: Randomness) -> None:
        self._directories = directories
        self._clock = clock
        self._randomness = randomness

    async def list(self, caller: Principal, page: PageRequest) -> Page[Role]:
        """The roles that say anything in the caller's tenant, those of the system first.

        An empty tenant is the whole organization's. Errors: InvalidArgument, PageTokenInvalid.
        """
        directory = await directory_of(self._directories, caller)
        everywhere = any(not one.tenant for one in caller.grants)
        roles = [role for role in directory.all_roles() if everywhere or role.tenant in ("", caller.tenant)]
        return paged(sorted(roles, key=_position), page, f"roles/{caller.subject}/{caller.tenant}", _position)

    async def get(self, caller: Principal, name: str) -> Role:
        """One role by id or name. Errors: RoleNotFound, also for a role of a tenant that the caller is not in."""
        directory = await directory_of(self._directories, caller)
        (role,) = roles_meant(directory, [name], tenant=caller.tenant)
        everywhere = any(not one.tenant for one in caller.grants)
        if not everywhere and role.tenant not in ("", caller.tenant):
            raise RoleNotFound(name)
        return role

    async def create(self, caller: Principal, wanted: NewRole) -> Role:
        """A new role. Errors: InvalidArgument, TenantNotFound, RoleExists, EscalationRefused."""
        role_id, now = self._new_id(), self._clock.now()

        def decide(newest: Directory) -> Directory:
            tenant = _tenant_id(newest, wanted.tenant)
            role = Role(id=role_id, name=wanted.name, grants=wanted.grants, tenant=tenant, created_at=now)
            return with_role(newest, role, giver=caller.grants)

        return (await self._directories.change(caller.organization, decide)).roles[role_id]

    async def update(self, caller: Principal, name: str, *, new_name: str, grants: Sequence[Grant]) -> Role:
        """Another name for a role, or other grants; empty ones stay as they are.

        Errors: RoleNotFound, SystemRoleFixed, InvalidArgument, RoleExists, EscalationRefused.
        """
        role_id = (await self.get(caller, name)).id

        def decide(newest: Directory) -> Directory:
            before = newest.role(role_id)
            if before is None:
                raise RoleNotFound(name)
            after = replace(before, name=new_name or before.name, grants=tuple(grants) or before.grants)
            return with_role(newest, after, giver=caller.grants)

        return (await self._directories.change(caller.organization, decide)).roles[role_id]

    async def delete(self, caller: Principal, name: str) -> None:
        """Delete a role; whoever held it does no longer. Errors: RoleNotFound, SystemRoleFixed, EscalationRefused."""
        role_id = (await self.get(caller, name)).id
        await self._directories.change(
            caller.organization, lambda newest: without_role(newest, role_id, giver=caller.grants)
        )

    async def list_target_groups(self, caller: Principal, page: PageRequest) -> Page[TargetGroup]:
        """The target groups of the caller's tenant, by name. Errors: InvalidArgument, PageTokenInvalid."""
        directory = await directory_of(self._directories, caller)
        own = [group for group in directory.target_groups.values() if group.tenant == caller.tenant]
        groups = sorted(own, key=lambda one: (name_key(one.name), one.id))
        return paged(groups, page, f"target-groups/{caller.tenant}", lambda one: f"{name_key(one.name)}\n{one.id}")

    async def set_target_group(
        self, caller: Principal, name: str, places: Sequence[TargetPlace], *, is_new: bool
    ) -> TargetGroup:
        """A new target group of the caller's tenant, or other targets for the one of that name.

        Errors: InvalidArgument, TargetGroupExists, TargetGroupNotFound, PermissionDenied.
        """
        new_id = self._new_id()

        def decide(newest: Directory) -> Directory:
            found = None if is_new else _group(newest, caller.tenant, name)
            group = TargetGroup(
                id=found.id if found else new_id,
                name=found.name if found else name,
                tenant=caller.tenant,
                places=tuple(places),
            )
            return with_target_group(newest, group, giver=caller.grants)

        return _group(await self._directories.change(caller.organization, decide), caller.tenant, name)

    async def delete_target_group(self, caller: Principal, name: str) -> None:
        """Delete a target group; grants on it give nothing any more. Errors: TargetGroupNotFound, PermissionDenied."""
        await self._directories.change(
            caller.organization,
            lambda newest: without_target_group(newest, _group(newest, caller.tenant, name).id, giver=caller.grants),
        )

    def _new_id(self) -> str:
        return random_id(self._randomness.token_bytes(RANDOM_ID_BYTES))


def _position(role: Role) -> str:
    return f"{0 if role.is_system else 1}\n{name_key(role.name)}\n{role.tenant}\n{role.id}"


def _group(directory: Directory, tenant: str, name: str) -> TargetGroup:
    by_id = directory.target_groups.get(name)
    if by_id is not None and by_id.tenant == tenant:
        return by_id
    for group in directory.target_groups.values():
        if group.tenant == tenant and name_key(group.name) == name_key(name):
            return group
    raise TargetGroupNotFound(name)


def _tenant_id(directory: Directory, name: str) -> str:
    """Id of the tenant of that name; empty for none. Errors: TenantNotFound."""
    if not name:
        return ""
    tenant = directory.tenant(name)
    if tenant is None:
        raise TenantNotFound(name)
    return tenant.id
