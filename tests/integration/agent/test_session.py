"""One session of the agent against a server that the test plays, in memory."""

from __future__ import annotations

import asyncio

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis.tunnel.v1.tunnel_service_pb2 import LaneResponse
from borealis_agent.identity import Token
from borealis_agent.session import Introduction, Session
from borealis_agent.streams import StreamServer
from borealis_agent.targets.catalog import Catalog
from borealis_agent.targets.policy import Policy
from borealis_agent.telemetry import AgentMetrics
from kit.lanes import lane_pair
from kit.tunnel import wait_until
from kit.wire import http


class Watcher:
    """Wants to know nothing."""

    def welcomed(self, session, welcome): ...

    def left(self, session): ...


async def never():
    await asyncio.Event().wait()


def a_session(lane) -> Session:
    introduction = Introduction(agent="prod", instance_id="i", kubernetes_version="", targets=(), policy_digest="")
    return Session(
        lane,
        StreamServer(Catalog(Policy()), AgentMetrics()),
        introduction,
        max_streams=10,
        drain_grace_s=5.0,
        renew=never,
        watcher=Watcher(),
    )


async def test_a_stream_that_is_opened_and_reset_in_one_batch_leaves_nothing():
    server, agent = lane_pair()
    session = a_session(agent)
    async with asyncio.TaskGroup() as tasks:
        token = Token(value="t", issued_at=0.0, lifetime_s=3600.0 * 24 * 365 * 100)
        running = tasks.create_task(session.run(token, asyncio.Event()))
        await server.read()
        frames = [
            pb.Frame(welcome=pb.Welcome(version=1, features=["http"])),
            pb.Frame(stream_id=1, open=http()),
            pb.Frame(stream_id=1, reset=pb.Reset(code=pb.Reset.CODE_CANCELLED)),
        ]
        await server.write(LaneResponse(frames=frames).SerializeToString())
        await wait_until(lambda: session._live.core.version)

        try:
            await wait_until(lambda: not session._live.streams, 5.0)
        finally:
            await server.finish()
    assert running.result().was_welcomed
