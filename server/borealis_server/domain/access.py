"""Who may do what: permissions, roles, and the one table that joins them.

Owns the decision; whoever asks it owns the answer to the caller.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Permission(StrEnum):
    """One thing that a role may allow. Members are those of `borealis.auth.v1.Permission`, by name."""

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
    SECRETS_WRITE = "secrets.write"
    KEYS_ROTATE = "keys.rotate"
    PREVIEWS_RULE = "previews.rule"


class Role(StrEnum):
    """What a credential may be."""

    ADMIN = "admin"
    DEPLOYER = "deployer"
    VIEWER = "viewer"
    AGENT = "agent"


_EVERYBODY = frozenset({Permission.PUBLIC, Permission.AUTHENTICATED})
_VIEWER = _EVERYBODY | {Permission.DEPLOYMENTS_READ, Permission.AGENTS_READ}
_DEPLOYER = _VIEWER | {Permission.DEPLOYMENTS_WRITE, Permission.DEPLOYMENTS_APPROVE}

ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission) - {Permission.TUNNEL_CONNECT},
    Role.DEPLOYER: _DEPLOYER,
    Role.VIEWER: _VIEWER,
    Role.AGENT: _EVERYBODY | {Permission.TUNNEL_CONNECT},
}
"""What each role allows. Nobody but an agent may carry a tunnel, and an agent may do nothing else."""


def is_allowed(roles: Iterable[Role], permission: Permission) -> bool:
    """Whether somebody who holds `roles` has `permission`."""
    return any(permission in ROLE_PERMISSIONS[role] for role in roles)
