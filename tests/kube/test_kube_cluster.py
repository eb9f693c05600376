"""The real control plane that the other tests stand on does what they take for granted."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
from kubernetes_asyncio import client, config

from kit.kube import KubernetesMissingError, find_programs
from kit.programs import Program, ProgramFailedError

if TYPE_CHECKING:
    from kit.kube import KubeCluster


def test_deployment_becomes_ready_on_the_hollow_node(kube_cluster: KubeCluster, kube_namespace: str) -> None:
    kube_cluster.kubectl("-n", kube_namespace, "create", "deployment", "web", "--image=nginx", "--replicas=3")
    rollout = kube_cluster.kubectl("-n", kube_namespace, "rollout", "status", "deployment/web", "--timeout=20s")

    assert rollout.returncode == 0, rollout.stderr
    assert "successfully rolled out" in rollout.stdout


async def test_plain_aiohttp_verifies_the_certificate(kube_cluster: KubeCluster) -> None:
    api = kube_cluster.api
    connector = aiohttp.TCPConnector(ssl=api.ssl_context())
    async with (
        aiohttp.ClientSession(connector=connector, headers=api.headers) as session,
        session.get(f"{api.url}/version") as answer,
    ):
        version = await answer.json()

    assert version["gitVersion"].startswith("v1.")


async def test_kubernetes_asyncio_can_use_the_kubeconfig(kube_cluster: KubeCluster, kube_namespace: str) -> None:
    configuration = client.Configuration()
    await config.load_kube_config(str(kube_cluster.api.kubeconfig), client_configuration=configuration)
    async with client.ApiClient(configuration) as api_client:
        found = await client.CoreV1Api(api_client).read_namespace(kube_namespace)

    assert found.metadata.name == kube_namespace


def test_a_program_that_ends_early_shows_its_log(tmp_path: Path) -> None:
    with (
        Program(["sh", "-c", "echo no such flag; exit 3"], log=tmp_path / "log") as program,
        pytest.raises(ProgramFailedError) as failure,
    ):
        program.wait_until(lambda: False, what="an answer", limit_s=5)

    assert "ended with 3 before an answer" in str(failure.value)
    assert "no such flag" in str(failure.value)


def test_stopping_a_program_ends_its_children(tmp_path: Path) -> None:
    script = "trap '' TERM; echo deaf; sleep 600 & wait"
    with Program(["sh", "-c", script], log=tmp_path / "log") as program:
        program.wait_until(lambda: "deaf" in program.log_tail(), what="a trap", limit_s=5)
        program.stop(grace_s=0.2)

    assert program.exit_code == -9
    deadline = time.monotonic() + 5
    while not states_of_group(program.pid) <= {"Z"}:  # an orphan that init has not yet reaped is as good as gone
        assert time.monotonic() < deadline, "a child outlived its group"
        time.sleep(0.02)


def states_of_group(group: int) -> set[str]:
    """The states of all processes in a group, as the kernel names them."""
    found = set()
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            state, _parent, process_group, *_ = file.read_text().rpartition(")")[2].split()
            if int(process_group) == group:
                found.add(state)
    return found


def test_missing_programs_are_named_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOREALIS_TEST_CACHE", str(tmp_path))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)

    with pytest.raises(KubernetesMissingError) as missing:
        find_programs()

    assert "run tests/kube/install.sh" in str(missing.value)
    assert "\n" not in str(missing.value)
