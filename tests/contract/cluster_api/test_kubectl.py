"""kubectl, the client people use most, works with the simulated server as it does with the real one."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from kit.kube import find_programs
from kit.manifests import deployment, service

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from kit.api_server import ApiServer

    Kubectl = Callable[..., Awaitable[str]]

_LIMIT_S = 30.0


@pytest.fixture
def kubectl(any_api: ApiServer, any_namespace: str, tmp_path: Path) -> Kubectl:
    """Runs kubectl in the test's namespace; gives back what it prints."""
    program = find_programs() / "kubectl"
    options = ("--kubeconfig", any_api.kubeconfig, "--namespace", any_namespace, "--cache-dir", tmp_path / "cache")

    async def run(*arguments: str, stdin: Any = None) -> str:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            program, *options, *arguments, stdin=pipe, stdout=pipe, stderr=pipe
        )
        given = b"" if stdin is None else json.dumps(stdin).encode()
        async with asyncio.timeout(_LIMIT_S):
            output, errors = await process.communicate(given)
        assert process.returncode == 0, errors.decode()
        return output.decode()

    return run


async def test_apply_rollout_change_and_delete(kubectl: Kubectl) -> None:
    assert "web created" in await kubectl("apply", "-f", "-", stdin=deployment(replicas=2))
    assert "successfully rolled out" in await kubectl("rollout", "status", "deployment/web")
    assert "web configured" in await kubectl("apply", "-f", "-", stdin=deployment(image="example/web:2"))
    assert "successfully rolled out" in await kubectl("rollout", "status", "deployment/web")
    assert "web unchanged" in await kubectl("apply", "-f", "-", stdin=deployment(image="example/web:2"))

    image = "jsonpath={.spec.template.spec.containers[*].image}"
    assert await kubectl("get", "deployment", "web", "-o", image) == "example/web:2"
    assert "deleted" in await kubectl("delete", "deployment", "web")
    assert await kubectl("get", "deployments", "-o", "name") == ""


async def test_get_prints_the_columns_people_know(kubectl: Kubectl) -> None:
    await kubectl("create", "-f", "-", stdin=deployment(replicas=1))
    await kubectl("rollout", "status", "deployment/web")
    headers = {
        kind: (await kubectl("get", kind)).splitlines()[0].split()
        for kind in ("deployments", "replicasets", "pods", "configmaps", "namespaces")
    }

    assert headers["deployments"] == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert headers["replicasets"] == ["NAME", "DESIRED", "CURRENT", "READY", "AGE"]
    assert headers["pods"] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert headers["configmaps"] == ["NAME", "DATA", "AGE"]
    assert headers["namespaces"] == ["NAME", "STATUS", "AGE"]
    assert "web 1/1 1 1" in " ".join((await kubectl("get", "deploy")).split())


async def test_scale_label_and_annotate(kubectl: Kubectl) -> None:
    await kubectl("create", "-f", "-", stdin=deployment(replicas=1))
    assert "scaled" in await kubectl("scale", "deployment/web", "--replicas=3")
    assert "labeled" in await kubectl("label", "deployment", "web", "tier=front")
    assert "annotated" in await kubectl("annotate", "deployment", "web", "note=seen")
    assert "labeled" in await kubectl("label", "deployment", "web", "app-")
    await kubectl("rollout", "status", "deployment/web")
    found = json.loads(await kubectl("get", "deployment", "web", "-o", "json"))

    assert found["spec"]["replicas"] == found["status"]["readyReplicas"] == 3
    assert found["metadata"]["labels"] == {"tier": "front"}
    assert found["metadata"]["annotations"]["note"] == "seen"


async def test_server_side_apply_and_its_conflict(kubectl: Kubectl) -> None:
    apply = ("apply", "--server-side", "--field-manager", "one", "-f", "-")
    assert "serverside-applied" in await kubectl(*apply, stdin=service())
    assert "serverside-applied" in await kubectl(*apply, stdin=deployment(replicas=1))
    await kubectl("patch", "deployment", "web", "--patch", '{"spec": {"replicas": 2}}')
    with pytest.raises(AssertionError, match="conflict"):
        await kubectl(*apply, stdin=deployment(replicas=1))
    assert "serverside-applied" in await kubectl(*apply, "--force-conflicts", stdin=deployment(replicas=1))


async def test_undo_returns_to_the_revision_before(kubectl: Kubectl) -> None:
    await kubectl("create", "-f", "-", stdin=deployment(replicas=1))
    await kubectl("rollout", "status", "deployment/web")
    await kubectl("set", "image", "deployment/web", "web=example/web:2")
    await kubectl("rollout", "status", "deployment/web")
    await kubectl("rollout", "undo", "deployment/web")
    await kubectl("rollout", "status", "deployment/web")
    found = json.loads(await kubectl("get", "deployment", "web", "-o", "json"))

    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == "example/web:1"
    assert found["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"


async def test_describe_tells_what_happened(kubectl: Kubectl) -> None:
    await kubectl("create", "-f", "-", stdin=deployment(replicas=1))
    await kubectl("rollout", "status", "deployment/web")

    described = await kubectl("describe", "deployment", "web")
    assert "ScalingReplicaSet" in described
    assert "NewReplicaSetAvailable" in described
    assert "Running" in await kubectl("describe", "pods")
