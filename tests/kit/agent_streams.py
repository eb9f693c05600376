"""The agent's streams without a network between it and the server: the caller's side of a tunnel in memory."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.streams import StreamServer
from borealis_agent.telemetry import AgentMetrics
from borealis_wire.aio.live import LiveTunnel
from borealis_wire.aio.stream import StreamWasReset
from borealis_wire.tunnel import Role, Tunnel
from kit.lanes import lane_pair

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from borealis_agent.targets.catalog import Catalog
    from borealis_wire.aio.stream import LiveStream


@asynccontextmanager
async def serving(targets: Catalog, metrics: AgentMetrics | None = None) -> AsyncIterator[LiveTunnel]:
    """The server's side of a tunnel to an agent with those targets; all streams have ended when the context ends."""
    server_lane, agent_lane = lane_pair()
    server = StreamServer(targets, metrics or AgentMetrics())
    async with asyncio.TaskGroup() as tasks:

        def on_open(stream: LiveStream, request: pb.Open) -> None:
            task = tasks.create_task(server.serve(stream, request))
            stream.on_failure = task.cancel

        greeted = asyncio.Event()
        hub = LiveTunnel(Tunnel(Role.SERVER), server_lane, on_event=lambda _: greeted.set())
        agent = LiveTunnel(Tunnel(Role.AGENT), agent_lane, on_event=lambda _: None, on_open=on_open)
        runs = [tasks.create_task(hub.run()), tasks.create_task(agent.run())]
        agent.core.hello(pb.Hello(features=["http", "tcp", "upgrade"]))
        agent.flush()
        await greeted.wait()
        hub.core.welcome(pb.Welcome(features=["http", "tcp", "upgrade"]))
        yield hub
        await agent.idle()
        for run in runs:
            run.cancel()


async def exchange(hub: LiveTunnel, request: pb.Open, body: bytes = b"") -> tuple[pb.Opened, bytes]:
    """The answer to a request, and its whole body."""
    async with hub.open(request, body) as stream:
        opened = await stream.answered()
        return opened, await rest_of(stream)


async def rest_of(stream: LiveStream) -> bytes:
    """Everything up to the end of the other side."""
    data = b""
    while piece := await stream.read():
        data += piece
    return data


async def refusal(hub: LiveTunnel, request: pb.Open, body: bytes = b"") -> StreamWasReset:
    """How the agent resets the stream of a request."""
    with pytest.raises(StreamWasReset) as caught:
        await exchange(hub, request, body)
    return caught.value
