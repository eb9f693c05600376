"""Callers and their credentials: the records we keep and what they must look like.

Owns their shape and rules. Issuing and checking them is `services/identity.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from borealis_server.domain.access import Role
from borealis_server.domain.errors import InvalidArgument, Violation
from borealis_server.domain.names import AgentName

if TYPE_CHECKING:
    from datetime import datetime

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
    role: Role
    """Role held."""
    agent: str
    """Agent that it is bound to; empty unless the role is `agent`."""
    secret_hash: str
    """SHA-256 of the secret in hexadecimal; the secret is random, so that a slow hash would add nothing."""
    created_at: datetime
    """When it was created."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A caller, as known from a verified token."""

    subject: str
    """Stable identifier: `clients/{client_id}`."""
    display_name: str
    """Name for people."""
    tenant: str
    """Tenant that the token is good for."""
    roles: tuple[Role, ...]
    """Roles held, sorted."""
    agent_name: str
    """Agent that the credential is bound to; empty for everybody else."""
    expires_at: datetime
    """When the token ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCredential:
    """What somebody asks for when they ask for a credential."""

    display_name: str
    """Name for people."""
    role: str
    """Name of the role wanted."""
    agent: str = ""
    """Agent to bind it to."""

    def checked_role(self) -> Role:
        """The role asked for.

        Errors: InvalidArgument with every fault of the request.
        """
        violations = tuple(_violations(self))
        if violations:
            raise InvalidArgument(violations)
        return Role(self.role)


def _violations(wanted: NewCredential) -> list[Violation]:
    roles = [role.value for role in Role]
    is_agent = wanted.role == Role.AGENT
    rules = (
        (
            _DISPLAY_NAME.fullmatch(wanted.display_name) is not None,
            "display_name",
            "must have 1 to 63 characters of `a-z`, `0-9`, `-`",
        ),
        (wanted.role in roles, "role", f"must be one of {', '.join(roles)}"),
        (
            not is_agent or AgentName.is_id(wanted.agent),
            "agent",
            "must name the agent (1 to 63 characters of `A-Z`, `a-z`, `0-9`, `-`, `_`) when the role is `agent`",
        ),
        (is_agent or not wanted.agent, "agent", "must be empty unless the role is `agent`"),
    )
    return [Violation(field=field, description=text) for holds, field, text in rules if not holds]
