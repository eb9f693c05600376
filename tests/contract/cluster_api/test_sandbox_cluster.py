"""What only the simulated cluster can do: scripted pods, and a quick end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from borealis_sandbox.cluster import SandboxCluster
from kit.api_server import ApiServer
from kit.manifests import replica_set
from kit.rest import open_rest

if TYPE_CHECKING:
    from pathlib import Path

_SCRIPTS = "sandbox.borealis.dev"
_END_LIMIT_S = 0.9  # the server itself gives open requests a second


@pytest.mark.parametrize(
    ("script", "reason"),
    [("fail-image", "ImagePullBackOff"), ("crash", "CrashLoopBackOff")],
)
async def test_a_pod_fails_as_its_annotation_says(sandbox_api: ApiServer, script: str, reason: str) -> None:
    async with open_rest(sandbox_api) as rest:
        namespace = await rest.create_namespace()
        manifest = replica_set(replicas=1)
        manifest["spec"]["template"]["metadata"]["annotations"] = {f"{_SCRIPTS}/{script}": "true"}
        (await rest.post(f"/apis/apps/v1/namespaces/{namespace}/replicasets", manifest)).ok()

        await rest.until_list(
            f"/api/v1/namespaces/{namespace}/pods",
            lambda pods: reason in str(pods[0]["status"].get("containerStatuses")),
        )


async def test_an_open_watch_does_not_keep_the_cluster_from_ending(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with SandboxCluster() as cluster:
        kubeconfig = cluster.kubeconfig(tmp_path / "kubeconfig")
        api = ApiServer(
            kind="sandbox",
            url=cluster.url,
            token=cluster.token,
            ca_pem=cluster.ca_pem,
            ca_file=tmp_path / "none",
            kubeconfig=kubeconfig,
        )
        async with open_rest(api) as rest:
            events = rest.watch("/api/v1/namespaces")
            first = await anext(events)
            began_s = loop.time()
            await cluster.__aexit__(None, None, None)
            took_s = loop.time() - began_s
            await events.aclose()

    assert first.type == "ADDED"
    assert took_s < _END_LIMIT_S
