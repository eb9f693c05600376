"""An organization and all that belongs to it: tenants, people, invitations, roles, target groups.

Owns the records, and what somebody holds by them. How they change: `tenants.py`, `users.py`, `role_changes.py`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from borealis_server.domain.access import ORGANIZATION, Grant, GrantType, HeldGrant
from borealis_server.domain.identity import ClientCredential
from borealis_server.domain.roles import ADMINISTRATOR, SYSTEM_ROLES, Role, TargetGroup, name_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """Whoever shares tenants, people and roles."""

    id: str
    """Identifier, unique in the installation."""
    name: str
    """Name for people."""
    email_domain: str = ""
    """Domain that e-mail addresses of its people must have; empty for any."""
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A part of an organization with agents, deployments, credentials and secrets of its own."""

    id: str
    """Identifier in resource names, unique in the installation; never used again."""
    name: str
    """Name, unique in the organization, whatever its capitals."""
    created_at: datetime
    deleted_at: datetime | None = None
    """When it was deleted; what is left of it belongs to nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person. What they log in with is kept elsewhere, by this id."""

    id: str
    """Identifier, unique in the installation."""
    email: str
    """Address in lower case, unique in the installation."""
    display_name: str
    """Name for people."""
    roles: tuple[str, ...] = ()
    """Ids of the roles held; those of groups of an identity provider are not among them."""
    created_at: datetime
    deactivated_at: datetime | None = None
    """When somebody deactivated them; None while they may log in."""

    @property
    def is_active(self) -> bool:
        """Whether they may log in."""
        return self.deactivated_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A place that is kept for somebody until they come. Holds a hash of the secret link, never the link."""

    id: str
    """Identifier, unique in the installation."""
    email: str
    """Address in lower case."""
    display_name: str
    """Name for people."""
    roles: tuple[str, ...]
    """Ids of the roles that they will hold."""
    invited_by: str
    """Who asked them."""
    created_at: datetime
    expires_at: datetime
    """Until when it can be accepted."""
    token_hash: str
    """SHA-256 of the secret in hexadecimal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """All that decides who may do what in one organization, by identifier."""

    organization: Organization
    tenants: Mapping[str, Tenant] = field(default_factory=dict)
    """Deleted ones too."""
    users: Mapping[str, User] = field(default_factory=dict)
    invitations: Mapping[str, Invitation] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    """Without those of the system."""
    target_groups: Mapping[str, TargetGroup] = field(default_factory=dict)
    credentials: Mapping[str, ClientCredential] = field(default_factory=dict)
    """By client id; empty where they were not asked for."""

    def tenant(self, name: str) -> Tenant | None:
        """The tenant of that id or name, if it was not deleted."""
        by_id = self.tenants.get(name)
        if by_id is not None and by_id.deleted_at is None:
            return by_id
        key = name_key(name)
        return next((one for one in self.live_tenants() if name_key(one.name) == key), None)

    def live_tenants(self) -> tuple[Tenant, ...]:
        """Those that were not deleted, by name."""
        live = (one for one in self.tenants.values() if one.deleted_at is None)
        return tuple(sorted(live, key=lambda one: (name_key(one.name), one.id)))

    def role(self, role_id: str) -> Role | None:
        """The role of that id, a system role too."""
        return SYSTEM_ROLES.get(role_id) or self.roles.get(role_id)

    def all_roles(self) -> tuple[Role, ...]:
        """Every role, those of the system first, then by name and tenant."""
        custom = sorted(self.roles.values(), key=lambda one: (name_key(one.name), one.tenant))
        return (*SYSTEM_ROLES.values(), *custom)

    def roles_of(self, role_ids: Iterable[str]) -> tuple[Role, ...]:
        """Those of the roles that exist, by name."""
        found = {role_id: role for role_id in role_ids if (role := self.role(role_id)) is not None}
        return tuple(sorted(found.values(), key=lambda one: (name_key(one.name), one.tenant)))

    def roles_named(self, names: Iterable[str]) -> tuple[Role, ...]:
        """Every role with one of these names, whatever their capitals: what groups of an identity provider give."""
        wanted = {name_key(name) for name in names}
        return tuple(role for role in self.all_roles() if name_key(role.name) in wanted)

    def user_of(self, email: str) -> User | None:
        """The person with that address."""
        wanted = normal_email(email)
        return next((one for one in self.users.values() if one.email == wanted), None)

    def administrators(self) -> tuple[User, ...]:
        """The active people who hold the role Organization Admin, by address."""
        found = (one for one in self.users.values() if one.is_active and ADMINISTRATOR.id in one.roles)
        return tuple(sorted(found, key=lambda one: one.email))

    def with_tenant(self, tenant: Tenant) -> Self:
        """The same with this tenant in place of the one of its id."""
        return replace(self, tenants={**self.tenants, tenant.id: tenant})

    def with_user(self, user: User) -> Self:
        """The same with this person in place of the one of their id."""
        return replace(self, users={**self.users, user.id: user})

    def with_role(self, role: Role) -> Self:
        """The same with this role in place of the one of its id."""
        return replace(self, roles={**self.roles, role.id: role})


def normal_email(email: str) -> str:
    """The address in the form in which it is compared and kept."""
    return email.strip().lower()


def held_grants(directory: Directory, roles: Iterable[Role], *, home: str = "") -> tuple[HeldGrant, ...]:
    """What somebody with these roles holds.

    `home` is the tenant of a machine's credential: its roles hold there and nowhere else, but for the grant on the
    whole organization.
    """
    held: list[HeldGrant] = []
    for role in roles:
        for grant in role.grants:
            tenant = _tenant_of(role, grant, home)
            if tenant is not None:
                held += _held(directory, role, grant, tenant)
    return tuple(held)


def reachable_tenants(directory: Directory, held: Iterable[HeldGrant], *, home: str = "") -> tuple[Tenant, ...]:
    """The tenants in which somebody who holds these grants can do anything, and a machine's own, by name."""
    names = {one.tenant for one in held} | ({home} if home else set())
    return tuple(one for one in directory.live_tenants() if "" in names or one.id in names)


def roles_there(roles: Iterable[Role], tenant: str, *, home: str = "") -> tuple[Role, ...]:
    """Those of the roles that say anything about the tenant; `home` as for `held_grants`."""
    return tuple(
        role
        for role in roles
        if role.tenant in ("", tenant) and (home in ("", tenant) or any(map(_is_everywhere, role.grants)))
    )


def _tenant_of(role: Role, grant: Grant, home: str) -> str | None:
    """Where the grant applies; empty for everywhere, None for nowhere."""
    if not home or _is_everywhere(grant):
        return role.tenant
    return home if role.tenant in ("", home) else None


def _held(directory: Directory, role: Role, grant: Grant, tenant: str) -> list[HeldGrant]:
    if grant.type is not GrantType.TARGET_GROUP:
        return [HeldGrant(grant=grant, tenant=tenant, role=role.name)]
    key = name_key(grant.resource)
    groups = [
        group
        for group in directory.target_groups.values()
        if name_key(group.name) == key and tenant in ("", group.tenant)
    ]
    return [HeldGrant(grant=grant, tenant=group.tenant, role=role.name, places=group.places) for group in groups]


def _is_everywhere(grant: Grant) -> bool:
    return grant.type is GrantType.API and grant.resource == ORGANIZATION
