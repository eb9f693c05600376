"""Records that earlier versions wrote are read as this one means them, and their deployments go on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from borealis_server.adapters.store.deployments import SqliteDeploymentStore
from borealis_server.adapters.store.sqlite import open_database
from borealis_server.domain.decide import NOTHING_SEEN, decide
from borealis_server.domain.decision import Become, Circumstances, Hold
from borealis_server.domain.deployment import DeploymentKey
from borealis_server.domain.states import StepPart, StepState, TargetState

RECORDS = json.loads((Path(__file__).parent / "records_of_version_0.json").read_text())
KEY = DeploymentKey(tenant="main", id="abc")


@pytest.fixture
async def store(tmp_path, records):
    """A store in which version 0 left a deployment in the middle of a timed pause."""
    async with open_database(tmp_path / "borealis.db") as database:
        opened = SqliteDeploymentStore(database)
        inserted = records.deployment("abc")
        await opened.insert(inserted, records.inputs(), [records.event(1)])

        def as_version_0(connection):
            connection.execute("UPDATE deployments SET record = ?", (json.dumps(RECORDS["deployment"]),))
            connection.execute("UPDATE deployment_events SET record = ?", (json.dumps(RECORDS["event"]),))

        await database.write(as_version_0)
        yield opened


async def test_its_steps_run_one_after_the_other(store):
    run = (await store.get(KEY)).target("prod")

    assert [(step.ref, step.part, step.stage) for step in run.steps] == [
        (f"step-{number}", StepPart.STRATEGY, number) for number in range(1, 5)
    ]
    assert [step.ref for step in run.current_steps] == ["step-2"]
    (event,) = await store.events(KEY, after_sequence=0, limit=10)
    assert event.target_run.current_steps == run.current_steps


async def test_its_pause_ends_when_it_was_to_end(store):
    run = (await store.get(KEY)).target("prod")
    pause = run.step("step-2")
    here = Circumstances(now=pause.started_at, readiness_timeout_s=600, objects=())

    held = decide(run, NOTHING_SEEN, here)
    over = decide(run, NOTHING_SEEN, replace(here, now=pause.limit_at))

    assert isinstance(held, Hold)
    assert held.wake_at == pause.limit_at
    assert (held.run.step("step-2").wait.what, held.run.step("step-2").wait.since) == (run.wait.what, run.wait.since)
    assert isinstance(over, Become)
    assert (over.run.state, over.run.step("step-2").state) == (TargetState.RUNNING, StepState.SUCCEEDED)
