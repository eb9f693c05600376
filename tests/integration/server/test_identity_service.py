"""IdentityService and AgentService as callers see them."""

from __future__ import annotations

import time
from typing import cast

import grpc
import pytest
from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # no types are published
from grpc_status import rpc_status

from borealis.agent.v1 import agent_pb2
from borealis.agent.v1 import agent_service_pb2 as agent_pb
from borealis.identity.v1 import identity_service_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def create(client, **fields):
    request = pb.CreateClientCredentialRequest(**fields)
    return await client.identity.CreateClientCredential(request, metadata=client.metadata, timeout=5)


async def names(client, page_size: int) -> list[str]:
    found: list[str] = []
    token = ""
    while True:
        request = pb.ListClientCredentialsRequest(page_size=page_size, page_token=token)
        page = await client.identity.ListClientCredentials(request, metadata=client.metadata, timeout=5)
        assert len(page.credentials) <= page_size
        found += [credential.display_name for credential in page.credentials]
        token = page.next_page_token
        if not token:
            return found


def violations(error: grpc.aio.AioRpcError) -> dict[str, str]:
    request = error_details_pb2.BadRequest()
    assert any(detail.Unpack(request) for detail in rpc_status.from_call(cast("grpc.Call", error)).details)
    return {violation.field: violation.description for violation in request.field_violations}


async def test_a_created_credential_is_described_and_its_secret_shown(admin):
    created = await create(admin, display_name="ci-1", role="deployer")

    credential = created.credential
    assert credential.name == f"tenants/main/clientCredentials/{credential.client_id}"
    assert (credential.display_name, credential.role, credential.agent) == ("ci-1", "deployer", "")
    assert abs(credential.create_time.seconds - time.time()) < 60
    assert len(created.client_secret) >= 43


async def test_pages_join_to_the_whole_list_in_order(admin):
    for number in range(3):
        await create(admin, display_name=f"page-{number}", role="viewer")

    whole = await names(admin, 250)

    assert whole == sorted(whole)
    assert {"page-0", "page-1", "page-2", "local-admin"} <= set(whole)
    assert await names(admin, 1) == await names(admin, 2) == whole


async def test_a_taken_name_is_refused(admin):
    await create(admin, display_name="taken", role="viewer")

    with pytest.raises(grpc.aio.AioRpcError) as error:
        await create(admin, display_name="taken", role="admin")
    assert error.value.code() is grpc.StatusCode.ALREADY_EXISTS


async def test_every_fault_of_a_request_is_named(admin):
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await create(admin, display_name="Not Good", role="viewer", agent="x")

    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert set(violations(error.value)) == {"display_name", "agent"}


async def test_a_page_token_of_another_list_is_refused(admin):
    page = await admin.identity.ListClientCredentials(
        pb.ListClientCredentialsRequest(page_size=1), metadata=admin.metadata, timeout=5
    )

    for token in (page.next_page_token, "rubbish", "!!", "W10"):
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await admin.agents.ListAgents(
                agent_pb.ListAgentsRequest(page_token=token), metadata=admin.metadata, timeout=5
            )
        assert set(violations(error.value)) == {"page_token"}


async def test_deleting_what_is_not_there_is_not_found(admin):
    for name in ("tenants/main/clientCredentials/nothing", "tenants/other/clientCredentials/nothing"):
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await admin.identity.DeleteClientCredential(
                pb.DeleteClientCredentialRequest(name=name), metadata=admin.metadata, timeout=5
            )
        assert error.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_malformed_name_is_invalid(admin):
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await admin.identity.DeleteClientCredential(
            pb.DeleteClientCredentialRequest(name="nothing"), metadata=admin.metadata, timeout=5
        )

    assert "tenants/{tenant}/clientCredentials/{id}" in violations(error.value)["name"]


async def test_an_agent_is_listed_as_soon_as_it_has_a_credential(admin):
    await create(admin, display_name="south-1", role="agent", agent="south")

    listed = await admin.agents.ListAgents(agent_pb.ListAgentsRequest(), metadata=admin.metadata, timeout=5)
    got = await admin.agents.GetAgent(
        agent_pb.GetAgentRequest(name="tenants/main/agents/south"), metadata=admin.metadata, timeout=5
    )

    assert got.agent in listed.agents
    assert got.agent.state == agent_pb2.Agent.STATE_DISCONNECTED
    assert not got.agent.HasField("last_seen_time")
    assert not got.agent.sessions


async def test_an_unknown_agent_is_not_found(admin):
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await admin.agents.GetAgent(
            agent_pb.GetAgentRequest(name="tenants/main/agents/nobody"), metadata=admin.metadata, timeout=5
        )

    assert error.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_watch_begins_with_every_agent_and_marks_the_end_of_that(admin):
    await create(admin, display_name="north-1", role="agent", agent="north")
    request = agent_pb.WatchAgentsRequest(name="tenants/main/agents/north")

    watch = admin.agents.WatchAgents(request, metadata=admin.metadata, timeout=5)
    first, second = await watch.read(), await watch.read()
    watch.cancel()

    assert first.agent.name == "tenants/main/agents/north"
    assert second.initial_state_sent
    assert not second.HasField("agent")
