"""A program that commits for ever and says what was acknowledged: run by the crash test, which kills it."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from borealis_server.adapters.store.deployments import SqliteDeploymentStore
from borealis_server.adapters.store.sqlite import open_database
from borealis_server.domain.deployment import Deployment, DeploymentInputs, DeploymentKey, Event
from borealis_server.domain.states import DeploymentState, EventKind
from borealis_server.ports.store import Change

WRITERS = 8


def an_event(sequence: int) -> Event:
    return Event(
        sequence=sequence,
        at=datetime.now(UTC),
        kind=EventKind.PROGRESS,
        message="x" * 300,
        actor="borealis",
        deployment_state=DeploymentState.RUNNING,
    )


def next_event(deployment: Deployment) -> Change:
    sequence = deployment.sequence + 1
    return Change(deployment=replace(deployment, sequence=sequence), events=(an_event(sequence),))


async def write(store: SqliteDeploymentStore, name: str) -> None:
    key = DeploymentKey(tenant="main", id=name)
    new = Deployment(
        key=key,
        application=name,
        targets=(),
        started_by="x",
        started_at=datetime.now(UTC),
        readiness_timeout_s=60,
        sequence=1,
    )
    await store.insert(new, DeploymentInputs(deploy_file="", objects={}), [an_event(1)])
    while True:
        committed = await store.update(key, next_event)
        sys.stdout.write(f"{name} {committed.after.sequence}\n")
        sys.stdout.flush()


async def main(file: Path) -> None:
    async with open_database(file) as database, asyncio.TaskGroup() as group:
        store = SqliteDeploymentStore(database)
        for number in range(WRITERS):
            group.create_task(write(store, f"writer{number}"))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
