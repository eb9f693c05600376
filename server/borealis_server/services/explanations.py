"""May I, and if not, who could make it so: answers about authority, for callers and for refusals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from borealis_server.domain.access import Permission, Scope, TargetPlace, decide, is_allowed, sufficient_grants
from borealis_server.domain.directory import held_grants
from borealis_server.domain.errors import InvalidArgument
from borealis_server.services.tenants import directory_of

if TYPE_CHECKING:
    from borealis_server.domain.directory import Directory
    from borealis_server.domain.identity import Principal
    from borealis_server.domain.roles import Role
    from borealis_server.services.directories import Directories

PEOPLE_LIMIT: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Whether somebody may, and by what; or what is missing and who could give it."""

    is_allowed: bool
    by_grant: str = ""
    by_role: str = ""
    missing_grants: tuple[str, ...] = ()
    sufficient_roles: tuple[str, ...] = ()
    administrators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A caller, as they see themselves."""

    principal: Principal
    organization: str
    """Name of the organization."""
    administrators: tuple[str, ...]
    """Whom to ask for roles; empty where the caller holds some in the tenant."""


class Explanations:
    """Answers questions about a caller's authority."""

    def __init__(self, directories: Directories) -> None:
        self._directories = directories

    async def caller(self, principal: Principal) -> Caller:
        """The caller, with whom to ask where they may do nothing."""
        directory = await directory_of(self._directories, principal)
        has_role = any(one.applies(principal.tenant) for one in principal.grants)
        return Caller(
            principal=principal,
            organization=directory.organization.name,
            administrators=() if has_role else _administrators(directory),
        )

    async def can_i(self, principal: Principal, permission: str, application: str, place: TargetPlace) -> Explained:
        """Whether the caller has the permission in their tenant, for that target. Errors: InvalidArgument."""
        if permission not in set(Permission):
            raise InvalidArgument.of("permission", f"must be one of {', '.join(Permission)}")
        wanted = Permission(permission)
        places = (place,) if application or place != TargetPlace() else ()
        scope = Scope(tenant=principal.tenant, application=application, places=places)
        if decide(principal.grants, wanted, scope).is_allowed:
            by = next((one for one in principal.grants if decide([one], wanted, scope).is_allowed), None)
            return Explained(is_allowed=True, by_grant=str(by.grant) if by else "", by_role=by.role if by else "")
        directory = await directory_of(self._directories, principal)
        roles = (role for role in directory.all_roles() if _would_do(directory, role, wanted, scope))
        return Explained(
            is_allowed=False,
            missing_grants=tuple(map(str, sufficient_grants(wanted))),
            sufficient_roles=tuple(sorted({role.name for role in roles})),
            administrators=_administrators(directory, principal.tenant),
        )


def _would_do(directory: Directory, role: Role, permission: Permission, scope: Scope) -> bool:
    is_here = role.tenant in ("", scope.tenant)
    return is_here and decide(held_grants(directory, [role]), permission, scope).is_allowed


def _administrators(directory: Directory, tenant: str = "") -> tuple[str, ...]:
    """People who can give roles: those of the tenant first, then those of the organization."""
    found = [one.email for one in directory.administrators()]
    if tenant:
        found += [
            one.email
            for one in sorted(directory.users.values(), key=lambda user: user.email)
            if one.is_active
            and is_allowed(held_grants(directory, directory.roles_of(one.roles)), Permission.USERS_WRITE, tenant)
        ]
    return tuple(dict.fromkeys(found))[:PEOPLE_LIMIT]
