"""Callbacks at the web door of a whole server: who is believed, what each answer means, and a storm with one effect."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import ssl
from collections import Counter
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio

import borealis_client
from borealis_client import CallbackContradictsError, PermissionDeniedError, StepRunState
from borealis_server.main import open_server
from borealis_server.settings import ServerSettings
from kit import hooks as kit
from kit.hooks import open_hooks
from kit.webhook_files import BODY

if TYPE_CHECKING:
    from borealis_server.main import RunningServer
    from kit.hooks import Hooks

pytestmark = pytest.mark.asyncio(loop_scope="session")
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: flags}\n"
OK_BODY = {"success": True, "mdMessage": "fine"}


def connected(running, client_id="", client_secret=""):
    client = running.client
    return borealis_client.connect(
        client.server,
        ca_file=client.ca_file,
        client_id=client_id or client.client_id,
        client_secret=client_secret or client.client_secret,
    )


@dataclass
class Desk:
    """A server with one agent that never comes, the webhooks that it calls, and a session to its web door."""

    running: RunningServer
    hooks: Hooks
    borealis: borealis_client.Borealis
    web: aiohttp.ClientSession

    async def start(self, application: str) -> Call:
        """A deployment whose condition before has called its webhook and waits for the callback."""
        count = len(self.hooks.came)
        text = f"""\
application: {application}
manifests: [{{path: flags.yaml}}]
targets: {{qa: {{account: c, namespace: n, constraints: {{beforeDeployment: [{{runWebhook: {{name: job}}}}]}}}}}}
webhooks:
  - name: job
    uriTemplate: "{self.hooks.root}/run"
    bodyTemplate: {{inline: '{BODY}'}}
"""
        files = [borealis_client.ManifestFile(path="flags.yaml", name="flags.yaml", content=CONFIG.encode())]
        started = await self.borealis.deployments.start(text.encode(), manifests=files)
        came = await self.hooks.until_called(count + 1)
        sent = json.loads(came.body)
        return Call(self, started.deployment.name, sent["uri"], sent["token"])

    async def token(self, role: str) -> str:
        """An access token of somebody with a role."""
        made = await self.borealis.identity.create_credential(f"{role}-{len(self.hooks.came)}", role=role)
        form = {
            "grant_type": "client_credentials",
            "client_id": made.credential.client_id,
            "client_secret": made.client_secret,
        }
        async with self.web.post(f"{self.running.client.web}/oauth/token", data=form) as response:
            return str((await response.json())["access_token"])


@dataclass
class Call:
    """A call that waits for its callback."""

    desk: Desk
    name: str
    uri: str
    token: str

    async def back(self, body: Any = None, *, bearer: str | None = None, uri: str = "", data: bytes = b"") -> int:
        """Send a callback; the status of the answer."""
        content = data or json.dumps(OK_BODY if body is None else body).encode()
        token = self.token if bearer is None else bearer
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.desk.web.post(uri or self.uri, data=content, headers=headers) as response:
            answer = await response.json()
            assert answer["message"]
            assert self.token not in json.dumps(answer)
            return response.status

    async def step(self) -> borealis_client.StepRun:
        """The step that waits."""
        return (await self.desk.borealis.deployments.get(self.name)).targets[0].steps[0]


@asynccontextmanager
async def open_desk(folder):
    settings = ServerSettings(
        data_dir=folder,
        grpc_address="127.0.0.1:0",
        web_address="127.0.0.1:0",
        shutdown_grace_s=1,
        allow_private_addresses=True,
    )
    async with open_server(settings) as running, open_hooks() as hooks, connected(running) as borealis:
        await borealis.identity.create_credential("c", role="agent", agent="c")
        hooks.says(kit.status(202))
        tls = ssl.create_default_context(cafile=running.client.ca_file)
        connector = aiohttp.TCPConnector(ssl=tls, limit=64)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=50)) as web:
            yield Desk(running, hooks, borealis, web)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(tmp_path_factory):
    async with open_desk(tmp_path_factory.mktemp("server")) as opened:
        yield opened


async def test_st_06_a_direct_call_has_its_line_its_headers_and_its_body(desk):
    call = await desk.start("direct")

    came = desk.hooks.came[-1]
    assert (came.method, came.target) == ("POST", "/run")
    assert came.headers["content-type"] == "application/json"
    assert came.headers["user-agent"] == "borealis"
    assert len(came.headers["idempotency-key"]) == 32
    assert call.uri.startswith(f"{desk.running.client.web}/webhooks/main/")
    assert urlsplit(call.uri).path.endswith("/1.before-1/callback")


async def test_st_11_the_token_of_the_call_is_enough(desk):
    call = await desk.start("by-token")

    assert await call.back() == 200
    step = await call.step()
    assert step.state == StepRunState.SUCCEEDED
    assert step.run_webhook is not None
    assert step.run_webhook.callback is not None
    assert (step.run_webhook.callback.message, step.run_webhook.callback.reported_by) == ("fine", "webhook job")


async def test_st_11_so_is_a_token_of_somebody_who_may_write_deployments(desk):
    call = await desk.start("by-deployer")

    assert await call.back(bearer=await desk.token("deployer")) == 200
    assert (await call.step()).state == StepRunState.SUCCEEDED


async def test_st_11_who_is_not_believed_learns_why_and_nothing_more(desk):
    call, other = await desk.start("refused"), await desk.start("refused-other")
    unknown = call.uri.replace("1.before-1", "1.before-9")
    nobody = call.uri.replace("/webhooks/main/", "/webhooks/other/")
    admin = await desk.token("admin")

    assert await call.back(bearer="") == 401
    assert await call.back(bearer="bcb_forged") == 401
    assert await call.back(bearer="no.such.token") == 401
    assert await call.back(bearer=other.token) == 401
    assert await call.back(bearer=call.token[:-1]) == 401
    assert await call.back(bearer=await desk.token("viewer")) == 403
    assert await call.back(bearer=admin, uri=unknown) == 404
    assert await call.back(bearer=admin, uri=nobody) == 404
    assert await call.back(uri=unknown) == 401
    assert await call.back(uri=call.uri.removesuffix("/callback")) == 404
    assert (await call.step()).state == StepRunState.RUNNING


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"{}", 400, id="no-success"),
        pytest.param(b'{"success": "true"}', 400, id="success-as-text"),
        pytest.param(b'{"success": 1}', 400, id="success-as-number"),
        pytest.param(b'{"success": true, "mdMessage": 5}', 400, id="message-as-number"),
        pytest.param(b"[true]", 400, id="no-object"),
        pytest.param(b"success=true", 400, id="a-form"),
        pytest.param(b"\xff", 400, id="no-text"),
        pytest.param(b"[" * 60_000, 400, id="deep"),
        pytest.param(b'{"success": true, "mdMessage": "' + b"x" * 70_000 + b'"}', 413, id="too-large"),
    ],
)
async def test_st_11_what_says_nothing_is_refused_and_the_wait_goes_on(desk, data, status, request):
    call = await desk.start(f"body-{request.node.callspec.id}")

    assert await call.back(data=data) == status
    assert (await call.step()).state == StepRunState.RUNNING
    assert await call.back() == 200


async def test_st_12_the_same_twice_is_200_another_one_409_and_too_late_410(desk):
    call, late = await desk.start("twice"), await desk.start("late")
    await desk.borealis.deployments.cancel(late.name)

    assert [await call.back(), await call.back()] == [200, 200]
    assert await call.back({"success": False, "mdMessage": "fine"}) == 409
    assert await call.back({"success": True, "mdMessage": "otherwise"}) == 409
    assert await late.back() == 410
    reasons = {one.end.reason async for one in desk.borealis.audit.list_actions() if one.end}
    assert {"CALLBACK_TOO_LATE", "CALLBACK_CONTRADICTS"} <= reasons


async def test_a_report_over_grpc_is_the_same_as_a_callback(desk):
    call = await desk.start("by-rpc")

    await desk.borealis.deployments.report_webhook(
        call.name, target="qa", step="before-1", is_success=True, message="fine"
    )

    assert await call.back() == 200
    with pytest.raises(CallbackContradictsError):
        await desk.borealis.deployments.report_webhook(call.name, target="qa", step="before-1", is_success=False)
    made = await desk.borealis.identity.create_credential("viewer-rpc", role="viewer")
    async with connected(desk.running, made.credential.client_id, made.client_secret) as viewer:
        with pytest.raises(PermissionDeniedError):
            await viewer.deployments.report_webhook(call.name, target="qa", step="before-1", is_success=True)


async def test_a_storm_of_a_thousand_has_exactly_one_effect(desk):
    call, other = await desk.start("storm"), await desk.start("storm-other")
    deployer = await desk.token("deployer")
    viewer = await desk.token("viewer")
    bodies = (OK_BODY, {"success": False, "mdMessage": "broken"}, {"success": "true"}, {"success": True})
    bearers = (call.token, deployer, viewer, other.token, "bcb_forged", "")
    kinds = list(product(range(len(bearers)), range(len(bodies))))
    answers: Counter[tuple[int, int, int]] = Counter()

    async def send(number):
        bearer, body = kinds[number % len(kinds)]
        status = await call.back(bodies[body], bearer=bearers[bearer])
        answers[bearer, body, status] += 1

    async with asyncio.TaskGroup() as group:
        for number in range(1000):
            group.create_task(send(number))

    step = await call.step()
    assert step.run_webhook is not None
    said = step.run_webhook.callback
    assert said is not None
    won = {body for _, body, status in answers if status == 200}
    assert len(won) == 1
    (winner,) = won
    assert (said.is_success, said.message) == (bodies[winner]["success"], bodies[winner].get("mdMessage", ""))
    for bearer, body, status in answers:
        believed = 200 if body == winner else 400 if body == 2 else 409
        assert status == {0: believed, 1: believed, 2: 403, 3: 401, 4: 401, 5: 401}[bearer], (bearer, body)
    assert sum(answers.values()) == 1000
    assert _told(desk, call.name).count("the webhook job reports") == 1
    assert (await other.step()).state == StepRunState.RUNNING


def _told(desk, name):
    """Every event of a deployment about its step, as it is stored."""
    with closing(sqlite3.connect(desk.running.data_dir / "borealis.db")) as database:
        sql = "SELECT record FROM deployment_events WHERE deployment_id = ?"
        records = [json.loads(row[0]) for row in database.execute(sql, (name.rpartition("/")[2],))]
    return "\n".join(record["message"] for record in records if record["step"] == "before-1")
