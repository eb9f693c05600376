"""A relayed call from beginning to end: repetition, waiting, limits, bytes both ways, audit. Virtual time."""

from __future__ import annotations

import asyncio

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_server.adapters.relay.admission import AdmissionLimits
from borealis_server.adapters.relay.connection import RelaySettings
from borealis_server.domain.errors import AgentUnavailable, Exhausted, RelayRefused, ServerUnavailable
from borealis_server.ports.audit import Decision, RelayOutcome
from borealis_server.ports.relay import AgentRef, Priority, RelayRequest, TcpRequest
from kit.fake_agent import open_bed, principal

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


# Sent again


@pytest.mark.parametrize("request_", [GET, POST], ids=["GET", "POST"])
@pytest.mark.parametrize("code", [pb.Reset.CODE_REFUSED, pb.Reset.CODE_OVERLOAD, pb.Reset.CODE_DIAL_FAILED])
async def test_what_was_surely_not_dispatched_goes_to_another_replica_whatever_it_is(code, request_):
    async with open_bed() as bed:
        one = await bed.connect("one")
        await bed.connect("two")
        one.reset_code = code

        assert [await body_of(bed.hub, request_) for _ in range(3)] == [b"two"] * 3


async def test_a_refused_call_is_sent_to_one_other_session_and_no_third():
    async with open_bed() as bed:
        agents = [await bed.connect(name) for name in ("one", "two", "three")]
        for agent in agents:
            agent.reset_code = pb.Reset.CODE_REFUSED
        failure = await failure_of(bed.hub)

        assert failure.dispatched is False
        assert sum(agent.opened for agent in agents) == 2


async def test_a_failed_dial_goes_to_another_instance_not_to_another_tunnel_of_the_same():
    async with open_bed(settings=RelaySettings(supersede_grace_s=1000)) as bed:
        older = await bed.connect("one")
        newer = await bed.connect("one")
        older.reset_code = newer.reset_code = pb.Reset.CODE_DIAL_FAILED
        failure = await failure_of(bed.hub)

        assert failure.code == "DIAL_FAILED"
        assert (older.opened, newer.opened) == (0, 1)


@pytest.mark.parametrize(
    ("request_", "again"),
    [
        pytest.param(GET, True, id="GET"),
        pytest.param(RelayRequest(method="HEAD", path="/"), True, id="HEAD"),
        pytest.param(RelayRequest(method="OPTIONS", path="/"), True, id="OPTIONS"),
        pytest.param(RelayRequest(method="GET", path="/", body=b"x"), False, id="GET-with-body"),
        pytest.param(POST, False, id="POST"),
        pytest.param(RelayRequest(method="PUT", path="/"), False, id="PUT"),
        pytest.param(RelayRequest(method="PATCH", path="/"), False, id="PATCH"),
        pytest.param(RelayRequest(method="DELETE", path="/"), False, id="DELETE"),
        pytest.param(RelayRequest(method="POST", path="/", idempotent=True), True, id="POST-that-may-be-repeated"),
    ],
)
async def test_after_an_unknown_outcome_only_what_reads_is_sent_again(request_, again):
    async with open_bed() as bed:
        one = await bed.connect("one")
        one.serve = lambda _stream, _request: one.crash()
        async with asyncio.TaskGroup() as tasks:
            call = tasks.create_task(result_of(body_of(bed.hub, request_)))
            await asyncio.sleep(0)
            await bed.connect("two")
        result = call.result()

        assert one.opened == 1
        if again:
            assert result == b"two"
        else:
            assert isinstance(result, AgentUnavailable)
            assert result.dispatched is None


async def test_an_answer_that_began_is_never_sent_again():
    def begin_and_crash(stream, _request):
        stream.answer(pb.Opened(http=pb.HttpResponse(status=200)))
        one.live.core.send(stream.id, b"half")
        asyncio.get_running_loop().call_later(1, one.crash)

    async with open_bed() as bed:
        one = await bed.connect("one")
        two = await bed.connect("two")
        one.serve = begin_and_crash
        two.live.core.go_away(pb.GoAway.CAUSE_DRAIN)
        two.live.flush()
        await asyncio.sleep(0.1)
        with pytest.raises(AgentUnavailable) as caught:
            await body_of(bed.hub)

        assert caught.value.dispatched is None
        assert (one.opened, two.opened) == (1, 0)


async def test_a_body_that_comes_in_pieces_is_never_sent_again():
    async def pieces():
        yield b"a"

    async with open_bed() as bed:
        agents = [await bed.connect("one"), await bed.connect("two")]
        for agent in agents:
            agent.reset_code = pb.Reset.CODE_REFUSED
        await failure_of(bed.hub, RelayRequest(method="POST", path="/", body=pieces()))

        assert sum(agent.opened for agent in agents) == 1


async def test_an_outage_does_not_double_the_load():
    async with open_bed() as bed:
        agents = [await bed.connect("one"), await bed.connect("two")]
        for agent in agents:
            agent.reset_code = pb.Reset.CODE_REFUSED
        for _ in range(100):
            await failure_of(bed.hub)
        sent = sum(agent.opened for agent in agents)
        await asyncio.sleep(11)
        await failure_of(bed.hub)

        assert sent == 110
        assert sum(agent.opened for agent in agents) == 112


# Waiting for an agent


async def test_a_call_waits_for_an_agent_that_comes_back():
    async with open_bed() as bed:
        (await bed.connect("one")).crash()
        await asyncio.sleep(0.1)
        async with asyncio.TaskGroup() as tasks:
            call = tasks.create_task(body_of(bed.hub))
            await asyncio.sleep(1.5)
            await bed.connect("one")

        assert call.result() == b"one"


@pytest.mark.parametrize(("timeout_s", "waits_s"), [(30.0, 2.0), (4.0, 1.0)])
async def test_a_call_waits_two_seconds_or_a_quarter_of_its_time(timeout_s, waits_s):
    async with open_bed() as bed:
        (await bed.connect("one")).crash()
        await asyncio.sleep(0.1)
        began_at = now()
        failure = await failure_of(bed.hub, RelayRequest(method="GET", path="/", timeout_s=timeout_s))

        assert failure.dispatched is False
        assert now() - began_at == pytest.approx(waits_s, abs=0.01)


@pytest.mark.parametrize("gone_s", [None, 61.0])
async def test_nobody_waits_for_an_agent_that_is_unknown_or_long_gone(gone_s):
    async with open_bed() as bed:
        if gone_s is not None:
            (await bed.connect("one")).crash()
            await asyncio.sleep(gone_s)
        began_at = now()
        await failure_of(bed.hub)

        assert now() - began_at < 0.01


# Limits


async def test_too_many_open_calls_of_one_agent_are_refused_and_another_agent_is_not():
    other = AgentRef(tenant="main", name="other")
    limits = RelaySettings(admission=AdmissionLimits(agent_calls=2))
    async with open_bed(settings=limits) as bed:
        (await bed.connect("one")).is_silent = True
        await bed.connect("two", name="other")
        async with asyncio.TaskGroup() as tasks:
            held = [tasks.create_task(body_of(bed.hub)) for _ in range(2)]
            await asyncio.sleep(0.1)
            failure = await failure_of(bed.hub)
            neighbour = await body_of(bed.hub, agent=other)
            for call in held:
                call.cancel()
        bed.agents[0].is_silent = False

        assert isinstance(failure, Exhausted)
        assert "agent prod (limit 2)" in failure.message
        assert neighbour == b"two"
        assert await body_of(bed.hub) == b"one"


async def test_too_many_open_calls_of_one_tenant_are_refused_and_another_tenant_is_not():
    other = AgentRef(tenant="other", name="prod")
    limits = RelaySettings(admission=AdmissionLimits(tenant_calls=1))
    async with open_bed(settings=limits) as bed:
        (await bed.connect("one")).is_silent = True
        await bed.connect("two", name="second")
        await bed.connect("three", who=principal(tenant="other"))
        async with asyncio.TaskGroup() as tasks:
            held = tasks.create_task(body_of(bed.hub))
            await asyncio.sleep(0.1)
            failure = await failure_of(bed.hub, agent=AgentRef(tenant="main", name="second"))
            neighbour = await body_of(bed.hub, agent=other)
            held.cancel()

        assert isinstance(failure, Exhausted)
        assert "all agents of the tenant" in failure.message
        assert neighbour == b"three"


@pytest.mark.parametrize("limits", [{"agent_calls_per_s": 3}, {"tenant_calls_per_s": 3}], ids=["agent", "tenant"])
async def test_too_many_calls_within_a_second_are_refused_until_the_next(limits):
    async with open_bed(settings=RelaySettings(admission=AdmissionLimits(**limits))) as bed:
        await bed.connect("one")
        await asyncio.sleep(2.05 - now())
        for _ in range(3):
            await body_of(bed.hub)
        failure = await failure_of(bed.hub)
        await asyncio.sleep(1)

        assert isinstance(failure, Exhausted)
        assert "within a second (limit 3)" in failure.message
        assert await body_of(bed.hub) == b"one"


async def test_a_head_beyond_the_tunnels_limits_is_refused_before_it_is_sent():
    request = RelayRequest(method="GET", path="/", headers=tuple((f"x-{n}", "v") for n in range(300)))
    async with open_bed() as bed:
        agent = await bed.connect("one")
        failure = await failure_of(bed.hub, request)

        assert (failure.code, failure.dispatched) == ("TOO_LARGE", False)
        assert agent.opened == 0


@pytest.mark.parametrize(("deadline_s", "sent_ms"), [(0.0, 0), (0.001, 1), (2.0**63, 2**53)])
async def test_any_deadline_fits_the_frame(deadline_s, sent_ms):
    async with open_bed() as bed:
        agent = await bed.connect("one")
        result = await result_of(body_of(bed.hub, RelayRequest(method="GET", path="/", deadline_s=deadline_s)))

        assert agent.requests[0].deadline_ms == sent_ms
        assert result == b"one"


async def test_a_deadline_ends_an_answer_that_goes_on_and_on():
    async with open_bed() as bed:
        (await bed.connect("one")).serve = lambda stream, _: stream.answer(pb.Opened(http=pb.HttpResponse(status=200)))
        async with bed.hub.call(PROD, RelayRequest(method="GET", path="/", deadline_s=7)) as response:
            with pytest.raises(RelayRefused) as caught:
                await response.read()

        assert caught.value.code == "DEADLINE"
        assert 7 <= now() <= 7.1
        assert bed.hub.sessions(PROD)[0].open_streams == 0


# Bodies in pieces, and bytes both ways


async def test_a_body_arrives_as_its_pieces_come():
    got = []

    async def pieces():
        for piece in (b"one ", b"", b"two ", b"three"):
            yield piece
            await asyncio.sleep(1)

    def serve(stream, _request):
        tasks.create_task(collect(stream))

    async def collect(stream):
        while data := await stream.read():
            got.append((round(now()), data))
        agent.answer(stream, b"thanks")

    async with asyncio.TaskGroup() as tasks, open_bed() as bed:
        agent = await bed.connect("one")
        agent.serve = serve
        answer = await body_of(bed.hub, RelayRequest(method="POST", path="/", body=pieces()))

        assert answer == b"thanks"
        assert got == [(0, b"one "), (2, b"two "), (3, b"three")]


async def test_a_body_that_breaks_off_ends_its_call_only():
    async def pieces():
        yield b"one"
        raise OSError("the client went away")

    async with open_bed() as bed:
        (await bed.connect("one")).is_silent = True
        failure = await failure_of(bed.hub, RelayRequest(method="POST", path="/", body=pieces()))
        bed.agents[0].is_silent = False

        assert failure.code == "CANCELLED"
        assert "broke off: OSError" in failure.detail
        assert await body_of(bed.hub) == b"one"


async def test_an_early_answer_stops_a_body_that_nobody_wants():
    sent = []

    def refuse(stream, _request):
        stream.answer(pb.Opened(http=pb.HttpResponse(status=413)))
        stream.end()

    async def pieces():
        while True:
            sent.append(now())
            yield b"x" * 1000
            await asyncio.sleep(1)

    async with open_bed() as bed:
        (await bed.connect("one")).serve = refuse
        async with bed.hub.call(PROD, RelayRequest(method="POST", path="/", body=pieces())) as response:
            assert await response.read() == b""
            assert response.status == 413
        count = len(sent)
        await asyncio.sleep(10)

        assert len(sent) == count <= 2


def echo(tasks, agent, opened):
    """Serve streams by sending back what comes, in capitals, until the other side ends."""

    async def run(stream):
        stream.answer(opened)
        while data := await stream.read():
            await stream.send(data.upper())
        await stream.send(b"BYE")
        stream.end()
        stream.close()

    agent.serve = lambda stream, _: tasks.create_task(run(stream))


SWITCHED = pb.Opened(
    http=pb.HttpResponse(status=101, headers=[pb.HttpHeader(name="Upgrade", value=b"SPDY/3.1")]), switched=True
)


@pytest.mark.parametrize(
    ("request_", "opened", "status", "headers"),
    [
        pytest.param(SHELL, SWITCHED, 101, (("upgrade", "SPDY/3.1"),), id="upgrade"),
        pytest.param(TCP, pb.Opened(), 0, (), id="tcp"),
    ],
)
async def test_bytes_go_both_ways_and_a_half_close_arrives(request_, opened, status, headers):
    async with asyncio.TaskGroup() as tasks, open_bed() as bed:
        echo(tasks, await bed.connect("one"), opened)
        async with bed.hub.duplex(PROD, request_) as duplex:
            assert (duplex.is_switched, duplex.status, duplex.headers) == (True, status, headers)
            await duplex.write(b"hello")
            first = await duplex.read()
            duplex.end()
            duplex.end()
            with pytest.raises(RelayRefused, match="has ended"):
                await duplex.write(b"more")
            last = await duplex.read()
            end = await duplex.read()

    assert (first, last, end) == (b"HELLO", b"BYE", b"")
    kind = "tcp" if isinstance(request_, TcpRequest) else "upgrade"
    assert bed.agents[0].requests[0].WhichOneof("request") == kind


async def test_a_target_that_does_not_switch_gives_an_ordinary_answer():
    def forbid(stream, _request):
        stream.answer(pb.Opened(http=pb.HttpResponse(status=403)))
        agent.live.core.send(stream.id, b"no exec for you")
        stream.end()

    async with open_bed() as bed:
        agent = await bed.connect("one")
        agent.serve = forbid
        async with bed.hub.duplex(PROD, SHELL) as duplex:
            body = await duplex.read()
            with pytest.raises(RelayRefused, match="answered 403 and did not switch"):
                await duplex.write(b"x")
        await asyncio.sleep(1)

        assert (duplex.is_switched, duplex.status, body) == (False, 403, b"no exec for you")
        assert agent.live.core.open_streams == 0


async def test_an_agent_that_offers_no_upgrade_is_not_asked_for_one():
    async with open_bed() as bed:
        agent = await bed.connect("old", features=("http",))
        with pytest.raises(RelayRefused, match="does not offer upgrade: update it") as caught:
            async with bed.hub.duplex(PROD, SHELL):
                pass
        newer = await bed.connect("new")
        newer.serve = lambda stream, _: stream.answer(SWITCHED)
        async with bed.hub.duplex(PROD, SHELL) as duplex:
            assert duplex.is_switched

        assert (caught.value.code, caught.value.dispatched) == ("REFUSED", False)
        assert (agent.opened, newer.opened) == (0, 1)


async def test_leaving_a_connection_ends_both_directions_at_once():
    async with open_bed() as bed:
        agent = await bed.connect("one")
        agent.serve = lambda stream, _: stream.answer(pb.Opened())
        async with bed.hub.duplex(PROD, TCP):
            await asyncio.sleep(1)
            assert agent.live.core.open_streams == 1
        await asyncio.sleep(0.1)

        assert agent.live.core.open_streams == 0


async def test_a_lost_tunnel_ends_a_connection_for_reader_and_writer():
    async with open_bed() as bed:
        agent = await bed.connect("one")
        agent.serve = lambda stream, _: stream.answer(pb.Opened())
        async with bed.hub.duplex(PROD, TCP) as duplex:
            agent.crash()
            with pytest.raises(AgentUnavailable):
                await duplex.read()
            with pytest.raises(AgentUnavailable):
                await duplex.write(b"x")
            duplex.end()


# Who asked, and what came of it


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


async def result_of(call):
    """What a call gives, or how it fails."""
    try:
        return await call
    except (AgentUnavailable, RelayRefused) as error:
        return error
