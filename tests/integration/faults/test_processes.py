"""Processes that are stopped, killed and started again: rows F4, F5 and F6 of the table of faults."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from borealis_server.adapters.relay.connection import RelaySettings
from borealis_server.domain.errors import AgentUnavailable
from borealis_server.ports.relay import AgentRef, RelayRequest
from kit.agent_program import start_agent_program
from kit.fault_bed import FAST
from kit.platform import Platform
from kit.target_api import open_target_api
from kit.tunnel import TENANT, open_hub, wait_until

PROD = AgentRef(tenant=TENANT, name="prod")


@pytest.fixture
async def api(tmp_path):
    async with open_target_api(tmp_path / "api") as api:
        yield api


@pytest.fixture
async def hub(tmp_path):
    async with open_hub(tmp_path / "hub", settings=RelaySettings(reconnect_spread_s=0.1)) as hub:
        yield hub


@pytest.fixture
async def quick_hub(tmp_path):
    """Notices silence after a second."""
    async with open_hub(tmp_path / "hub", settings=RelaySettings(timing=FAST, reconnect_spread_s=0.1)) as hub:
        yield hub


async def connected(hub, count=1):
    await wait_until(lambda: len(hub.hub.sessions(PROD)) == count, 30)
    return {session.session_id for session in hub.hub.sessions(PROD)}


async def call(hub, path="/api/small", method="GET"):
    async with hub.hub.call(PROD, RelayRequest(method=method, path=path)) as response:
        return await response.read()


async def loss_of(hub, path, method="POST"):
    with pytest.raises(AgentUnavailable) as caught:
        await call(hub, path, method)
    return caught.value


async def test_f4_an_agent_that_is_stopped_for_a_moment_keeps_its_session(quick_hub, api, tmp_path):
    with await start_agent_program(quick_hub, api.kubeconfig, tmp_path) as agent:
        before = await connected(quick_hub)
        os.kill(agent.pid, signal.SIGSTOP)
        await asyncio.sleep(0.5)
        os.kill(agent.pid, signal.SIGCONT)
        await asyncio.sleep(1.0)
        body = await call(quick_hub)
        after = await connected(quick_hub)

    assert body == api.small_body
    assert after == before


async def test_f4_an_agent_that_is_stopped_for_long_is_given_up_and_comes_back(quick_hub, api, tmp_path):
    with await start_agent_program(quick_hub, api.kubeconfig, tmp_path) as agent:
        before = await connected(quick_hub)
        async with asyncio.TaskGroup() as tasks:
            lost = tasks.create_task(loss_of(quick_hub, "/api/late"))
            await wait_until(lambda: api.open_requests == 1)
            os.kill(agent.pid, signal.SIGSTOP)
        await connected(quick_hub, 0)
        os.kill(agent.pid, signal.SIGCONT)
        after = await connected(quick_hub)
        body = await call(quick_hub)
        await wait_until(lambda: api.open_requests == 0)

    assert lost.result().dispatched is None
    assert body == api.small_body
    assert after.isdisjoint(before)


async def test_f5_a_killed_agent_is_noticed_at_once_not_by_its_silence(hub, api, tmp_path):
    with await start_agent_program(hub, api.kubeconfig, tmp_path) as agent:
        await connected(hub)
        async with asyncio.TaskGroup() as tasks:
            lost = [tasks.create_task(loss_of(hub, "/api/late")) for _ in range(10)]
            await wait_until(lambda: api.open_requests == 10)
            agent.kill()
        await connected(hub, 0)

    assert {one.result().dispatched for one in lost} == {None}
    await wait_until(lambda: api.open_requests == 0)


async def test_f5_the_other_replica_serves_when_one_is_killed(hub, api, tmp_path):
    with (
        await start_agent_program(hub, api.kubeconfig, tmp_path / "one") as one,
        await start_agent_program(hub, api.kubeconfig, tmp_path / "other"),
    ):
        await connected(hub, 2)
        one.kill()
        bodies = [await call(hub) for _ in range(50)]
        await connected(hub, 1)

    assert bodies == [api.small_body] * 50


@pytest.mark.timeout(120)
async def test_f5_f6_agents_come_back_to_a_hub_that_was_killed(api, tmp_path):
    """SIGKILL is also what the kernel sends when memory is short: no grace, no goodbye, nothing written."""
    with Platform(tmp_path / "platform") as platform:
        for name in ("one", "two"):
            await platform.add_agent(name, api.kubeconfig)
        platform.kill_server()
        platform.start_server()
        for name in ("one", "two"):
            await platform.until_agent(name, "CONNECTED")
        logs = [program.log.read_text() for program in platform.agents.values()]
        alive = [program.exit_code for program in platform.agents.values()]

    assert alive == [None, None]
    assert not any("Traceback" in log for log in logs)
