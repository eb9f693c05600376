"""A hundred thousand streams opened and cancelled through a hub leave no task, no connection, no stream, no memory."""

from __future__ import annotations

import asyncio
import gc
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.lane import AgentLane
from borealis_server.ports.relay import AgentRef, RelayRequest
from borealis_wire.aio.live import LiveTunnel
from borealis_wire.aio.stream import StreamError
from borealis_wire.tunnel import Role, Tunnel
from kit.leaks import held_by_tunnels
from kit.raw_lane import token_of
from kit.tunnel import TENANT, trusting_channel, wait_until

MIB = 2**20
AT_ONCE = 500
PATIENT = AgentRef(tenant=TENANT, name="patient")
GET = RelayRequest(method="GET", path="/")


class PatientAgent:
    """An agent whose target never answers: a task for each stream, as agents have, that ends with it."""

    def __init__(self, tasks, lane):
        self.opened = 0
        self.ended = 0
        self.live = LiveTunnel(Tunnel(Role.AGENT), lane, on_event=lambda _: None, on_open=self._on_open)
        self._tasks = tasks

    def _on_open(self, stream, _request):
        self.opened += 1
        task = self._tasks.create_task(self._serve(stream))
        stream.on_failure = task.cancel

    async def _serve(self, stream):
        try:
            async with stream:
                await stream.read()
                await asyncio.Event().wait()
        except StreamError:
            pass
        finally:
            self.ended += 1


@asynccontextmanager
async def patient_agent(hub):
    token = await token_of(hub, PATIENT.name)
    async with trusting_channel(hub) as channel, asyncio.TaskGroup() as tasks:
        agent = PatientAgent(tasks, AgentLane(channel, token))
        agent.live.core.hello(pb.Hello(agent=PATIENT.name, instance_id="i", features=["http"]))
        agent.live.flush()
        running = tasks.create_task(agent.live.run())
        await wait_until(lambda: hub.hub.is_connected(PATIENT))
        yield agent
        running.cancel()


async def _call(hub):
    async with hub.hub.call(PATIENT, GET):
        pytest.fail("nobody answers")


async def _open_and_cancel(hub, agent, count):
    """So many calls, each of which has reached the agent when its caller leaves."""
    for _ in range(0, count, AT_ONCE):
        wanted = agent.opened + AT_ONCE
        async with asyncio.TaskGroup() as tasks:
            calls = [tasks.create_task(_call(hub)) for _ in range(AT_ONCE)]
            while agent.opened < wanted:
                await asyncio.sleep(0)
            for call in calls:
                call.cancel()


def _measure():
    gc.collect()
    process = psutil.Process()
    return process.memory_info().rss, len(list(Path("/proc/self/fd").iterdir())), len(asyncio.all_tasks())


@pytest.mark.timeout(240)
async def test_a_hundred_thousand_cancelled_streams_leave_nothing(hub):
    async with patient_agent(hub) as agent:
        (connection,) = hub.hub._connections
        tunnels = [connection._live, agent.live]
        await _open_and_cancel(hub, agent, 10_000)  # what libraries keep for later uses is there after this
        await wait_until(lambda: agent.ended == agent.opened, 60)
        memory_before, files_before, tasks_before = _measure()
        await _open_and_cancel(hub, agent, 100_000)
        await wait_until(lambda: agent.ended == agent.opened, 60)
        memory_after, files_after, tasks_after = _measure()

        assert agent.opened == agent.ended == 110_000
        assert (files_after, tasks_after) == (files_before, tasks_before)
        assert memory_after - memory_before < 5 * MIB
        assert held_by_tunnels(one.core for one in tunnels) == []
        assert [len(one._streams) for one in tunnels] == [0, 0]
        assert [one.core.granted_bytes for one in tunnels] == [0, 0]
        assert [one.core.queued_bytes for one in tunnels] == [0, 0]
        assert [len(one.core._outbox._opening) for one in tunnels] == [0, 0]
        assert hub.hub.metrics.tunnels.forgotten_streams == 0
