"""The kubernetes_asyncio library on the SDK, through server and agent, to the real API server."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path

import pytest
from kubernetes_asyncio.client import ApiException, CoreV1Api, V1ConfigMap, V1ObjectMeta
from kubernetes_asyncio.watch import Watch

import borealis_client
from borealis_client.kubernetes import open_api_client
from kit.kubelet import POD, open_kubelet

pytestmark = pytest.mark.timeout(120)

EXAMPLE = Path(__file__).parents[2] / "clients" / "python" / "examples" / "pods_behind_an_agent.py"


@contextlib.asynccontextmanager
async def core(platform):
    client = platform.client
    login = {name: client[name] for name in ("ca_file", "client_id", "client_secret")}
    async with (
        borealis_client.connect(platform.address, **login) as borealis,
        open_api_client(borealis, "cluster-1") as api_client,
    ):
        yield CoreV1Api(api_client)


async def test_typed_objects_watches_and_errors(platform, kube_namespace):
    seen = []
    async with core(platform) as api:
        await api.create_namespaced_config_map(
            kube_namespace, V1ConfigMap(metadata=V1ObjectMeta(name="one"), data={"a": "1"})
        )
        listed = await api.list_namespaced_config_map(kube_namespace, field_selector="metadata.name=one")
        version = listed.metadata.resource_version
        async with asyncio.timeout(30), Watch() as watch:
            changes = watch.stream(api.list_namespaced_config_map, kube_namespace, resource_version=version)
            await api.patch_namespaced_config_map("one", kube_namespace, {"data": {"a": "2"}})
            await api.delete_namespaced_config_map("one", kube_namespace)
            async for change in changes:
                seen.append((change["type"], change["object"].data))
                if change["type"] == "DELETED":
                    break
        with pytest.raises(ApiException) as gone:
            await api.read_namespaced_config_map("one", kube_namespace)

    assert [one.data for one in listed.items] == [{"a": "1"}]
    assert seen == [("MODIFIED", {"a": "2"}), ("DELETED", {"a": "2"})]
    assert gone.value.status == 404


async def test_the_example_lists_pods_and_runs_a_command_over_a_websocket(platform, kube_cluster, kube_namespace):
    async with open_kubelet(kube_cluster, kube_namespace) as kubelet:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            EXAMPLE,
            "cluster-1",
            kube_namespace,
            POD,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=platform.environment(),
        )
        async with asyncio.timeout(60):
            out, _ = await process.communicate()

    assert process.returncode == 0, out.decode()
    assert out.decode() == f"{POD} Running\nran ls -l\n"
    assert kubelet.commands == [["ls", "-l"]]
