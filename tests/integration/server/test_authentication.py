"""Who gets through the gRPC door, over real TLS."""

from __future__ import annotations

import base64
import json
import time
from typing import cast

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # no types are published
from grpc_status import rpc_status

from borealis.agent.v1 import agent_service_pb2 as agent_pb
from borealis.identity.v1 import identity_service_pb2 as pb
from borealis_server.adapters.tokens import open_signing_key

pytestmark = pytest.mark.asyncio(loop_scope="session")


def reason_of(error: grpc.aio.AioRpcError):
    return info_of(error).reason


def info_of(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    info = error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(cast("grpc.Call", error))
    assert any(detail.Unpack(info) for detail in status.details)
    assert info.domain == "borealis"
    return info


@pytest.fixture
def forge(server, token):
    """A token with the claims of a good one, changed, and signed as wanted."""
    good = jwt.decode(token, options={"verify_signature": False})
    kid = jwt.get_unverified_header(token)["kid"]
    our_key = open_signing_key(server.running.data_dir / "keys" / "token-signing.pem")

    def make(*, key=our_key, header=None, drop=(), **claims) -> str:
        payload = {name: value for name, value in (good | claims).items() if name not in drop}
        return jwt.encode(payload, key, algorithm="ES256", headers={"kid": kid} | (header or {}))

    return make


def unsigned(token: str) -> str:
    """The token with `alg: none` and no signature."""
    head, body, _ = token.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "==")) | {"alg": "none"}
    return f"{base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip('=')}.{body}."


def confused(token: str, jwk_text: bytes) -> str:
    """The token signed with HS256 and our public key as the secret."""
    payload = jwt.decode(token, options={"verify_signature": False})
    header = {"alg": "HS256", "typ": "JWT", "kid": jwt.get_unverified_header(token)["kid"]}
    parts = [json.dumps(part, separators=(",", ":")).encode() for part in (header, payload)]
    signing_input = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = jwt.get_algorithm_by_name("HS256").sign(signing_input, jwk_text)
    return f"{signing_input.decode()}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


async def refused(client) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await client.identity.GetCaller(pb.GetCallerRequest(), metadata=client.metadata, timeout=5)
    return error.value


async def test_a_good_token_says_who_calls(admin):
    answer = await admin.identity.GetCaller(pb.GetCallerRequest(), metadata=admin.metadata, timeout=5)

    assert answer.principal.display_name == "local-admin"
    assert list(answer.principal.roles) == ["Organization Admin"]
    assert answer.principal.tenant == "main"
    assert 0 < answer.principal.expire_time.seconds - time.time() <= 86400


async def test_no_token_is_refused_and_says_what_to_do(as_token):
    error = await refused(as_token(None))

    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert reason_of(error) == "UNAUTHENTICATED"
    assert "no token was sent" in (error.details() or "")
    assert "authorization: Bearer" in (error.details() or "")


async def test_forged_tokens_of_every_kind_are_refused(as_token, forge, token):
    now = int(time.time())
    stranger = ec.generate_private_key(ec.SECP256R1())
    forgeries = {
        "expired": forge(iat=now - 100, nbf=now - 100, exp=now - 1),
        "wrong audience": forge(aud="somebody-else"),
        "issued by somebody else": forge(iss="https://evil.example"),
        "not good yet": forge(iat=now + 600, nbf=now + 600, exp=now + 900),
        "signature is wrong": forge(key=stranger),
        "key that is not ours": forge(header={"kid": "unknown"}),
        "not signed with ES256": unsigned(token),
        "lacks claims": forge(drop=("exp",)),
        "malformed": "not.a.token",
        "revoked": forge(sub="clients/nobody"),
        "too long": token + "x" * 5000,
    }

    for expected, forged in forgeries.items():
        error = await refused(as_token(forged))
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED, expected
        assert expected in (error.details() or ""), error.details()


async def test_a_public_key_used_as_a_secret_is_refused(as_token, token, server):
    key = open_signing_key(server.running.data_dir / "keys" / "token-signing.pem").public_key()
    x963 = key.public_numbers().x.to_bytes(32, "big") + key.public_numbers().y.to_bytes(32, "big")

    error = await refused(as_token(confused(token, x963)))

    assert "not signed with ES256" in (error.details() or "")


@pytest.mark.parametrize("value", ["Basic abc", "Bearer", "token", ""], ids=repr)
async def test_an_authorization_that_is_no_bearer_token_is_refused(as_token, value):
    client = as_token(None)

    with pytest.raises(grpc.aio.AioRpcError) as error:
        await client.identity.GetCaller(pb.GetCallerRequest(), metadata=[("authorization", value)], timeout=5)

    assert error.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_a_role_without_the_permission_is_refused_and_told_which(as_role):
    viewer, _ = await as_role("viewer-1", "viewer")

    with pytest.raises(grpc.aio.AioRpcError) as error:
        await viewer.identity.CreateClientCredential(
            pb.CreateClientCredentialRequest(display_name="x", role="admin"), metadata=viewer.metadata, timeout=5
        )

    assert error.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert info_of(error.value).metadata["permission"] == "credentials.write"


async def test_an_agents_credential_opens_nothing_but_tunnels(as_role):
    agent, _ = await as_role("agent-1", "agent", agent="west")

    with pytest.raises(grpc.aio.AioRpcError) as error:
        await agent.agents.ListAgents(agent_pb.ListAgentsRequest(), metadata=agent.metadata, timeout=5)

    assert error.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_unknown_client_and_wrong_secret_are_told_apart_by_nobody(server, admin):
    client_id = server.running.client.client_id
    answers = []
    for request in (
        pb.IssueTokenRequest(client_id="nobody", client_secret="wrong"),
        pb.IssueTokenRequest(client_id=client_id, client_secret="wrong"),
        pb.IssueTokenRequest(client_id=client_id, client_secret=""),
        pb.IssueTokenRequest(),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await admin.identity.IssueToken(request, timeout=5)
        answers.append((error.value.code(), error.value.details(), reason_of(error.value)))

    assert set(answers) == {
        (
            grpc.StatusCode.UNAUTHENTICATED,
            "client id or secret is wrong: check both, or ask an administrator for a new credential",
            "CREDENTIAL_REFUSED",
        )
    }


async def test_a_revoked_credential_is_refused_with_the_tokens_it_got_before(as_role, admin):
    viewer, name = await as_role("viewer-2", "viewer")
    await viewer.identity.GetCaller(pb.GetCallerRequest(), metadata=viewer.metadata, timeout=5)

    await admin.identity.DeleteClientCredential(
        pb.DeleteClientCredentialRequest(name=name), metadata=admin.metadata, timeout=5
    )

    error = await refused(viewer)
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert "revoked" in (error.details() or "")


async def test_a_watch_ends_when_its_credential_is_revoked(as_role, admin):
    viewer, name = await as_role("viewer-3", "viewer")
    watch = viewer.agents.WatchAgents(agent_pb.WatchAgentsRequest(), metadata=viewer.metadata, timeout=20)
    while not (await watch.read()).initial_state_sent:
        pass

    await admin.identity.DeleteClientCredential(
        pb.DeleteClientCredentialRequest(name=name), metadata=admin.metadata, timeout=5
    )

    with pytest.raises(grpc.aio.AioRpcError) as error:
        await watch.read()
    assert error.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert "revoked" in (error.value.details() or "")
