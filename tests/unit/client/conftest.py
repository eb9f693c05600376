from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import borealis_client
from kit.client_messages import NAME, a_deployment
from kit.scripted_server import CLIENT_ID, CLIENT_SECRET, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

QUICK = borealis_client.RetryPolicy(base_s=0.001, limit_s=0.01, watch_limit_s=2.0)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ScriptedServer]:
    with ScriptedServer(tmp_path) as server:
        server.deployments[NAME] = a_deployment()
        yield server


@pytest.fixture
async def borealis(server: ScriptedServer) -> AsyncIterator[borealis_client.Borealis]:
    async with borealis_client.connect(
        server.address, ca_file=server.ca_file, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, retry=QUICK
    ) as borealis:
        yield borealis
