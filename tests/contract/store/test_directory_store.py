"""What every store of organizations does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from borealis_server.domain.access import Grant, GrantType, TargetPlace, api
from borealis_server.domain.directory import Directory, Invitation, Organization, Tenant, User
from borealis_server.domain.errors import (
    CredentialExists,
    OrganizationNotFound,
    RoleNotFound,
    TenantExists,
    UserExists,
)
from borealis_server.domain.identity import ClientCredential
from borealis_server.domain.roles import Role, TargetGroup
from kit.callers import NOON, an_organization

ANA = User(id="ana", email="ana@example.org", display_name="Ana Ü", roles=("admin", "r1"), created_at=NOON)
FULL = Directory(
    organization=Organization(id="home", name="Home", email_domain="example.org", created_at=NOON),
    tenants={
        "main": Tenant(id="main", name="main", created_at=NOON),
        "gone": Tenant(id="gone", name="Gone", created_at=NOON, deleted_at=NOON + timedelta(days=1)),
    },
    users={"ana": ANA, "bo": replace(ANA, id="bo", email="bo@example.org", deactivated_at=NOON)},
    invitations={
        "i1": Invitation(
            id="i1",
            email="cy@example.org",
            display_name="Cy",
            roles=("viewer",),
            invited_by="ana@example.org",
            created_at=NOON,
            expires_at=NOON + timedelta(days=7),
            token_hash="ab" * 32,
        )
    },
    roles={
        "r1": Role(
            id="r1",
            name="Release Manager",
            tenant="main",
            created_at=NOON,
            grants=(api("deployment"), Grant(type=GrantType.TARGET_GROUP, resource="g", permission="deploy")),
        )
    },
    target_groups={
        "g1": TargetGroup(id="g1", name="g", tenant="main", places=(TargetPlace(name="prod", namespace="shop"),))
    },
)
CI = ClientCredential(
    tenant="main", client_id="c1", display_name="ci", roles=("r1",), agent="", secret_hash="h", created_at=NOON
)


@pytest.fixture
def directories(stores):
    return stores.directories


async def test_what_is_created_comes_back_as_it_was(directories):
    await directories.create(FULL)

    assert await directories.get("home") == FULL
    assert await directories.get("nobody") is None


async def test_an_organization_is_found_by_what_belongs_to_it(directories):
    await directories.create(FULL)

    assert await directories.organization_of_tenant("gone") == "home"
    assert await directories.organization_of_user("bo") == "home"
    assert await directories.organization_of_email("ana@example.org") == "home"
    assert await directories.organization_of_invitation("ab" * 32) == "home"
    for find in (
        directories.organization_of_tenant,
        directories.organization_of_user,
        directories.organization_of_email,
        directories.organization_of_invitation,
    ):
        assert await find("nothing") is None


async def test_an_organization_is_created_once(directories):
    await directories.create(FULL)

    with pytest.raises(ValueError, match="home exists"):
        await directories.create(an_organization("second"))
    assert await directories.get("home") == FULL


@pytest.mark.parametrize("taken", ["tenant", "email"])
async def test_tenants_and_addresses_are_unique_in_the_installation(directories, taken):
    await directories.create(FULL)
    other = an_organization("main" if taken == "tenant" else "theirs", organization="other")
    if taken == "email":
        other = other.with_user(replace(ANA, id="theirs"))

    with pytest.raises(TenantExists if taken == "tenant" else UserExists):
        await directories.create(other)
    assert await directories.get("other") is None


async def test_a_change_writes_what_differs_and_returns_it(directories):
    await directories.create(FULL)

    def decide(newest):
        assert newest == FULL
        return replace(
            newest.with_user(replace(ANA, roles=())).with_tenant(Tenant(id="new", name="New", created_at=NOON)),
            invitations={},
            roles={},
            organization=replace(newest.organization, name="Renamed"),
        )

    after = await directories.change("home", decide)

    assert after == await directories.get("home")
    assert (after.users["ana"].roles, after.users["bo"]) == ((), FULL.users["bo"])
    assert (set(after.tenants), after.roles, after.invitations) == ({"main", "gone", "new"}, {}, {})
    assert (after.organization.name, after.target_groups) == ("Renamed", FULL.target_groups)


async def test_a_change_that_is_refused_writes_nothing(directories):
    await directories.create(FULL)
    version = await directories.version()

    def refuse(newest):
        newest.with_user(replace(ANA, roles=()))
        raise RoleNotFound("x")

    with pytest.raises(RoleNotFound):
        await directories.change("home", refuse)
    with pytest.raises(UserExists):
        await directories.change("home", lambda one: one.with_role(Role(id="r2", name="R", grants=())).with_user(TWIN))
    assert await directories.get("home") == FULL
    assert await directories.version() == version


TWIN = replace(ANA, id="twin")


async def test_nobody_changes_what_is_not_there(directories):
    with pytest.raises(OrganizationNotFound):
        await directories.change("nobody", lambda one: one)


async def test_the_version_grows_with_every_change(directories, stores):
    seen = [await directories.version()]

    await directories.create(FULL)
    seen.append(await directories.version())
    await directories.change("home", lambda one: replace(one, roles={}))
    seen.append(await directories.version())
    await stores.credentials.add_credential(CI)
    seen.append(await directories.version())

    assert seen == sorted(set(seen))


async def test_a_change_that_changes_nothing_keeps_the_version(directories):
    await directories.create(FULL)
    version = await directories.version()

    assert (
        await directories.change("home", lambda one: replace(one, roles=dict(one.roles)), with_credentials=True) == FULL
    )
    assert await directories.version() == version


async def test_credentials_are_changed_with_the_rest_where_they_are_asked_for(directories, stores):
    await directories.create(FULL)
    for one in (CI, replace(CI, client_id="c2", display_name="cd"), replace(CI, client_id="c3", tenant="theirs")):
        await stores.credentials.add_credential(one)
    new = replace(CI, client_id="c4", display_name="cd")

    def decide(newest):
        assert set(newest.credentials) == {"c1", "c2"}
        kept = {"c1": replace(CI, roles=("admin",)), "c4": new}
        return replace(newest, credentials=kept, roles={})

    after = await directories.change("home", decide, with_credentials=True)

    assert set(after.credentials) == {"c1", "c4"}
    assert (await stores.credentials.get_credential("c1")).roles == ("admin",)
    assert await stores.credentials.get_credential("c2") is None
    assert await stores.credentials.get_credential("c3") is not None
    assert await stores.credentials.find_credential("main", "cd") == new


async def test_credentials_are_left_alone_where_they_are_not_asked_for(directories, stores):
    await directories.create(FULL)
    await stores.credentials.add_credential(CI)

    after = await directories.change("home", lambda one: replace(one, roles={}))

    assert after.credentials == {}
    assert await stores.credentials.get_credential("c1") == CI


async def test_two_credentials_of_a_tenant_never_have_one_name(directories, stores):
    await directories.create(FULL)
    await stores.credentials.add_credential(CI)

    def decide(newest):
        return replace(newest, roles={}, credentials={**newest.credentials, "c9": replace(CI, client_id="c9")})

    with pytest.raises(CredentialExists):
        await directories.change("home", decide, with_credentials=True)
    assert await directories.get("home") == FULL
    assert await stores.credentials.get_credential("c1") == CI
