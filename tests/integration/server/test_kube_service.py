"""Exchanges with clusters and the audit of them at the gRPC door, as far as no agent is needed."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import grpc
import pytest

from borealis.audit.v1 import audit_service_pb2 as audit_pb
from borealis.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from borealis.kube.v1 import kube_pb2
from borealis.kube.v1 import kube_service_pb2 as pb
from borealis.kube.v1.kube_service_pb2_grpc import KubeServiceStub

if TYPE_CHECKING:
    from borealis.audit.v1.audit_pb2 import AuditCall

pytestmark = pytest.mark.asyncio(loop_scope="session")

PODS = "/api/v1/namespaces/shop/pods"


def request(agent="tenants/main/agents/nobody", method="GET", path=PODS, **more):
    return pb.ExchangeRequest(request=kube_pb2.KubeRequest(agent=agent, method=method, path=path, **more))


async def exchange(channel, client, *messages):
    """Everything that comes back; ends the call as a good client does."""
    answers = []
    call = KubeServiceStub(channel).Exchange(metadata=client.metadata, timeout=10)
    for message in messages:
        await call.write(message)
    while isinstance(answer := await call.read(), pb.ExchangeResponse):
        answers.append(answer)
        if answer.end:
            await call.done_writing()
    return answers


async def failed(channel, client, *messages):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await exchange(channel, client, *messages)
    return caught.value.code(), caught.value.details()


def status_of(answers):
    head, *pieces, end = answers
    document = json.loads(b"".join(piece.data for piece in pieces))
    assert end.end
    assert document["code"] == head.response.status
    return head.response.status, document["reason"], document["message"]


async def test_an_unknown_agent_is_an_answer_that_kubectl_shows(channel, admin):
    status, reason, message = status_of(await exchange(channel, admin, request()))

    assert (status, reason) == (400, "BadRequest")
    assert "no agent tenants/main/agents/nobody" in message


async def test_an_agent_that_is_away_is_an_answer_that_says_when_to_come_again(channel, admin, as_role):
    await as_role("asleep", "agent", "asleep")

    answers = await exchange(channel, admin, request("tenants/main/agents/asleep"))

    assert status_of(answers)[:2] == (503, "ServiceUnavailable")
    assert {header.name: header.value for header in answers[0].response.headers}["retry-after"] == b"1"


async def test_the_permission_is_judged_by_method_and_path_and_refusals_are_listed(channel, admin, as_role):
    deployer, _ = await as_role("kube-deployer", "deployer")

    read = status_of(await exchange(channel, deployer, request()))
    write = status_of(await exchange(channel, deployer, request(method="POST", has_body=True)))
    into = status_of(await exchange(channel, deployer, request(path=f"{PODS}/web/exec?command=ls", upgrade="SPDY/3.1")))

    assert [(status, message.split(":")[0]) for status, _, message in (read, write, into)] == [
        (403, "you lack the permission kube.read in tenant main"),
        (403, "you lack the permission kube.write in tenant main"),
        (403, "you lack the permission kube.write in tenant main"),
    ]
    wanted = audit_pb.ListAuditCallsRequest(actor="kube-deployer", agent="tenants/main/agents/nobody")
    calls: list[AuditCall] = []
    while len(calls) < 3:
        await asyncio.sleep(0.02)
        listed = await AuditServiceStub(channel).ListAuditCalls(wanted, metadata=admin.metadata, timeout=5)
        calls = list(listed.calls)
    assert [call.path for call in calls] == [f"{PODS}/web/exec?command=...", PODS, PODS]
    assert {call.end.status for call in calls} == {403}
    assert list(calls[0].actor_groups) == ["borealis:deployer"]


async def test_agents_and_other_tenants_get_nowhere(channel, admin, as_role):
    agent, _ = await as_role("kube-agent", "agent", "some-agent")

    denied, _ = await failed(channel, agent, request())
    missing, _ = await failed(channel, admin, request("tenants/other/agents/prod"))

    assert (denied, missing) == (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.NOT_FOUND)


BAD = {
    "no head": [pb.ExchangeRequest(data=b"x")],
    "nothing": [pb.ExchangeRequest()],
    "no name": [request("nobody")],
    "method": [request(method="get")],
    "path": [request(path="/api/../x")],
    "identity": [request(headers=[kube_pb2.KubeHeader(name="Impersonate-User", value=b"a")])],
    "fields": [request(headers=[kube_pb2.KubeHeader(name="a", value=b"b")] * 257)],
}


@pytest.mark.parametrize("messages", BAD.values(), ids=BAD)
async def test_what_is_no_request_is_refused_with_the_field(channel, admin, messages):
    try:
        answers = await exchange(channel, admin, *messages)
    except grpc.aio.AioRpcError as error:
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT  # noqa: PT017 - either way is right
    else:
        assert status_of(answers)[:2] == (400, "BadRequest")


async def test_only_who_may_see_the_audit_sees_it(channel, as_role):
    viewer, _ = await as_role("calls-viewer", "viewer")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await AuditServiceStub(channel).ListAuditCalls(
            audit_pb.ListAuditCallsRequest(), metadata=viewer.metadata, timeout=5
        )

    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_another_tenants_agent_cannot_be_asked_for_in_the_audit(channel, admin):
    request = audit_pb.ListAuditCallsRequest(agent="tenants/other/agents/prod")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await AuditServiceStub(channel).ListAuditCalls(request, metadata=admin.metadata, timeout=5)

    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
