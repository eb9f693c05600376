"""Who may do what: permissions, the grants that give them, and the one function that decides.

Owns the decision; whoever asks it owns the answer to the caller. Where grants come from is `directory.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Permission(StrEnum):
    """One thing that a grant may allow. Members are those of `borealis.auth.v1.Permission`, by name."""

    PUBLIC = "public"
    AUTHENTICATED = "authenticated"
    DEPLOYMENTS_READ = "deployments.read"
    DEPLOYMENTS_WRITE = "deployments.write"
    DEPLOYMENTS_APPROVE = "deployments.approve"
    AGENTS_READ = "agents.read"
    TUNNEL_CONNECT = "tunnel.connect"
    CREDENTIALS_WRITE = "credentials.write"
    KUBE_READ = "kube.read"
    KUBE_WRITE = "kube.write"
    AUDIT_READ = "audit.read"
    INTEGRATIONS_READ = "integrations.read"
    INTEGRATIONS_WRITE = "integrations.write"
    TENANTS_WRITE = "tenants.write"
    USERS_READ = "users.read"
    USERS_WRITE = "users.write"
    ROLES_READ = "roles.read"
    ROLES_WRITE = "roles.write"
    SECRETS_WRITE = "secrets.write"
    KEYS_ROTATE = "keys.rotate"
    PREVIEWS_RULE = "previews.rule"


class GrantType(StrEnum):
    """What a grant is about."""

    API = "api"
    """A part of the platform, in the role's tenant; in all tenants where the role has none."""
    APPLICATION = "application"
    """Deployments of one application."""
    ACCOUNT = "account"
    """Targets behind one agent."""
    TARGET_GROUP = "targetGroup"
    """Targets that a target group names."""


ORGANIZATION: Final = "organization"
TENANT: Final = "tenant"
DEPLOYMENT: Final = "deployment"
AGENT_HUB: Final = "agentHub"
FULL: Final = "full"
READ: Final = "read"

_EVERYBODY: Final = frozenset({Permission.PUBLIC, Permission.AUTHENTICATED})
_SEE: Final = frozenset({Permission.DEPLOYMENTS_READ, Permission.AGENTS_READ})
_SEE_ALL: Final = _SEE | {Permission.AUDIT_READ, Permission.USERS_READ, Permission.ROLES_READ}
_OF_ALL_TENANTS: Final = frozenset({Permission.TENANTS_WRITE, Permission.KEYS_ROTATE})
OF_INSTALLATION: Final = frozenset({Permission.KEYS_ROTATE})
"""What concerns every organization of the installation, so that only its own organization may do it."""

_OF_AGENTS: Final = frozenset({Permission.TUNNEL_CONNECT})
_OF_TARGETS: Final = frozenset({Permission.DEPLOYMENTS_WRITE, Permission.DEPLOYMENTS_APPROVE})
"""What narrow grants can give for some targets only: the rest holds for a tenant or not at all."""

_LEVELS: Final[Mapping[str, frozenset[Permission]]] = {
    FULL: _SEE | _OF_TARGETS | {Permission.INTEGRATIONS_READ},
    READ: _SEE,
    "deploy": _SEE | {Permission.DEPLOYMENTS_WRITE, Permission.INTEGRATIONS_READ},
    "approve": _SEE | {Permission.DEPLOYMENTS_APPROVE},
}

API_GRANTS: Final[Mapping[str, Mapping[str, frozenset[Permission]]]] = {
    ORGANIZATION: {FULL: frozenset(Permission) - _EVERYBODY - _OF_AGENTS, READ: _SEE_ALL},
    TENANT: {FULL: frozenset(Permission) - _EVERYBODY - _OF_AGENTS - _OF_ALL_TENANTS, READ: _SEE_ALL},
    DEPLOYMENT: _LEVELS,
    AGENT_HUB: {FULL: _OF_AGENTS},
}
"""Resource of an `api` grant, its permission, and what that allows. Nobody but an agent may carry a tunnel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One thing that a role gives: `type/resource/permission`."""

    type: GrantType
    resource: str
    """Part of the platform for `api`; else the name of the application, the account or the target group."""
    permission: str
    """How much of it: `full`, `read`, `deploy` or `approve`."""

    def __str__(self) -> str:
        return f"{self.type}/{self.resource}/{self.permission}"

    def gives(self) -> frozenset[Permission]:
        """What it allows where it applies; nothing for a grant that this version does not know."""
        levels = API_GRANTS.get(self.resource, {}) if self.type is GrantType.API else _LEVELS
        return levels.get(self.permission, frozenset())


def api(resource: str, permission: str = FULL) -> Grant:
    """A grant on a part of the platform."""
    return Grant(type=GrantType.API, resource=resource, permission=permission)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPlace:
    """A target of a deployment; in a target group, an empty field stands for any."""

    name: str = ""
    """Name of the target in the deploy file."""
    account: str = ""
    """Agent of its cluster."""
    namespace: str = ""
    """Kubernetes namespace."""

    def includes(self, place: TargetPlace) -> bool:
        """Whether `place` is what this describes."""
        return (
            self.name in ("", place.name)
            and self.account in ("", place.account)
            and self.namespace in ("", place.namespace)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldGrant:
    """A grant in somebody's hands."""

    grant: Grant
    tenant: str
    """Id of the tenant in which it applies; empty for every tenant of the organization."""
    role: str
    """Name of the role that it comes from."""
    places: tuple[TargetPlace, ...] = ()
    """What the target group names; empty for grants of other types."""

    def applies(self, tenant: str) -> bool:
        """Whether it says anything about `tenant`, one of the holder's organization."""
        return self.tenant in ("", tenant)

    def covers(self, application: str, place: TargetPlace) -> bool:
        """Whether it is about that target, in a tenant to which it applies."""
        match self.grant.type:
            case GrantType.API:
                return True
            case GrantType.APPLICATION:
                return self.grant.resource == application
            case GrantType.ACCOUNT:
                return self.grant.resource == place.account
            case GrantType.TARGET_GROUP:
                return any(pattern.includes(place) for pattern in self.places)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where something is to be done."""

    tenant: str
    """Id of the tenant."""
    application: str = ""
    """Application of the deployment; empty where the question is about no deployment."""
    places: tuple[TargetPlace, ...] = ()
    """Its targets, after filters; empty asks whether there is any target for which it is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether somebody may, and if not, for which targets."""

    is_allowed: bool
    refused: tuple[TargetPlace, ...] = ()
    """Targets for which no grant was found; empty where the whole tenant is refused."""


def decide(held: Iterable[HeldGrant], permission: Permission, scope: Scope) -> Verdict:
    """Whether somebody who holds these grants has `permission` in `scope`: for every target there, where it has some.

    Where no targets are named, a grant for some of them is enough: whoever knows the targets asks again with them.
    """
    if permission in _EVERYBODY:
        return Verdict(is_allowed=True)
    giving = [one for one in held if one.applies(scope.tenant) and permission in one.grant.gives()]
    if permission not in _OF_TARGETS or not scope.places:
        return Verdict(is_allowed=bool(giving))
    refused = tuple(place for place in scope.places if not any(one.covers(scope.application, place) for one in giving))
    return Verdict(is_allowed=bool(giving) and not refused, refused=refused)


def is_allowed(held: Iterable[HeldGrant], permission: Permission, tenant: str) -> bool:
    """Whether somebody who holds these grants has `permission` in the tenant, for some target at least."""
    return decide(held, permission, Scope(tenant=tenant)).is_allowed


def is_administrator(held: Iterable[HeldGrant], tenant: str) -> bool:
    """Whether somebody administrates the tenant, or its whole organization."""
    wanted = (api(ORGANIZATION), api(TENANT))
    return any(one.applies(tenant) and one.grant in wanted for one in held)


def uncovered(held: Sequence[HeldGrant], grants: Iterable[Grant], tenant: str) -> tuple[Grant, ...]:
    """Those of the grants that somebody cannot give, as they do not hold as much there; an empty tenant means all."""
    here = [one for one in held if one.tenant in ("", tenant)] if tenant else [one for one in held if not one.tenant]
    return tuple(grant for grant in grants if not any(_implies(one.grant, grant) for one in here))


def _implies(holds: Grant, gives: Grant) -> bool:
    """Whether who has the one has all of the other. Who may connect agents is for administrators to say."""
    if holds == gives or holds == api(ORGANIZATION):
        return True
    if holds == api(TENANT):
        return gives.type is not GrantType.API or gives.resource != ORGANIZATION
    is_same = (holds.type, holds.resource) == (gives.type, gives.resource)
    is_wider = holds.type is GrantType.API and holds.resource == DEPLOYMENT and gives.type is not GrantType.API
    return (is_same or is_wider) and bool(gives.gives()) and gives.gives() <= holds.gives()


def sufficient_grants(permission: Permission) -> tuple[Grant, ...]:
    """The `api` grants of which any one would give the permission, the smallest first."""
    found = [
        (len(gives), api(resource, level))
        for resource, levels in API_GRANTS.items()
        for level, gives in levels.items()
        if permission in gives
    ]
    return tuple(grant for _, grant in sorted(found, key=lambda one: (one[0], str(one[1]))))
