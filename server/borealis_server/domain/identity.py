"""Callers and their credentials: the records we keep and what they must look like.

Owns their shape and rules. Issuing and checking them is `services/identity.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from borealis_server.domain.access import OF_INSTALLATION, Permission, is_administrator, is_allowed
from borealis_server.domain.errors import InvalidArgument, Violation
from borealis_server.domain.names import HOME_ORGANIZATION, AgentName

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from borealis_server.domain.access import HeldGrant
    from borealis_server.domain.roles import Role

_DISPLAY_NAME = re.compile(r"[a-z0-9-]{1,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredential:
    """A machine's way to get tokens. Holds a hash of the secret, never the secret."""

    tenant: str
    """Tenant that its tokens are good for."""
    client_id: str
    """Identifier to send with the secret; unique in the installation."""
    display_name: str
    """Name for people, unique in the tenant."""
    roles: tuple[str, ...]
    """Ids of the roles held; those that no longer exist give nothing."""
    agent: str
    """Agent that it is bound to; empty unless a role lets it connect as one."""
    secret_hash: str
    """SHA-256 of the secret in hexadecimal; the secret is random, so that a slow hash would add nothing."""
    created_at: datetime
    """When it was created."""


class PrincipalKind(StrEnum):
    """What kind of caller."""

    USER = "user"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A caller, as known from a verified token, acting in one tenant."""

    subject: str
    """Stable identifier: `clients/{client_id}` or `users/{user_id}`."""
    kind: PrincipalKind = PrincipalKind.MACHINE
    """A person or a machine."""
    display_name: str
    """Name for people."""
    email: str = ""
    """Address of a person; empty for machines."""
    organization: str
    """Id of the organization."""
    tenant: str
    """Id of the tenant in which the caller acts."""
    roles: tuple[Role, ...]
    """Roles that say anything about the tenant, by name."""
    grants: tuple[HeldGrant, ...]
    """What the caller holds, in every tenant."""
    agent_name: str = ""
    """Agent that the credential is bound to; empty for everybody else."""
    expires_at: datetime
    """When the token ends."""

    @property
    def actor(self) -> str:
        """What logs, records and clusters call the caller: unique in the tenant."""
        return self.email or self.display_name

    @property
    def role_names(self) -> tuple[str, ...]:
        """Names of the roles, sorted, each once."""
        return tuple(sorted({role.name for role in self.roles}))

    @property
    def is_administrator(self) -> bool:
        """Whether the caller administrates the tenant, or its whole organization."""
        return is_administrator(self.grants, self.tenant)

    def may(self, permission: Permission) -> bool:
        """Whether the caller has the permission in the tenant, for some target at least."""
        if permission in OF_INSTALLATION and self.organization != HOME_ORGANIZATION:
            return False
        return is_allowed(self.grants, permission, self.tenant)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCredential:
    """What somebody asks for when they ask for a credential."""

    display_name: str
    """Name for people."""
    roles: tuple[str, ...]
    """Names or ids of the roles wanted."""
    agent: str = ""
    """Agent to bind it to."""


def check_credential(wanted: NewCredential, roles: Sequence[Role]) -> None:
    """Errors: InvalidArgument with everything that is wrong with a credential of these roles."""
    connects = any(Permission.TUNNEL_CONNECT in grant.gives() for role in roles for grant in role.grants)
    rules = (
        (
            _DISPLAY_NAME.fullmatch(wanted.display_name) is not None,
            "display_name",
            "must have 1 to 63 characters of `a-z`, `0-9`, `-`",
        ),
        (len(wanted.roles) > 0, "roles", "must name at least one role"),
        (
            not connects or AgentName.is_id(wanted.agent),
            "agent",
            "must name the agent (1 to 63 characters of `A-Z`, `a-z`, `0-9`, `-`, `_`) when a role connects agents",
        ),
        (connects or not wanted.agent, "agent", "must be empty unless a role connects agents"),
    )
    violations = [Violation(field=field, description=text) for holds, field, text in rules if not holds]
    if violations:
        raise InvalidArgument(violations)
