"""Who may hand out what: nobody gives, changes or takes more than they hold, and somebody stays to administrate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_server.domain.access import Permission, uncovered
from borealis_server.domain.errors import EscalationRefused, LastAdministrator, PermissionDenied, RoleNotFound
from borealis_server.domain.roles import ADMINISTRATOR, name_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from borealis_server.domain.access import HeldGrant
    from borealis_server.domain.directory import Directory
    from borealis_server.domain.roles import Role

_PREFIX = "roles/"


def roles_meant(directory: Directory, names: Iterable[str], *, tenant: str) -> tuple[Role, ...]:
    """The roles with these names or ids; a name means the role of `tenant` before the one of the organization.

    `payments/Deployer` is the role of another tenant, by its id or name.

    Errors: RoleNotFound.
    """
    found = {role.id: role for role in (_role_meant(directory, name, tenant) for name in names)}
    return tuple(found.values())


def _role_meant(directory: Directory, name: str, tenant: str) -> Role:
    by_id = directory.role(name.removeprefix(_PREFIX))
    if by_id is not None:
        return by_id
    there, slash, own_name = name.rpartition("/")
    other = directory.tenant(there) if slash else None
    tenants = {other.id} if other else {"", tenant}
    key = name_key(own_name)
    named = [role for role in directory.all_roles() if name_key(role.name) == key and role.tenant in tenants]
    if not named or (slash and other is None):
        raise RoleNotFound(name)
    return max(named, key=lambda role: role.tenant == tenant)


def check_giving(giver: Sequence[HeldGrant], roles: Iterable[Role], *, tenant: str = "") -> None:
    """Errors: EscalationRefused unless the giver holds all that these roles have, wherever they hold.

    `tenant` is that of the machine that gets them; empty for people, whose roles hold wherever they say.
    """
    for role in roles:
        missing = uncovered(giver, role.grants, role.tenant or tenant)
        if missing:
            raise EscalationRefused(role.name, missing)


def check_everywhere(giver: Iterable[HeldGrant], permission: Permission) -> None:
    """Errors: PermissionDenied unless the giver has the permission in every tenant of the organization."""
    if not any(not one.tenant and permission in one.grant.gives() for one in giver):
        raise PermissionDenied(permission.value, tenant="all", ask="an administrator of the organization")


def check_administrators(before: Directory, after: Directory, name: str) -> None:
    """Errors: LastAdministrator for `name` when a change leaves the organization without one. Both with credentials."""
    if _has_administrator(before) and not _has_administrator(after):
        raise LastAdministrator(name)


def _has_administrator(directory: Directory) -> bool:
    is_machine = any(ADMINISTRATOR.id in one.roles for one in directory.credentials.values())
    return is_machine or bool(directory.administrators())
