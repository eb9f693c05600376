"""How tunnels begin and end: who may connect, what happens when one is lost, and how it comes back."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from pydantic import SecretStr

from borealis.tunnel.v1 import tunnel_pb2
from borealis.tunnel.v1.tunnel_service_pb2 import LaneRequest, LaneResponse
from borealis.tunnel.v1.tunnel_service_pb2_grpc import TunnelServiceStub
from borealis_agent.failures import Cause, LinkFailure
from borealis_agent.link import Link, Offer
from borealis_agent.streams import StreamServer
from borealis_agent.targets.catalog import Catalog
from borealis_agent.targets.policy import Policy
from borealis_agent.telemetry import AgentMetrics
from borealis_server.adapters.relay.connection import RelaySettings
from borealis_server.domain.errors import AgentUnavailable
from borealis_server.ports.relay import AgentChangeKind, AgentRef, RelayRequest
from borealis_wire.aio.live import Timing
from kit.tunnel import TENANT, TunnelHub, open_agent, open_hub, trusting_channel, wait_until

PROD = AgentRef(tenant=TENANT, name="prod")


def get(path, **more):
    return RelayRequest(method="GET", path=path, **more)


async def version() -> str:
    return "v1.30.0"


def a_link(settings) -> Link:
    metrics = AgentMetrics()
    offer = Offer(targets=(), policy_digest="", kubernetes_version=version)
    return Link(
        settings, StreamServer(Catalog(Policy()), metrics), metrics, max_streams=10, offer=offer, chance=lambda: 0.0
    )


async def token_of(hub: TunnelHub, agent: str) -> str:
    issued = hub.credentials[agent]
    return (await hub.identity.issue_token(issued.credential.client_id, issued.secret)).access_token


async def test_a_session_says_who_is_connected(bed):
    (session,) = bed.hub.hub.sessions(PROD)

    assert session.kubernetes_version == "v1.30.0+test"
    assert session.version
    assert len(session.instance_id) == 32
    assert session.connected_at <= session.last_seen_at


async def test_watchers_see_agents_come_and_go(api, hub):
    async with hub.hub.watch_agents() as changes:
        async with open_agent(hub, api.kubeconfig):
            came = await anext(changes)
        went = await anext(changes)

    assert (came.kind, went.kind) == (AgentChangeKind.CONNECTED, AgentChangeKind.DISCONNECTED)
    assert came.session.session_id == went.session.session_id
    assert came.session.agent == PROD


async def test_a_lost_agent_fails_its_calls_as_unknown_and_new_ones_as_unsent(api, hub):
    async with open_agent(hub, api.kubeconfig) as agent:
        async with asyncio.TaskGroup() as tasks:
            lost = tasks.create_task(_failure_of(hub, get("/api/late")))
            await wait_until(lambda: api.open_requests == 1)
            agent.kill()
        await wait_until(lambda: not hub.hub.is_connected(PROD))
        new = await _failure_of(hub, get("/api/small"))

    assert lost.result().dispatched is None
    assert new.dispatched is False


async def test_a_lost_agent_ends_an_answer_that_is_being_read(api, hub):
    async with open_agent(hub, api.kubeconfig) as agent, hub.hub.call(PROD, get("/api/watch")) as response:
        await anext(response.chunks())
        agent.kill()
        with pytest.raises(AgentUnavailable):
            await response.read()


async def test_an_agent_comes_back_after_the_server_was_restarted(tmp_path):
    settings = RelaySettings(reconnect_spread_s=0.1)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        async with open_hub(tmp_path / "hub", settings=settings) as first:
            link = a_link(await first.link_settings("prod"))
            tasks.create_task(link.keep(stop))
            await wait_until(lambda: link.is_up)
        await wait_until(lambda: not link.is_up)
        async with open_hub(tmp_path / "hub", settings=settings, before=first) as second:
            await wait_until(lambda: second.hub.is_connected(PROD))
            stop.set()
            await wait_until(lambda: not second.hub.is_connected(PROD))


async def test_an_agent_reconnects_after_its_tunnel_was_cut(bed):
    (connection,) = bed.hub.hub._connections
    first = connection.session_id

    connection._live.close("cut by the test")
    await wait_until(lambda: [one.session_id for one in bed.hub.hub.sessions(PROD)] not in ([], [first]))
    async with bed.hub.hub.call(PROD, get("/api/small")) as response:
        body = await response.read()

    assert body == bed.api.small_body


async def test_two_replicas_share_calls_and_the_other_serves_when_one_is_lost(api, hub):
    async with open_agent(hub, api.kubeconfig) as one, open_agent(hub, api.kubeconfig):
        assert len(hub.hub.sessions(PROD)) == 2
        async with hub.hub.call(PROD, get("/api/watch")), hub.hub.call(PROD, get("/api/watch")):
            assert sorted(session.open_streams for session in hub.hub.sessions(PROD)) == [1, 1]
        one.kill()
        await wait_until(lambda: len(hub.hub.sessions(PROD)) == 1)
        async with hub.hub.call(PROD, get("/api/small")) as response:
            body = await response.read()

    assert body == api.small_body


async def test_a_stopping_agent_finishes_open_calls_and_takes_no_new_ones(api, hub):
    async with open_agent(hub, api.kubeconfig) as agent:
        async with hub.hub.call(PROD, get("/api/late?seconds=0.3")) as late:
            pass
        async with asyncio.TaskGroup() as tasks:
            call = tasks.create_task(_body_of(hub, get("/api/late?seconds=0.3")))
            await wait_until(lambda: api.open_requests == 1)
            agent.stop.set()
            await wait_until(lambda: not hub.hub.is_connected(PROD))
            refused = await _failure_of(hub, get("/api/small"))

    assert late.status == 200
    assert call.result() == b"late"
    assert refused.dispatched is False


async def test_a_wrong_secret_is_refused_with_what_to_check(hub):
    settings = await hub.link_settings("prod", client_secret=SecretStr("wrong"))

    with pytest.raises(LinkFailure, match=r"refused the credential of agent prod: .* check") as caught:
        await a_link(settings).hold(asyncio.Event())

    assert caught.value.cause is Cause.CREDENTIAL


async def test_a_refused_agent_keeps_trying_slowly(hub):
    settings = await hub.link_settings("prod", client_secret=SecretStr("wrong"))
    link, stop = a_link(settings), asyncio.Event()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(link.keep(stop))
        await asyncio.sleep(0.5)
        refused = link._metrics.attempts.labels("credential")._value.get()
        stop.set()

    assert refused == 1


async def test_an_agent_may_not_call_itself_by_another_name(hub):
    settings = await hub.link_settings("prod", agent="staging")

    with pytest.raises(LinkFailure, match=r"as agent 'staging' \(the credential is bound to 'prod'\)") as caught:
        await a_link(settings).hold(asyncio.Event())

    assert caught.value.cause is Cause.CREDENTIAL
    assert hub.hub.all_sessions(TENANT) == ()


async def test_nobody_at_the_address_is_unreachable(hub):
    settings = await hub.link_settings("prod", server="localhost:1")

    with pytest.raises(LinkFailure, match="cannot reach localhost:1") as caught:
        await a_link(settings).hold(asyncio.Event())

    assert caught.value.cause is Cause.UNREACHABLE


async def test_a_server_with_a_strange_certificate_is_not_trusted(hub, tmp_path):
    async with open_hub(tmp_path / "stranger") as stranger:
        settings = await hub.link_settings("prod", server=f"localhost:{stranger.port}")
        with pytest.raises(LinkFailure, match="BOREALIS_AGENT_CA_FILE") as caught:
            await a_link(settings).hold(asyncio.Event())

    assert caught.value.cause is Cause.UNTRUSTED


async def test_a_token_is_renewed_in_band_before_it_expires(api, tmp_path):
    settings = RelaySettings(authority_grace_s=0.0)
    async with (
        open_hub(tmp_path / "hub", token_lifetime_s=3, settings=settings) as hub,
        open_agent(hub, api.kubeconfig) as agent,
    ):
        (first,) = hub.hub.sessions(agent.ref)
        await asyncio.sleep(3.6)  # longer than the first token lives
        (later,) = hub.hub.sessions(agent.ref)

    assert first.session_id == later.session_id


async def test_a_session_ends_when_its_token_was_not_renewed(tmp_path):
    settings = RelaySettings(authority_grace_s=0.2)
    async with open_hub(tmp_path / "hub", token_lifetime_s=2, settings=settings) as hub:
        code, frames = await _silent_agent(hub)

    assert code is grpc.StatusCode.OK
    assert frames[0].WhichOneof("kind") == "welcome"
    assert frames[-1].go_away.cause == tunnel_pb2.GoAway.CAUSE_AUTHORITY_ENDED


async def test_a_revoked_credential_ends_its_session(tmp_path, api):
    async with (
        open_hub(tmp_path / "hub", settings=RelaySettings(recheck_s=0.1)) as hub,
        open_agent(hub, api.kubeconfig) as agent,
    ):
        await hub.revoke("prod")
        await wait_until(lambda: not hub.hub.is_connected(agent.ref))


async def test_a_dead_peer_is_noticed_by_its_silence(tmp_path):
    timing = Timing(ping_interval_s=0.2, dead_after_s=0.5)
    async with open_hub(tmp_path / "hub", settings=RelaySettings(timing=timing)) as hub:
        code, frames = await _silent_agent(hub)

    assert code is grpc.StatusCode.OK
    assert "ping" in [frame.WhichOneof("kind") for frame in frames]


async def test_an_agent_that_does_not_introduce_itself_is_sent_away(tmp_path):
    async with open_hub(tmp_path / "hub", settings=RelaySettings(hello_timeout_s=0.2)) as hub:
        code, _ = await _silent_agent(hub, says_hello=False)

    assert code is grpc.StatusCode.UNAVAILABLE


async def test_a_breach_of_the_protocol_ends_the_session_with_the_rule(hub):
    frame = tunnel_pb2.Frame(stream_id=1, data=b"x")
    _, frames = await _silent_agent(hub, first=[frame])

    assert frames[-1].go_away.cause == tunnel_pb2.GoAway.CAUSE_PROTOCOL
    assert "first frame" in frames[-1].go_away.detail


async def test_a_second_lane_is_refused(hub):
    await hub.link_settings("prod")
    metadata = (("authorization", f"Bearer {await token_of(hub, 'prod')}"), ("borealis-lane", "1"))
    async with trusting_channel(hub) as channel:
        call: Any = TunnelServiceStub(channel).Lane(None, metadata=metadata)  # the published types are incomplete
        code = await call.code()

    assert code is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_lane_needs_a_token(hub):
    async with trusting_channel(hub) as channel:
        call: Any = TunnelServiceStub(channel).Lane(None)  # the published types are incomplete
        code = await call.code()

    assert code is grpc.StatusCode.UNAUTHENTICATED


async def test_the_newer_session_of_an_instance_takes_over(bed):
    (connection,) = bed.hub.hub._connections
    hello = tunnel_pb2.Hello(
        version_min=1,
        version_max=1,
        agent="prod",
        instance_id=connection.hello.instance_id,
        version="2",
    )
    first = connection.session_id

    _, frames = await _silent_agent(bed.hub, first=[tunnel_pb2.Frame(hello=hello)], limit_s=0.5)

    assert frames[0].WhichOneof("kind") == "welcome"
    assert first not in [session.session_id for session in bed.hub.hub.sessions(PROD)]
    await wait_until(lambda: bed.hub.hub.is_connected(PROD))


async def test_draining_sends_agents_away_with_a_time_to_come_back(hub):
    stop = asyncio.Event()
    link = a_link(await hub.link_settings("prod"))

    async with asyncio.TaskGroup() as tasks:
        held = tasks.create_task(link.hold(stop))
        await wait_until(lambda: link.is_up)
        await hub.hub.drain(0.0)
    end = held.result()

    assert end.detail == "the server is stopping"
    assert end.reconnect_after_s is not None
    assert hub.hub.all_sessions(TENANT) == ()


async def _failure_of(hub, request) -> AgentUnavailable:
    with pytest.raises(AgentUnavailable) as caught:
        async with hub.hub.call(PROD, request):
            pass
    return caught.value


async def _body_of(hub: TunnelHub, request: RelayRequest) -> bytes:
    async with hub.hub.call(PROD, request) as response:
        return await response.read()


async def _silent_agent(hub, *, says_hello=True, first=None, limit_s=10.0):
    """Speak `first`, or Hello, then only listen: the status of the call and the frames that came."""
    await hub.link_settings("prod")
    hello = tunnel_pb2.Frame(hello=tunnel_pb2.Hello(version_min=1, version_max=1, agent="prod", instance_id="i"))
    frames: list[tunnel_pb2.Frame] = []
    async with trusting_channel(hub) as channel:
        metadata = (("authorization", f"Bearer {await token_of(hub, 'prod')}"),)
        call: Any = TunnelServiceStub(channel).Lane(None, metadata=metadata)  # the published types are incomplete
        if says_hello or first:
            await call.write(LaneRequest(frames=first or [hello]))
        try:
            async with asyncio.timeout(limit_s):
                while isinstance(message := await call.read(), LaneResponse):
                    frames += message.frames
        except (grpc.aio.AioRpcError, TimeoutError):
            pass
        call.cancel()
        return await call.code(), frames


async def test_a_tunnel_that_ended_leaves_no_cancel_request_on_whoever_carried_it(bed):
    (connection,) = bed.hub.hub._connections
    first = connection.session_id

    connection._live.close("cut by the test")
    await wait_until(lambda: [one.session_id for one in bed.hub.hub.sessions(PROD)] not in ([], [first]))

    (keeper,) = [task for task in asyncio.all_tasks() if task.get_name() == f"agent.{PROD.name}"]
    assert keeper.cancelling() == 0
