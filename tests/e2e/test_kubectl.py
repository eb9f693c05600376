"""Real kubectl through server, hub and agent as processes, to the real API server, by both ways in."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from kit.kubectl import Kubectl
from kit.platform import Platform

pytestmark = pytest.mark.timeout(180)

AGENT = "cluster-1"


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
def kubectl(request, by_way) -> Kubectl:
    return by_way(request.param)


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
        await kubectl.ok("create", "configmap", "before")
        async with asyncio.timeout(20):
            while b"configmap/before" not in await watch.stdout.readline():
                pass
        await asyncio.to_thread(ways.platform.agents[AGENT].stop)
        ways.platform.start_agent(AGENT, kube_cluster.api.kubeconfig)
        async with asyncio.timeout(60):
            await watch.wait()

    await ways.platform.until_agent(AGENT, "CONNECTED")
    assert "configmap/before" in await kubectl.ok("get", "configmaps", "-o", "name")


async def test_nobody_connected_is_said_after_some_patience(by_way, ways):
    made = await ways.platform.cli("agent", "create", "asleep", "--out", str(ways.platform.folder / "asleep.json"))
    assert made.code == 0 or "exists" in made.err
    kubectl = by_way("web")
    asleep = kubectl.kubeconfig.with_name("asleep.kubeconfig")
    await ways.platform.cli("kube", "config", "--agent", "asleep", "--out", str(asleep))

    answer = await Kubectl(kubeconfig=asleep, cache=kubectl.cache, environment=kubectl.environment).run(
        "get", "--raw", "/api/v1/pods"
    )

    assert answer.code == 1
    assert "agent asleep is unavailable: it is not connected" in answer.err


async def test_an_unknown_agent_is_said_when_the_kubeconfig_is_made(ways):
    answer = await ways.platform.cli("kube", "config", "--agent", "nobody")

    assert answer.code == 6
    assert "no agent tenants/main/agents/nobody" in answer.err


async def test_the_kubeconfig_holds_no_secret_and_is_private(ways):
    text = ways.kubeconfigs["web"].read_text()

    assert ways.platform.client["client_secret"] not in text
    assert "token" not in text.replace("- token", "")
    assert all(os.stat(file).st_mode & 0o777 == 0o600 for file in ways.kubeconfigs.values())  # noqa: PTH116
