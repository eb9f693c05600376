"""Rows ST-01 to ST-05 and CN-01 to CN-06 of the features: pauses, approvals, and the canary by pods."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest

from borealis_server.domain import persons
from borealis_server.domain.errors import AlreadyDecided, BorealisError, NotPaused, RoleRequired
from borealis_server.domain.states import DeploymentState, EndReason, EventKind, Rollback, StepState, TargetState
from kit.model_runs import events_of
from kit.pipeline import AT_ONCE, approval, pause, pipeline, start, target, with_plane

pytestmark = pytest.mark.looptime

QUARTER = "setWeight: {weight: 25}"


async def begin(plane, *steps, version="2", **options):
    """Version 1 runs, and version 2 begins with `steps`."""
    await plane.until_end(await start(plane, pipeline(target("a"))))
    return await start(plane, pipeline(target("a", **options), steps=steps or [AT_ONCE]), version)


class TestPauses:
    @with_plane
    async def test_st_01_a_timed_pause_shows_its_end_and_takes_its_time(self, plane, looptime):
        key = await begin(plane, QUARTER, pause(300))
        paused = await plane.until_state(key, DeploymentState.PAUSED)
        step = paused.target("a").step("step-2")
        before = looptime + 0

        await plane.until(key, lambda now: now.target("a").step("step-2").state.is_final, limit_s=400)

        assert (step.limit_at - step.started_at).total_seconds() == 300
        assert looptime - before == pytest.approx(300, abs=0.01)

    @with_plane
    async def test_st_01_a_skip_goes_on_at_once_and_is_kept_with_who_and_why(self, engine, plane, looptime):
        key = await begin(plane, QUARTER, pause(3000))
        await plane.until_state(key, DeploymentState.PAUSED)
        before = looptime + 0

        await plane.deployments.skip(key, plane.wish(persons.SKIP, comment="looks good"))
        done = await plane.until_end(key)

        assert done.state is DeploymentState.SUCCEEDED
        assert looptime - before < 60
        step = done.target("a").step("step-2")
        assert (step.state, step.skip.by, step.skip.comment) == (StepState.SUCCEEDED, "ana", "looks good")
        told = [event for event in await events_of(engine, key) if event.kind is EventKind.DECISION]
        assert [(event.actor, event.step, event.message) for event in told] == [
            ("ana", "step-2", "ana skipped the pause: looks good")
        ]

    @with_plane
    async def test_st_01_only_a_pause_that_is_under_way_can_be_skipped(self, plane):
        key = await begin(plane, QUARTER, approval(), pause(30))
        await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)

        with pytest.raises(NotPaused):
            await plane.deployments.skip(key, plane.wish(persons.SKIP))
        await plane.deployments.approve(key, plane.wish(persons.APPROVE))
        await plane.until_state(key, DeploymentState.PAUSED)
        wish = plane.wish(persons.SKIP, request_id="r", target="a")
        once = await plane.deployments.skip(key, wish)
        assert await plane.deployments.skip(key, wish) == once
        with pytest.raises(AlreadyDecided, match="ana"):
            await plane.deployments.skip(key, plane.wish(persons.SKIP, target="a", step="step-3"))

    @with_plane
    async def test_st_01_several_pauses_are_skipped_by_name_or_together(self, plane):
        key = await begin(plane, before_start=[pause(100), pause(200), pause(300)])
        await plane.until_state(key, DeploymentState.PAUSED)

        after = await plane.deployments.skip(key, plane.wish(persons.SKIP, target="a", step="before-2"))
        assert [step.ref for step in after.target("a").current_steps] == ["before-1", "before-3"]
        await plane.deployments.skip(key, plane.wish(persons.SKIP))

        assert (await plane.until_end(key)).state is DeploymentState.SUCCEEDED


class TestApprovals:
    @with_plane
    async def test_st_02_who_approved_when_and_why_is_kept(self, plane):
        key = await begin(plane, approval())
        await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)
        wish = plane.wish(persons.APPROVE, comment="go")

        after = await plane.deployments.approve(key, wish)

        given = after.target("a").step("step-1").approval
        assert (given.by, given.at, given.comment) == ("ana", wish.at, "go")

    @pytest.mark.parametrize("part", ["strategy", "before", "after"])
    @with_plane
    async def test_st_03_an_approval_expires(self, engine, plane, part):
        where = {"before": {"before_start": [approval(expires_s=30)]}, "after": {"after": [approval(expires_s=30)]}}
        steps = [QUARTER, approval(expires_s=30)] if part == "strategy" else []
        key = await begin(plane, *steps, **where.get(part, {}))
        (old,) = engine.kube.pods()

        done = await plane.until_end(key, limit_s=200)

        assert (done.state, done.target("a").end_reason) == (DeploymentState.CANCELLED, EndReason.APPROVAL_EXPIRED)
        assert done.target("a").rollback is (Rollback.DONE if part == "strategy" else Rollback.NONE)
        assert (list(engine.kube.pods()) == [old]) == (part != "after")

    @pytest.mark.parametrize(
        ("roles", "is_allowed"),
        [
            (("Deployments Full Access",), False),
            ((), False),
            (("Deployments Read Only", "release manager"), True),
            (None, True),
        ],
    )
    @with_plane
    async def test_st_04_an_approval_takes_one_of_its_roles_or_an_administrator(self, plane, roles, is_allowed):
        key = await begin(plane, approval(roles=["Release Manager", "Owner"]))
        waiting = await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)
        assert "Release Manager or Owner" in waiting.target("a").wait.ended_by
        wish = replace(plane.wish(persons.APPROVE), roles=roles or (), is_administrator=roles is None)

        if is_allowed:
            assert (await plane.deployments.approve(key, wish)).target("a").step("step-1").approval
            return
        with pytest.raises(RoleRequired, match="`Owner` or `Release Manager`") as refused:
            await plane.deployments.approve(key, wish)
        assert refused.value.metadata == {"roles": "Owner, Release Manager", "place": "a/step-1"}

    @with_plane
    async def test_st_04_an_approval_of_everything_gives_what_the_person_may_give(self, plane):
        key = await begin(plane, before_start=[approval(roles=["Owner"]), approval()])
        await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)

        after = await plane.deployments.approve(key, plane.wish(persons.APPROVE))

        assert [step.ref for step in after.target("a").current_steps] == ["before-1"]

    @with_plane
    async def test_st_05_of_many_decisions_at_the_same_time_exactly_one_is_taken(self, plane):
        key = await begin(plane, approval(), AT_ONCE)
        await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)

        async def say(name):
            wish = replace(plane.wish(persons.APPROVE, target="a", step="step-1"), by=name)
            try:
                await plane.deployments.approve(key, wish)
            except AlreadyDecided as error:
                return error.metadata["decided_by"]
            return name

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(say(f"person-{number}")) for number in range(50)]

        winner = (await plane.deployments.get(key)).target("a").step("step-1").approval.by
        assert {task.result() for task in tasks} == {winner}

    @with_plane
    async def test_st_05_a_rollback_beside_an_approval_wins_whoever_is_first(self, plane):
        key = await begin(plane, QUARTER, approval())
        await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)

        async def say(decide, kind):
            try:
                await decide(key, plane.wish(kind))
            except BorealisError as error:
                assert error.reason == "ALREADY_DECIDED"  # noqa: PT017 - the only refusal there may be

        async with asyncio.TaskGroup() as group:
            group.create_task(say(plane.deployments.approve, persons.APPROVE))
            group.create_task(say(plane.deployments.roll_back, persons.ROLL_BACK))
        done = await plane.until_end(key)

        assert (done.state, done.target("a").rollback) == (DeploymentState.CANCELLED, Rollback.DONE)


class TestCanary:
    @with_plane
    async def test_cn_01_a_step_never_starts_before_the_one_before_has_ended(self, plane):
        key = await begin(plane, QUARTER, pause(10), "setWeight: {weight: 50}", pause(10))
        done = await plane.until_end(key, limit_s=200)

        steps = done.target("a").steps
        assert all(one.ended_at <= other.started_at for one, other in pairwise(steps))

    @with_plane
    async def test_cn_02_steps_that_end_early_are_followed_by_100_percent(self, engine, plane):
        done = await plane.until_end(await begin(plane, "setWeight: {weight: 50}"))

        assert done.target("a").steps[-1].weight_percent == 100
        assert engine.kube.pods() == {done.target("a").workloads[0].new_name: 4}

    @with_plane
    async def test_cn_03_before_the_first_weight_no_pod_of_the_new_version_exists(self, engine, plane):
        key = await begin(plane, pause(100), QUARTER)
        paused = await plane.until_state(key, DeploymentState.PAUSED)
        await asyncio.sleep(50)

        assert engine.kube.pods()[paused.target("a").workloads[0].new_name] == 0

    @with_plane
    async def test_cn_04_a_quarter_of_four_pods_is_one(self, engine, plane):
        key = await begin(plane, QUARTER, approval())
        await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)

        assert sorted(engine.kube.pods().values()) == [1, 3]

    @with_plane
    async def test_cn_05_there_are_never_fewer_ready_pods_than_before(self, engine, plane):
        counts = []
        advance = engine.kube.advance

        def counted():
            advance()
            counts.append(sum(engine.kube.pods().values()))

        key = await begin(plane, QUARTER, "setWeight: {weight: 60}", AT_ONCE)
        engine.kube.advance = counted
        await plane.until_end(key)

        assert min(counts) >= 4

    @with_plane
    async def test_cn_06_the_share_of_the_traffic_is_that_of_the_ready_pods(self, plane):
        key = await begin(plane, QUARTER, approval())
        waiting = await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)

        (load,) = waiting.target("a").workloads
        assert (load.new_available, load.old_available, load.asked_weight_percent) == (1, 3, 25)


@with_plane
async def test_a_first_deployment_only_runs_its_constraints(plane):
    text = pipeline(target("a", before_start=[pause(5)], after=[pause(7)]), steps=[QUARTER, approval(), AT_ONCE])
    done = await plane.until_end(await start(plane, text))

    assert done.target("a").state is TargetState.SUCCEEDED
    assert [step.state for step in done.target("a").steps] == [
        StepState.SUCCEEDED,
        StepState.SKIPPED,
        StepState.SKIPPED,
        StepState.SUCCEEDED,
        StepState.SUCCEEDED,
    ]
