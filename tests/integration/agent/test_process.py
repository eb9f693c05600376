"""The agent as a program among others: replicas that freeze, too few file descriptors, its pages, its targets file."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager

import aiohttp
import pytest

from borealis_server.adapters.relay.connection import RelaySettings
from borealis_server.domain.errors import BorealisError
from borealis_server.ports.relay import AgentRef, RelayRequest
from borealis_wire.aio.live import Timing
from kit.target_api import open_target_api
from kit.tunnel import TENANT, open_hub, wait_until

PROD = AgentRef(tenant=TENANT, name="prod")
START_S = 30.0


@pytest.fixture
async def hub(tmp_path):
    timing = Timing(ping_interval_s=0.5, dead_after_s=2.0)
    async with open_hub(tmp_path / "hub", settings=RelaySettings(timing=timing)) as hub:
        yield hub


@pytest.fixture
async def api(tmp_path):
    async with open_target_api(tmp_path / "api") as api:
        yield api


@pytest.fixture
async def start(hub, api, tmp_path):
    """Starts agents as programs; they are killed after the test."""
    settings = await hub.link_settings("prod")
    credentials = tmp_path / "prod.json"
    given = {
        "server": settings.server,
        "ca_pem": hub.ca_pem.decode(),
        "agent": "prod",
        "client_id": settings.client_id,
        "client_secret": settings.client_secret.get_secret_value(),
    }
    credentials.write_text(json.dumps(given))
    started: list[asyncio.subprocess.Process] = []

    @asynccontextmanager
    async def run(*before, **environment):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BOREALIS_")}
        log = tmp_path / f"agent-{len(started)}.log"
        with log.open("wb") as out:
            program = [sys.executable, "-m", "borealis_agent", "--credentials-file", str(credentials)]
            process = await asyncio.create_subprocess_exec(
                *before,
                *program,
                "--kubeconfig",
                str(api.kubeconfig),
                env=kept | environment,
                stderr=out,
            )
        started.append(process)
        try:
            yield process, log
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    return run


async def small(hub, **more):
    async with hub.hub.call(PROD, RelayRequest(method="GET", path="/api/small", **more)) as response:
        return await response.read()


async def connected(hub, count=1):
    await wait_until(lambda: len(hub.hub.sessions(PROD)) == count, START_S)


async def test_f20_a_frozen_replica_costs_no_call_that_only_reads(hub, api, start):
    async with start() as (frozen, _), start():
        await connected(hub, 2)
        frozen.send_signal(signal.SIGSTOP)
        try:
            async with asyncio.TaskGroup() as tasks:
                calls = [tasks.create_task(small(hub, timeout_s=20.0)) for _ in range(3)]
            await connected(hub, 1)
        finally:
            frozen.send_signal(signal.SIGCONT)
        assert {call.result() for call in calls} == {api.small_body}
        await connected(hub, 2)  # it comes back by itself


async def test_f22_with_few_file_descriptors_calls_are_refused_and_the_agent_lives(hub, api, start):
    async def late():
        try:
            async with hub.hub.call(PROD, RelayRequest(method="GET", path="/api/late?seconds=1")) as response:
                return (await response.read()).decode()
        except BorealisError as error:
            return str(error)

    async with start("sh", "-c", 'ulimit -n 128 && exec "$@"', "sh") as (process, log):
        await connected(hub)
        async with asyncio.TaskGroup() as tasks:
            calls = [tasks.create_task(late()) for _ in range(300)]
        results = [call.result() for call in calls]
        refused = [result for result in results if result != "late"]
        body = await small(hub)

        assert process.returncode is None
        assert body == api.small_body
        assert results.count("late") > 20
        assert refused
        assert all("no room for another connection" in text for text in refused), refused[0]
        assert "Traceback" not in log.read_text()
        assert len(hub.hub.sessions(PROD)) == 1


async def test_the_pages_tell_how_the_agent_is(hub, start, unused_tcp_port):
    address = f"127.0.0.1:{unused_tcp_port}"
    async with start(BOREALIS_AGENT_HEALTH_ADDRESS=address), aiohttp.ClientSession(f"http://{address}") as session:
        await connected(hub)
        await small(hub)
        async with session.get("/healthz") as alive, session.get("/readyz") as ready, session.get("/metrics") as page:
            metrics = await page.text()

    assert (alive.status, ready.status) == (200, 200)
    assert 'borealis_agent_relayed_total{result="ok"} 1.0' in metrics
    assert 'borealis_agent_bytes_total{direction="from_target"} ' in metrics


async def test_a_targets_file_is_all_that_may_be_reached(hub, api, start, tmp_path):
    secret = tmp_path / "authorization"
    secret.write_text("Bearer token-of-the-cluster")
    targets = tmp_path / "targets.toml"
    targets.write_text(
        f'[http.metrics]\nurl = "{api.url}/api"\nca_file = "{api.ca_file}"\nauthorization_file = "{secret}"\n'
        f"allow_local = true\n",
    )
    async with start(BOREALIS_AGENT_TARGETS_FILE=str(targets)):
        await connected(hub)
        async with hub.hub.call(PROD, RelayRequest(method="GET", path="/small", target="metrics")) as response:
            body = await response.read()
        with pytest.raises(BorealisError, match=r"no target 'kube' .*its targets: metrics"):
            await small(hub)

    assert body == api.small_body


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("[kube", "is not TOML", id="not-toml"),
        pytest.param("[kube]\nnamespace = ['x']", "kube.namespace: Unexpected keyword", id="unknown-field"),
        pytest.param("[http.x]\nurl = 'ftp://x'", "http.x.url: give http://host:port", id="wrong-url"),
    ],
)
async def test_a_wrong_targets_file_stops_the_start_with_its_faults(start, tmp_path, text, says):
    targets = tmp_path / "targets.toml"
    targets.write_text(text)
    async with start(BOREALIS_AGENT_TARGETS_FILE=str(targets)) as (process, log):
        assert await process.wait() == 2

    assert says in log.read_text()
    assert str(targets) in log.read_text()


async def test_log_lines_are_json_where_that_is_wanted(hub, start):
    async with start(BOREALIS_AGENT_LOG_FORMAT="json") as (process, log):
        await connected(hub)
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0

    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert events[0] == "tunnel.connected"
    assert events[-1] == "agent.stopped"
