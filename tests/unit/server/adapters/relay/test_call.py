"""When a relayed call is sent again, waits for its agent, or is refused. Lanes in memory, virtual time."""

from __future__ import annotations

import asyncio

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_server.adapters.cluster.api import KubernetesApi
from borealis_server.adapters.relay.admission import AdmissionLimits
from borealis_server.adapters.relay.connection import RelaySettings
from borealis_server.domain.errors import AgentUnavailable, ClusterBusy, Exhausted, RelayRefused
from borealis_server.ports.relay import AgentRef, RelayRequest, TcpRequest
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


async def test_the_engine_takes_a_limit_for_a_busy_cluster_and_tries_again():
    async with open_bed(settings=RelaySettings(admission=AdmissionLimits(agent_calls=0))) as bed:
        agent = await bed.connect("one")
        with pytest.raises(ClusterBusy, match="too many relayed calls open at once") as caught:
            await KubernetesApi(bed.hub).json(PROD, "GET", "/api")

        assert caught.value.retry_after_s == 1.0
        assert agent.opened == 0


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


async def result_of(call):
    """What a call gives, or how it fails."""
    try:
        return await call
    except (AgentUnavailable, RelayRefused) as error:
        return error
