from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kit.platform import Platform

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from kit.api_server import ApiServer


@pytest.fixture(scope="module")
def server_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A server without agents, shared by tests that change nothing in it."""
    with Platform(tmp_path_factory.mktemp("platform")) as platform:
        yield platform


@pytest.fixture
async def platform(tmp_path_factory: pytest.TempPathFactory, real_api: ApiServer) -> AsyncIterator[Platform]:
    """A server and the agent `cluster-1` of the real cluster."""
    with Platform(tmp_path_factory.mktemp("platform")) as running:
        await running.add_agent("cluster-1", real_api.kubeconfig)
        yield running
