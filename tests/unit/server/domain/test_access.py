"""What grants allow, and where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_server.domain.access import (
    AGENT_HUB,
    API_GRANTS,
    DEPLOYMENT,
    ORGANIZATION,
    READ,
    TENANT,
    Grant,
    GrantType,
    HeldGrant,
    Permission,
    Scope,
    TargetPlace,
    api,
    decide,
    is_administrator,
    is_allowed,
    sufficient_grants,
    uncovered,
)
from borealis_server.domain.directory import held_grants
from borealis_server.domain.roles import ADMINISTRATOR, AGENT, DEPLOYER, SYSTEM_ROLES, VIEWER, Role
from kit.callers import an_organization

SEE = {Permission.DEPLOYMENTS_READ, Permission.AGENTS_READ}
EVERYBODY = {Permission.PUBLIC, Permission.AUTHENTICATED}
ALLOWED = {
    ADMINISTRATOR.id: set(Permission) - {Permission.TUNNEL_CONNECT},
    DEPLOYER.id: EVERYBODY
    | SEE
    | {Permission.DEPLOYMENTS_WRITE, Permission.DEPLOYMENTS_APPROVE, Permission.INTEGRATIONS_READ},
    VIEWER.id: EVERYBODY | SEE,
    AGENT.id: EVERYBODY | {Permission.TUNNEL_CONNECT},
}
SHOP = TargetPlace(name="prod", account="cluster-1", namespace="shop")
INTERN = TargetPlace(name="dev", account="cluster-2", namespace="intern")


def held(grant: Grant, tenant: str = "main", places: tuple[TargetPlace, ...] = ()) -> HeldGrant:
    return HeldGrant(grant=grant, tenant=tenant, role="Some Role", places=places)


def narrow(type_: GrantType, resource: str, permission: str = "full") -> Grant:
    return Grant(type=type_, resource=resource, permission=permission)


@pytest.mark.parametrize("role", SYSTEM_ROLES.values(), ids=SYSTEM_ROLES)
@pytest.mark.parametrize("permission", Permission)
def test_a_role_of_the_system_allows_what_the_table_says_and_nothing_else(role, permission):
    grants = held_grants(an_organization(), [role])

    assert is_allowed(grants, permission, "main") == (permission in ALLOWED[role.id])


@pytest.mark.parametrize("permission", Permission)
def test_nobody_has_more_than_what_everybody_has_without_a_role(permission):
    assert is_allowed([], permission, "main") == (permission in EVERYBODY)


def test_ia_07_a_grant_of_one_tenant_says_nothing_in_another():
    deployer = Role(id="r", name="Payments Deployer", tenant="main", grants=(api(DEPLOYMENT),))

    grants = held_grants(an_organization(), [deployer])

    assert is_allowed(grants, Permission.DEPLOYMENTS_WRITE, "main")
    assert not is_allowed(grants, Permission.DEPLOYMENTS_WRITE, "other")


def test_ia_07_an_organization_wide_role_works_in_every_tenant():
    grants = held_grants(an_organization(), [DEPLOYER])

    assert is_allowed(grants, Permission.DEPLOYMENTS_WRITE, "main")
    assert is_allowed(grants, Permission.DEPLOYMENTS_WRITE, "other")


@pytest.mark.parametrize("role", [DEPLOYER, VIEWER, AGENT], ids=lambda role: role.id)
def test_a_machine_is_at_home_in_one_tenant(role):
    grants = held_grants(an_organization(), [role], home="main")

    assert not any(is_allowed(grants, permission, "other") for permission in set(Permission) - EVERYBODY)


def test_a_machine_that_administrates_the_organization_does_so_everywhere():
    grants = held_grants(an_organization(), [ADMINISTRATOR], home="main")

    assert is_allowed(grants, Permission.CREDENTIALS_WRITE, "other")


@pytest.mark.parametrize(
    ("grant", "places", "is_covered"),
    [
        pytest.param(narrow(GrantType.ACCOUNT, "cluster-1"), (), True, id="its-account"),
        pytest.param(narrow(GrantType.ACCOUNT, "cluster-2"), (), False, id="another-account"),
        pytest.param(narrow(GrantType.ACCOUNT, "cluster-1", "deploy"), (), True, id="deploying-there"),
        pytest.param(narrow(GrantType.ACCOUNT, "cluster-1", "approve"), (), False, id="approving-there-only"),
        pytest.param(narrow(GrantType.ACCOUNT, "cluster-1", READ), (), False, id="reading-there-only"),
        pytest.param(narrow(GrantType.APPLICATION, "shop"), (), True, id="its-application"),
        pytest.param(narrow(GrantType.APPLICATION, "shopping"), (), False, id="another-application"),
        pytest.param(narrow(GrantType.TARGET_GROUP, "g"), (TargetPlace(namespace="shop"),), True, id="its-namespace"),
        pytest.param(narrow(GrantType.TARGET_GROUP, "g"), (INTERN, SHOP), True, id="one-of-the-group"),
        pytest.param(narrow(GrantType.TARGET_GROUP, "g"), (INTERN,), False, id="not-of-the-group"),
        pytest.param(
            narrow(GrantType.TARGET_GROUP, "g"),
            (TargetPlace(name="prod", account="cluster-2"),),
            False,
            id="every-word-counts",
        ),
        pytest.param(narrow(GrantType.TARGET_GROUP, "g"), (), False, id="an-empty-group"),
        pytest.param(api(DEPLOYMENT, "deploy"), (), True, id="the-whole-tenant"),
        pytest.param(api(AGENT_HUB), (), False, id="something-else"),
    ],
)
def test_ia_09_a_narrow_grant_covers_its_targets_only(grant, places, is_covered):
    scope = Scope(tenant="main", application="shop", places=(SHOP,))

    verdict = decide([held(grant, places=places)], Permission.DEPLOYMENTS_WRITE, scope)

    assert verdict.is_allowed == is_covered


def test_ia_09_every_target_needs_a_grant_and_those_without_are_named():
    grants = [held(narrow(GrantType.ACCOUNT, "cluster-2"))]
    scope = Scope(tenant="main", application="shop", places=(INTERN, SHOP))

    verdict = decide(grants, Permission.DEPLOYMENTS_WRITE, scope)

    assert (verdict.is_allowed, verdict.refused) == (False, (SHOP,))
    assert decide(
        [*grants, held(narrow(GrantType.ACCOUNT, "cluster-1"))], Permission.DEPLOYMENTS_WRITE, scope
    ).is_allowed


def test_who_may_somewhere_passes_the_door_and_is_asked_again_with_the_targets():
    grants = [held(narrow(GrantType.ACCOUNT, "cluster-2"))]

    assert is_allowed(grants, Permission.DEPLOYMENTS_WRITE, "main")
    assert not is_allowed(grants, Permission.DEPLOYMENTS_WRITE, "other")
    assert not is_allowed(grants, Permission.CREDENTIALS_WRITE, "main")


@pytest.mark.parametrize("level", ["full", READ, "deploy", "approve"])
def test_whoever_has_a_narrow_grant_sees_the_deployments_of_the_tenant(level):
    assert is_allowed([held(narrow(GrantType.ACCOUNT, "cluster-2", level))], Permission.DEPLOYMENTS_READ, "main")


@pytest.mark.parametrize("grant", [api("somewhere"), api(TENANT, "deploy"), narrow(GrantType.ACCOUNT, "x", "much")])
def test_a_grant_of_unknown_words_gives_nothing(grant):
    assert grant.gives() == frozenset()


def test_administrators_are_those_of_the_tenant_and_of_the_organization():
    assert is_administrator([held(api(TENANT))], "main")
    assert not is_administrator([held(api(TENANT))], "other")
    assert is_administrator([held(api(ORGANIZATION), tenant="")], "other")
    assert not is_administrator([held(api(DEPLOYMENT)), held(api(TENANT, READ))], "main")


API = [api(resource, level) for resource, levels in API_GRANTS.items() for level in levels]
NARROW = [narrow(kind, "x", level) for kind in list(GrantType)[1:] for level in ("full", READ, "deploy", "approve")]
GRANTS = st.sampled_from([*API, *NARROW])


@given(st.lists(GRANTS, max_size=3), GRANTS, st.sampled_from(Permission))
def test_nobody_can_give_what_they_lack(holds, gives, permission):
    """Whatever is given by somebody who holds no more than these, nobody gets a permission that the giver lacks."""
    giver = [held(grant) for grant in holds]

    if uncovered(giver, [gives], "main") or permission is Permission.TUNNEL_CONNECT:
        return

    place = TargetPlace(account="x")
    scope = Scope(tenant="main", application="x", places=(place,))
    got = decide([held(gives, places=(place,))], permission, scope)
    own = decide([held(grant, places=(place,)) for grant in holds], permission, scope)
    assert own.is_allowed or not got.is_allowed


@given(GRANTS, GRANTS)
def test_what_holds_in_one_tenant_is_not_given_in_all(holds, gives):
    assert uncovered([held(holds)], [gives], "") == (gives,)
    assert uncovered([held(holds)], [gives], "other") == (gives,)


@given(GRANTS, st.sampled_from(["", "main"]))
def test_everybody_can_give_what_they_hold(grant, tenant):
    assert uncovered([held(grant, tenant=tenant)], [grant], "main") == ()


def test_who_administrates_a_tenant_gives_all_in_it_but_the_organization():
    giver = [held(api(TENANT))]

    assert uncovered(giver, [*API, *NARROW], "main") == (api(ORGANIZATION), api(ORGANIZATION, READ))
    assert uncovered([held(api(ORGANIZATION), tenant="")], [*API, *NARROW], "") == ()


@pytest.mark.parametrize("permission", sorted(set(Permission) - EVERYBODY))
def test_each_permission_has_a_grant_that_gives_it_the_smallest_first(permission):
    found = sufficient_grants(permission)

    assert all(permission in grant.gives() for grant in found)
    assert [len(grant.gives()) for grant in found] == sorted(len(grant.gives()) for grant in found)
    assert found
