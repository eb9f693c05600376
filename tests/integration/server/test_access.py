"""Rows IA-06 to IA-11 of the features over the wire, what tenants cannot see of each other, and how authority ends."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

import borealis_client
from borealis_client import (
    AgentNotFoundError,
    Borealis,
    BorealisError,
    CredentialNotFoundError,
    DeploymentNotFoundError,
    Grant,
    InvitationNotFoundError,
    PermissionDeniedError,
    RoleNotFoundError,
    SystemRoleFixedError,
    TargetPlace,
    TenantDeniedError,
    TenantInUseError,
    UserExistsError,
)
from borealis_client._generated.borealis.deployment.v1 import ManifestFile
from borealis_server.main import open_server
from borealis_server.settings import ServerSettings
from kit.people import people_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from borealis_server.main import RunningServer
    from kit.people import People

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONFIG = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: flags}\n"
ROLE = b"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: all}\n"
REVOCATION_LIMIT_S = 5.0


@dataclass(frozen=True)
class Running:
    running: RunningServer


class World:
    """A server with two tenants, and clients for whoever a test needs."""

    def __init__(self, running: RunningServer, people: People, admin: Borealis) -> None:
        self.running = running
        self.people = people
        self.admin = admin
        self._made = 0

    @asynccontextmanager
    async def client(self, **given: Any) -> AsyncIterator[Borealis]:
        client = self.running.client
        async with borealis_client.connect(client.server, ca_file=client.ca_file, **given) as borealis:
            yield borealis

    @asynccontextmanager
    async def machine(self, *roles: str, tenant: str = "main", **given: Any) -> AsyncIterator[Borealis]:
        """A client with a new credential of that tenant."""
        self._made += 1
        async with self.administrator(tenant) as admin:
            made = await admin.identity.create_credential(f"machine-{self._made}", roles=roles)
        who = {"client_id": made.credential.client_id, "client_secret": made.client_secret}
        async with self.client(**who, **given) as borealis:
            yield borealis

    @asynccontextmanager
    async def person(self, email: str, *roles: str, tenant: str = "main") -> AsyncIterator[Borealis]:
        async with self.client(token=await self.people.token(email, *roles, tenant=tenant)) as borealis:
            yield borealis

    @asynccontextmanager
    async def administrator(self, tenant: str) -> AsyncIterator[Borealis]:
        """The administrator on this machine, acting in that tenant."""
        who = self.running.client
        given = {"client_id": who.client_id, "client_secret": who.client_secret, "tenant": tenant}
        async with self.client(**given) as borealis:
            yield borealis


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    settings = ServerSettings(
        data_dir=tmp_path_factory.mktemp("access"),
        grpc_address="127.0.0.1:0",
        web_address="127.0.0.1:0",
        shutdown_grace_s=1,
    )
    async with open_server(settings) as running, people_of(Running(running)) as people:
        who = running.client
        async with borealis_client.connect(
            who.server, ca_file=Path(who.ca_file), client_id=who.client_id, client_secret=who.client_secret
        ) as admin:
            await admin.tenants.create("payments")
            for account in ("cluster-1", "cluster-2"):
                await admin.identity.create_credential(account, role="agent", agent=account)
            yield World(running, people, admin)


def deploy_file(application: str, *targets: str) -> bytes:
    """Targets as `name:account:namespace`."""
    lines = []
    for one in targets:
        name, account, namespace = one.split(":")
        place = f", namespace: {namespace}" if namespace else ""
        lines.append(f"  {name}: {{account: {account}{place}}}")
    text = "\n".join([f"application: {application}", "manifests: [{path: k8s.yaml}]", "targets:", *lines, ""])
    return text.encode()


async def started(borealis: Borealis, file: bytes, manifest: bytes = CONFIG, **more: Any):
    files = [ManifestFile(path="k8s.yaml", name="k8s.yaml", content=manifest)]
    return (await borealis.deployments.start(file, manifests=files, **more)).deployment


async def test_ia_06_an_invitation_goes_to_somebody_new_only(world):
    await world.people.invited("known@example.org", "viewer")

    sent = await world.admin.users.invite("new@example.org", "New", ["Deployments Read Only"])
    with pytest.raises(UserExistsError, match="already exists"):
        await world.admin.users.invite("known@example.org", "Known", ["viewer"])

    listed = [one async for one in world.admin.users.list_invitations()]
    assert [(one.email, one.invited_by) for one in listed] == [("new@example.org", "local-admin")]
    assert sent.secret not in str(listed)
    await world.admin.users.revoke_invitation("new@example.org")
    with pytest.raises(InvitationNotFoundError):
        await world.admin.users.resend_invitation("new@example.org")


async def test_ia_07_a_deployer_of_one_tenant_is_refused_in_another(world):
    async with world.administrator("main") as admin:
        grants = [Grant(type="api", resource="deployment", permission="full")]
        await admin.roles.create("Main Deployer", grants, tenant="main")
    email = "main-deployer@example.org"
    async with world.person(email, "Main Deployer") as borealis:
        assert [one async for one in borealis.deployments.list(application="nothing")] == []
        assert [one.display_name async for one in borealis.tenants.list()] == ["main"]

    token = await world.people.token_of((await world.people.users.get(world.people.founder, email)).user.id)
    for tenant in ("payments", "nowhere"):
        async with world.client(token=token, tenant=tenant) as borealis:
            with pytest.raises(TenantDeniedError):
                await borealis.identity.caller()


async def test_ia_07_an_organization_wide_role_works_in_every_tenant(world):
    token = await world.people.token("everywhere@example.org", "Deployments Full Access")

    for tenant in ("", "main", "payments", "PAYMENTS"):
        async with world.client(token=token, tenant=tenant) as borealis:
            caller = await borealis.identity.caller()
            assert (caller.tenant, caller.grants) == (tenant.lower() or "main", ["api/deployment/full"])
            assert [one.application async for one in borealis.deployments.list(application="nothing")] == []


async def test_ia_08_roles_of_the_system_cannot_be_changed(world):
    roles = [one async for one in world.admin.roles.list()]
    fixed = [one for one in roles if one.is_system]

    assert {one.display_name for one in fixed} == {
        "Organization Admin",
        "Remote Network Agent",
        "Deployments Full Access",
        "Deployments Read Only",
    }
    for role in fixed:
        with pytest.raises(SystemRoleFixedError):
            await world.admin.roles.update(role.name, display_name="Mine")
        with pytest.raises(SystemRoleFixedError):
            await world.admin.roles.delete(role.display_name)


async def test_ia_09_an_intern_deploys_the_interns_application_and_not_production(world):
    await world.admin.roles.create_target_group("interns", [TargetPlace(account="cluster-2", namespace="intern")])
    grants = [Grant(type="targetGroup", resource="interns", permission="full")]
    await world.admin.roles.create("Intern", grants, tenant="main")
    theirs, prod = deploy_file("intern-app", "dev:cluster-2:intern"), deploy_file("shop", "prod:cluster-1:shop")
    both = deploy_file("intern-app", "dev:cluster-2:intern", "prod:cluster-1:shop")

    async with world.person("ina@example.org", "Intern") as intern:
        with pytest.raises(PermissionDeniedError) as refused:
            await started(intern, prod)
        assert refused.value.metadata == {"permission": "deployments.write", "tenant": "main", "targets": "prod"}
        for file, manifest in (
            (both, CONFIG),
            (deploy_file("a", "dev:cluster-2:other"), CONFIG),
            (deploy_file("a", "dev:cluster-1:intern"), CONFIG),
            (theirs, ROLE),
            (deploy_file("a", "dev:cluster-2:"), CONFIG.replace(b"flags", b"flags, namespace: other")),
        ):
            with pytest.raises(PermissionDeniedError):
                await started(intern, file, manifest)
        allowed = await started(intern, both, targets=["dev"])
        assert (allowed.application, allowed.started_by) == ("intern-app", "ina@example.org")

        may = await intern.identity.can_i(
            "deployments.write", application="intern-app", account="cluster-2", namespace="intern"
        )
        may_not = await intern.identity.can_i("deployments.write", application="shop", account="cluster-1")
        assert (may.is_allowed, may.by_role, may.by_grant) == (True, "Intern", "targetGroup/interns/full")
        assert not may_not.is_allowed
        assert may_not.missing_grants[0] == "api/deployment/deploy"
        assert "Deployments Full Access" in may_not.sufficient_roles

        of_prod = await started(world.admin, prod)
        for decide in (intern.deployments.cancel, intern.deployments.roll_back, intern.deployments.approve):
            with pytest.raises(PermissionDeniedError, match="for prod in tenant main"):
                await decide(of_prod.name)
        await intern.deployments.cancel(allowed.name)
        await world.admin.deployments.cancel(of_prod.name)
        with pytest.raises(PermissionDeniedError):
            await intern.deployments.redeploy(of_prod.name)


async def test_ia_09_a_grant_on_an_account_or_an_application_is_for_that_one(world):
    file = deploy_file("accounted", "dev:cluster-2:x")
    for kind, resource, works in (
        ("account", "cluster-2", True),
        ("account", "cluster-1", False),
        ("application", "accounted", True),
        ("application", "shop", False),
    ):
        name = f"Of {kind} {resource}"
        grant = Grant(type=kind, resource=resource, permission="deploy")
        await world.admin.roles.create(name, [grant], tenant="main")
        async with world.machine(name) as borealis:
            if not works:
                with pytest.raises(PermissionDeniedError):
                    await started(borealis, file)
                continue
            made = await started(borealis, file)
            with pytest.raises(PermissionDeniedError, match=r"deployments\.approve"):
                await borealis.deployments.approve(made.name)
            await borealis.deployments.cancel(made.name)


async def test_ia_10_a_person_without_a_role_can_log_in_and_is_told_whom_to_ask(world):
    await world.people.invited("ada@example.org", "admin")

    async with world.person("roleless@example.org") as borealis:
        caller = await borealis.identity.caller()
        assert (caller.email, caller.roles, caller.grants) == ("roleless@example.org", [], [])
        assert "ada@example.org" in caller.administrators
        with pytest.raises(PermissionDeniedError, match="you lack the permission"):
            _ = [one async for one in borealis.deployments.list()]
        answer = await borealis.identity.can_i("deployments.read")
        assert not answer.is_allowed
        assert "ada@example.org" in answer.administrators


async def test_ia_11_the_secret_of_a_credential_is_shown_once(world):
    made = await world.admin.identity.create_credential("once", roles=["viewer", "Deployments Full Access"])

    listed = [one async for one in world.admin.identity.list_credentials()]
    changed = await world.admin.identity.update_credential(made.credential.name, ["viewer"])

    (kept,) = [one for one in listed if one.display_name == "once"]
    assert kept.roles == ["Deployments Full Access", "Deployments Read Only"]
    assert (changed.roles, changed.role) == (["Deployments Read Only"], "viewer")
    assert made.client_secret not in f"{listed}{changed}"
    for file in world.running.data_dir.rglob("*"):
        if file.is_file():
            assert made.client_secret.encode() not in file.read_bytes()


async def test_another_tenants_things_are_not_there(world):
    made = await started(world.admin, deploy_file("hidden", "dev:cluster-2:x"))
    credential = (await world.admin.identity.create_credential("hidden", role="viewer")).credential
    agent = "tenants/main/agents/cluster-1"

    async with (
        world.machine("viewer", "deployer", tenant="payments") as theirs,
        world.administrator("payments") as boss,
    ):
        assert [one async for one in theirs.deployments.list()] == []
        assert [one async for one in theirs.agents.list()] == []
        assert "hidden" not in [one.display_name async for one in boss.identity.list_credentials()]
        assert [one async for one in boss.audit.list()] == []
        for look in (theirs, boss):
            for call in (
                look.deployments.get,
                look.deployments.cancel,
                look.deployments.roll_back,
                look.deployments.approve,
                look.deployments.explain,
                look.deployments.redeploy,
            ):
                with pytest.raises(DeploymentNotFoundError):
                    await call(made.name)
            with pytest.raises(DeploymentNotFoundError):
                _ = [one async for one in look.deployments.watch(made.name)]
            with pytest.raises(AgentNotFoundError):
                await look.agents.get(agent)
        with pytest.raises(CredentialNotFoundError):
            await boss.identity.delete_credential(credential.name)
        with pytest.raises(CredentialNotFoundError):
            await boss.identity.update_credential(credential.name, ["viewer"])
        with pytest.raises(borealis_client.DeployFileInvalidError):
            await started(theirs, deploy_file("hidden", "dev:cluster-2:x"))
        with pytest.raises(RoleNotFoundError):
            await boss.identity.create_credential("x", roles=["Nobody"])
    await world.admin.deployments.cancel(made.name)


async def test_a_tenant_is_not_deleted_while_something_is_in_progress_there(world):
    await world.admin.tenants.create("busy")
    async with world.administrator("busy") as boss:
        await boss.identity.create_credential("c", role="agent", agent="cluster-1")
        made = await started(boss, deploy_file("shop", "prod:cluster-1:shop"))
        with pytest.raises(TenantInUseError, match="in progress"):
            await world.admin.tenants.delete("busy", confirm_name="busy")
        await boss.deployments.cancel(made.name)
        await _ended(boss, made.name)
        await world.admin.tenants.delete("busy", confirm_name="busy")
        with pytest.raises(TenantDeniedError):
            await boss.deployments.get(made.name)
    await world.admin.tenants.create("busy")
    assert "busy" not in [one.name.removeprefix("tenants/") async for one in world.admin.tenants.list()]


async def _ended(borealis: Borealis, name: str) -> None:
    async for _ in borealis.deployments.watch(name):
        pass


async def watched(borealis: Borealis, has_begun: asyncio.Event) -> str:
    """What a watch of agents ends with."""
    try:
        async for _ in borealis.agents.watch():
            has_begun.set()
    except BorealisError as error:
        return error.reason if has_begun.is_set() else f"never began: {error}"
    finally:
        has_begun.set()
    return "ended by itself"


@pytest.mark.parametrize("way", ["role taken", "role deleted", "role narrowed", "locked out", "credential deleted"])
async def test_an_open_stream_ends_within_five_seconds_of_its_authority(world, way):
    """Changed beside the server, as another process of it would."""
    grants = [Grant(type="api", resource="deployment", permission="read")]
    role = await world.admin.roles.create(f"For {way}", grants, tenant="main")
    email = f"{way.replace(' ', '-')}@example.org"
    user = await world.people.invited(email, role.display_name)
    users, founder = world.people.users, world.people.founder
    async with (
        world.machine(role.display_name) as machine,
        world.client(token=await world.people.token_of(user.user.id)) as person,
    ):
        watcher = machine if way == "credential deleted" else person
        subject = (await machine.identity.caller()).subject
        begun = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(watched(watcher, begun))
            await begun.wait()
            match way:
                case "role taken":
                    await users.update_roles(founder, email, add=[], remove=[role.display_name])
                case "role deleted":
                    await world.admin.roles.delete(role.display_name)
                case "role narrowed":
                    agents = [Grant(type="api", resource="agentHub", permission="full")]
                    await world.admin.roles.update(role.display_name, grants=agents)
                case "locked out":
                    await users.set_active(founder, email, is_active=False)
                case _:
                    name = f"tenants/main/clientCredentials/{subject.removeprefix('clients/')}"
                    await world.admin.identity.delete_credential(name)
            async with asyncio.timeout(REVOCATION_LIMIT_S):
                reason = await watch

    # The client tries the credential once more before it gives up.
    expected = {"locked out": "UNAUTHENTICATED", "credential deleted": "CREDENTIAL_REFUSED"}
    assert reason == expected.get(way, "PERMISSION_DENIED")


async def test_credentials_lose_roles_that_are_deleted(world):
    grants = [Grant(type="api", resource="tenant", permission="full")]
    await world.admin.roles.create("Passing", grants, tenant="main")
    async with world.machine("Passing") as borealis:
        assert [one async for one in borealis.identity.list_credentials()]
        await world.admin.roles.delete("Passing")
        with pytest.raises(PermissionDeniedError):
            _ = [one async for one in borealis.identity.list_credentials()]
        assert (await borealis.identity.caller()).roles == []
