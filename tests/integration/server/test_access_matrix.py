"""Every RPC with every kind of caller: who gets through the door, and what the others are told.

The table says it for each RPC by hand; an RPC without a row fails. Requests are empty, so that whoever gets through is
told that something is missing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import grpc
import jwt
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from borealis.identity.v1 import identity_service_pb2 as pb
from borealis.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from borealis.role.v1 import role_pb2
from borealis.role.v1 import role_service_pb2 as role_pb
from borealis.role.v1.role_service_pb2_grpc import RoleServiceStub
from borealis.tenant.v1 import tenant_service_pb2 as tenant_pb
from borealis.tenant.v1.tenant_service_pb2_grpc import TenantServiceStub
from borealis_server.adapters.tokens import open_signing_key
from kit.methods import all_methods, outcome_of, short_name
from kit.people import people_of

if TYPE_CHECKING:
    from google.protobuf.descriptor import MethodDescriptor

pytestmark = pytest.mark.asyncio(loop_scope="session")

METHODS = all_methods()
DENIED, UNKNOWN = grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED

ADMINS = {"organization admin", "person who is organization admin"}
TENANT = ADMINS | {"tenant admin"}
READERS = TENANT | {"auditor"}
SEERS = READERS | {"deployer", "approver", "viewer", "deployer of one account"}
STARTERS = TENANT | {"deployer", "deployer of one account"}
APPROVERS = TENANT | {"deployer", "approver"}
AGENTS = {"agent"}
EVERYBODY = SEERS | AGENTS | {"person without a role", "machine whose role was deleted"}
PUBLIC: set[str] = set()
"""For a call without any token."""

ROWS: dict[str, set[str]] = {
    "agent.v1.AgentService/ListAgents": SEERS,
    "agent.v1.AgentService/GetAgent": SEERS,
    "agent.v1.AgentService/WatchAgents": SEERS,
    "analysis.v1.AnalysisService/ListJudgements": SEERS,
    "analysis.v1.AnalysisService/RunAnalysis": STARTERS,
    "audit.v1.AuditService/ListAuditCalls": READERS,
    "audit.v1.AuditService/ListAuditActions": READERS,
    "audit.v1.AuditService/ExportAudit": READERS,
    "audit.v1.AuditService/VerifyAudit": READERS,
    "config.v1.ConfigService/GetConfig": READERS,
    "config.v1.ConfigService/ApplyConfig": TENANT,
    "deployment.v1.DeploymentService/StartDeployment": STARTERS,
    "deployment.v1.DeploymentService/GetDeployment": SEERS,
    "deployment.v1.DeploymentService/ListDeployments": SEERS,
    "deployment.v1.DeploymentService/WatchDeployment": SEERS,
    "deployment.v1.DeploymentService/ExplainDeployment": SEERS,
    "deployment.v1.DeploymentService/GetLiveReplicas": SEERS,
    "deployment.v1.DeploymentService/ApproveDeployment": APPROVERS,
    "deployment.v1.DeploymentService/SkipPause": STARTERS,
    "deployment.v1.DeploymentService/RollBackDeployment": STARTERS,
    "deployment.v1.DeploymentService/CancelDeployment": STARTERS,
    "deployment.v1.DeploymentService/ReportWebhook": STARTERS,
    "identity.v1.IdentityService/IssueToken": PUBLIC,
    "identity.v1.IdentityService/GetCaller": EVERYBODY,
    "identity.v1.IdentityService/CanI": EVERYBODY,
    "identity.v1.IdentityService/CreateClientCredential": TENANT,
    "identity.v1.IdentityService/ListClientCredentials": TENANT,
    "identity.v1.IdentityService/UpdateClientCredential": TENANT,
    "identity.v1.IdentityService/DeleteClientCredential": TENANT,
    "integration.v1.IntegrationService/CreateIntegration": TENANT,
    "integration.v1.IntegrationService/ListIntegrations": STARTERS,
    "integration.v1.IntegrationService/GetIntegration": STARTERS,
    "integration.v1.IntegrationService/UpdateIntegration": TENANT,
    "integration.v1.IntegrationService/DeleteIntegration": TENANT,
    "integration.v1.IntegrationService/TestIntegration": STARTERS,
    "kube.v1.KubeService/Exchange": SEERS,
    "preview.v1.PreviewService/ListPreviews": SEERS,
    "preview.v1.PreviewService/RevokePreview": STARTERS,
    "preview.v1.PreviewService/GetPreviewEntry": SEERS,
    "preview.v1.PreviewService/GetPreviewRule": SEERS,
    "preview.v1.PreviewService/SetPreviewRule": TENANT,
    "role.v1.RoleService/ListRoles": READERS,
    "role.v1.RoleService/GetRole": READERS,
    "role.v1.RoleService/CreateRole": TENANT,
    "role.v1.RoleService/UpdateRole": TENANT,
    "role.v1.RoleService/DeleteRole": TENANT,
    "role.v1.RoleService/ListTargetGroups": READERS,
    "role.v1.RoleService/CreateTargetGroup": TENANT,
    "role.v1.RoleService/UpdateTargetGroup": TENANT,
    "role.v1.RoleService/DeleteTargetGroup": TENANT,
    "secret.v1.SecretService/SetSecret": TENANT,
    "secret.v1.SecretService/ListSecrets": TENANT,
    "secret.v1.SecretService/DeleteSecret": TENANT,
    "secret.v1.SecretService/RotateSecretKey": ADMINS,
    "tenant.v1.TenantService/ListTenants": EVERYBODY,
    "tenant.v1.TenantService/CreateTenant": ADMINS,
    "tenant.v1.TenantService/DeleteTenant": ADMINS,
    "tunnel.v1.TunnelService/Lane": AGENTS,
    "user.v1.UserService/ListUsers": READERS,
    "user.v1.UserService/GetUser": READERS,
    "user.v1.UserService/UpdateUserRoles": TENANT,
    "user.v1.UserService/DeactivateUser": TENANT,
    "user.v1.UserService/ReactivateUser": TENANT,
    "user.v1.UserService/ListInvitations": READERS,
    "user.v1.UserService/CreateInvitation": TENANT,
    "user.v1.UserService/ResendInvitation": TENANT,
    "user.v1.UserService/RevokeInvitation": TENANT,
}

CUSTOM = {
    "tenant admin": ("api", "tenant", "full"),
    "auditor": ("api", "tenant", "read"),
    "approver": ("api", "deployment", "approve"),
    "deployer of one account": ("account", "cluster-1", "deploy"),
    "machine whose role was deleted": ("api", "tenant", "full"),
}
"""Roles that are not of the system, by who holds them."""

FORGED = (
    "expired",
    "not good yet",
    "wrong audience",
    "wrong issuer",
    "unknown kid",
    "alg none",
    "alg HS256 with the public key",
    "alg RS256 with the kid of ours",
    "signed by a stranger",
    "no expiry",
    "another tenant in the token",
    "machine that never was",
    "person that never was",
    "rubbish",
)
GONE = (
    "machine whose credential was deleted",
    "person who was deactivated",
    "machine whose tenant was deleted",
    "person whose session was revoked",
    "person without a session",
    "person with the session of another one",
    "ID token of a person",
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def tokens(server, channel) -> dict[str, str]:
    """A token for each kind of caller, good ones and bad ones."""
    return await _Making(server, channel).tokens()


class _Making:
    """Makes callers, by calls of the administrator on this machine."""

    def __init__(self, server: Any, channel: grpc.aio.Channel) -> None:
        self.server = server
        self.channel = channel
        self.identity = IdentityServiceStub(channel)
        self.metadata: list[tuple[str, str]] = []

    async def tokens(self) -> dict[str, str]:
        client = self.server.running.client
        admin = await self._token(client.client_id, client.client_secret)
        self.metadata = [("authorization", f"Bearer {admin}")]
        tenants, roles = TenantServiceStub(self.channel), RoleServiceStub(self.channel)
        for tenant in ("matrix-other", "matrix-gone"):
            await tenants.CreateTenant(tenant_pb.CreateTenantRequest(display_name=tenant), metadata=self.metadata)
        for name, (kind, resource, permission) in CUSTOM.items():
            grant = role_pb2.Grant(type=kind, resource=resource, permission=permission)
            wanted = role_pb.CreateRoleRequest(display_name=name, tenant="main", grants=[grant])
            await roles.CreateRole(wanted, metadata=self.metadata)
        machines = {
            "organization admin": "admin",
            "deployer": "deployer",
            "viewer": "viewer",
            "agent": "agent",
            "machine whose credential was deleted": "deployer",
        }
        found = {name: (await self._machine(name, role))[0] for name, role in machines.items()}
        found |= {name: (await self._machine(name, name))[0] for name in CUSTOM}
        found["deployer of another tenant"], _ = await self._machine("theirs", "deployer", tenant="matrix-other")
        found["machine whose tenant was deleted"], _ = await self._machine("gone", "admin", tenant="matrix-gone")
        await roles.DeleteRole(role_pb.DeleteRoleRequest(name="machine whose role was deleted"), metadata=self.metadata)
        await self._delete("machine-whose-credential-was-deleted")
        await tenants.DeleteTenant(
            tenant_pb.DeleteTenantRequest(name="tenants/matrix-gone", confirm_name="matrix-gone"),
            metadata=self.metadata,
        )
        found |= await self._people()
        return found | self._forged(admin)

    async def _machine(self, name: str, role: str, *, tenant: str = "main") -> tuple[str, str]:
        request = pb.CreateClientCredentialRequest(
            display_name=name.replace(" ", "-"), roles=[role], agent="matrix" if role == "agent" else ""
        )
        metadata = [*self.metadata, ("borealis-tenant", tenant)]
        made = await self.identity.CreateClientCredential(request, metadata=metadata)
        return await self._token(made.credential.client_id, made.client_secret), made.credential.name

    async def _token(self, client_id: str, secret: str) -> str:
        request = pb.IssueTokenRequest(client_id=client_id, client_secret=secret)
        return str((await self.identity.IssueToken(request)).access_token)

    async def _delete(self, display_name: str) -> None:
        page = await self.identity.ListClientCredentials(
            pb.ListClientCredentialsRequest(page_size=250), metadata=self.metadata
        )
        (name,) = [one.name for one in page.credentials if one.display_name == display_name]
        await self.identity.DeleteClientCredential(pb.DeleteClientCredentialRequest(name=name), metadata=self.metadata)

    async def _people(self) -> dict[str, str]:
        async with people_of(self.server) as people:
            return {
                "person who is organization admin": await people.token("matrix-boss@example.org", "admin"),
                "person without a role": await people.token("matrix-nobody@example.org"),
                "person who was deactivated": await people.token(
                    "matrix-gone@example.org", "admin", is_deactivated=True
                ),
                **await people.useless("matrix-useless@example.org"),
            }

    def _forged(self, good: str) -> dict[str, str]:
        key = open_signing_key(self.server.running.data_dir / "keys" / "token-signing.pem")
        claims, head = jwt.decode(good, options={"verify_signature": False}), jwt.get_unverified_header(good)
        now = int(time.time())

        def forged(*, by: Any = key, header: dict[str, str] | None = None, alg: str = "ES256", **changes: Any) -> str:
            payload = {name: value for name, value in (claims | changes).items() if value is not None}
            return jwt.encode(payload, by, algorithm=alg, headers={"kid": head["kid"]} | (header or {}))

        made = (
            forged(iat=now - 100, nbf=now - 100, exp=now - 1),
            forged(iat=now + 600, nbf=now + 600, exp=now + 900),
            forged(aud="somebody-else"),
            forged(iss="https://evil.example"),
            forged(header={"kid": "unknown"}),
            _unsigned(good),
            _with_public_key_as_secret(key.public_key(), head, claims),
            forged(by=rsa.generate_private_key(65537, 2048), alg="RS256"),
            forged(by=ec.generate_private_key(ec.SECP256R1())),
            forged(exp=None),
            forged(tenant="matrix-other"),
            forged(sub="clients/nobody"),
            forged(sub="users/nobody"),
            "not.a.token",
        )
        return dict(zip(FORGED, made, strict=True))


def _unsigned(token: str) -> str:
    head, body, _ = token.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "==")) | {"alg": "none"}
    return f"{_encoded(header)}.{body}."


def _with_public_key_as_secret(key: ec.EllipticCurvePublicKey, head: dict[str, Any], claims: dict[str, Any]) -> str:
    """Signed by hand: libraries refuse to take a public key for a secret."""
    secret = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    text = f"{_encoded(head | {'alg': 'HS256'})}.{_encoded(claims)}"
    mac = hmac.new(secret, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def _encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def sent(token: str | None, tenant: str = "") -> list[tuple[str, str]]:
    by = [] if token is None else [("authorization", f"Bearer {token}")]
    return [*by, ("borealis-tenant", tenant)] if tenant else by


async def test_every_rpc_has_a_row():
    assert sorted(ROWS) == sorted(map(short_name, METHODS))


async def test_every_kind_of_caller_gets_through_somewhere_and_not_everywhere():
    counts = Counter(caller for row in ROWS.values() for caller in row)

    assert set(counts) == EVERYBODY
    assert max(counts.values()) < len(ROWS)


@pytest.mark.parametrize("method", METHODS, ids=short_name)
async def test_who_gets_through(channel, tokens, method: MethodDescriptor):
    row = ROWS[short_name(method)]
    through = set()
    for caller in EVERYBODY:
        code, text = await outcome_of(channel, method, sent(tokens[caller]))
        if code is not DENIED:
            assert row is PUBLIC or code is not UNKNOWN, (caller, text)
            through.add(caller)
        else:
            assert "lack the permission" in text, (caller, text)

    assert through == (EVERYBODY if row is PUBLIC else row)


@pytest.mark.parametrize("method", METHODS, ids=short_name)
async def test_who_is_not_known_gets_nowhere(channel, tokens, method: MethodDescriptor):
    told = {}
    for caller in (*FORGED, *GONE, "nobody"):
        code, text = await outcome_of(channel, method, sent(tokens.get(caller)))
        told[caller] = (code, "client id or secret is wrong" in text)

    # Without a secret, the public call refuses everybody in its own words: it looks at no token.
    assert set(told.values()) == {(UNKNOWN, ROWS[short_name(method)] is PUBLIC)}


@pytest.mark.parametrize("method", METHODS, ids=short_name)
async def test_a_deployer_of_another_tenant_gets_nowhere_in_this_one(channel, tokens, method: MethodDescriptor):
    token = tokens["deployer of another tenant"]

    for tenant in ("main", "there-is-none"):
        code, text = await outcome_of(channel, method, sent(token, tenant))
        if ROWS[short_name(method)] is PUBLIC:
            assert code is UNKNOWN
        else:
            assert (code, text.split(":")[0]) == (DENIED, f"you hold no role in a tenant {tenant}")


@pytest.mark.parametrize("method", METHODS, ids=short_name)
async def test_an_administrator_of_the_organization_gets_through_in_every_tenant(channel, tokens, method):
    row = ROWS[short_name(method)]

    for caller in ADMINS:
        code, text = await outcome_of(channel, method, sent(tokens[caller], "matrix-other"))
        assert (code is DENIED) == (row is AGENTS), (caller, text)
