"""Rows PL-15, PL-16, PL-17 and DF-41 of the features: one deployment of an application at a time, and its queue."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from borealis_deployfile.manifests import FileContent
from borealis_server.domain import persons
from borealis_server.domain.errors import DeploymentInProgress, NotAwaitingApproval
from borealis_server.domain.start import StartRequest
from borealis_server.domain.states import DeploymentState, EndReason, EventKind, TargetState
from kit.model_runs import events_of, settle_down
from kit.pipeline import approval, pause, pipeline, start, target, with_plane
from kit.shop import manifests

pytestmark = pytest.mark.looptime

ENQUEUES = ", ifDeploymentInProgress: {strategy: enqueueOne}"
WAITS = pipeline(target("a", before_start=[approval()]), config=ENQUEUES)
QUICK = pipeline(target("a"), config=ENQUEUES)


def wrote(engine):
    return list(engine.kube.writes)


@with_plane
async def test_df_41_a_second_start_is_refused_and_names_the_first(plane):
    key = await start(plane, pipeline(target("a", before_start=[approval()])))

    with pytest.raises(DeploymentInProgress) as refused:
        await start(plane, pipeline(target("a")))

    assert refused.value.metadata["deployment"].endswith(key.id)


@with_plane
async def test_pl_15_a_second_start_waits_by_name_and_starts_when_the_first_has_ended(engine, plane):
    first = await start(plane, WAITS)
    second = await start(plane, QUICK, "2")
    queued = await plane.deployments.get(second)
    assert (queued.state, queued.blocked_by) == (DeploymentState.QUEUED, first.id)
    assert queued.message == f"waits for deployment {first.id} of shop to end"
    assert queued.targets[0].wait.what == f"deployment {first.id} of shop to end"
    await settle_down()
    assert wrote(engine) == []

    await plane.until_state(first, DeploymentState.AWAITING_APPROVAL)
    await plane.deployments.approve(first, plane.wish(persons.APPROVE))
    one, other = await plane.until_end(first), await plane.until_end(second)

    assert (one.state, other.state) == (DeploymentState.SUCCEEDED, DeploymentState.SUCCEEDED)
    assert other.targets[0].started_at >= one.ended_at
    kinds = [event.kind for event in await events_of(engine, second)]
    assert kinds[:2] == [EventKind.DEPLOYMENT_QUEUED, EventKind.DEPLOYMENT_STARTED]
    assert engine.kube.pods() == {other.targets[0].workloads[0].new_name: 4}


@pytest.mark.parametrize("end", [persons.CANCEL, "expiry"])
@with_plane
async def test_pl_15_however_the_first_one_ends(plane, end):
    first = await start(plane, pipeline(target("a", before_start=[approval(expires_s=30)])))
    second = await start(plane, QUICK, "2")
    if end == persons.CANCEL:
        await plane.deployments.cancel(first, plane.wish(persons.CANCEL))

    assert (await plane.until_end(second, limit_s=100)).state is DeploymentState.SUCCEEDED
    assert (await plane.deployments.get(first)).state is DeploymentState.CANCELLED


@with_plane
async def test_pl_15_where_nothing_is_in_progress_nothing_is_queued(plane):
    key = await start(plane, QUICK)

    assert (await plane.deployments.get(key)).blocked_by == ""
    assert (await plane.until_end(key)).state is DeploymentState.SUCCEEDED


@with_plane
async def test_pl_15_a_start_that_does_not_queue_is_refused_beside_a_queue_too(plane):
    first = await start(plane, WAITS)
    await start(plane, QUICK)

    with pytest.raises(DeploymentInProgress) as refused:
        await start(plane, pipeline(target("a")))

    assert refused.value.metadata["deployment"].endswith(first.id)


@with_plane
async def test_pl_15_a_queued_deployment_is_checked_again_when_its_turn_comes(engine, plane):
    first = await start(plane, WAITS)
    second = await start(plane, QUICK)
    engine.agents.names = ("another",)

    await plane.deployments.cancel(first, plane.wish(persons.CANCEL))
    done = await plane.until_end(second)

    assert done.state is DeploymentState.REJECTED
    assert done.message == "never started: when its turn came there was no agent cluster-1 any more"
    assert (done.targets[0].state, done.targets[0].end_reason) == (TargetState.CANCELLED, EndReason.REJECTED)
    engine.agents.names = ("cluster-1",)
    assert (await plane.until_end(await start(plane, QUICK))).state is DeploymentState.SUCCEEDED


@with_plane
async def test_pl_16_a_newer_one_takes_the_place_of_the_older_in_the_queue(engine, plane):
    first = await start(plane, WAITS)
    second, third = await start(plane, QUICK, "2"), await start(plane, QUICK, "3")

    replaced = await plane.until_end(second)
    assert (replaced.state, replaced.replaced_by) == (DeploymentState.REPLACED, third.id)
    assert third.id in replaced.message
    assert replaced.targets[0].end_reason is EndReason.REPLACED
    assert (await plane.deployments.get(third)).blocked_by == first.id
    assert wrote(engine) == []

    await plane.until_state(first, DeploymentState.AWAITING_APPROVAL)
    await plane.deployments.approve(first, plane.wish(persons.APPROVE))
    assert (await plane.until_end(third)).state is DeploymentState.SUCCEEDED
    assert (await plane.deployments.get(second)) == replaced


@pytest.mark.parametrize("kind", [persons.CANCEL, persons.ROLL_BACK])
@with_plane
async def test_pl_16_cancelling_a_queued_one_touches_nothing(engine, plane, kind):
    first = await start(plane, WAITS)
    second = await start(plane, QUICK)
    decide = plane.deployments.cancel if kind == persons.CANCEL else plane.deployments.roll_back

    done = await decide(second, plane.wish(kind))

    assert done.state is DeploymentState.CANCELLED
    assert wrote(engine) == []
    await plane.deployments.cancel(first, plane.wish(persons.CANCEL))
    await settle_down()
    assert (await plane.deployments.get(second)) == done


@with_plane
async def test_pl_16_nothing_can_be_approved_of_a_queued_one(plane):
    await start(plane, WAITS)
    second = await start(plane, WAITS)

    with pytest.raises(NotAwaitingApproval):
        await plane.deployments.approve(second, plane.wish(persons.APPROVE))


@with_plane
async def test_pl_16_of_many_starts_at_once_one_runs_one_waits_and_the_others_are_replaced(plane):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(start(plane, WAITS, str(number))) for number in range(20)]

    states = [(await plane.deployments.get(task.result())).state for task in tasks]
    waiting = [DeploymentState.RUNNING, DeploymentState.AWAITING_APPROVAL]
    assert (states.count(DeploymentState.QUEUED), states.count(DeploymentState.REPLACED)) == (1, 18)
    assert sum(state in waiting for state in states) == 1


async def test_pl_17_a_queue_survives_a_restart(engine):
    with capture_logs():
        async with engine.running() as plane:
            first = await start(plane, WAITS)
            second = await start(plane, QUICK, "2")
        # The first one ends while nobody looks after the queue.
        await plane.deployments.cancel(first, plane.wish(persons.CANCEL))
        assert (await plane.deployments.get(second)).state is DeploymentState.QUEUED

        async with engine.running() as plane:
            done = await plane.until_end(second)

    assert done.state is DeploymentState.SUCCEEDED


async def test_pl_17_a_server_that_stops_in_a_pause_goes_on_where_it_was(engine, looptime):
    with capture_logs():
        async with engine.running() as plane:
            key = await start(plane, pipeline(target("a", before_start=[pause(60)])))
            await plane.until_state(key, DeploymentState.PAUSED)
            await asyncio.sleep(20)
        await asyncio.sleep(30)
        async with engine.running() as plane:
            await plane.until(key, lambda now: now.targets[0].step("before-1").state.is_final)
            assert looptime == pytest.approx(60, abs=0.1)
            assert (await plane.until_end(key)).state is DeploymentState.SUCCEEDED


async def test_a_queue_whose_store_is_away_looks_again(engine):
    with capture_logs() as logs:
        async with engine.running() as plane:
            first = await start(plane, WAITS)
            second = await start(plane, QUICK)
            names, engine.agents.agent_names = engine.agents.agent_names, None
            await plane.deployments.cancel(first, plane.wish(persons.CANCEL))
            await settle_down()
            assert (await plane.deployments.get(second)).state is DeploymentState.QUEUED
            engine.agents.agent_names = names

            done = await plane.until_end(second)

    assert done.state is DeploymentState.SUCCEEDED
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["queue.advance_failed"]


@with_plane
async def test_a_repeated_start_of_a_queued_one_is_the_same_one(plane):
    await start(plane, WAITS)
    again = [await start_with_id(plane, "r1", QUICK) for _ in range(2)]

    assert again[0] == again[1]
    assert again[0].state is DeploymentState.QUEUED


async def start_with_id(plane, request_id, deploy_file):
    request = StartRequest(
        tenant="main",
        actor="ana",
        deploy_file=deploy_file.encode(),
        files={"shop.yaml": (FileContent(name="shop.yaml", content=manifests("1").encode()),)},
    )
    deployment, _ = await plane.deployments.start(replace(request, request_id=request_id))
    return deployment
