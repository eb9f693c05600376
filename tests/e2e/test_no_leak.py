"""IA-12 and DF-33: 50 secrets are used by webhooks that quote them in every form, and stand nowhere afterwards."""

from __future__ import annotations

import asyncio
import base64
import html
import json
import ssl
import sys
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from aiohttp import web

import borealis_client
from kit.hooks import open_hooks
from kit.platform import Platform
from kit.programs import Program
from kit.shop import manifests

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNT = 50
PER_WEBHOOK = 5


def a_value(number: int) -> str:
    """What a header may hold and every form writes differently; for paths and queries what an address may hold."""
    serial = f"v{number:02}{number * 7919:08x}"
    return f"{serial}.of~address" if number % PER_WEBHOOK < 2 else f'{serial}/+"key" <&>'


VALUES = {f"s{number}": a_value(number) for number in range(COUNT)}


@pytest.fixture
def stage(tmp_path) -> Iterator[Platform]:
    """A server that may call this machine, an agent, and a simulated cluster."""
    kubeconfig = tmp_path / "sandbox" / "kubeconfig"
    platform = Platform(tmp_path, server_settings={"BOREALIS_SERVER_ALLOW_PRIVATE_ADDRESSES": "true"})
    cluster = Program(
        [sys.executable, "-m", "borealis_sandbox", "--data-dir", kubeconfig.parent], log=tmp_path / "sandbox.log"
    )
    try:
        cluster.wait_until(kubeconfig.exists, what="answer", limit_s=60)
        with platform:
            yield platform
    finally:
        cluster.stop()


def forms(value: str) -> set[str]:
    """What the value may look like, made without the code under test."""
    raw = value.encode()
    encoded = {base64.b64encode(b"x" * offset + raw + b"yyy").decode()[4:24] for offset in range(3)}
    texts = {value, quote(value), quote(value, safe=""), html.escape(value), json.dumps(value)[1:-1]}
    return texts | encoded | {raw.hex()}


FORMS = {form for value in VALUES.values() for form in forms(value)} | {value[:11] for value in VALUES.values()}


def leaks(text: str) -> list[str]:
    """Forms of secrets in the text."""
    return sorted(form for form in FORMS if form in text)


def webhook(number: int, root: str) -> str:
    """Five secrets in five places: path, query, two headers and the body."""
    first = number * PER_WEBHOOK
    path, query, header, basic, body = (f"{{{{secrets.s{first + place}}}}}" for place in range(PER_WEBHOOK))
    return f"""\
  - name: w{number}
    method: POST
    uriTemplate: "{root}/w{number}/{path}?q={query}"
    retryCount: 0
    disableCallback: true
    headers:
      - {{key: Authorization, value: 'Bearer {header}'}}
      - {{key: X-Basic, value: 'Basic {basic}'}}
    bodyTemplate:
      inline: '{{"token": "{body}", "again": "{header}"}}'
"""


def deploy_file(application: str, numbers: range, root: str) -> str:
    conditions = "".join(f"\n        - runWebhook: {{name: w{number}}}" for number in numbers)
    return f"""\
version: v1
kind: kubernetes
application: {application}
targets:
  prod:
    account: cluster-1
    namespace: default
    strategy: all
    constraints:
      beforeDeployment:{conditions}
manifests:
  - path: {application}.yaml
strategies:
  all: {{canary: {{steps: [{{setWeight: {{weight: 100}}}}]}}}}
webhooks:
{"".join(webhook(number, root) for number in numbers)}"""


async def echo(request: web.Request) -> web.Response:
    """Quotes everything that came, in every form; the webhooks from the eighth on fail."""
    body = (await request.read()).decode()
    parts = [request.raw_path, *request.headers.values(), body]
    decoded = json.loads(body)["token"]
    quoted = [base64.b64encode(f"me:{decoded}".encode()).decode(), decoded.encode().hex(), html.escape(decoded)]
    text = "\n".join([*parts, *quoted, json.dumps(parts)])
    code = 400 if int(request.path.split("/")[1][1:]) >= 8 else 200
    return web.Response(status=code, text=text, headers={"X-Quoted": decoded})


@pytest.mark.timeout(240)
async def test_ia_12_df_33_secrets_that_webhooks_use_stand_nowhere_else(stage):
    async with borealis_client.connect(
        stage.address,
        ca_file=stage.client["ca_file"],
        client_id=stage.client["client_id"],
        client_secret=stage.client["client_secret"],
    ) as borealis:
        for name, value in VALUES.items():
            await borealis.secrets.set(name, value)
    await stage.add_agent("cluster-1", stage.folder / "sandbox" / "kubeconfig")
    deployments = []
    async with open_hooks() as hooks:
        hooks.says(echo)
        nowhere = "http://127.0.0.1:1"
        files = {
            "good": deploy_file("good", range(8), hooks.root),
            "bad": deploy_file("bad", range(8, 9), hooks.root),
            "away": deploy_file("away", range(9, 10), nowhere),
        }
        for name, text in files.items():
            stage.write(f"{name}.yaml", manifests("1", name=name))
            started = await stage.cli("deploy", "-f", stage.write(f"deploy-{name}.yaml", text), "-o", "json")
            deployments.append(started.json()["name"].rpartition("/")[2])
        rotations = [await stage.cli("secret", "rotate-key") for _ in range(2)]
        await stage.until_state(deployments[0], "SUCCEEDED", limit_s=60)
        await stage.until_state(deployments[1], "FAILED", "ROLLED_BACK", limit_s=60)
        await stage.until_state(deployments[2], "FAILED", "ROLLED_BACK", limit_s=60)

    looks: list[tuple[str, ...]] = [("audit", "export"), ("audit", "actions"), ("why", deployments[2])]
    for one in deployments:
        looks += [("status", one), ("watch", one, "-o", "jsonl")]
    answers = [await stage.cli(*command) for command in looks]
    metrics = await asyncio.to_thread(scraped, stage)
    parts = [part for one in hooks.came for part in (one.target, *one.headers.values(), one.body.decode())]
    sent = "\n".join(parts)

    used = [value for number, value in enumerate(VALUES.values()) if number < 45]
    assert [value for value in used if not any(form in sent for form in forms(value))] == [], "each was sent"
    shown = "\n".join(answer.out + answer.err for answer in (*answers, *rotations))
    assert shown.count("****") > 20, "what the webhooks answered is shown"
    assert leaks(shown) == []
    assert leaks(metrics) == []
    for file in (*stage.folder.glob("*.log"), *(stage.folder / "server").rglob("*")):
        if file.is_file():
            assert leaks(file.read_bytes().decode("latin-1")) == [], file
    assert (await stage.cli("audit", "verify")).code == 0


def scraped(platform: Platform) -> str:
    """The server's metrics."""
    trust = ssl.create_default_context(cafile=platform.client["ca_file"])
    address = f"{platform.web}/metrics"
    with urllib.request.urlopen(address, context=trust, timeout=10) as answer:  # noqa: S310 - the server's own address
        return str(answer.read().decode())
