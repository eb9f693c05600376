"""Rows PL-09 and PL-13 of the features: every bad end has its reason, and what fails afterwards takes nothing back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from borealis_server.domain import persons
from borealis_server.domain.decision import Circumstances
from borealis_server.domain.effects import CreateReplicaSet
from borealis_server.domain.errors import ClusterRefused
from borealis_server.domain.states import DeploymentState, EndReason, Phase, Rollback, StepPart, StepState, TargetState
from borealis_server.domain.steps.executor import fail
from kit.delivery import NEW, START, Drive, ModelCluster, a_deployment, a_target
from kit.delivery import approval as an_approval
from kit.pipeline import AT_ONCE, approval, pipeline, start, target, with_plane
from kit.shop import deploy_file, manifests

HALF = "setWeight: {weight: 50}"
STEPS = (HALF, approval(expires_s=60), AT_ONCE)


@pytest.mark.parametrize("reason", list(EndReason))
def test_pl_09_no_condition_after_a_deployment_rolls_it_back_whatever_its_kind_and_reason(reason):
    """Analyses and webhooks end here as well: `fail` is the only way in which a condition can fail."""
    run = a_target("prod")
    after = replace(an_approval("after-1"), part=StepPart.AFTER, stage=1)
    drive = Drive(
        recorded=a_deployment(replace(run, steps=(*run.steps, after))), cluster=ModelCluster.running(4)
    ).until_rest()
    assert drive.run.phase is Phase.AFTER
    here = Circumstances(now=START, readiness_timeout_s=60, objects=())

    step = replace(drive.run.step("after-1"), state=StepState.RUNNING)
    ended = fail(drive.run.with_step(step), step, reason, "out of limits", here).run

    is_persons = reason.is_a_persons
    assert ended.state is (TargetState.CANCELLED if is_persons else TargetState.FAILED)
    assert ended.step("after-1").state is (StepState.CANCELLED if is_persons else StepState.FAILED)
    assert (ended.rollback, ended.phase, ended.end_reason) == (Rollback.NONE, Phase.ENDED, reason)
    assert ended.message == "out of limits; the new version serves and stays"
    assert list(drive.cluster.sets) == [NEW]


async def roll_back(plane, key):
    await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)
    await plane.deployments.roll_back(key, plane.wish(persons.ROLL_BACK))


async def cancel(plane, key):
    await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)
    await plane.deployments.cancel(key, plane.wish(persons.CANCEL))


async def nothing(plane, key):
    """It ends by itself."""


@pytest.mark.looptime
class TestReasons:
    """PL-13: a row of the table of failures each."""

    @pytest.mark.parametrize(
        ("act", "reason", "state", "rollback"),
        [
            pytest.param(nothing, EndReason.APPROVAL_EXPIRED, TargetState.CANCELLED, Rollback.DONE, id="expiry"),
            pytest.param(roll_back, EndReason.USER_ROLLED_BACK, TargetState.CANCELLED, Rollback.DONE, id="roll-back"),
            pytest.param(cancel, EndReason.USER_CANCELLED, TargetState.CANCELLED, Rollback.DONE, id="cancel"),
        ],
    )
    @with_plane
    async def test_pl_13_persons(self, plane, act, reason, state, rollback):
        await plane.until_end(await start(plane, pipeline(target("a"))))
        key = await start(plane, pipeline(target("a"), target("b", depends_on=["a"]), steps=STEPS), "2")

        await act(plane, key)
        done = await plane.until_end(key, limit_s=200)

        run, after = done.targets
        assert (run.end_reason, run.state, run.rollback) == (reason, state, rollback)
        assert done.state.value == state.value
        wanted = EndReason.UPSTREAM_FAILED if act is nothing else EndReason.USER_CANCELLED
        assert after.end_reason is (EndReason.USER_ROLLED_BACK if act is roll_back else wanted)

    @with_plane
    async def test_pl_13_pods_that_do_not_get_ready(self, engine, plane):
        engine.kube.broken = {"example.com/shop:1"}
        done = await plane.until_end(await start(plane, pipeline(target("a"))), limit_s=200)

        assert done.targets[0].end_reason is EndReason.READINESS_TIMEOUT

    @with_plane
    async def test_pl_13_a_change_that_the_cluster_refuses(self, engine, plane):
        async def refuse(call):
            if call.verb == "create":
                raise ClusterRefused(403, "Forbidden", "creating is forbidden")

        engine.kube.before = refuse
        done = await plane.until_end(await start(plane, pipeline(target("a"))))

        assert done.targets[0].end_reason is EndReason.APPLY_ERROR

    @with_plane
    async def test_pl_13_an_agent_that_is_away_when_its_target_starts_is_told_after_two_minutes(
        self, engine, plane, looptime
    ):
        engine.relay.leave()
        text = pipeline(target("a")).replace("duration: 60, unit: seconds", "duration: 30, unit: minutes")
        done = await plane.until_end(await start(plane, text), limit_s=3000)

        assert (done.targets[0].end_reason, done.targets[0].rollback) == (EndReason.AGENT_LOST, Rollback.NONE)
        assert looptime == pytest.approx(120, abs=6)
        assert engine.kube.objects == {}

    @with_plane
    async def test_pl_13_an_object_of_another_application(self, engine, plane):
        """PL-18"""
        await plane.until_end((await plane.start(deploy_file("ns"), shop_yaml=manifests("1"))).key)
        before = engine.kube.pods()
        other = deploy_file("ns", application="intruder")

        done = await plane.until_end((await plane.start(other, shop_yaml=manifests("2"))).key)

        assert done.targets[0].end_reason is EndReason.OBJECT_OWNED_BY
        assert "belongs to application shop" in done.targets[0].message
        assert engine.kube.pods() == before


def test_pl_13_a_refusal_names_the_effect():
    drive = Drive(recorded=a_deployment(a_target("prod")), cluster=ModelCluster.running(4))
    drive.cluster.refuses = CreateReplicaSet

    drive.until_rest()

    assert drive.run.message == f"could not create ReplicaSet {NEW}: the cluster said no"
