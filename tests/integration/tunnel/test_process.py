"""The agent as a program: its exit status, its one line for each cause, and an orderly stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

import pytest

from borealis_server.ports.relay import AgentRef, RelayRequest
from kit.tunnel import TENANT, wait_until

PROD = AgentRef(tenant=TENANT, name="prod")


async def run(*arguments, **environment):
    """Start the agent; the caller waits for it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BOREALIS_")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "borealis_agent",
        *map(str, arguments),
        env=kept | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ended(process):
    async with asyncio.timeout(20):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
async def credentials(hub, tmp_path):
    settings = await hub.link_settings("prod")
    path = tmp_path / "prod.json"
    given = {
        "server": settings.server,
        "ca_pem": hub.ca_pem.decode(),
        "agent": "prod",
        "client_id": settings.client_id,
        "client_secret": settings.client_secret.get_secret_value(),
    }
    path.write_text(json.dumps(given))
    return path


async def test_it_relays_and_stops_in_order(hub, api, credentials):
    process = await run("--credentials-file", credentials, "--kubeconfig", api.kubeconfig)
    await wait_until(lambda: hub.hub.is_connected(PROD), 20)
    async with hub.hub.call(PROD, RelayRequest(method="GET", path="/api/small")) as response:
        body = await response.read()
    process.send_signal(signal.SIGTERM)
    code, _, log = await ended(process)

    assert body == api.small_body
    assert code == 0
    assert "agent.stopped" in log
    assert hub.hub.sessions(PROD) == ()


async def test_a_refused_credential_is_exit_status_4_with_once(api, credentials):
    process = await run(
        "--once",
        "--credentials-file",
        credentials,
        "--kubeconfig",
        api.kubeconfig,
        BOREALIS_AGENT_CLIENT_SECRET="wrong",
        BOREALIS_AGENT_LOG_FORMAT="json",
    )
    code, _, log = await ended(process)

    (line,) = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert code == 4
    assert line["cause"].startswith("the server refused the credential of agent prod: ")
    assert "check client id and secret" in line["cause"]


async def test_a_server_that_is_away_is_exit_status_1_with_once(api, credentials):
    arguments = ("--once", "--credentials-file", credentials, "--kubeconfig", api.kubeconfig)
    code, _, log = await ended(await run(*arguments, BOREALIS_AGENT_SERVER="localhost:1"))

    assert code == 1
    assert "cannot reach localhost:1" in log


async def test_missing_settings_are_all_named():
    code, _, err = await ended(await run())

    assert [line.split()[0] for line in err.splitlines()] == ["BOREALIS_AGENT_SERVER", "BOREALIS_AGENT_NAME", "no"]
    assert code == 2


async def test_a_missing_kubeconfig_says_what_to_do(credentials, tmp_path):
    code, _, err = await ended(await run("--credentials-file", credentials, "--kubeconfig", tmp_path / "nowhere"))

    assert code == 2
    assert "BOREALIS_AGENT_KUBECONFIG" in err


async def test_settings_are_shown_without_secrets(credentials):
    code, out, _ = await ended(
        await run("--check-settings", "--credentials-file", credentials, BOREALIS_AGENT_CLIENT_SECRET="hush"),
    )

    assert code == 0
    assert json.loads(out)["drain_grace_s"] == 30.0
    assert "hush" not in out
