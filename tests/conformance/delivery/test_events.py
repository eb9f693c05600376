"""Events tell everything: from them alone the whole history can be drawn again, and a watch resumes at any of them."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from borealis_server.domain import persons
from borealis_server.domain.states import DeploymentState, EventKind
from kit.model_runs import events_of
from kit.pipeline import AT_ONCE, approval, pause, pipeline, start, target

pytestmark = pytest.mark.looptime

HALF = "setWeight: {weight: 50}"
RICH = pipeline(
    target("a", before_start=[pause(5), approval(expires_s=90)], after=[pause(5)]),
    target("b", depends_on=["a"]),
    target("c"),
    steps=[HALF, pause(10), approval(expires_s=60), AT_ONCE],
)


async def approve_everything(plane, key):
    while not (now := await plane.deployments.get(key)).state.is_final:
        if now.state is DeploymentState.AWAITING_APPROVAL:
            await plane.deployments.approve(key, plane.wish(persons.APPROVE))
        await asyncio.sleep(1)


async def expire(plane, key):
    await plane.until_end(key, limit_s=1000)


async def skip_then_roll_back(plane, key):
    await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)
    await plane.deployments.approve(key, plane.wish(persons.APPROVE))
    await plane.until(
        key, lambda now: any(step.skip is None and step.limit_at for step in now.target("a").current_steps)
    )
    await plane.deployments.skip(key, plane.wish(persons.SKIP))
    await plane.deployments.roll_back(key, plane.wish(persons.ROLL_BACK, target="a"))
    await plane.until_end(key)


async def cancel_at_once(plane, key):
    await plane.deployments.cancel(key, plane.wish(persons.CANCEL))
    await plane.until_end(key)


def shown(runs):
    """State of every target and step."""
    return {
        run.name: (run.state, run.rollback, run.end_reason, tuple((step.ref, step.state) for step in run.steps))
        for run in runs
    }


def drawn(first, events):
    """What events show, from the targets as they were accepted: by sequence number."""
    runs, found = {run.name: run for run in first.targets}, {}
    for event in events:
        if event.target_run:
            runs[event.target] = event.target_run
        found[event.sequence] = (event.deployment_state, event.deployment_message, shown(runs.values()))
    return found


@pytest.mark.parametrize("story", [approve_everything, expire, skip_then_roll_back, cancel_at_once])
@pytest.mark.parametrize("has_old", [True, False], ids=["second", "first"])
async def test_the_whole_history_is_in_the_events(engine, story, has_old):
    commits = []
    with capture_logs():
        async with engine.running() as plane:
            if has_old:
                await plane.until_end(await start(plane, pipeline(target("a"), target("b"), target("c"))))
            plane.journal.on_commit(lambda committed: commits.append(committed.after))
            key = await start(plane, RICH, "2")
            await story(plane, key)
            events = await events_of(engine, key)

            numbers = range(1, len(events) + 1)
            resumed = [[event async for event in plane.deployments.watch(key, after)] for after in numbers]

    history = drawn(commits[0], events)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    for commit in commits:
        state, message, targets = history[commit.sequence]
        assert targets == shown(commit.targets), f"at {commit.sequence}"
        assert state is commit.state
        if commit.state.is_final:
            assert message == commit.message
    assert events[-1].kind is EventKind.DEPLOYMENT_ENDED
    assert [event.kind for event in events].count(EventKind.DEPLOYMENT_ENDED) == 1
    assert resumed == [list(events[after:]) for after in numbers]


async def test_a_queued_deployment_tells_its_history_too(engine):
    queues = ", ifDeploymentInProgress: {strategy: enqueueOne}"
    with capture_logs():
        async with engine.running() as plane:
            await start(plane, pipeline(target("a", before_start=[approval()]), config=queues))
            commits = []
            plane.journal.on_commit(lambda committed: commits.append(committed.after))
            second = await start(plane, pipeline(target("a"), config=queues))
            await start(plane, pipeline(target("a"), config=queues))
            events = await events_of(engine, second)

    mine = [commit for commit in commits if commit.key == second]
    history = drawn(mine[0], events)
    assert [history[commit.sequence][0] for commit in mine] == [DeploymentState.QUEUED, DeploymentState.REPLACED]
    assert history[mine[-1].sequence] == (DeploymentState.REPLACED, mine[-1].message, shown(mine[-1].targets))
