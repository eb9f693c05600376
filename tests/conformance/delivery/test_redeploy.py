"""Rows PL-19 to PL-21, DF-37 and DF-38 of the features: a stored deployment is brought out once more."""

from __future__ import annotations

import pytest

from borealis_server.domain import persons
from borealis_server.domain.errors import (
    DeployFileInvalid,
    DeploymentInProgress,
    DeploymentNotFound,
    InvalidArgument,
    RequestIdReused,
)
from borealis_server.domain.redeploy import RedeployRequest
from borealis_server.domain.states import DeploymentState, TargetState
from kit.pipeline import AT_ONCE, approval, pause, pipeline, start, target, with_plane

pytestmark = pytest.mark.looptime

HALF = "setWeight: {weight: 50}"
ENQUEUES = ", ifDeploymentInProgress: {strategy: enqueueOne}"


def again(key, **fields):
    return RedeployRequest(tenant="main", actor="bob", source=key.id, **fields)


def images(engine):
    """Images that run, by namespace."""
    return {
        ref.namespace: each["spec"]["template"]["spec"]["containers"][0]["image"]
        for ref, each in engine.kube.objects.items()
        if ref.kind == "ReplicaSet" and each["spec"]["replicas"]
    }


@with_plane
async def test_pl_19_the_stored_manifests_are_live_again_in_a_version_of_their_own(engine, plane):
    first = await plane.until_end(await start(plane, pipeline(target("a"))))
    await plane.until_end(await start(plane, pipeline(target("a")), "2"))
    assert images(engine) == {"a": "example.com/shop:2"}

    deployment, _ = await plane.deployments.redeploy(again(first.key))
    done = await plane.until_end(deployment.key)

    assert (done.state, done.redeploy_of) == (DeploymentState.SUCCEEDED, first.key.id)
    assert (done.started_by, done.application) == ("bob", "shop")
    assert images(engine) == {"a": "example.com/shop:1"}
    assert done.targets[0].workloads[0].new_name != first.targets[0].workloads[0].new_name
    stored, before = await engine.store.inputs(done.key), await engine.store.inputs(first.key)
    assert (stored.deploy_file, stored.objects, stored.files) == (before.deploy_file, before.objects, before.files)
    (told, *_) = await engine.store.events(done.key, after_sequence=0, limit=1)
    assert told.message == f"started by bob, as deployment {first.key.id} was"


@pytest.mark.parametrize("end", [DeploymentState.FAILED, DeploymentState.CANCELLED, DeploymentState.REPLACED])
@with_plane
async def test_pl_19_whatever_became_of_it(engine, plane, end):
    await plane.until_end(await start(plane, pipeline(target("a"))))
    engine.kube.broken = {"example.com/shop:2"}
    waits = pipeline(target("a"), steps=[HALF, approval(), AT_ONCE], config=ENQUEUES)
    key = await start(plane, pipeline(target("a")) if end is DeploymentState.FAILED else waits, "2")
    if end is DeploymentState.REPLACED:
        blocker, key = key, await start(plane, waits, "2")
        last = await start(plane, waits, "3")
        for other in (last, blocker):
            await plane.deployments.cancel(other, plane.wish(persons.CANCEL))
            await plane.until_end(other)
    elif end is DeploymentState.CANCELLED:
        await plane.deployments.cancel(key, plane.wish(persons.CANCEL))
    assert (await plane.until_end(key, limit_s=200)).state is end
    engine.kube.broken = set()

    deployment, _ = await plane.deployments.redeploy(again(key))
    if end is not DeploymentState.FAILED:
        await plane.until_state(deployment.key, DeploymentState.AWAITING_APPROVAL)
        await plane.deployments.approve(deployment.key, plane.wish(persons.APPROVE))

    assert (await plane.until_end(deployment.key)).state is DeploymentState.SUCCEEDED
    assert images(engine) == {"a": "example.com/shop:2"}


@with_plane
async def test_pl_19_its_constraints_and_its_strategy_run_as_usual(plane):
    text = pipeline(target("a", before_start=[pause(5)], after=[pause(5)]), steps=[HALF, pause(5), AT_ONCE])
    first = await start(plane, text)
    await plane.until_end(first)

    deployment, _ = await plane.deployments.redeploy(again(first))
    done = await plane.until_end(deployment.key)

    assert [step.ref for step in done.targets[0].steps] == ["before-1", "step-1", "step-2", "step-3", "after-1"]
    assert {step.state.value for step in done.targets[0].steps} == {"SUCCEEDED"}


@with_plane
async def test_pl_20_only_the_picked_targets_change_and_edges_are_drawn_through_the_others(engine, plane):
    text = pipeline(target("a"), target("b", depends_on=["a"]), target("c", depends_on=["b"]))
    first = await start(plane, text)
    await plane.until_end(first)
    await plane.until_end(await start(plane, text, "2"))

    deployment, _ = await plane.deployments.redeploy(again(first, targets=("a", "c")))
    done = await plane.until_end(deployment.key)

    assert [(run.name, run.depends_on) for run in done.targets] == [("a", ()), ("c", ("a",))]
    assert images(engine) == {"a": "example.com/shop:1", "b": "example.com/shop:2", "c": "example.com/shop:1"}
    assert set((await engine.store.inputs(done.key)).objects) == {"a", "c"}


@with_plane
async def test_pl_20_a_redeploy_of_a_part_has_only_that_part(plane):
    first = await start(plane, pipeline(target("a"), target("b")))
    await plane.until_end(first)
    part, _ = await plane.deployments.redeploy(again(first, targets=("b",)))
    await plane.until_end(part.key)

    whole, _ = await plane.deployments.redeploy(again(part.key))

    assert [run.name for run in whole.targets] == ["b"]
    with pytest.raises(InvalidArgument, match="has no target a: it has b"):
        await plane.deployments.redeploy(again(part.key, targets=("a",)))


@with_plane
async def test_df_38_a_given_account_replaces_the_stored_ones_and_stays(engine, plane):
    engine.agents.names = ("cluster-1", "cluster-2")
    first = await start(plane, pipeline(target("a", before_start=[approval()])))
    await plane.deployments.cancel(first, plane.wish(persons.CANCEL))

    moved, _ = await plane.deployments.redeploy(again(first, account="cluster-2"))
    await plane.deployments.cancel(moved.key, plane.wish(persons.CANCEL))
    kept, _ = await plane.deployments.redeploy(again(moved.key))

    assert [run.account for run in (*moved.targets, *kept.targets)] == ["cluster-2", "cluster-2"]
    await plane.deployments.cancel(kept.key, plane.wish(persons.CANCEL))
    with pytest.raises(DeployFileInvalid):
        await plane.deployments.redeploy(again(first, account="cluster-9"))


@with_plane
async def test_pl_19_what_stands_in_the_way_of_a_start_stands_in_the_way_of_a_redeploy(engine, plane):
    with pytest.raises(DeploymentNotFound):
        await plane.deployments.redeploy(RedeployRequest(tenant="main", actor="bob", source="nowhere"))
    key = await start(plane, pipeline(target("a", before_start=[approval()])))
    with pytest.raises(DeploymentInProgress):
        await plane.deployments.redeploy(again(key))
    await plane.deployments.cancel(key, plane.wish(persons.CANCEL))
    engine.agents.names = ()
    with pytest.raises(DeployFileInvalid):
        await plane.deployments.redeploy(again(key))


@with_plane
async def test_pl_19_a_repeated_redeploy_is_the_same_one(plane):
    first = await start(plane, pipeline(target("a")))
    await plane.until_end(first)

    once, _ = await plane.deployments.redeploy(again(first, request_id="r1"))
    await plane.until_end(once.key)
    twice, _ = await plane.deployments.redeploy(again(first, request_id="r1"))

    assert twice.key == once.key
    with pytest.raises(RequestIdReused):
        await plane.deployments.redeploy(again(once.key, request_id="r1"))
    with pytest.raises(InvalidArgument):
        await plane.deployments.redeploy(again(first, request_id="r" * 65))
    assert twice.targets[0].state is TargetState.SUCCEEDED
