"""Rows RB-01 to RB-04 of the features, and the races that an abort has to win."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from borealis_server.adapters.clock import SystemClock
from borealis_server.adapters.randomness import SystemRandomness
from borealis_server.adapters.store.deployments import SqliteDeploymentStore
from borealis_server.adapters.store.sqlite import open_database
from borealis_server.domain import persons
from borealis_server.domain.deployment import DeploymentInputs, DeploymentKey, PersonsDecision
from borealis_server.domain.errors import AlreadyDecided, ClusterRefused, TargetNotFound, TooLate
from borealis_server.domain.states import DeploymentState, EndReason, Phase, Rollback, TargetState
from borealis_server.services.deployments import Deployments
from borealis_server.services.journal import Journal
from kit.delivery import Drive, ModelCluster, a_deployment, a_target, set_weight
from kit.delivery import approval as an_approval
from kit.model_engine import KnownAgents
from kit.pipeline import AT_ONCE, approval, pause, pipeline, start, target, with_plane
from kit.shop import manifests
from kit.web import KnownAddresses

HALF = "setWeight: {weight: 50}"
CAREFUL = (HALF, approval(), AT_ONCE)
RACES = 1000


async def begin(plane, *targets, steps=CAREFUL, version="2"):
    """Version 1 runs everywhere, and version 2 has begun."""
    targets = targets or (target("a"),)
    bare = [target(one.split(":")[0].strip()) for one in targets]
    done = await plane.until_end(await start(plane, pipeline(*bare)))
    assert done.state is DeploymentState.SUCCEEDED, done.message
    return await start(plane, pipeline(*targets, steps=steps), version)


@pytest.mark.looptime
class TestRows:
    @pytest.mark.parametrize(
        "moment",
        [
            pytest.param(lambda run: run.phase is Phase.BEFORE, id="before"),
            pytest.param(lambda run: run.phase is Phase.APPLYING, id="applying"),
            pytest.param(lambda run: run.phase is Phase.STEPPING and run.wait is not None, id="moving-pods"),
            pytest.param(
                lambda run: run.state is TargetState.AWAITING_APPROVAL and run.phase is not Phase.BEFORE, id="approval"
            ),
            pytest.param(lambda run: run.state is TargetState.PAUSED, id="pause"),
        ],
    )
    @with_plane
    async def test_rb_01_a_person_rolls_back_at_any_moment_before_the_end(self, engine, plane, moment):
        key = await begin(plane, target("a", before_start=[approval()]), steps=[HALF, pause(20), HALF, approval()])
        (old,) = [name for name, pods in engine.kube.pods().items() if pods]
        wishes: asyncio.Queue[Any] = asyncio.Queue(maxsize=100)  # Any: what to decide

        def watch(committed):
            run = committed.after.targets[0]
            if committed.after.key == key and moment(run):
                wishes.put_nowait(plane.deployments.roll_back)
            elif committed.after.key == key and run.wait and run.phase is Phase.BEFORE:
                wishes.put_nowait(plane.deployments.approve)

        plane.journal.on_commit(watch)
        decide = None
        while decide != plane.deployments.roll_back:
            decide = await wishes.get()
            kind = persons.ROLL_BACK if decide == plane.deployments.roll_back else persons.APPROVE
            await decide(key, plane.wish(kind))
        done = await plane.until_end(key)

        assert (done.state, done.targets[0].end_reason) == (DeploymentState.CANCELLED, EndReason.USER_ROLLED_BACK)
        assert engine.kube.pods() == {old: 4}

    @with_plane
    async def test_rb_01_once_the_new_version_serves_alone_it_says_what_to_do_instead(self, plane):
        key = await begin(plane, target("a", after=[approval()]), steps=[AT_ONCE])
        await plane.until(key, lambda now: now.state is DeploymentState.AWAITING_APPROVAL)

        with pytest.raises(TooLate, match="redeploy an earlier deployment"):
            await plane.deployments.roll_back(key, plane.wish(persons.ROLL_BACK))
        done = await plane.deployments.cancel(key, plane.wish(persons.CANCEL))

        assert (done.state, done.targets[0].rollback) == (DeploymentState.CANCELLED, Rollback.NONE)
        assert done.targets[0].message == "cancelled by ana; the new version serves and stays"

    @with_plane
    async def test_rb_02_the_old_pods_come_back_before_the_new_ones_go(self, engine, plane):
        key = await begin(plane)
        await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)
        new = (await plane.deployments.get(key)).targets[0].workloads[0].new_name
        old = next(name for name in engine.kube.pods() if name != new)
        engine.kube.writes.clear()

        await plane.deployments.roll_back(key, plane.wish(persons.ROLL_BACK))
        await plane.until_end(key)

        writes = [write for write in engine.kube.writes if "ReplicaSet" in write]
        assert writes[0].startswith(f"patch ReplicaSet {old}")
        assert writes.index(f"patch ReplicaSet {old} 4") < writes.index(f"patch ReplicaSet {new} 0")
        assert writes[-1] == f"delete ReplicaSet {new}"

    @with_plane
    async def test_rb_03_a_rollback_that_fails_says_what_to_do_and_ends(self, engine, plane):
        key = await begin(plane)
        await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)

        async def refuse(call):
            if call.verb == "patch":
                raise ClusterRefused(403, "Forbidden", "patching is forbidden")

        engine.kube.before = refuse
        await plane.deployments.roll_back(key, plane.wish(persons.ROLL_BACK))
        done = await plane.until_end(key, limit_s=300)

        assert (done.state, done.targets[0].rollback) == (DeploymentState.CANCELLED, Rollback.FAILED)
        assert "the rollback failed: could not scale" in done.targets[0].message
        assert "patching is forbidden" in done.targets[0].message

    @with_plane
    async def test_rb_04_all_workloads_of_a_target_go_back_together(self, engine, plane):
        both = manifests("1") + "---\n" + manifests("1", name="stock")
        await plane.until_end((await plane.start(pipeline(target("a")), shop_yaml=both)).key)
        old = engine.kube.pods()
        text = pipeline(target("a"), steps=[HALF, approval()])
        key = (await plane.start(text, shop_yaml=both.replace(":1", ":2"))).key
        await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)
        assert sorted(engine.kube.pods().values()) == [2, 2, 2, 2]

        await plane.deployments.roll_back(key, plane.wish(persons.ROLL_BACK))
        await plane.until_end(key)

        assert engine.kube.pods() == old


@pytest.mark.looptime
class TestOneTarget:
    @with_plane
    async def test_the_others_in_progress_go_back_with_it_and_what_succeeded_stays(self, plane):
        key = await begin(plane, target("a"), target("b"), target("c", depends_on=["a", "b"]))
        await plane.until(
            key, lambda now: all(now.target(name).state is TargetState.AWAITING_APPROVAL for name in "ab")
        )

        await plane.deployments.roll_back(key, plane.wish(persons.ROLL_BACK, target="a", comment="too slow"))
        done = await plane.until_end(key)

        assert {run.name: (run.end_reason, run.rollback) for run in done.targets} == {
            "a": (EndReason.USER_ROLLED_BACK, Rollback.DONE),
            "b": (EndReason.USER_CANCELLED, Rollback.DONE),
            "c": (EndReason.USER_CANCELLED, Rollback.NONE),
        }
        assert done.target("a").message == "rolled back by ana: too slow"
        assert done.target("b").message == "cancelled, since ana rolled a back: too slow"

    @with_plane
    async def test_a_target_that_has_succeeded_cannot_be_taken_back(self, plane):
        key = await begin(plane, target("a"), target("b", depends_on=["a"]), steps=[HALF, approval(), AT_ONCE])
        await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)
        await plane.deployments.approve(key, plane.wish(persons.APPROVE))
        await plane.until(key, lambda now: now.target("b").state is TargetState.AWAITING_APPROVAL)

        with pytest.raises(TooLate, match="the new version of a serves alone"):
            await plane.deployments.roll_back(key, plane.wish(persons.ROLL_BACK, target="a"))
        with pytest.raises(TargetNotFound):
            await plane.deployments.roll_back(key, plane.wish(persons.ROLL_BACK, target="z"))
        await plane.deployments.roll_back(key, plane.wish(persons.ROLL_BACK, target="b"))
        done = await plane.until_end(key)

        assert (done.target("a").state, done.target("b").rollback) == (TargetState.SUCCEEDED, Rollback.DONE)


async def test_an_abort_wins_a_thousand_races_against_an_approval(tmp_path):
    """Hard case 11: fired at the same time on a real store, in either order, an abort is always what counts."""
    waiting = Drive(
        recorded=a_deployment(a_target("prod", set_weight(50), an_approval(), set_weight(100))),
        cluster=ModelCluster.running(4),
    ).until_rest()
    inputs = DeploymentInputs(deploy_file="", objects={})
    chance = random.Random(7)  # noqa: S311 - a test

    async with open_database(tmp_path / "races.db") as database:
        store = SqliteDeploymentStore(database)
        deployments = Deployments(Journal(store), KnownAgents(), SystemClock(), SystemRandomness(), KnownAddresses())

        async def race(number):
            key = DeploymentKey(tenant="main", id=f"race{number}")
            record = replace(waiting.deployment, key=key, application=f"shop-{number}", sequence=0)
            await store.insert(record, inputs, [])
            kinds = [persons.APPROVE, chance.choice([persons.ROLL_BACK, persons.CANCEL])]
            chance.shuffle(kinds)
            refused = []

            async def say(kind):
                wish = PersonsDecision(kind=kind, by=kind, at=datetime.now(UTC), target="")
                decide = {
                    persons.APPROVE: deployments.approve,
                    persons.ROLL_BACK: deployments.roll_back,
                    persons.CANCEL: deployments.cancel,
                }
                try:
                    await decide[kind](key, wish)
                except AlreadyDecided:
                    refused.append(kind)

            async with asyncio.TaskGroup() as group:
                for kind in kinds:
                    group.create_task(say(kind))
            run = (await store.get(key)).target("prod")
            return run.state, refused

        outcomes = []
        for first in range(0, RACES, 100):
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(race(number)) for number in range(first, first + 100)]
            outcomes += [task.result() for task in tasks]

    assert len(outcomes) == RACES
    assert {state for state, _ in outcomes} == {TargetState.ROLLING_BACK}
    assert all(refused in ([], [persons.APPROVE]) for _, refused in outcomes)
    assert {len(refused) for _, refused in outcomes} == {0, 1}
