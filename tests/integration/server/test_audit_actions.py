"""What is asked of the server is in its audit: done, failed and refused, without a secret."""

from __future__ import annotations

import json

import grpc
import pytest

from borealis.audit.v1 import audit_service_pb2 as audit
from borealis.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from borealis.deployment.v1 import deployment_service_pb2 as deployment
from borealis.deployment.v1.deployment_service_pb2_grpc import DeploymentServiceStub
from borealis.identity.v1 import identity_service_pb2 as identity
from borealis.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from borealis.role.v1 import role_pb2
from borealis.role.v1 import role_service_pb2 as role
from borealis.role.v1.role_service_pb2_grpc import RoleServiceStub
from borealis.secret.v1 import secret_service_pb2 as secret
from borealis.secret.v1.secret_service_pb2_grpc import SecretServiceStub

pytestmark = pytest.mark.asyncio(loop_scope="session")


def with_token(token):
    return [("authorization", f"Bearer {token}")]


async def actions(channel, token, **wanted):
    request = audit.ListAuditActionsRequest(page_size=100, **wanted)
    return (await AuditServiceStub(channel).ListAuditActions(request, metadata=with_token(token))).actions


async def refusal(call):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code()


async def test_ia_16_a_secret_is_set_and_the_audit_says_so_without_it(channel, token):
    """IA-16: a change of a secret is recorded, with before and after."""
    secrets, value = SecretServiceStub(channel), "the value of the audited secret"
    for _ in range(2):
        request = secret.SetSecretRequest(secret_id="audited", value=value)
        await secrets.SetSecret(request, metadata=with_token(token))

    again, first = (await actions(channel, token))[:2]

    assert first.method == "borealis.secret.v1.SecretService/SetSecret"
    assert (first.actor, first.subject.startswith("clients/"), first.refusal) == ("local-admin", True, "")
    assert first.source.startswith("ipv")
    assert json.loads(first.request) == {"secret_id": "audited", "value": "****"}
    (created,), (changed,) = first.end.changes, again.end.changes
    assert (created.what, created.before) == ("tenants/main/secrets/audited", "")
    assert (changed.before, json.loads(changed.after)["set_by"]) == (created.after, "local-admin")
    assert value not in str(await actions(channel, token))


async def test_ia_16_an_approval_and_a_change_of_a_role_are_recorded(channel, token):
    grant = role_pb2.Grant(type="api", resource="deployment", permission="read")
    wanted = role.CreateRoleRequest(display_name="Audited Role", tenant="main", grants=[grant])
    await RoleServiceStub(channel).CreateRole(wanted, metadata=with_token(token))
    approval = deployment.ApproveDeploymentRequest(name="tenants/main/deployments/nothing", comment="go")
    await refusal(DeploymentServiceStub(channel).ApproveDeployment(approval, metadata=with_token(token)))

    approved, created = (await actions(channel, token))[:2]

    assert (created.method.rpartition("/")[2], created.end.reason) == ("CreateRole", "")
    assert json.loads(created.end.changes[0].after)["name"] == "Audited Role"
    assert (approved.method.rpartition("/")[2], approved.end.reason) == ("ApproveDeployment", "DEPLOYMENT_NOT_FOUND")
    assert json.loads(approved.request)["comment"] == "go"


async def test_what_failed_says_with_what_reason(channel, token):
    request = secret.DeleteSecretRequest(name="tenants/main/secrets/nothing")
    code = await refusal(SecretServiceStub(channel).DeleteSecret(request, metadata=with_token(token)))

    (newest, *_) = await actions(channel, token)

    assert code is grpc.StatusCode.NOT_FOUND
    assert (newest.method.rpartition("/")[2], newest.end.reason) == ("DeleteSecret", "SECRET_NOT_FOUND")
    assert not newest.end.changes


async def test_who_may_not_is_written_down_for_reads_as_well(channel, token):
    identities = IdentityServiceStub(channel)
    wanted = identity.CreateClientCredentialRequest(display_name="audit-viewer", role="viewer")
    made = await identities.CreateClientCredential(wanted, metadata=with_token(token))
    grant = identity.IssueTokenRequest(client_id=made.credential.client_id, client_secret=made.client_secret)
    viewer = (await identities.IssueToken(grant)).access_token
    secrets = SecretServiceStub(channel)

    calls = (
        secrets.ListSecrets(secret.ListSecretsRequest(), metadata=with_token(viewer)),
        secrets.SetSecret(secret.SetSecretRequest(secret_id="x", value="not shown"), metadata=with_token(viewer)),
    )
    codes = [await refusal(call) for call in calls]
    refused = await actions(channel, token, actor="audit-viewer")
    (created,) = [one for one in await actions(channel, token) if "audit-viewer" in one.request]

    assert codes == [grpc.StatusCode.PERMISSION_DENIED] * 2
    assert {one.method.rpartition("/")[2] for one in refused} == {"SetSecret", "ListSecrets"}
    assert all("secrets.write" in one.refusal and not one.HasField("end") for one in refused)
    assert json.loads(created.end.changes[0].after)["roles"] == ["viewer"]
    assert made.client_secret not in str(await actions(channel, token))


async def test_reads_that_are_allowed_are_not_written_down(channel, token):
    before = await actions(channel, token)

    after = await actions(channel, token)

    assert list(after) == list(before)


async def test_the_server_proves_its_own_chain(channel, token):
    stub = AuditServiceStub(channel)

    proof = await stub.VerifyAudit(audit.VerifyAuditRequest(), metadata=with_token(token))
    kept = audit.VerifyAuditRequest(kept_number=proof.head_number, kept_hash=proof.head_hash)
    again = await stub.VerifyAudit(kept, metadata=with_token(token))
    cut = audit.VerifyAuditRequest(kept_number=proof.head_number + 1000, kept_hash=proof.head_hash)
    late = await stub.VerifyAudit(cut, metadata=with_token(token))
    half = await refusal(stub.VerifyAudit(audit.VerifyAuditRequest(kept_number=3), metadata=with_token(token)))

    assert proof.entries == proof.head_number > 0
    assert (again.broken_number, again.fault) == (0, "")
    assert "cut off" in late.fault
    assert half is grpc.StatusCode.INVALID_ARGUMENT
