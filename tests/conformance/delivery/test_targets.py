"""Rows PL-01 to PL-14 of the features: targets, what they wait for, and how they end."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from borealis_server.domain import persons
from borealis_server.domain.states import DeploymentState, EndReason, Rollback, StepState, TargetState
from kit.model_runs import settle_down
from kit.pipeline import approval, pause, pipeline, start, target, with_plane
from kit.shop import manifests

pytestmark = pytest.mark.looptime

BROKEN = "example.com/shop:bad"


def namespaces_of(engine):
    """Where something was written."""
    return {ref.namespace for ref in engine.kube.objects}


@with_plane
async def test_pl_01_targets_without_dependencies_run_at_the_same_time(plane):
    done = await plane.until_end(await start(plane, pipeline(target("a"), target("b"))))

    first, second = done.targets
    assert max(first.started_at, second.started_at) < min(first.ended_at, second.ended_at)


@with_plane
async def test_pl_02_a_dependant_waits_for_what_comes_after_the_deployment_too(plane):
    key = await start(plane, pipeline(target("a", after=[approval()]), target("b", depends_on=["a"])))
    waiting = await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)
    assert waiting.target("b").state is TargetState.NOT_STARTED

    await plane.deployments.approve(key, plane.wish(persons.APPROVE))
    done = await plane.until_end(key)

    assert done.state is DeploymentState.SUCCEEDED
    assert done.target("b").started_at == done.target("a").ended_at


@with_plane
async def test_pl_03_a_target_waits_for_all_that_it_depends_on(plane):
    text = pipeline(
        target("infosec"), target("staging", after=[pause(30)]), target("prod", depends_on=["infosec", "staging"])
    )
    done = await plane.until_end(await start(plane, text), limit_s=100)

    assert done.target("prod").started_at == max(done.target("infosec").ended_at, done.target("staging").ended_at)


@with_plane
async def test_pl_04_conditions_before_a_deployment_start_together(plane):
    key = await start(plane, pipeline(target("a", before_start=[pause(60), approval(), pause(5)])))
    waiting = await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)

    started = [step.started_at for step in waiting.target("a").current_steps]
    assert len(started) == 3
    assert max(started) - min(started) < timedelta(seconds=1)


@with_plane
async def test_pl_05_a_pause_before_a_deployment_counts_from_when_its_dependencies_are_met(plane):
    text = pipeline(target("a", after=[pause(30)]), target("b", depends_on=["a"], before_start=[pause(60)]))
    done = await plane.until_end(await start(plane, text), limit_s=200)

    wait = done.target("b").step("before-1")
    assert wait.started_at == done.target("a").ended_at
    assert wait.ended_at - wait.started_at == timedelta(seconds=60)


@with_plane
async def test_pl_06_a_failure_before_a_deployment_stops_the_target_and_its_dependants_and_touches_nothing(
    engine, plane
):
    text = pipeline(target("a", before_start=[approval(expires_s=30), pause(600)]), target("b", depends_on=["a"]))
    done = await plane.until_end(await start(plane, text), limit_s=100)

    assert done.state is DeploymentState.CANCELLED
    run = done.target("a")
    assert (run.end_reason, run.rollback) == (EndReason.APPROVAL_EXPIRED, Rollback.NONE)
    assert run.message == "never started: nobody approved within 30 s"
    assert done.target("b").end_reason is EndReason.UPSTREAM_FAILED
    assert engine.kube.objects == {}


@pytest.mark.parametrize("place", ["before", "after"])
@with_plane
async def test_pl_07_a_condition_that_fails_does_not_wait_for_an_approval_beside_it(plane, place):
    conditions = [approval(), approval(expires_s=30), pause(600)]
    where = {"before_start": conditions} if place == "before" else {"after": conditions}
    done = await plane.until_end(await start(plane, pipeline(target("a", **where))), limit_s=100)

    states = [step.state for step in done.target("a").steps if step.ref.startswith(place)]
    assert states == [StepState.CANCELLED] * 3
    assert done.target("a").end_reason is EndReason.APPROVAL_EXPIRED


@with_plane
async def test_pl_08_a_failure_after_a_deployment_rolls_nothing_back_and_stops_the_dependants(engine, plane):
    text = pipeline(target("a", after=[approval(expires_s=30)]), target("prod", depends_on=["a"]))
    done = await plane.until_end(await start(plane, text), limit_s=100)

    run = done.target("a")
    assert (run.state, run.rollback) == (TargetState.CANCELLED, Rollback.NONE)
    assert "the new version serves and stays" in run.message
    assert engine.kube.pods() == {run.workloads[0].new_name: 4}
    assert (done.target("prod").state, done.target("prod").started_at) == (TargetState.CANCELLED, None)
    assert "prod" not in namespaces_of(engine)


@with_plane
async def test_pl_10_an_independent_branch_goes_on(engine, plane):
    engine.kube.broken = {BROKEN}
    text = pipeline(target("a"), target("a2", depends_on=["a"]), target("b"), target("b2", depends_on=["b"]))
    only_a = text.replace(
        "manifests: [{path: shop.yaml}]",
        "manifests: [{path: bad.yaml, targets: [a]}, {path: shop.yaml, targets: [a2, b, b2]}]",
    )
    key = (await plane.start(only_a, bad_yaml=manifests("bad"), shop_yaml=manifests("1"))).key
    done = await plane.until_end(key, limit_s=200)

    assert {run.name: run.state for run in done.targets} == {
        "a": TargetState.FAILED,
        "a2": TargetState.CANCELLED,
        "b": TargetState.SUCCEEDED,
        "b2": TargetState.SUCCEEDED,
    }
    assert done.state is DeploymentState.FAILED


@with_plane
async def test_pl_11_the_deployment_shows_what_needs_somebody_most(plane):
    text = pipeline(
        target("a", before_start=[approval()]), target("b", before_start=[pause(50)]), target("c", depends_on=["b"])
    )
    key = await start(plane, text)
    assert (await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)).message.startswith("a waits for approval")

    await plane.deployments.approve(key, plane.wish(persons.APPROVE))
    await plane.until(key, lambda now: now.target("a").state.is_final)
    assert (await plane.deployments.get(key)).state is DeploymentState.PAUSED
    await asyncio.sleep(50.5)
    assert (await plane.deployments.get(key)).state is DeploymentState.RUNNING


def test_pl_12_only_these_states_are_final():
    assert {state for state in DeploymentState if state.is_final} >= {
        DeploymentState.SUCCEEDED,
        DeploymentState.FAILED,
        DeploymentState.CANCELLED,
    }
    assert {state for state in TargetState if state.is_final} == {
        TargetState.SUCCEEDED,
        TargetState.FAILED,
        TargetState.CANCELLED,
    }


@with_plane
async def test_pl_14_a_cancel_rolls_back_what_runs_and_keeps_the_rest_from_starting(engine, plane):
    await plane.until_end(await start(plane, pipeline(target("a"))))
    old = engine.kube.pods()
    text = pipeline(target("a"), target("b", depends_on=["a"]), steps=["setWeight: {weight: 50}", approval()])
    key = await start(plane, text, "2")
    await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)

    await plane.deployments.cancel(key, plane.wish(persons.CANCEL))
    done = await plane.until_end(key)
    await settle_down()

    assert done.state is DeploymentState.CANCELLED
    assert (done.target("a").rollback, done.target("a").end_reason) == (Rollback.DONE, EndReason.USER_CANCELLED)
    assert (done.target("b").state, done.target("b").started_at) == (TargetState.CANCELLED, None)
    assert engine.kube.pods() == old
