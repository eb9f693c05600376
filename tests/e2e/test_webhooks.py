"""Webhooks as users run them: one through the agent, one that is called back after the server was killed."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from kit import hooks as kit
from kit.hooks import open_hooks
from kit.platform import Platform
from kit.programs import Program
from kit.shop import SET_50, deploy_file, manifests

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.hooks import Answer, Hooks

_TARGETS = """\
[kube]

[http.runner]
url = "{root}/inside"
methods = ["POST"]
pass_authorization = true
allow_local = true
"""
_WEBHOOKS = """\
webhooks:
  - name: scan
    uriTemplate: "{root}/inside/scan/{{{{armory.environmentName}}}}"
    networkMode: remoteNetworkAgent
    headers: [{{key: Authorization, value: 'Bearer {{{{secrets.scanner}}}}'}}]
    disableCallback: true
    retryCount: 2
  - name: e2e
    uriTemplate: "{root}/e2e"
    bodyTemplate:
      inline: '{{"uri": "{{{{armory.callbackUri}}}}/callback", "token": "{{{{armory.callbackToken}}}}"}}'
"""


@pytest.fixture
def cluster(tmp_path) -> Iterator[Program]:
    """A simulated cluster."""
    folder = tmp_path / "sandbox"
    program = Program([sys.executable, "-m", "borealis_sandbox", "--data-dir", folder], log=tmp_path / "sandbox.log")
    try:
        program.wait_until((folder / "kubeconfig").exists, what="answer", limit_s=60)
        yield program
    finally:
        program.stop()


@pytest.mark.timeout(120)
@pytest.mark.usefixtures("cluster")
async def test_a_run_calls_through_its_agent_and_goes_on_when_it_is_called_back(tmp_path):
    """ST-06, ST-07, ST-08, ST-10"""
    async with open_hooks() as hooks:
        targets = tmp_path / "targets.toml"
        targets.write_text(_TARGETS.format(root=hooks.root))
        settings = {"BOREALIS_SERVER_ALLOW_PRIVATE_ADDRESSES": "true"}
        agent = {"BOREALIS_AGENT_TARGETS_FILE": str(targets)}
        with Platform(tmp_path, server_settings=settings, agent_settings=agent) as platform:
            await platform.add_agent("cluster-1", tmp_path / "sandbox" / "kubeconfig")
            assert (await platform.cli("secret", "set", "scanner", stdin="s3cr3t-value")).code == 0
            hooks.says(scan_fails_once(hooks))

            watching = start(platform, hooks.root)
            sent = {came.target: came for came in [await hooks.until_called(number) for number in (1, 2, 3)]}
            why = await until_said(platform, "waits for the callback of the webhook e2e")
            shown = (await platform.cli("status", "shop")).out
            platform.kill_server()
            await asyncio.to_thread(platform.start_server)
            status = await call_back(platform, json.loads(sent["/e2e"].body))
            async with asyncio.timeout(90):
                while watching.exit_code is None:
                    await asyncio.sleep(0.1)

    log = (tmp_path / "watch.log").read_text()
    assert watching.exit_code == 0, log
    assert status == 200
    assert sent["/inside/scan/prod"].headers["authorization"] == "Bearer s3cr3t-value"
    assert len(hooks.came) == 3
    assert "ended by whoever the webhook e2e has set to work" in why
    assert "webhook scan, through agent cluster-1" in shown
    assert "the webhook e2e reports success: 42 tests" in log
    assert "SUCCEEDED" in log
    assert "s3cr3t-value" not in log + shown + why


def scan_fails_once(hooks: Hooks) -> Answer:
    """Accepts everything but the first scan."""

    async def answer(request: web.Request) -> web.Response:
        scans = [came for came in hooks.came if came.target.startswith("/inside")]
        return kit.status(503 if "/inside" in request.path and len(scans) == 1 else 202)

    return answer


def start(platform: Platform, root: str) -> Program:
    """Start, and follow to the end."""
    conditions = "constraints: {beforeDeployment: [{runWebhook: {name: scan}}, {runWebhook: {name: e2e}}]}"
    text = deploy_file("default", SET_50).replace("strategy: careful}", f"strategy: careful, {conditions}}}")
    platform.write("shop.yaml", manifests("1"))
    file = platform.write("deploy.yaml", text + _WEBHOOKS.format(root=root))
    return platform.start_cli("deploy", "-f", file, "--watch", name="watch")


async def until_said(platform: Platform, text: str) -> str:
    """What `borealis why` says, once it says that."""
    async with asyncio.timeout(30):
        while text not in (said := (await platform.cli("why", "shop")).out):
            await asyncio.sleep(0.2)
    return said


async def call_back(platform: Platform, sent: dict[str, str]) -> int:
    """What whoever was called sends back, and how it is answered."""
    tls = ssl.create_default_context(cafile=platform.client["ca_file"])
    headers = {"Authorization": f"Bearer {sent['token']}"}
    body = {"success": True, "mdMessage": "42 tests"}
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
        session.post(sent["uri"], json=body, headers=headers, ssl=tls) as response,
    ):
        return response.status
