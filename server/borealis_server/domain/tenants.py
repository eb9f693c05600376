"""How tenants come into being and go. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from borealis_server.domain.directory import Tenant
from borealis_server.domain.errors import InvalidArgument, TenantExists, TenantInUse, TenantNotFound
from borealis_server.domain.names import HOME_ORGANIZATION, MAIN_TENANT
from borealis_server.domain.roles import name_key, name_violations

if TYPE_CHECKING:
    from datetime import datetime

    from borealis_server.domain.directory import Directory

_NOT_IN_IDS: Final = re.compile(r"[^a-z0-9]+")
_ID_LIMIT: Final = 40


def tenant_id(directory: Directory, name: str, random: str) -> str:
    """The id of a new tenant: its name where the installation is one organization's and it is free, else with `random`.

    The id of a deleted tenant is never used again: what is left of that one would come back.
    """
    slug = _NOT_IN_IDS.sub("-", name_key(name)).strip("-")[:_ID_LIMIT].strip("-")
    is_free = slug and slug not in directory.tenants
    if is_free and directory.organization.id == HOME_ORGANIZATION:
        return slug
    return f"{slug}-{random}" if slug else random


def with_new_tenant(directory: Directory, name: str, *, random: str, now: datetime) -> Directory:
    """The directory with a tenant of that name. Errors: InvalidArgument, TenantExists."""
    violations = tuple(name_violations(name, field="display_name"))
    if violations:
        raise InvalidArgument(violations)
    if any(name_key(one.name) == name_key(name) for one in directory.live_tenants()):
        raise TenantExists(name)
    return directory.with_tenant(Tenant(id=tenant_id(directory, name, random), name=name, created_at=now))


def without_tenant(directory: Directory, name: str, *, confirmation: str, now: datetime) -> Directory:
    """The directory, which comes with credentials, without that tenant and all that belongs to it.

    Errors: TenantNotFound; TenantInUse for the tenant that every organization has; InvalidArgument when the
    confirmation is not the tenant's name.
    """
    tenant = directory.tenant(name)
    if tenant is None:
        raise TenantNotFound(name)
    if name_key(tenant.name) == MAIN_TENANT:
        raise TenantInUse(tenant.name, "every organization has this one")
    if confirmation != tenant.name:
        raise InvalidArgument.of(
            "confirm_name", f"must be the tenant's name, {tenant.name!r}, as nothing brings it back"
        )
    roles = {key: one for key, one in directory.roles.items() if one.tenant != tenant.id}
    gone = directory.roles.keys() - roles.keys()
    kept = replace(
        directory,
        roles=roles,
        users={key: replace(one, roles=_without(one.roles, gone)) for key, one in directory.users.items()},
        invitations={key: replace(one, roles=_without(one.roles, gone)) for key, one in directory.invitations.items()},
        target_groups={key: one for key, one in directory.target_groups.items() if one.tenant != tenant.id},
        credentials={key: one for key, one in directory.credentials.items() if one.tenant != tenant.id},
    )
    return kept.with_tenant(replace(tenant, deleted_at=now))


def _without(roles: tuple[str, ...], gone: set[str]) -> tuple[str, ...]:
    return tuple(one for one in roles if one not in gone)
