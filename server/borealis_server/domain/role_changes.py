"""How roles and target groups may change. Pure; what they are is `roles.py`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from borealis_server.domain.access import TENANT, Permission, api, uncovered
from borealis_server.domain.errors import (
    InvalidArgument,
    PermissionDenied,
    RoleExists,
    RoleNotFound,
    SystemRoleFixed,
    TargetGroupExists,
    TargetGroupNotFound,
    TenantNotFound,
)
from borealis_server.domain.giving import check_giving
from borealis_server.domain.roles import SYSTEM_ROLES, Role, TargetGroup, check_role, check_target_group, name_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from borealis_server.domain.access import HeldGrant
    from borealis_server.domain.directory import Directory


def with_role(directory: Directory, role: Role, *, giver: Sequence[HeldGrant]) -> Directory:
    """The directory after `giver` has created a role, or changed the name or grants of the one of its id.

    Errors: InvalidArgument, TenantNotFound, RoleExists, SystemRoleFixed; EscalationRefused, for those of before too.
    """
    if role.id in SYSTEM_ROLES:
        raise SystemRoleFixed(SYSTEM_ROLES[role.id].name)
    before = directory.roles.get(role.id)
    if before is not None and before.tenant != role.tenant:
        raise InvalidArgument.of("tenant", "cannot be changed: create another role there")
    check_role(role.name, role.grants, tenant=role.tenant)
    _check_tenant(directory, role.tenant)
    others = (one for one in directory.roles.values() if one.id != role.id and one.tenant == role.tenant)
    if _is_taken(role.name, others):
        raise RoleExists(role.name)
    check_giving(giver, [role] if before is None else [before, role])
    return directory.with_role(role)


def without_role(directory: Directory, role_id: str, *, giver: Sequence[HeldGrant]) -> Directory:
    """The directory after `giver` has deleted a role: whoever held it does no longer.

    Errors: RoleNotFound, SystemRoleFixed, EscalationRefused.
    """
    if role_id in SYSTEM_ROLES:
        raise SystemRoleFixed(SYSTEM_ROLES[role_id].name)
    gone = directory.roles.get(role_id)
    if gone is None:
        raise RoleNotFound(role_id)
    check_giving(giver, [gone])
    return replace(
        directory,
        roles={key: one for key, one in directory.roles.items() if key != role_id},
        users={key: replace(one, roles=_other(one.roles, role_id)) for key, one in directory.users.items()},
        invitations={key: replace(one, roles=_other(one.roles, role_id)) for key, one in directory.invitations.items()},
    )


def with_target_group(directory: Directory, group: TargetGroup, *, giver: Sequence[HeldGrant]) -> Directory:
    """The directory after `giver` has created a target group, or changed the one of its id.

    Errors: InvalidArgument, TenantNotFound, TargetGroupExists; PermissionDenied for who does not administrate it.
    """
    check_target_group(group.name, group.places)
    _check_tenant(directory, group.tenant)
    _check_administrates(giver, group)
    before = directory.target_groups.get(group.id)
    if before is not None and before.tenant != group.tenant:
        raise InvalidArgument.of("tenant", "cannot be changed: create another target group there")
    others = (one for one in directory.target_groups.values() if one.id != group.id and one.tenant == group.tenant)
    if _is_taken(group.name, others):
        raise TargetGroupExists(group.name)
    return replace(directory, target_groups={**directory.target_groups, group.id: group})


def without_target_group(directory: Directory, group_id: str, *, giver: Sequence[HeldGrant]) -> Directory:
    """The directory after `giver` has deleted a target group: grants on it give nothing any more.

    Errors: TargetGroupNotFound; PermissionDenied for who does not administrate its tenant.
    """
    gone = directory.target_groups.get(group_id)
    if gone is None:
        raise TargetGroupNotFound(group_id)
    _check_administrates(giver, gone)
    return replace(
        directory, target_groups={key: one for key, one in directory.target_groups.items() if key != group_id}
    )


def _check_tenant(directory: Directory, tenant: str) -> None:
    found = directory.tenants.get(tenant)
    if tenant and (found is None or found.deleted_at is not None):
        raise TenantNotFound(tenant)


def _check_administrates(giver: Sequence[HeldGrant], group: TargetGroup) -> None:
    """A target group widens whatever grants name it, so that it takes somebody who holds the tenant."""
    if uncovered(giver, [api(TENANT)], group.tenant):
        raise PermissionDenied(Permission.ROLES_WRITE.value, tenant=group.tenant)


def _other(roles: Sequence[str], gone: str) -> tuple[str, ...]:
    return tuple(one for one in roles if one != gone)


def _is_taken(name: str, others: Iterable[Role | TargetGroup]) -> bool:
    return any(name_key(one.name) == name_key(name) for one in others)
