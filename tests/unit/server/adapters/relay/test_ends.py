"""How tunnels are replaced and bounded, and what is counted. Lanes in memory, virtual time."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import generate_latest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_server.adapters.relay.connection import RelaySettings
from borealis_server.domain.errors import (
    AgentUnavailable,
    Exhausted,
    RelayRefused,
    Unauthenticated,
)
from borealis_server.ports.relay import AgentRef, RelayRequest
from borealis_wire.events import GoAwayReceived
from kit.fake_agent import LoopClock, open_bed, principal

pytestmark = pytest.mark.looptime

PROD = AgentRef(tenant="main", name="prod")
GET = RelayRequest(method="GET", path="/")


async def body_of(hub, request=GET):
    async with hub.call(PROD, request) as response:
        return await response.read()


async def outcome_of(call):
    try:
        return await call
    except AgentUnavailable as error:
        return error


async def test_calls_of_a_superseded_tunnel_may_finish():
    async with open_bed() as bed:
        older = await bed.connect("one")
        older.is_silent = True
        async with asyncio.TaskGroup() as tasks:
            call = tasks.create_task(body_of(bed.hub))
            await asyncio.sleep(1)
            newer = await bed.connect("one")
            later = await body_of(bed.hub)
            await asyncio.sleep(10)
            stream = next(iter(older.live._streams.values()))
            older.answer(stream, b"late, but here")
        await asyncio.sleep(0.1)

        assert (call.result(), later) == (b"late, but here", b"one")
        assert newer.opened == 1
        assert len(bed.hub.sessions(PROD)) == 1, "the older one ended with its last call"


async def test_a_superseded_tunnel_ends_when_its_grace_is_over():
    async with open_bed() as bed:
        older = await bed.connect("one")
        older.is_silent = True
        async with asyncio.TaskGroup() as tasks:
            call = tasks.create_task(outcome_of(body_of(bed.hub, RelayRequest(method="POST", path="/", timeout_s=100))))
            await asyncio.sleep(1)
            await bed.connect("one")
        took_s = asyncio.get_running_loop().time()

        assert isinstance(call.result(), AgentUnavailable)
        assert 31 <= took_s <= 32


async def test_a_tunnel_that_is_old_is_replaced_before_it_ends():
    settings = RelaySettings(max_age_s=1000)
    async with open_bed(settings=settings) as bed:
        old = await bed.connect("one")
        old.is_silent = True
        async with asyncio.TaskGroup() as tasks:
            call = tasks.create_task(body_of(bed.hub, RelayRequest(method="GET", path="/", timeout_s=3000)))
            await asyncio.sleep(890)
            assert old.got(GoAwayReceived) == []
            await asyncio.sleep(240)
            (event,) = old.got(GoAwayReceived)
            await bed.connect("one")
            meanwhile = await body_of(bed.hub)
            old.answer(next(iter(old.live._streams.values())), b"finished")

        assert (event.go_away.cause, event.go_away.grace_ms) == (pb.GoAway.CAUSE_REBALANCE, 900_000)
        assert (meanwhile, call.result()) == (b"one", b"finished")


async def test_no_call_begins_after_the_token_expired_and_those_that_run_have_a_grace():
    who = principal(life_s=100)

    async def verify(_token):
        if LoopClock().now() >= who.expires_at:
            raise Unauthenticated("the token has expired")
        return who

    async with open_bed() as bed:
        agent = await bed.connect("one", who=who, verify=verify)
        agent.is_silent = True
        async with asyncio.TaskGroup() as tasks:
            call = tasks.create_task(outcome_of(body_of(bed.hub, RelayRequest(method="GET", path="/", timeout_s=1000))))
            await asyncio.sleep(101)
            assert not bed.hub.is_connected(PROD)
            refused = await outcome_of(body_of(bed.hub))
            assert not call.done()
        took_s = asyncio.get_running_loop().time()

    assert isinstance(refused, AgentUnavailable)
    assert refused.dispatched is False
    assert isinstance(call.result(), AgentUnavailable)
    assert "expired" in call.result().detail
    assert 129 <= took_s <= 135


async def test_an_agent_has_a_largest_number_of_tunnels():
    async with open_bed(settings=RelaySettings(agent_tunnels=2)) as bed:
        await bed.connect("one")
        await bed.connect("two")
        third = await bed.connect("three")
        neighbour = await bed.connect("one", name="other")

        assert isinstance(third.serving.result(), Exhausted)
        assert not neighbour.serving.done()
        assert len(bed.hub.sessions(PROD)) == 2


async def test_of_many_replicas_no_one_gets_everything():
    async with open_bed() as bed:
        agents = [await bed.connect(f"replica-{number}") for number in range(5)]
        for agent in agents:
            agent.is_silent = True
        async with asyncio.TaskGroup() as tasks:
            calls = [tasks.create_task(body_of(bed.hub)) for _ in range(100)]
            await asyncio.sleep(1)
            shares = [agent.opened for agent in agents]
            for call in calls:
                call.cancel()

    assert sum(shares) == 100
    assert max(shares) <= 30
    assert min(shares) >= 10


async def test_metrics_tell_what_went_through():
    async with open_bed() as bed:
        agent = await bed.connect("one")
        await body_of(bed.hub, RelayRequest(method="POST", path="/", body=b"four"))
        agent.reset_code = pb.Reset.CODE_DENIED
        with pytest.raises(RelayRefused):
            await body_of(bed.hub)
        await asyncio.sleep(100)
        text = generate_latest(bed.hub.metrics._registry).decode()

    prefix = "borealis_server_relay"
    for line in (
        f'{prefix}_calls_total{{mode="http",outcome="complete"}} 1.0',
        f'{prefix}_calls_total{{mode="http",outcome="not_dispatched"}} 1.0',
        f'{prefix}_bytes_total{{direction="sent",priority="normal"}} 4.0',
        f'{prefix}_resets_total{{by="peer",code="denied"}} 1.0',
        f"{prefix}_tunnels 1.0",
        f"{prefix}_streams 0.0",
        f"{prefix}_queued_bytes 0.0",
        f"{prefix}_open_duration_seconds_count 1.0",
    ):
        assert line in text
    assert f'{prefix}_tunnel_batch_frames_bucket{{le="1.0"}}' in text
    assert f"{prefix}_ping_seconds_count 0.0" not in text
