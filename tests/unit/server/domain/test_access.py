"""Which role may do what."""

from __future__ import annotations

import pytest

from borealis_server.domain.access import Permission, Role, is_allowed

ALLOWED = {
    Role.ADMIN: set(Permission) - {Permission.TUNNEL_CONNECT},
    Role.DEPLOYER: {
        Permission.PUBLIC,
        Permission.AUTHENTICATED,
        Permission.DEPLOYMENTS_READ,
        Permission.DEPLOYMENTS_WRITE,
        Permission.DEPLOYMENTS_APPROVE,
        Permission.AGENTS_READ,
        Permission.INTEGRATIONS_READ,
    },
    Role.VIEWER: {
        Permission.PUBLIC,
        Permission.AUTHENTICATED,
        Permission.DEPLOYMENTS_READ,
        Permission.AGENTS_READ,
    },
    Role.AGENT: {Permission.PUBLIC, Permission.AUTHENTICATED, Permission.TUNNEL_CONNECT},
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_a_role_allows_what_the_table_says_and_nothing_else(role, permission):
    assert is_allowed([role], permission) == (permission in ALLOWED[role])


@pytest.mark.parametrize("permission", Permission)
def test_nobody_without_a_role_may_do_anything(permission):
    assert not is_allowed([], permission)


def test_roles_add_up():
    assert is_allowed([Role.AGENT, Role.VIEWER], Permission.TUNNEL_CONNECT)
    assert is_allowed([Role.AGENT, Role.VIEWER], Permission.DEPLOYMENTS_READ)
