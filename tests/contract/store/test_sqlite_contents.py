"""Deploy files and manifests are kept by their content: once, findable, and proof against a changed byte."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from borealis_server.adapters.store.deployments import SqliteDeploymentStore
from borealis_server.adapters.store.schema import known_migrations
from borealis_server.adapters.store.sqlite import open_database
from borealis_server.domain.deployment import DeploymentInputs, DeploymentKey, StoredFile

SERVICE, CONFIG = '{"kind": "Service"}', '{"kind": "ConfigMap"}'
FILES: dict[str, tuple[StoredFile, ...]] = {
    "https://m.example/a": (StoredFile(name="a", content="a: 1\n"), StoredFile(name="b", content=CONFIG))
}
INPUTS = DeploymentInputs(
    deploy_file="version: v1\n", objects={"qa": (CONFIG, SERVICE), "prod": (SERVICE, CONFIG)}, files=FILES
)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "borealis.db"


async def rows(database, sql):
    return await database.read(lambda connection: connection.execute(sql).fetchall())


async def test_what_several_targets_and_deployments_share_is_kept_once(file, records):
    async with open_database(file) as database:
        store = SqliteDeploymentStore(database)
        for name in ("one", "two"):
            deployment = replace(records.deployment(name), application=name, request_id=name)
            await store.insert(deployment, INPUTS, [records.event(1)])

        assert await rows(database, "SELECT COUNT(*) FROM contents") == [(4,)]
        for name in ("one", "two"):
            assert await store.inputs(DeploymentKey(tenant="main", id=name)) == INPUTS


async def test_a_changed_text_is_noticed(file, records):
    async with open_database(file) as database:
        store = SqliteDeploymentStore(database)
        await store.insert(records.deployment("one"), INPUTS, [records.event(1)])
        await database.write(lambda connection: connection.execute("UPDATE contents SET content = 'x'").rowcount)

        with pytest.raises(ValueError, match="lost or changed"):
            await store.inputs(DeploymentKey(tenant="main", id="one"))


async def test_inputs_of_an_older_program_are_still_read(file):
    record = msgspec.json.encode(INPUTS).decode()

    def write_as_before(connection):
        values = ("main", "old", "shop", 0, 1, "{}")
        connection.execute(
            "INSERT INTO deployments (tenant, id, application, started_us, is_final, record) VALUES (?, ?, ?, ?, ?, ?)",
            values,
        )
        connection.execute(
            "INSERT INTO deployment_inputs (tenant, deployment_id, record) VALUES ('main', 'old', ?)", (record,)
        )

    async with open_database(file, migrations=known_migrations()[:1]) as database:
        await database.write(write_as_before)

    async with open_database(file) as database:
        assert await SqliteDeploymentStore(database).inputs(DeploymentKey(tenant="main", id="old")) == INPUTS
