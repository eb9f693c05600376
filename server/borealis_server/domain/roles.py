"""Roles: bundles of grants with a name, those of the system among them, and target groups.

Owns their shape and rules. Who may hand them out is `domain/users.py`; what a grant allows is `access.py`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from borealis_server.domain.access import (
    AGENT_HUB,
    API_GRANTS,
    DEPLOYMENT,
    FULL,
    ORGANIZATION,
    READ,
    Grant,
    GrantType,
    TargetPlace,
    api,
)
from borealis_server.domain.errors import InvalidArgument, Violation

GRANTS_LIMIT: Final = 100
PLACES_LIMIT: Final = 200
_NAME: Final = re.compile(r"[^\W_](?:[\w .,&+()'-]{0,61}[\w.)])?")
"""Letters and digits of any script; spaces and a little punctuation inside."""
_RESOURCE_LIMIT: Final = 253
_LEVELS: Final = (FULL, READ, "deploy", "approve")


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A bundle of grants with a name."""

    id: str
    """Identifier, unique in the installation; never used again."""
    name: str
    """Name for people; unique in its organization and tenant, whatever its capitals."""
    grants: tuple[Grant, ...]
    tenant: str = ""
    """Id of the tenant in which it holds; empty for the whole organization."""
    created_at: datetime | None = None
    """When it was created; None for a role of the system."""

    @property
    def is_system(self) -> bool:
        """Whether it is the same everywhere, and nobody can change it."""
        return self.id in SYSTEM_ROLES


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetGroup:
    """Targets with a name, for grants."""

    id: str
    """Identifier, unique in the installation."""
    name: str
    """Name, unique in its tenant, whatever its capitals."""
    tenant: str
    """Id of its tenant."""
    places: tuple[TargetPlace, ...]
    """The targets; an empty field stands for any."""


ADMINISTRATOR: Final = Role(id="admin", name="Organization Admin", grants=(api(ORGANIZATION),))
DEPLOYER: Final = Role(id="deployer", name="Deployments Full Access", grants=(api(DEPLOYMENT),))
VIEWER: Final = Role(id="viewer", name="Deployments Read Only", grants=(api(DEPLOYMENT, READ),))
AGENT: Final = Role(id="agent", name="Remote Network Agent", grants=(api(AGENT_HUB),))

SYSTEM_ROLES: Final[Mapping[str, Role]] = {role.id: role for role in (ADMINISTRATOR, DEPLOYER, VIEWER, AGENT)}
"""The roles that every organization has. Their ids are also the words that earlier versions had for them."""


def name_key(name: str) -> str:
    """What two names have in common that are the same but for capitals and spaces around them."""
    return name.strip().casefold()


def name_violations(name: str, *, field: str) -> Iterator[Violation]:
    """What is wrong with the name of a role or a target group."""
    if _NAME.fullmatch(name) is None:
        text = "must have 1 to 63 letters, digits, spaces or `._,&+()'-`, and begin with a letter or a digit"
        yield Violation(field=field, description=text)


def grant_of(type: str, resource: str, permission: str, *, field: str = "grants") -> Grant:  # noqa: A002 - the field's name
    """The grant that these words say. Errors: InvalidArgument with every fault."""
    violations = tuple(_grant_violations(type, resource, permission, field))
    if violations:
        raise InvalidArgument(violations)
    return Grant(type=GrantType(type), resource=resource, permission=permission)


def _grant_violations(type_: str, resource: str, permission: str, field: str) -> Iterator[Violation]:
    if type_ not in set(GrantType):
        yield Violation(field=f"{field}.type", description=f"must be one of {', '.join(GrantType)}")
        return
    if type_ == GrantType.API and resource not in API_GRANTS:
        yield Violation(field=f"{field}.resource", description=f"must be one of {', '.join(API_GRANTS)}")
        return
    if not resource or len(resource) > _RESOURCE_LIMIT:
        yield Violation(field=f"{field}.resource", description=f"must have 1 to {_RESOURCE_LIMIT} characters")
    levels = API_GRANTS[resource] if type_ == GrantType.API else _LEVELS
    if permission not in levels:
        yield Violation(field=f"{field}.permission", description=f"must be one of {', '.join(levels)}")


def check_role(name: str, grants: Sequence[Grant], *, tenant: str) -> None:
    """Errors: InvalidArgument with everything that a role of this name and these grants could not be."""
    violations = [*name_violations(name, field="display_name")]
    if name_key(name) in {name_key(role.name) for role in SYSTEM_ROLES.values()} | set(SYSTEM_ROLES):
        violations.append(Violation(field="display_name", description="is the name of a system role: choose another"))
    if not 0 < len(grants) <= GRANTS_LIMIT:
        violations.append(Violation(field="grants", description=f"must be 1 to {GRANTS_LIMIT}"))
    if tenant and any(grant.type is GrantType.API and grant.resource == ORGANIZATION for grant in grants):
        text = "`organization` cannot be granted in one tenant: leave the role's tenant empty, or grant `tenant`"
        violations.append(Violation(field="grants", description=text))
    if violations:
        raise InvalidArgument(violations)


def check_target_group(name: str, places: Sequence[TargetPlace]) -> None:
    """Errors: InvalidArgument with everything that a target group of this name could not be."""
    violations = [*name_violations(name, field="display_name")]
    if not 0 < len(places) <= PLACES_LIMIT:
        violations.append(Violation(field="targets", description=f"must be 1 to {PLACES_LIMIT}"))
    if TargetPlace() in places:
        text = "must say at least a name, an account or a namespace: a tenant's deployer needs no target group"
        violations.append(Violation(field="targets", description=text))
    if violations:
        raise InvalidArgument(violations)
