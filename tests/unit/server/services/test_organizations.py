"""Organizations, tenants, people and roles, on a store that forgets."""

# Long on purpose: tenants, people and roles change together, and so do the tests of it.
from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from borealis_server.adapters.clock import ManualClock
from borealis_server.adapters.randomness import CountingRandomness
from borealis_server.adapters.store.memory import MemoryCredentialStore, MemoryDeploymentStore
from borealis_server.adapters.store.memory_directory import MemoryDirectoryStore
from borealis_server.domain.access import Grant, GrantType, Permission, TargetPlace, api
from borealis_server.domain.directory import held_grants
from borealis_server.domain.errors import (
    EscalationRefused,
    InvalidArgument,
    InvitationExists,
    InvitationExpired,
    InvitationNotFound,
    LastAdministrator,
    PermissionDenied,
    RoleExists,
    RoleNotFound,
    SystemRoleFixed,
    TargetGroupExists,
    TargetGroupNotFound,
    TenantExists,
    TenantInUse,
    TenantNotFound,
    UserExists,
    UserNotFound,
)
from borealis_server.domain.identity import ClientCredential, PrincipalKind
from borealis_server.domain.names import HOME_ORGANIZATION
from borealis_server.domain.paging import PageRequest
from borealis_server.domain.roles import ADMINISTRATOR, DEPLOYER, SYSTEM_ROLES, VIEWER, Role
from borealis_server.services.directories import Directories
from borealis_server.services.organizations import Organizations
from borealis_server.services.roles import NewRole, RoleService
from borealis_server.services.tenants import TenantService
from borealis_server.services.users import INVITATION_LIFETIME, UserService
from kit.callers import a_caller

ALL = PageRequest(size=250)
TENANT_ADMIN = Role(id="ta", name="Tenant Admin", tenant="main", grants=(api("tenant"),))


class Office:
    """Everything that administrates organizations."""

    def __init__(self) -> None:
        self.clock, chance = ManualClock(), CountingRandomness()
        self.credentials = MemoryCredentialStore()
        self.store = MemoryDirectoryStore(self.credentials)
        self.deployments = MemoryDeploymentStore()
        self.directories = Directories(self.store, self.clock)
        self.organizations = Organizations(self.directories, self.clock, chance)
        self.tenants = TenantService(self.directories, self.deployments, self.clock, chance)
        self.users = UserService(self.directories, self.clock, chance)
        self.roles = RoleService(self.directories, self.clock, chance)
        self.boss = a_caller(ADMINISTRATOR, name="boss")

    async def open(self) -> Office:
        await self.organizations.open_home()
        await self.directories.change(HOME_ORGANIZATION, lambda one: one.with_role(TENANT_ADMIN))
        return self

    async def joined(self, name: str, *roles: str):
        """Somebody who was invited and came."""
        sent = await self.users.invite(self.boss, f"{name}@example.org", name, roles)
        return await self.users.accept(sent.secret)

    async def held(self, user_id: str):
        directory = await self.directories.get(HOME_ORGANIZATION)
        assert directory is not None
        return held_grants(directory, directory.roles_of(directory.users[user_id].roles))


@pytest.fixture
async def office() -> Office:
    return await Office().open()


def the_tenant_admin():
    return a_caller(TENANT_ADMIN, name="tina", kind=PrincipalKind.USER)


async def test_ia_01_sign_up_makes_an_organization_its_main_tenant_and_an_administrator(office):
    directory, founder = await office.organizations.sign_up("Acme & Co", " Ada@Example.COM ", "Ada")

    kept = await office.store.get(directory.organization.id)
    assert kept == directory
    (tenant,) = kept.tenants.values()
    assert (kept.organization.name, tenant.name) == ("Acme & Co", "main")
    assert list(kept.users.values()) == [founder]
    assert (founder.email, founder.roles, founder.is_active) == ("ada@example.com", (ADMINISTRATOR.id,), True)
    held = held_grants(kept, kept.roles_of(founder.roles))
    assert any(Permission.TENANTS_WRITE in one.grant.gives() for one in held)


async def test_ia_01_each_organization_has_a_main_tenant_of_its_own(office):
    first, _ = await office.organizations.sign_up("One", "a@one.example", "A")
    second, _ = await office.organizations.sign_up("Two", "b@two.example", "B")

    ids = [next(iter(one.tenants)) for one in (first, second, await office.organizations.open_home())]
    assert (len(set(ids)), ids[-1]) == (3, "main")


@pytest.mark.parametrize("email", ["ada@example.org", "ADA@example.org "])
async def test_ia_01_an_address_signs_up_once(office, email):
    await office.organizations.sign_up("One", "ada@example.org", "Ada")

    with pytest.raises(UserExists):
        await office.organizations.sign_up("Two", email, "Ada")


@pytest.mark.parametrize(
    ("organization", "email", "name", "domain"),
    [
        ("", "a@b.example", "A", ""),
        ("One", "nobody", "A", ""),
        ("One", "a@b@c", "A", ""),
        ("One", "a@b.example\n", "", ""),
        ("One", "a@b.example", "A\x1b[2J", ""),
        ("One", "a@b.example", "A", "c.example"),
    ],
)
async def test_a_faulty_sign_up_makes_nothing(office, organization, email, name, domain):
    before = await office.store.version()

    with pytest.raises(InvalidArgument):
        await office.organizations.sign_up(organization, email, name, email_domain=domain)
    assert await office.store.version() == before


async def test_the_installations_own_organization_is_made_once(office):
    before = await office.store.version()

    assert (await office.organizations.open_home()).organization.id == HOME_ORGANIZATION
    assert await office.store.version() == before


async def test_ia_06_who_is_invited_comes_in_with_their_roles(office):
    sent = await office.users.invite(office.boss, "Bo@example.org", "Bo", ["deployments full access", "ta"])
    (listed,) = (await office.users.list_invitations(office.boss, ALL)).items
    assert (listed.invitation.email, listed.invitation.invited_by) == ("bo@example.org", "boss")
    assert sent.secret not in repr(await office.store.get(HOME_ORGANIZATION))

    user = await office.users.accept(sent.secret)

    view = await office.users.get(office.boss, "bo@example.org")
    assert (view.user, [role.name for role in view.roles]) == (user, ["Deployments Full Access", "Tenant Admin"])
    assert (await office.users.list_invitations(office.boss, ALL)).items == ()
    with pytest.raises(InvitationNotFound):
        await office.users.accept(sent.secret)


async def test_ia_06_a_user_of_another_organization_is_refused(office):
    await office.organizations.sign_up("Other", "eve@example.org", "Eve")

    with pytest.raises(UserExists, match=r"the user eve@example\.org already exists"):
        await office.users.invite(office.boss, "eve@example.org", "Eve", ["viewer"])
    with pytest.raises(UserNotFound):
        await office.users.get(office.boss, "eve@example.org")


async def test_ia_06_nobody_is_a_user_or_invited_twice(office):
    await office.joined("bo", "viewer")
    await office.users.invite(office.boss, "cy@example.org", "Cy", ["viewer"])

    with pytest.raises(UserExists):
        await office.users.invite(office.boss, "bo@example.org", "Bo", ["viewer"])
    with pytest.raises(InvitationExists):
        await office.users.invite(office.boss, "cy@example.org", "Cy", ["viewer"])


async def test_who_signs_up_elsewhere_in_the_meantime_cannot_accept(office):
    sent = await office.users.invite(office.boss, "eve@example.org", "Eve", ["viewer"])
    await office.organizations.sign_up("Other", "eve@example.org", "Eve")

    with pytest.raises(UserExists):
        await office.users.accept(sent.secret)


async def test_an_invitation_ends_and_can_be_sent_again(office):
    sent = await office.users.invite(office.boss, "bo@example.org", "Bo", ["viewer"])
    office.clock.advance(INVITATION_LIFETIME / timedelta(seconds=1))
    with pytest.raises(InvitationExpired):
        await office.users.accept(sent.secret)

    again = await office.users.resend(office.boss, "bo@example.org")

    with pytest.raises(InvitationNotFound):
        await office.users.accept(sent.secret)
    assert (await office.users.accept(again.secret)).email == "bo@example.org"


async def test_a_revoked_invitation_opens_nothing(office):
    sent = await office.users.invite(office.boss, "bo@example.org", "Bo", ["viewer"])

    await office.users.revoke(office.boss, sent.view.invitation.id)

    with pytest.raises(InvitationNotFound):
        await office.users.accept(sent.secret)
    with pytest.raises(InvitationNotFound):
        await office.users.revoke(office.boss, "bo@example.org")
    with pytest.raises(InvitationNotFound):
        await office.users.resend(office.boss, "bo@example.org")


@pytest.mark.parametrize(
    ("email", "name", "roles", "error"),
    [
        ("bo", "Bo", ["viewer"], InvalidArgument),
        ("bo@example.org", "", ["viewer"], InvalidArgument),
        ("bo@example.org", "Bo", [], InvalidArgument),
        ("bo@example.org", "Bo", ["boss"], RoleNotFound),
    ],
)
async def test_a_faulty_invitation_is_not_sent(office, email, name, roles, error):
    with pytest.raises(error):
        await office.users.invite(office.boss, email, name, roles)
    assert (await office.users.list_invitations(office.boss, ALL)).items == ()


async def test_people_of_an_organization_with_a_domain_have_addresses_there(office):
    await office.directories.change(
        HOME_ORGANIZATION, lambda one: replace(one, organization=replace(one.organization, email_domain="example.org"))
    )

    await office.users.invite(office.boss, "bo@example.org", "Bo", ["viewer"])
    for email in ("bo@example.com", "bo@evil.example.org", "bo@example.org.evil"):
        with pytest.raises(InvalidArgument):
            await office.users.invite(office.boss, email, "Bo", ["viewer"])


async def test_ia_08_roles_of_the_system_are_fixed(office):
    before = await office.store.get(HOME_ORGANIZATION)
    for role in SYSTEM_ROLES.values():
        with pytest.raises(SystemRoleFixed):
            await office.roles.update(office.boss, role.name, new_name="Mine", grants=())
        with pytest.raises(SystemRoleFixed):
            await office.roles.delete(office.boss, role.id)
        for name in (role.name, role.name.upper(), role.id):
            with pytest.raises(InvalidArgument, match="system role"):
                await office.roles.create(office.boss, NewRole(name=name, grants=(api("deployment"),)))

    assert await office.store.get(HOME_ORGANIZATION) == before
    assert not before.roles.keys() & SYSTEM_ROLES.keys()


async def test_names_of_roles_are_unique_in_their_tenant_whatever_their_capitals(office):
    grants = (api("deployment"),)
    await office.roles.create(office.boss, NewRole(name="SRE", grants=grants))
    await office.roles.create(office.boss, NewRole(name="sre", grants=grants, tenant="main"))

    for tenant in ("", "main"):
        with pytest.raises(RoleExists):
            await office.roles.create(office.boss, NewRole(name="Sre", grants=grants, tenant=tenant))
    with pytest.raises(TenantNotFound):
        await office.roles.create(office.boss, NewRole(name="x", grants=grants, tenant="nowhere"))
    assert (await office.roles.get(office.boss, "SRE")).tenant == "main"


async def test_who_loses_a_role_loses_what_it_gave_and_so_does_who_was_invited_to_it(office):
    made = await office.roles.create(office.boss, NewRole(name="SRE", grants=(api("deployment"),)))
    user = await office.joined("bo", "SRE")
    await office.users.invite(office.boss, "cy@example.org", "Cy", ["SRE", "viewer"])
    assert await office.held(user.id)

    await office.roles.delete(office.boss, "sre")

    assert await office.held(user.id) == ()
    (sent,) = (await office.users.list_invitations(office.boss, ALL)).items
    assert sent.invitation.roles == ("viewer",)
    with pytest.raises(RoleNotFound):
        await office.roles.get(office.boss, made.id)


async def test_other_grants_of_a_role_hold_for_everybody_who_has_it(office):
    await office.roles.create(office.boss, NewRole(name="SRE", grants=(api("deployment", "read"),)))
    user = await office.joined("bo", "SRE")

    changed = await office.roles.update(office.boss, "SRE", new_name="Ops", grants=[api("deployment")])

    assert (changed.name, [one.grant for one in await office.held(user.id)]) == ("Ops", [api("deployment")])
    kept = await office.roles.update(office.boss, "ops", new_name="", grants=())
    assert kept == changed


@pytest.mark.parametrize(
    "wanted",
    [
        NewRole(name="", grants=(api("deployment"),)),
        NewRole(name=" x", grants=(api("deployment"),)),
        NewRole(name="x", grants=()),
        NewRole(name="x", grants=(api("organization"),), tenant="main"),
    ],
    ids=["no-name", "space-in-front", "no-grant", "organization-in-a-tenant"],
)
async def test_a_faulty_role_is_not_made(office, wanted):
    with pytest.raises(InvalidArgument):
        await office.roles.create(office.boss, wanted)


ESCALATIONS = {
    "invites an administrator": lambda o, c: o.users.invite(c, "x@example.org", "X", ["admin"]),
    "invites a deployer of all tenants": lambda o, c: o.users.invite(c, "x@example.org", "X", ["deployer"]),
    "promotes themselves": lambda o, c: o.users.update_roles(c, "tina@example.org", add=["admin"], remove=[]),
    "takes the administrator's role": lambda o, c: o.users.update_roles(c, "ada@example.org", add=[], remove=["admin"]),
    "makes a role for all tenants": lambda o, c: o.roles.create(c, NewRole(name="X", grants=(api("tenant"),))),
    "makes a role in another tenant": lambda o, c: o.roles.create(
        c, NewRole(name="X", grants=(api("deployment"),), tenant="other")
    ),
    "widens a role of another tenant": lambda o, c: o.roles.update(c, "far", new_name="Mine", grants=()),
    "deletes a role of the organization": lambda o, c: o.roles.delete(c, "wide"),
    "locks the administrator out": lambda o, c: o.users.set_active(c, "ada@example.org", is_active=False),
    "makes a tenant": lambda o, c: o.tenants.create(c, "theirs"),
    "deletes a tenant": lambda o, c: o.tenants.delete(c, "other", confirmation="other"),
}


@pytest.mark.parametrize("attempt", ESCALATIONS.values(), ids=ESCALATIONS)
async def test_who_administrates_one_tenant_gets_no_further(office, attempt):
    await office.tenants.create(office.boss, "other")
    await office.joined("ada", "admin")
    await office.joined("tina", "ta")

    def with_roles(one):
        far = Role(id="far", name="Far", tenant="other", grants=(api("deployment"),))
        return one.with_role(far).with_role(Role(id="wide", name="Wide", grants=(api("deployment"),)))

    await office.directories.change(HOME_ORGANIZATION, with_roles)
    before = await office.store.get(HOME_ORGANIZATION)

    with pytest.raises((EscalationRefused, PermissionDenied, RoleNotFound)):
        await attempt(office, the_tenant_admin())
    assert await office.store.get(HOME_ORGANIZATION) == before


async def test_who_administrates_one_tenant_decides_in_it(office):
    tina = the_tenant_admin()
    await office.joined("bo", "viewer")
    made = await office.roles.create(tina, NewRole(name="Shop Deployer", grants=(api("deployment"),), tenant="main"))

    view = await office.users.update_roles(tina, "bo@example.org", add=["shop deployer"], remove=[])
    sent = await office.users.invite(tina, "cy@example.org", "Cy", [made.id])

    assert [role.name for role in view.roles] == ["Deployments Read Only", "Shop Deployer"]
    assert sent.view.roles == (made,)


async def test_the_last_administrator_stays(office):
    ada = await office.joined("ada", "admin")
    with pytest.raises(LastAdministrator):
        await office.users.update_roles(office.boss, ada.email, add=[], remove=["admin"])
    with pytest.raises(LastAdministrator):
        await office.users.set_active(office.boss, ada.email, is_active=False)

    bo = await office.joined("bo", "admin")
    view = await office.users.set_active(office.boss, ada.email, is_active=False)
    assert not view.user.is_active
    with pytest.raises(LastAdministrator):
        await office.users.update_roles(office.boss, bo.id, add=["viewer"], remove=["Organization Admin"])

    await office.credentials.add_credential(
        ClientCredential(
            tenant="main",
            client_id="c",
            display_name="c",
            roles=("admin",),
            agent="",
            secret_hash="",
            created_at=office.clock.now(),
        )
    )
    await office.users.update_roles(office.boss, bo.id, add=[], remove=["admin"])


async def test_who_was_locked_out_comes_back_as_they_were(office):
    bo = await office.joined("bo", "viewer")

    await office.users.set_active(office.boss, bo.id, is_active=False)
    view = await office.users.set_active(office.boss, bo.id, is_active=True)

    assert view.user == bo


async def test_giving_twice_and_taking_what_is_not_there_is_no_fault(office):
    bo = await office.joined("bo", "viewer")

    view = await office.users.update_roles(office.boss, bo.id, add=["viewer", DEPLOYER.name], remove=["ta"])

    assert view.user.roles == (VIEWER.id, DEPLOYER.id)
    with pytest.raises(UserNotFound):
        await office.users.update_roles(office.boss, "nobody", add=[], remove=[])


async def test_tenants_are_listed_by_who_can_do_something_there(office):
    await office.tenants.create(office.boss, "Payments")

    names = [one.name for one in (await office.tenants.list(office.boss, ALL)).items]
    of_tina = [one.name for one in (await office.tenants.list(the_tenant_admin(), ALL)).items]

    assert (names, of_tina) == (["main", "Payments"], ["main"])


async def test_a_name_of_a_tenant_is_taken_once_and_its_id_never_again(office):
    made = await office.tenants.create(office.boss, "Payments EU")
    for name in ("payments eu", "PAYMENTS EU"):
        with pytest.raises(TenantExists):
            await office.tenants.create(office.boss, name)

    await office.tenants.delete(office.boss, "payments-eu", confirmation="Payments EU")
    again = await office.tenants.create(office.boss, "Payments EU")

    assert made.id == "payments-eu"
    assert again.id.startswith("payments-eu-")


async def test_a_tenant_goes_with_all_that_belongs_to_it(office):
    made = await office.tenants.create(office.boss, "gone")
    role = await office.roles.create(office.boss, NewRole(name="R", grants=(api("tenant"),), tenant="gone"))
    caller = a_caller(role, tenant=made.id, name="c")
    await office.roles.set_target_group(caller, "g", [TargetPlace(account="a")], is_new=True)
    bo = await office.joined("bo", "gone/R", "viewer")
    await office.credentials.add_credential(
        ClientCredential(
            tenant="gone",
            client_id="c",
            display_name="c",
            roles=("viewer",),
            agent="",
            secret_hash="",
            created_at=office.clock.now(),
        )
    )

    with pytest.raises(InvalidArgument, match="confirm_name"):
        await office.tenants.delete(office.boss, "gone", confirmation="Gone")
    await office.tenants.delete(office.boss, "gone", confirmation="gone")

    after = await office.store.get(HOME_ORGANIZATION)
    assert (after.tenant("gone"), after.target_groups, role.id in after.roles) == (None, {}, False)
    assert after.users[bo.id].roles == ("viewer",)
    assert await office.credentials.get_credential("c") is None
    with pytest.raises(TenantNotFound):
        await office.tenants.delete(office.boss, "gone", confirmation="gone")


async def test_the_main_tenant_stays(office):
    with pytest.raises(TenantInUse):
        await office.tenants.delete(office.boss, "main", confirmation="main")


async def test_target_groups_are_the_tenants_own(office):
    tina, places = the_tenant_admin(), [TargetPlace(account="cluster-2", namespace="intern")]
    await office.roles.set_target_group(tina, "Interns", places, is_new=True)
    with pytest.raises(TargetGroupExists):
        await office.roles.set_target_group(tina, "interns", places, is_new=True)

    changed = await office.roles.set_target_group(tina, "INTERNS", [TargetPlace(name="dev")], is_new=False)
    assert (changed.name, changed.places) == ("Interns", (TargetPlace(name="dev"),))
    assert (await office.roles.list_target_groups(tina, ALL)).items == (changed,)
    await office.roles.delete_target_group(tina, "interns")
    for name in ("interns", "nothing"):
        with pytest.raises(TargetGroupNotFound):
            await office.roles.delete_target_group(tina, name)
    for bad in ([], [TargetPlace()]):
        with pytest.raises(InvalidArgument):
            await office.roles.set_target_group(tina, "g", bad, is_new=True)


async def test_who_only_may_write_roles_cannot_widen_a_target_group(office):
    intern = Grant(type=GrantType.TARGET_GROUP, resource="g", permission="full")
    caller = a_caller(Role(id="i", name="Intern", tenant="main", grants=(intern,)), name="ina")

    with pytest.raises(PermissionDenied):
        await office.roles.set_target_group(caller, "g", [TargetPlace(name="prod")], is_new=True)


async def test_pages_of_people_and_roles_join_to_the_whole(office):
    for name in "cab":
        await office.joined(name, "viewer")
        await office.roles.create(office.boss, NewRole(name=f"Role {name}", grants=(api("deployment"),)))

    async def whole(listing):
        found, token = [], ""
        while True:
            page = await listing(office.boss, PageRequest(size=2, token=token))
            found += page.items
            token = page.next_token
            if not token:
                return found

    assert [view.user.email for view in await whole(office.users.list)] == [f"{n}@example.org" for n in "abc"]
    roles = await whole(office.roles.list)
    assert {role.id for role in roles[:4]} == set(SYSTEM_ROLES)
    assert [role.name for role in roles[4:]] == ["Role a", "Role b", "Role c", "Tenant Admin"]
