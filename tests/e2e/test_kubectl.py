"""Real kubectl through server, hub and agent as processes, to the real API server, by both ways in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import borealis_client
from kit.kubectl import Kubectl
from kit.kubelet import POD, open_kubelet
from kit.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.timeout(180)

AGENT = "cluster-1"
_NEWEST = 200


@dataclass(frozen=True, kw_only=True)
class Ways:
    """A platform with one agent, and kubeconfigs of both ways in."""

    platform: Platform
    kubeconfigs: dict[str, Path]


@pytest.fixture(scope="module")
def ways(tmp_path_factory, kube_cluster):
    with Platform(tmp_path_factory.mktemp("platform")) as platform:
        asyncio.run(_prepare(platform, kube_cluster.api.kubeconfig))
        web = platform.folder / "web.kubeconfig"
        proxy = platform.start_cli("kube", "proxy", "--agent", AGENT, name="proxy")
        proxy.wait_until(lambda: "export KUBECONFIG=" in proxy.log.read_text(), what="kubeconfig", limit_s=30)
        found = re.search(r"export KUBECONFIG=(\S+)", proxy.log.read_text())
        assert found
        yield Ways(platform=platform, kubeconfigs={"web": web, "proxy": Path(found[1])})


async def _prepare(platform, kubeconfig):
    await platform.add_agent(AGENT, kubeconfig)
    made = await platform.cli("kube", "config", "--agent", AGENT, "--out", str(platform.folder / "web.kubeconfig"))
    assert made.code == 0, made.err


@pytest.fixture
def by_way(ways, kube_namespace, tmp_path) -> Callable[[str], Kubectl]:
    def make(way: str) -> Kubectl:
        return Kubectl(
            kubeconfig=ways.kubeconfigs[way],
            cache=tmp_path / way,
            environment={**ways.platform.environment(), "HOME": str(tmp_path)},
            namespace=kube_namespace,
        )

    return make


@pytest.fixture(params=["web", "proxy"])
def kubectl(request, by_way: Callable[[str], Kubectl]) -> Kubectl:
    return by_way(str(request.param))


def config_map(name: str, **data: str) -> bytes:
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}).encode()


async def test_apply_get_change_and_delete(kubectl):
    assert "created" in await kubectl.ok("apply", "-f", "-", stdin=config_map("one", a="1"))
    assert "configured" in await kubectl.ok("apply", "-f", "-", stdin=config_map("one", a="2"))
    assert "unchanged" in await kubectl.ok("apply", "-f", "-", stdin=config_map("one", a="2"))
    found = json.loads(await kubectl.ok("get", "configmap", "one", "-o", "json"))
    assert found["data"] == {"a": "2"}
    assert "deleted" in await kubectl.ok("delete", "configmap", "one")

    gone = await kubectl.run("get", "configmap", "one")
    assert gone.code == 1
    assert "NotFound" in gone.err


async def test_server_side_apply_and_its_conflict(kubectl):
    apply = ("apply", "--server-side", "-f", "-")

    assert "serverside-applied" in await kubectl.ok(*apply, "--field-manager", "one", stdin=config_map("two", a="1"))
    conflict = await kubectl.run(*apply, "--field-manager", "two", stdin=config_map("two", a="2"))

    assert conflict.code != 0
    assert 'conflict with "one"' in conflict.err


async def test_discovery_is_the_same_as_directly(kubectl, kube_cluster):
    direct = await asyncio.to_thread(kube_cluster.kubectl, "api-resources", "--sort-by=name")

    assert await kubectl.ok("api-resources", "--sort-by=name") == direct.stdout
    assert len(direct.stdout.splitlines()) > 40


async def test_a_list_of_five_mebibytes_comes_whole(by_way, kube_cluster, kube_namespace):
    for number in range(20):
        body = json.loads(config_map(f"large-{number}", a=f"{number:06}" * 45_000))
        await asyncio.to_thread(kube_cluster.request, "POST", f"/api/v1/namespaces/{kube_namespace}/configmaps", body)

    for way in ("web", "proxy"):
        text = await by_way(way).ok("get", "configmaps", "-o", "json")
        found = {one["metadata"]["name"]: one for one in json.loads(text)["items"]}
        assert len(text) > 5 * 2**20
        assert all(found[f"large-{number}"]["data"]["a"] == f"{number:06}" * 45_000 for number in range(20))


async def test_a_large_body_goes_up_whole(kubectl):
    text = "0123456789" * 90_000

    assert "created" in await kubectl.ok("create", "-f", "-", stdin=config_map("large", a=text))
    found = json.loads(await kubectl.ok("get", "configmap", "large", "-o", "json"))

    assert found["data"]["a"] == text


async def test_a_watch_tells_changes_as_they_come(kubectl):
    async with kubectl.started("get", "configmaps", "--watch", "--output-watch-events", "-o", "name") as watch:
        for number in range(3):
            await kubectl.ok("create", "configmap", f"seen-{number}")
            async with asyncio.timeout(20):
                while f"configmap/seen-{number}" not in (line := await watch.stdout.readline()).decode():
                    assert line, (await watch.stderr.read()).decode()


async def test_a_watch_ends_when_its_agent_restarts_and_the_next_one_works(kubectl, ways, kube_cluster):
    async with kubectl.started("get", "configmaps", "--watch", "-o", "name") as watch:
        # The first may still come from the list; the second can only come from the watch. One that is not open yet when
        # the agent leaves is tried again by kubectl, and goes on through the next agent.
        for name in ("before", "watched"):
            await kubectl.ok("create", "configmap", name)
            async with asyncio.timeout(20):
                while f"configmap/{name}" not in (await watch.stdout.readline()).decode():
                    pass
        await asyncio.to_thread(ways.platform.agents[AGENT].stop)
        ways.platform.start_agent(AGENT, kube_cluster.api.kubeconfig)
        async with asyncio.timeout(60):
            await watch.wait()

    await ways.platform.until_agent(AGENT, "CONNECTED")
    assert "configmap/before" in await kubectl.ok("get", "configmaps", "-o", "name")


async def test_an_unknown_agent_is_said_when_the_kubeconfig_is_made(ways):
    answer = await ways.platform.cli("kube", "config", "--agent", "nobody")

    assert answer.code == 6
    assert "no agent tenants/main/agents/nobody" in answer.err


async def test_the_kubeconfig_holds_no_secret_and_is_private(ways):
    text = ways.kubeconfigs["web"].read_text()

    assert ways.platform.client["client_secret"] not in text
    assert "token" not in text.replace("- token", "")
    assert all(os.stat(file).st_mode & 0o777 == 0o600 for file in ways.kubeconfigs.values())  # noqa: PTH116


@pytest.fixture(name="kubelet")
async def a_kubelet(kube_cluster, kube_namespace):
    async with open_kubelet(kube_cluster, kube_namespace) as kubelet:
        yield kubelet


async def test_logs_come_whole_and_leaving_them_ends_them_in_the_cluster(kubectl, kubelet):
    assert await kubectl.ok("logs", POD) == "line 1\nline 2\n"

    async with kubectl.started("logs", POD, "--follow") as follow:
        async with asyncio.timeout(20):
            while await follow.stdout.readline() != b"line 5\n":
                pass
        assert kubelet.following == 1
        follow.kill()
        async with asyncio.timeout(5):
            while kubelet.following:
                await asyncio.sleep(0.01)


async def test_exec_runs_and_a_half_closed_stdin_arrives(by_way, kubelet):
    kubectl = by_way("proxy")
    text = b"0123456789abcdef" * 40_000

    ran = await kubectl.ok("exec", POD, "--", "ls", "-l")
    echoed = await kubectl.ok("exec", "-i", POD, "--", "cat", stdin=text)

    assert ran == "ran ls -l\n"
    assert echoed == f"ran cat\n{text.decode()}\nstdin ended after {len(text)} bytes\n"
    assert kubelet.commands == [["ls", "-l"], ["cat"]]


@pytest.mark.usefixtures("kubelet")
async def test_an_open_exec_answers_line_by_line(by_way):
    async with by_way("proxy").started("exec", "-i", POD, "--", "cat") as cat:
        async with asyncio.timeout(20):
            assert await cat.stdout.readline() == b"ran cat\n"
            for number in range(5):  # byte by byte, both ways, while it is open
                cat.stdin.write(f"{number}\n".encode())
                await cat.stdin.drain()
                assert await cat.stdout.readline() == f"{number}\n".encode()


@pytest.mark.usefixtures("kubelet")
async def test_port_forward_carries_connections_both_ways(by_way):
    async with by_way("proxy").started("port-forward", f"pod/{POD}", ":80") as forward:
        async with asyncio.timeout(20):
            line = (await forward.stdout.readline()).decode()
        found = re.search(r"127\.0\.0\.1:(\d+) -> 80", line)
        assert found, line
        port = int(found[1])

        async def talk(number):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            sent = f"hello {number} ".encode() * 20_000
            writer.write(sent)
            writer.write_eof()
            answer = await reader.read()
            writer.close()
            assert answer == sent.upper()

        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(talk(number))


async def test_spdy_at_the_web_door_is_told_what_to_use(by_way, kubelet):
    answer = await by_way("web").run("exec", POD, "--", "ls")

    assert answer.code == 1
    assert f"borealis kube proxy --agent {AGENT}" in answer.err
    assert kubelet.commands == []


async def test_a_viewer_is_refused_with_the_reason_and_sees_what_kinds_there_are(ways, tmp_path):
    context = await viewer_context(ways.platform, tmp_path)
    environment = {"BOREALIS_CONTEXT_FILE": str(context)}
    file = tmp_path / "viewer.kubeconfig"
    made = await ways.platform.cli("kube", "config", "--agent", AGENT, "--out", str(file), env=environment)
    assert made.code == 0, made.err
    kubectl = Kubectl(
        kubeconfig=file,
        cache=tmp_path / "viewer",
        environment=ways.platform.environment(environment),
        namespace="default",
    )

    listed = await kubectl.run("get", "pods")
    created = await kubectl.run("create", "configmap", "no")

    assert (listed.code, created.code) == (1, 1)
    assert "Forbidden" in listed.err
    assert "you lack the permission kube.read in tenant main: ask an administrator" in listed.err
    assert "you lack the permission kube.write" in created.err
    assert "configmaps" in await kubectl.ok("api-resources")
    async with asyncio.timeout(30):
        while not (denied := [c for c in await audit(ways.platform) if c["decision"] == "DECISION_DENIED"]):
            await asyncio.sleep(0.2)
    assert {call["method"] for call in denied} >= {"GET"}
    assert all(call["actor"].startswith("viewer-") for call in denied)


async def viewer_context(platform, folder):
    async with borealis_client.connect(platform.address, **login(platform)) as borealis:
        name = f"viewer-{secrets.token_hex(3)}"
        made = await borealis.identity.create_credential(name, role="viewer")
    context = {**platform.client, "client_id": made.credential.name.rsplit("/", 1)[-1]}
    context["client_secret"] = made.client_secret
    file = folder / "viewer.json"
    file.write_text(json.dumps(context))
    file.chmod(0o600)
    return file


def login(platform):
    client = platform.client
    return {name: client[name] for name in ("ca_file", "client_id", "client_secret")}


async def test_the_proxy_serves_its_secret_address_only_and_ends_cleanly_on_ctrl_c(ways):
    proxy = ways.platform.start_cli("kube", "proxy", "--agent", AGENT, "-o", "json", name="short-proxy")
    await asyncio.to_thread(
        proxy.wait_until, lambda: "until Ctrl-C" in proxy.log.read_text(), what="kubeconfig", limit_s=30
    )
    said = json.loads(next(line for line in proxy.log.read_text().splitlines() if line.startswith("{")))
    kubeconfig = Path(said["kubeconfig"])
    address = re.search(r"server: http://127\.0\.0\.1:(\d+)(/\S+)", kubeconfig.read_text())
    assert address
    port, secret = int(address[1]), address[2]
    paths = ["/api/v1/namespaces", "/wrong/api", secret.removeprefix("/"), f"{secret}x/api", f"{secret}/version"]
    paths.append(f"{secret}/api")

    async with asyncio.timeout(30):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        statuses = []
        for path in paths:  # on one connection, which stays open
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            assert length, head
            await reader.readexactly(int(length[1]))
            statuses.append(int(head.split()[1]))
        os.kill(proxy.pid, signal.SIGINT)
        assert await reader.read() == b""
        writer.close()
        while proxy.exit_code is None:
            await asyncio.sleep(0.05)

    assert statuses == [404, 404, 404, 404, 200, 200]
    assert proxy.exit_code == 0
    assert not kubeconfig.parent.exists()


async def test_every_call_is_found_in_the_audit(kubectl, ways):
    await kubectl.ok("create", "configmap", "audited")
    await kubectl.ok("get", "configmap", "audited")
    gone = await kubectl.run("get", "configmap", "not-there")

    place = f"/api/v1/namespaces/{kubectl.namespace}/configmaps"
    wanted = {("POST", place, 201), ("GET", f"{place}/audited", 200), ("GET", f"{place}/not-there", 404)}
    async with asyncio.timeout(30):
        while wanted - {_seen(call) for call in await audit(ways.platform)}:
            await asyncio.sleep(0.2)
    listed = await ways.platform.cli("audit", "list", "--actor", "local-admin", "--since", "10m", "-o", "json")
    calls = [call for call in listed.json()["calls"] if call["path"].startswith(place)]
    assert gone.code == 1
    assert {_seen(call) for call in calls} >= wanted
    assert all(call["actorGroups"] == ["borealis:admin"] and call["policyDigest"] for call in calls)
    assert all(call["agent"] == f"tenants/main/agents/{AGENT}" for call in calls)


@pytest.mark.usefixtures("kubelet")
async def test_exec_is_in_the_audit_without_what_was_typed(by_way, ways):
    await by_way("proxy").ok("exec", POD, "--", "login", "--password", "pa55word")

    async with asyncio.timeout(30):
        while not (
            found := [call for call in await audit(ways.platform) if "/exec?" in call["path"] and call.get("end")]
        ):
            await asyncio.sleep(0.2)
    assert found[0]["end"]["status"] == 101
    assert int(found[0]["end"]["receivedBytes"]) > 0
    assert "container=main" in found[0]["path"]
    assert "pa55word" not in json.dumps(found)


async def audit(platform, *, actor: str = "", agent: str = AGENT) -> list[dict[str, Any]]:
    """The newest calls to the agent, as JSON has them."""
    async with borealis_client.connect(platform.address, **login(platform)) as borealis:
        calls = borealis.audit.list(agent=f"tenants/main/agents/{agent}", actor=actor, page_size=200)
        found = []
        async with contextlib.aclosing(calls):
            async for call in calls:
                found.append(call.to_dict(include_default_values=True))
                if len(found) == _NEWEST:
                    break
    return found


def _seen(call):
    return call["method"], call["path"].partition("?")[0], (call["end"] or {}).get("status")
