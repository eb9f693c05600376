"""Which replica a call takes, and what a session may do. Lanes in memory, virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_server.adapters.relay.connection import RelaySettings
from borealis_server.adapters.relay.hub import RelayHub
from borealis_server.domain.errors import (
    AgentUnavailable,
    CredentialRevoked,
    InvalidArgument,
    PermissionDenied,
    RelayRefused,
    ServerUnavailable,
    Unauthenticated,
)
from borealis_server.ports.relay import AgentRef, RelayRequest
from borealis_wire.events import GoAwayReceived, TokenAnswered, WelcomeReceived
from kit.fake_agent import LoopClock, hub_with, never_asked, principal
from kit.lanes import lane_pair

pytestmark = pytest.mark.looptime

PROD = AgentRef(tenant="main", name="prod")
GET = RelayRequest(method="GET", path="/")


async def body_of(hub, request=GET):
    async with hub.call(PROD, request) as response:
        return await response.read()


async def test_welcome_names_the_terms():
    async with hub_with("one") as (_, (agent,)):
        (event,) = agent.got(WelcomeReceived)

    welcome = event.welcome
    assert list(welcome.features) == ["http", "tcp", "upgrade"]
    assert (welcome.ping_interval_ms, welcome.dead_after_ms) == (15_000, 30_000)
    assert 9_000_000 < welcome.token_expires_in_ms <= 10_000_000
    assert welcome.epoch == 1


async def test_the_replica_with_the_fewest_calls_is_taken():
    async with hub_with("one", "two") as (hub, (one, two)):
        one.is_silent = two.is_silent = True
        async with asyncio.TaskGroup() as tasks:
            calls = [tasks.create_task(body_of(hub)) for _ in range(10)]
            await asyncio.sleep(1)
            taken = (one.opened, two.opened)
            for call in calls:
                call.cancel()

    assert taken == (5, 5)


@pytest.mark.parametrize("code", [pb.Reset.CODE_REFUSED, pb.Reset.CODE_DIAL_FAILED])
async def test_a_second_replica_is_asked_when_the_first_surely_sent_nothing(code):
    async with hub_with("one", "two") as (hub, (one, two)):
        one.reset_code = two.reset_code = code
        two.reset_code = None

        assert {await body_of(hub), await body_of(hub)} == {b"two"}


async def test_a_refusal_stands_when_there_is_no_second_replica():
    async with hub_with("one") as (hub, (one,)):
        one.reset_code = pb.Reset.CODE_DIAL_FAILED
        with pytest.raises(RelayRefused) as caught:
            await body_of(hub)

    assert caught.value.code == "DIAL_FAILED"
    assert one.opened == 1


async def test_a_denial_is_not_taken_to_another_replica():
    async with hub_with("one", "two") as (hub, (one, two)):
        one.reset_code = two.reset_code = pb.Reset.CODE_DENIED
        with pytest.raises(RelayRefused):
            await body_of(hub)

    assert one.opened + two.opened == 1


async def test_no_answer_within_the_limit_is_a_deadline():
    async with hub_with("one") as (hub, (one,)):
        one.is_silent = True
        with pytest.raises(RelayRefused) as caught:
            await body_of(hub, RelayRequest(method="GET", path="/", timeout_s=30))

        assert (caught.value.code, caught.value.dispatched) == ("DEADLINE", None)
        assert hub.sessions(PROD)[0].open_streams == 0


async def test_a_leaving_agent_takes_no_calls():
    async with hub_with("one") as (hub, (one,)):
        one.live.core.go_away(pb.GoAway.CAUSE_DRAIN)
        one.live.flush()
        await asyncio.sleep(0.1)
        with pytest.raises(AgentUnavailable) as caught:
            await body_of(hub)

        assert caught.value.dispatched is False
        assert not hub.is_connected(PROD)
        assert len(hub.sessions(PROD)) == 1


async def test_another_tenant_does_not_see_the_agent():
    other = AgentRef(tenant="other", name="prod")
    async with hub_with("one") as (hub, _):
        with pytest.raises(AgentUnavailable):
            async with hub.call(other, GET):
                pass

        assert hub.all_sessions("other") == hub.sessions(other) == ()
        assert len(hub.all_sessions("main")) == 1


async def test_sessions_know_when_they_were_last_seen():
    async with hub_with("one") as (hub, _):
        await asyncio.sleep(10)
        (session,) = hub.sessions(PROD)

    assert (session.version, session.instance_id) == ("9", "one")
    assert 9.5 <= (LoopClock().now() - session.last_seen_at).total_seconds() <= 10.5


async def test_the_same_instance_supersedes_itself():
    async with hub_with("one", "one") as (hub, (older, newer)):
        await asyncio.sleep(1)

        assert [event.go_away.cause for event in older.got(GoAwayReceived)] == [pb.GoAway.CAUSE_SUPERSEDED]
        assert newer.got(GoAwayReceived) == []
        assert len(hub.sessions(PROD)) == 1


async def test_another_name_than_the_credentials_is_denied():
    async with hub_with("one", name="staging") as (hub, (agent,)):
        refusal = await agent.serving

    assert isinstance(refusal, PermissionDenied)
    assert "'staging'" in refusal.message
    assert hub.all_sessions("main") == ()


async def test_a_session_ends_thirty_seconds_after_its_token():
    loop = asyncio.get_running_loop()
    who = principal(life_s=100)

    async def verify(_token):
        if LoopClock().now() >= who.expires_at:
            raise Unauthenticated("the token has expired")
        return who

    async with hub_with("one", who=who, verify=verify) as (hub, (agent,)):
        await agent.serving
        took_s = loop.time()

    assert 129 <= took_s <= 132
    assert agent.got(GoAwayReceived)[0].go_away.cause == pb.GoAway.CAUSE_AUTHORITY_ENDED
    assert hub.sessions(PROD) == ()


async def test_a_newer_token_keeps_the_session():
    tokens = {"t0": principal(life_s=100), "t1": principal(life_s=1000)}

    async def verify(token):
        if LoopClock().now() >= tokens[token].expires_at:
            raise Unauthenticated("the token has expired")
        return tokens[token]

    async with hub_with("one", who=tokens["t0"], verify=verify) as (hub, (agent,)):
        await asyncio.sleep(60)
        agent.live.core.offer_token("t1")
        agent.live.flush()
        await asyncio.sleep(300)

        assert hub.is_connected(PROD)
        assert [event.state.accepted for event in agent.got(TokenAnswered)] == [True]


@pytest.mark.parametrize(
    ("other", "says"),
    [
        pytest.param(principal, "", id="same"),
        pytest.param(lambda: principal("staging"), "bound to another agent", id="other-agent"),
        pytest.param(lambda: principal(tenant="other"), "bound to another agent", id="other-tenant"),
        pytest.param(None, "forged", id="forged"),
    ],
)
async def test_a_token_offered_in_band_must_be_the_agents_own(other, says):
    async def verify(_token):
        if other is None:
            raise Unauthenticated("forged")
        return other()

    async with hub_with("one", verify=verify) as (_, (agent,)):
        agent.live.core.offer_token("t1")
        agent.live.flush()
        await asyncio.sleep(1)
        (event,) = agent.got(TokenAnswered)

    assert event.state.accepted is not bool(says)
    assert says in event.state.detail


async def test_a_check_that_takes_too_long_is_answered():
    async def verify(_token):
        await asyncio.sleep(1000)
        raise AssertionError

    async with hub_with("one", verify=verify) as (_, (agent,)):
        for token in ("t1", "t2", "t3"):
            agent.live.core.offer_token(token)
            agent.live.flush()
            await asyncio.sleep(0.1)
        await asyncio.sleep(15)
        details = [event.state.detail for event in agent.got(TokenAnswered)]

    assert details == ["another token is being checked", "the token could not be checked in time"]


async def roleless(_token):
    return replace(principal(), grants=())


@pytest.mark.parametrize("way", ["revoked", "roleless"])
async def test_a_session_ends_within_five_seconds_of_its_authority(way):
    verify = {"revoked": revoked, "roleless": roleless}[way]
    async with hub_with("one", verify=verify) as (hub, (agent,)):
        await agent.serving

        assert asyncio.get_running_loop().time() < 5
        assert hub.sessions(PROD) == ()


async def test_a_store_that_is_away_is_no_reason_to_cut_agents_off():
    async def verify(_token):
        raise ServerUnavailable("the store is away")

    async with hub_with("one", verify=verify) as (hub, _):
        await asyncio.sleep(600)

        assert hub.is_connected(PROD)


async def test_draining_lets_calls_finish_and_then_ends_tunnels():
    async with hub_with("one") as (hub, (agent,)):
        agent.is_silent = True
        async with asyncio.TaskGroup() as tasks:
            call = tasks.create_task(outcome_of(body_of(hub)))
            await asyncio.sleep(1)
            began_at = asyncio.get_running_loop().time()
            await hub.drain(10)
            took_s = asyncio.get_running_loop().time() - began_at
        (event,) = agent.got(GoAwayReceived)

    assert 10 <= took_s <= 11
    assert isinstance(call.result(), AgentUnavailable)
    assert (event.go_away.cause, event.go_away.grace_ms) == (pb.GoAway.CAUSE_DRAIN, 10_000)
    assert hub.sessions(PROD) == ()


async def test_draining_without_calls_takes_no_time():
    async with hub_with("one", "two") as (hub, _):
        began_at = asyncio.get_running_loop().time()
        await hub.drain(10)

        assert asyncio.get_running_loop().time() - began_at < 1
        with pytest.raises(ServerUnavailable):
            await hub.serve(lane_pair()[0], lane_number=0, principal=principal(), token="t", verify=never_asked)


async def test_draining_does_not_wait_for_ever_for_a_lane_that_hangs():
    async with hub_with("one", settings=RelaySettings()) as (hub, (agent,)):
        (connection,) = hub._connections
        lane: Any = connection._live._lane  # a lane in memory
        lane.gate.clear()
        began_at = asyncio.get_running_loop().time()
        await hub.drain(0)

        assert 4 <= asyncio.get_running_loop().time() - began_at <= 6
        assert not agent.got(GoAwayReceived)


async def test_only_lane_0_of_an_agents_credential_is_taken():
    hub = RelayHub(LoopClock())
    lane, _ = lane_pair()

    with pytest.raises(InvalidArgument, match="must be 0"):
        await hub.serve(lane, lane_number=1, principal=principal(), token="t", verify=never_asked)
    with pytest.raises(PermissionDenied, match="not bound to an agent"):
        await hub.serve(lane, lane_number=0, principal=principal(""), token="t", verify=never_asked)


async def revoked(_token):
    raise CredentialRevoked("the credential behind the token was revoked")


async def outcome_of(call):
    try:
        return await call
    except AgentUnavailable as error:
        return error
