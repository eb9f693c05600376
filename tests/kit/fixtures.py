"""Pytest fixtures for clusters: a real one for the whole test run, a simulated one for each test, and namespaces."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from borealis_sandbox.cluster import SandboxCluster
from kit.api_server import ApiServer
from kit.kube import KubeCluster, KubernetesMissingError, find_programs
from kit.rest import Rest, open_rest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

_SANDBOX_SPEED = 20.0


def pytest_configure() -> None:
    """Say that this thread has no event loop.

    Otherwise pytest-asyncio asks for the current one before its first test; Python then makes one, which nobody closes.
    """
    asyncio.set_event_loop(None)


@pytest.fixture(scope="session")
def kube_cluster() -> Iterator[KubeCluster]:
    """A real Kubernetes control plane with one hollow node, started once for the test run."""
    try:
        find_programs()
    except KubernetesMissingError as missing:
        reason = str(missing)
    else:
        reason = ""
    if reason:
        pytest.fail(reason, pytrace=False)
    with KubeCluster() as cluster:
        yield cluster


@pytest.fixture
def kube_namespace(kube_cluster: KubeCluster) -> Iterator[str]:
    """A fresh namespace in the real cluster; deleted after the test, without waiting for it."""
    name = kube_cluster.create_namespace()
    yield name
    kube_cluster.delete_namespace(name)


@pytest.fixture
def real_api(kube_cluster: KubeCluster) -> ApiServer:
    """The real API server."""
    return kube_cluster.api


@pytest.fixture
async def sandbox_api(tmp_path: Path) -> AsyncIterator[ApiServer]:
    """A simulated cluster of its own for this test, in which time runs faster."""
    async with SandboxCluster(speed=_SANDBOX_SPEED) as cluster:
        ca_file = tmp_path / "sandbox-ca.crt"
        ca_file.write_bytes(cluster.ca_pem)
        yield ApiServer(
            kind="sandbox",
            url=cluster.url,
            token=cluster.token,
            ca_pem=cluster.ca_pem,
            ca_file=ca_file,
            kubeconfig=cluster.kubeconfig(tmp_path / "sandbox-kubeconfig"),
        )


@pytest.fixture(params=["sandbox", "real"])
def any_api(request: pytest.FixtureRequest) -> ApiServer:
    """Either kind of API server: the test runs once against each."""
    api: ApiServer = request.getfixturevalue(f"{request.param}_api")
    return api


@pytest.fixture
async def any_rest(any_api: ApiServer) -> AsyncIterator[Rest]:
    """Plain requests to `any_api`, as administrator."""
    async with open_rest(any_api) as rest:
        yield rest


@pytest.fixture
async def any_namespace(any_rest: Rest) -> AsyncIterator[str]:
    """A fresh namespace in `any_api`; deleted after the test, without waiting for it."""
    name = await any_rest.create_namespace()
    yield name
    await any_rest.delete(f"/api/v1/namespaces/{name}")
