"""What is kept of every relayed call. Lanes in memory, virtual time."""

from __future__ import annotations

import asyncio

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_server.domain.errors import AgentUnavailable, Exhausted, RelayRefused, ServerUnavailable
from borealis_server.ports.audit import Decision, RelayOutcome
from borealis_server.ports.relay import AgentRef, Priority, RelayRequest, TcpRequest
from kit.fake_agent import open_bed

pytestmark = pytest.mark.looptime

PROD = AgentRef(tenant="main", name="prod")
GET = RelayRequest(method="GET", path="/")
POST = RelayRequest(method="POST", path="/", body=b"change")
SHELL = RelayRequest(method="POST", path="/exec", headers=(("Connection", "Upgrade"),), idle_timeout_s=0)
TCP = TcpRequest(target="db", port=5432)


async def body_of(hub, request=GET, agent=PROD):
    async with hub.call(agent, request) as response:
        return await response.read()


async def failure_of(hub, request=GET, agent=PROD):
    with pytest.raises((AgentUnavailable, RelayRefused, Exhausted)) as caught:
        await body_of(hub, request, agent)
    return caught.value


def now():
    return asyncio.get_running_loop().time()


class Notebook:
    """An audit that a test can read."""

    def __init__(self):
        self.opened_calls = []
        self.ends = []
        self.refusal = None

    def opened(self, agent, request, *, decision, policy_digest):
        if self.refusal is not None:
            raise self.refusal
        self.opened_calls.append((agent, request, decision, policy_digest))
        return self

    def closed(self, end):
        self.ends.append(end)


async def test_the_frame_says_who_asks_and_how_urgent_it_is():
    request = RelayRequest(
        method="GET",
        path="/",
        actor="ana",
        actor_groups=("ops", "dev"),
        request_id="r1",
        traceparent="00-1-2-01",
        priority=Priority.INTERACTIVE,
        idempotent=True,
        target="prometheus",
    )
    async with open_bed() as bed:
        agent = await bed.connect("one")
        await body_of(bed.hub, request)
        (sent,) = agent.requests

    assert (sent.actor, list(sent.actor_groups), sent.request_id) == ("ana", ["ops", "dev"], "r1")
    assert (sent.traceparent, sent.target) == ("00-1-2-01", "prometheus")
    assert sent.priority == pb.Open.PRIORITY_INTERACTIVE
    assert sent.has_idempotency_key


async def test_every_call_is_audited_at_its_beginning_and_its_end():
    audit = Notebook()
    async with open_bed(audit=audit) as bed:
        await bed.connect("one")
        await body_of(bed.hub, POST)
        (opened,), (end,) = audit.opened_calls, audit.ends

    assert opened == (PROD, POST, Decision.ALLOWED, "digest of one")
    assert (end.outcome, end.code, end.status) == (RelayOutcome.COMPLETE, "", 200)
    assert (end.sent_bytes, end.received_bytes) == (6, 3)
    assert end.duration_s >= 0


async def test_an_audit_that_refuses_keeps_the_call_from_being_sent():
    audit = Notebook()
    audit.refusal = ServerUnavailable("the disk is full")
    async with open_bed(audit=audit) as bed:
        agent = await bed.connect("one")
        with pytest.raises(ServerUnavailable):
            await body_of(bed.hub)

        assert agent.opened == 0
        assert audit.ends == []


OUTCOMES = [
    pytest.param({"reset_code": pb.Reset.CODE_DENIED}, RelayOutcome.NOT_DISPATCHED, "DENIED", id="denied"),
    pytest.param(
        {"reset_code": pb.Reset.CODE_TARGET_RESET, "dispatched": True}, RelayOutcome.BROKEN, "TARGET_RESET", id="broken"
    ),
    pytest.param({"is_silent": True}, RelayOutcome.UNKNOWN, "DEADLINE", id="deadline"),
]


@pytest.mark.parametrize(("behaviour", "outcome", "code"), OUTCOMES)
async def test_the_outcome_says_what_is_known(behaviour, outcome, code):
    audit = Notebook()
    async with open_bed(audit=audit) as bed:
        agent = await bed.connect("one")
        for name, value in behaviour.items():
            setattr(agent, name, value)
        await failure_of(bed.hub)

    assert [(end.outcome, end.code) for end in audit.ends] == [(outcome, code)]


async def test_a_call_to_nobody_is_audited_as_not_dispatched():
    audit = Notebook()
    async with open_bed(audit=audit) as bed:
        await failure_of(bed.hub)

    assert [digest for *_, digest in audit.opened_calls] == [""]
    assert [(end.outcome, end.code) for end in audit.ends] == [(RelayOutcome.NOT_DISPATCHED, "AGENT_UNAVAILABLE")]


async def test_a_caller_who_leaves_early_is_audited_as_such():
    audit = Notebook()
    async with open_bed(audit=audit) as bed:
        agent = await bed.connect("one")
        agent.serve = lambda stream, _: stream.answer(pb.Opened(http=pb.HttpResponse(status=200)))
        async with bed.hub.call(PROD, GET):
            pass
        agent.serve, agent.is_silent = None, True
        async with asyncio.TaskGroup() as tasks:
            call = tasks.create_task(body_of(bed.hub))
            await asyncio.sleep(1)
            call.cancel()

    assert [end.outcome for end in audit.ends] == [RelayOutcome.CANCELLED] * 2


async def test_an_answer_that_broke_off_is_audited_as_broken():
    audit = Notebook()
    async with open_bed(audit=audit) as bed:
        agent = await bed.connect("one")
        agent.serve = lambda stream, _: stream.answer(pb.Opened(http=pb.HttpResponse(status=200)))
        async with bed.hub.call(PROD, GET) as response:
            agent.crash()
            with pytest.raises(AgentUnavailable):
                await response.read()

    assert [(end.outcome, end.status) for end in audit.ends] == [(RelayOutcome.BROKEN, 200)]
