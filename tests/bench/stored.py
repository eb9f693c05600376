"""What the store costs: events a second from many writers, and a server with many finished deployments in it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psutil

from borealis_server.adapters.store.deployments import SqliteDeploymentStore
from borealis_server.adapters.store.sqlite import open_database
from borealis_server.domain.deployment import Deployment, DeploymentInputs, DeploymentKey
from borealis_server.domain.record import Note, Recorded
from borealis_server.domain.states import DeploymentState, EventKind
from borealis_server.ports.store import Change
from kit.delivery import START, a_deployment, a_target, set_weight
from kit.platform import Platform

if TYPE_CHECKING:
    from pathlib import Path

_INSERTS_AT_ONCE = 256
_WRITERS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Commits:
    """How fast events are made durable when deployments have so many targets."""

    targets: int
    per_s: float
    cpu_us: float
    """Processor time of one, in microseconds: tells more than the rate where others use the machine too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A server with so many finished deployments in its store, at rest."""

    deployments: int
    memory_mb: float
    cpu_percent: float
    """Of one core."""
    start_s: float


async def commits(folder: Path, *, targets: int, seconds: float) -> Commits:
    """Durable commits of one event each, from many writers at once, each to a deployment of its own."""
    folder.mkdir()
    count = 0
    async with open_database(folder / "events.db") as database:
        store = SqliteDeploymentStore(database)
        deployments = [_deployment(number, targets=targets) for number in range(_WRITERS)]
        for deployment in deployments:
            await store.insert(deployment, DeploymentInputs(deploy_file="", objects={}), ())
        began_at, cpu_s = time.perf_counter(), time.process_time()

        async def write(key: DeploymentKey) -> None:
            nonlocal count
            while time.perf_counter() < began_at + seconds:
                await store.update(key, _one_more_event)
                count += 1

        async with asyncio.TaskGroup() as group:
            for deployment in deployments:
                group.create_task(write(deployment.key))
        return Commits(
            targets=targets,
            per_s=count / (time.perf_counter() - began_at),
            cpu_us=(time.process_time() - cpu_s) / count * 1e6,
        )


def _one_more_event(newest: Deployment) -> Change:
    note = Note(kind=EventKind.PROGRESS, message="shop: 1 of 4 pods of the new version available")
    run = newest.targets[0]
    recorded = Recorded(deployment=newest).with_target(run, [note], START)
    return Change(deployment=recorded.deployment, events=recorded.events)


def _deployment(number: int, *, targets: int = 1) -> Deployment:
    runs = [a_target(f"target-{index}", set_weight(25), set_weight(50), set_weight(100)) for index in range(targets)]
    deployment = a_deployment(*runs).deployment
    key = DeploymentKey(tenant="main", id=f"d{number}")
    return replace(deployment, key=key, application=f"app-{number}", sequence=0)


async def fill(data_dir: Path, count: int) -> None:
    """Finished deployments, each with its events, into the store of a server that does not run."""
    async with open_database(data_dir / "borealis.db") as database:
        store = SqliteDeploymentStore(database)
        slots = asyncio.Semaphore(_INSERTS_AT_ONCE)

        async def insert(number: int) -> None:
            async with slots:
                recorded = Recorded(deployment=_deployment(number))
                for text in range(20):
                    recorded = recorded.with_event(Note(kind=EventKind.PROGRESS, message=f"event {text}"), START)
                done = replace(recorded.deployment, state=DeploymentState.SUCCEEDED, ended_at=START)
                inputs = DeploymentInputs(deploy_file="version: v1\n" * 20, objects={"target-0": ('{"a": "b"}',)})
                await store.insert(done, inputs, recorded.events)

        async with asyncio.TaskGroup() as group:
            for number in range(count):
                group.create_task(insert(number))


async def at_rest(folder: Path, count: int, *, seconds: float) -> Stored:
    """A server over so many finished deployments, after its start has settled."""
    with Platform(folder) as platform:
        pass
    await fill(folder / "server", count)
    began_at = time.perf_counter()
    with Platform(folder) as platform:
        start_s = time.perf_counter() - began_at
        assert platform.server is not None
        process = _server(platform.server.pid)
        await asyncio.sleep(2.0)
        before = process.cpu_times()
        await asyncio.sleep(seconds)
        after = process.cpu_times()
        used_s = after.user + after.system - before.user - before.system
        return Stored(
            deployments=count,
            memory_mb=memory_mb(platform.server.pid),
            cpu_percent=100 * used_s / seconds,
            start_s=start_s,
        )


def memory_mb(pid: int) -> float:
    """Resident memory of a program that was started, in MiB."""
    return float(_server(pid).memory_info().rss) / 2**20


def _server(pid: int) -> psutil.Process:
    """The process itself, below whatever started it."""
    process = psutil.Process(pid)
    children = process.children(recursive=True)
    return children[-1] if children else process
