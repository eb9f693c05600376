"""Unary calls against a real gRPC server over TLS: answers, tokens, repeats, time limits."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import grpc
import pytest

import borealis_client
from kit.client_messages import NAME, a_deployment
from kit.scripted_server import CLIENT_ID, CLIENT_SECRET, Failure, ScriptedServer, Silence

if TYPE_CHECKING:
    from borealis_client import Borealis

AWAY = Failure(code=grpc.StatusCode.UNAVAILABLE, reason="UNAVAILABLE")


async def test_get_brings_the_whole_deployment(borealis: Borealis):
    deployment = await borealis.deployments.get(NAME)

    assert deployment == a_deployment()


async def test_a_token_is_fetched_once_and_sent_with_every_call(server: ScriptedServer, borealis: Borealis):
    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(borealis.deployments.get(NAME))

    assert len(server.called("IssueToken")) == 1
    assert {call.token for call in server.calls if call.method == "GetDeployment"} == {"token-1"}


async def test_a_refused_token_is_replaced_once(server: ScriptedServer, borealis: Borealis):
    await borealis.deployments.get(NAME)
    server.valid_tokens.clear()

    await borealis.deployments.get(NAME)

    assert [call.token for call in server.calls if call.method == "GetDeployment"] == ["token-1", "token-1", "token-2"]


async def test_a_token_refused_for_good_is_an_error_after_two_tries(server: ScriptedServer, borealis: Borealis):
    refusal = Failure(code=grpc.StatusCode.UNAUTHENTICATED, reason="UNAUTHENTICATED")
    server.fail("GetDeployment", *[refusal] * 5)

    with pytest.raises(borealis_client.TokenRefusedError):
        await borealis.deployments.get(NAME)

    assert len(server.called("GetDeployment")) == 2


async def test_a_token_about_to_expire_is_replaced_before_the_call(server: ScriptedServer, borealis: Borealis):
    server.token_lifetime_s = 0
    await borealis.deployments.get(NAME)

    await borealis.deployments.get(NAME)

    assert [call.token for call in server.calls if call.method == "GetDeployment"] == ["token-1", "token-2"]


async def test_a_wrong_secret_is_told_from_a_refused_token(server: ScriptedServer):
    async with borealis_client.connect(
        server.address, ca_file=server.ca_file, client_id=CLIENT_ID, client_secret="wrong"
    ) as borealis:
        with pytest.raises(borealis_client.CredentialRefusedError):
            await borealis.deployments.get(NAME)

    assert len(server.called("IssueToken")) == 1


async def test_a_given_token_is_sent_as_it_is(server: ScriptedServer):
    server.valid_tokens.add("given")

    async with borealis_client.connect(server.address, ca_file=server.ca_file, token="given") as borealis:
        await borealis.deployments.get(NAME)

    assert not server.called("IssueToken")


async def test_reads_are_repeated_while_the_server_is_unavailable(server: ScriptedServer, borealis: Borealis):
    server.fail("GetDeployment", AWAY, AWAY, AWAY)

    await borealis.deployments.get(NAME)

    assert len(server.called("GetDeployment")) == 4


async def test_repeats_end_with_the_servers_own_error(server: ScriptedServer, borealis: Borealis):
    server.fail("GetDeployment", *[AWAY] * 10)

    with pytest.raises(borealis_client.ServerStoppingError):
        await borealis.deployments.get(NAME)

    assert len(server.called("GetDeployment")) == 4


async def test_a_start_is_repeated_with_the_same_request_id(server: ScriptedServer, borealis: Borealis):
    server.fail("StartDeployment", AWAY)

    await borealis.deployments.start(b"version: 2")

    ids = {request.request_id for request in server.called("StartDeployment")}
    assert len(server.called("StartDeployment")) == 2
    assert len(ids) == 1
    assert all(ids)


async def test_each_decision_has_its_own_request_id(server: ScriptedServer, borealis: Borealis):
    await borealis.deployments.approve(NAME, target="prod", step="step-2", comment="fine")
    await borealis.deployments.approve(NAME)
    await borealis.deployments.roll_back(NAME, comment="bad")
    await borealis.deployments.cancel(NAME)
    await borealis.deployments.skip(NAME, target="prod", step="step-1", comment="no time")

    sent = [call.request for call in server.calls if hasattr(call.request, "request_id")]
    assert len({request.request_id for request in sent}) == 5
    assert (sent[4].target, sent[4].step, sent[4].comment) == ("prod", "step-1", "no time")
    assert (sent[0].target, sent[0].step, sent[0].comment) == ("prod", "step-2", "fine")
    assert sent[2].comment == "bad"


async def test_creating_a_credential_is_never_repeated(server: ScriptedServer, borealis: Borealis):
    server.fail("CreateClientCredential", AWAY)

    with pytest.raises(borealis_client.ServerStoppingError):
        await borealis.identity.create_credential("ci", role="deployer")

    assert len(server.called("CreateClientCredential")) == 1


async def test_other_errors_are_not_repeated(server: ScriptedServer, borealis: Borealis):
    server.fail("GetDeployment", Failure(code=grpc.StatusCode.PERMISSION_DENIED, reason="PERMISSION_DENIED"))

    with pytest.raises(borealis_client.PermissionDeniedError):
        await borealis.deployments.get(NAME)

    assert len(server.called("GetDeployment")) == 1


async def test_a_silent_server_meets_the_time_limit(server: ScriptedServer):
    server.fail("GetDeployment", Silence(seconds=5))
    began = time.monotonic()

    async with borealis_client.connect(
        server.address, ca_file=server.ca_file, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, timeout_s=0.3
    ) as borealis:
        with pytest.raises(borealis_client.DeadlineExceededError, match=server.address):
            await borealis.deployments.get(NAME)

    assert time.monotonic() - began < 2


async def test_a_call_after_the_server_came_back_works(server: ScriptedServer, borealis: Borealis):
    await borealis.deployments.get(NAME)
    server.stop()
    with pytest.raises(borealis_client.ServerUnreachableError):
        await borealis.deployments.get(NAME)

    server.start()

    assert await borealis.deployments.get(NAME) == a_deployment()


async def test_a_lost_connection_leaves_no_cancellation_behind(server: ScriptedServer, borealis: Borealis):
    server.fail("GetDeployment", *[Silence(seconds=5)] * 4)

    async def stop_soon() -> None:
        await asyncio.to_thread(server.wait_for_call, "GetDeployment")
        await asyncio.to_thread(server.stop)

    async with asyncio.TaskGroup() as group:
        group.create_task(stop_soon())
        with pytest.raises(borealis_client.UnavailableError):
            await borealis.deployments.get(NAME)

    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_cancelled_call_is_cancelled(server: ScriptedServer, borealis: Borealis):
    server.fail("GetDeployment", Silence(seconds=5))

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await borealis.deployments.get(NAME)

    assert await borealis.deployments.get(NAME) == a_deployment()


async def test_lists_follow_the_pages(server: ScriptedServer, borealis: Borealis):
    for number in range(5):
        name = f"tenants/main/deployments/{number}"
        server.deployments[name] = a_deployment(name=name, application="other")

    found = [one.name async for one in borealis.deployments.list(application="other", page_size=2)]

    assert found == [f"tenants/main/deployments/{number}" for number in range(5)]
    assert len(server.called("ListDeployments")) == 3


async def test_identity_offers_caller_and_credentials(server: ScriptedServer, borealis: Borealis):
    caller = await borealis.identity.caller()
    created = await borealis.identity.create_credential("agent-kind", role="agent", agent="kind")
    listed = [one.client_id async for one in borealis.identity.list_credentials(page_size=2)]
    await borealis.identity.delete_credential(created.credential.name)

    assert caller.tenant == "main"
    assert created.client_secret == "s-1"
    assert created.credential.agent == "kind"
    assert listed == ["c-1", "c-2", "c-3"]
    assert server.called("DeleteClientCredential")[0].name == created.credential.name


def test_secrets_stay_out_of_texts():
    settings = borealis_client.resolve("h:1", client_id="id", client_secret="hush", token="", environment={})

    assert "hush" not in repr(settings)
