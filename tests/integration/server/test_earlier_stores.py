"""Stores that earlier servers wrote are opened, migrated and gone on with.

Each dump was made by the server of its time: a credential of an agent, and a deployment that waits for that agent.
"""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import aclosing, asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from borealis_client import DeploymentState, connect
from borealis_server.main import open_server
from borealis_server.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from borealis_client import Borealis

pytestmark = pytest.mark.asyncio(loop_scope="session")

_TIME = re.compile(r"2026-11-20T[0-9:.]+Z")
FOLDER = Path(__file__).parent / "earlier_stores"
CLIENTS = json.loads((FOLDER / "clients.json").read_text())
SCHEMAS = sorted(int(file.stem.removeprefix("schema_")) for file in FOLDER.glob("schema_*.sql"))


def data_folder(folder: Path, schema: int) -> Path:
    """The data folder of a server of that schema."""
    folder.mkdir(mode=0o700)
    with closing(sqlite3.connect(folder / "borealis.db")) as connection:
        dump = (FOLDER / f"schema_{schema}.sql").read_text()
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        connection.executescript(_TIME.sub(now, dump))  # begun just now: the wait for an agent has a limit
    kept = {"server": "localhost:1", "web": "https://localhost:1", "ca_file": "", "tenant": "main"}
    client_file = folder / "client.json"
    client_file.write_text(json.dumps({**kept, **CLIENTS[str(schema)]}))
    client_file.chmod(0o600)
    return folder


@asynccontextmanager
async def reopened(folder: Path) -> AsyncIterator[Borealis]:
    """A client of today's server on that folder, with the credential of then."""
    settings = ServerSettings(
        data_dir=folder, grpc_address="127.0.0.1:0", web_address="127.0.0.1:0", shutdown_grace_s=1
    )
    async with (
        open_server(settings) as running,
        connect(
            f"localhost:{running.grpc_port}",
            ca_file=running.client.ca_file,
            client_id=running.client.client_id,
            client_secret=running.client.client_secret,
        ) as borealis,
    ):
        yield borealis


@pytest.mark.parametrize("schema", SCHEMAS)
async def test_what_an_earlier_server_kept_is_there_and_goes_on(tmp_path, schema):
    folder = data_folder(tmp_path / "data", schema)

    async with reopened(folder) as borealis:
        (deployment,) = [one async for one in borealis.deployments.list()]
        async with aclosing(borealis.deployments.watch(deployment.name)) as updates:
            first = await anext(updates)
        agents = [agent.name async for agent in borealis.agents.list()]
        caller = await borealis.identity.caller()
        await borealis.deployments.cancel(deployment.name)
        await borealis.secrets.set("new", "value")
        proof = await borealis.audit.verify()
    async with reopened(folder) as borealis:
        again = await borealis.deployments.get(deployment.name)
        later = await borealis.audit.verify(kept_number=proof.head_number, kept_hash=proof.head_hash)

    assert deployment.description == f"from schema {schema}"
    assert deployment.state is DeploymentState.RUNNING
    assert first.deployment.targets[0].account == "cluster-1"
    assert agents == ["tenants/main/agents/cluster-1"]
    assert caller.display_name == "local-admin"
    assert again.state is not DeploymentState.RUNNING
    assert (proof.broken_number, later.broken_number) == (0, 0)
    assert proof.entries > 0
