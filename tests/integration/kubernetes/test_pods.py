"""Pods of two versions: their names and marks, what they cost, and everything that happens to them in between.

Rows K8-01, K8-02, K8-06, K8-08, K8-09, K8-10, CN-04, CN-05, CN-06, DF-28 to DF-31; hard cases 1, 10, 30, 48, 49.
"""

from __future__ import annotations

import asyncio

import pytest

from borealis_server.domain.states import DeploymentState, EndReason, Rollback, StepState
from kit.lab import APPROVAL, NEVER, other, web, weight

HASH = "armory-pod-template-hash"


async def deployed(lab, **options):
    """Version 1; the name of its ReplicaSet."""
    return (await lab.deploy(web("1", **options))).targets[0].workloads[0].new_name


def new_of(deployment, index=0):
    return deployment.targets[0].workloads[index].new_name


def quota(pods):
    return other("v1", "ResourceQuota", "few", spec={"hard": {"pods": str(pods)}})


async def test_k8_01_k8_10_the_same_again_makes_a_new_replica_set_and_leaves_one(lab):
    first = await deployed(lab, replicas=1)

    again = new_of(await lab.deploy(web("1", replicas=1)))

    assert again != first
    assert await lab.replica_sets() == {again: 1}


async def test_k8_02_df_30_df_31_the_hash_the_annotations_and_the_variables_are_on_the_pods(lab):
    done = await lab.deploy(web("1", replicas=1))

    live = await lab.get("replicasets", new_of(done))
    (pod,) = (await lab.rest.get(lab.path("pods", group="v1"))).ok()["items"]
    hashes = [live["metadata"]["labels"], live["spec"]["selector"]["matchLabels"], pod["metadata"]["labels"]]
    assert {labels[HASH] for labels in hashes} == {new_of(done).removeprefix("shop-")}
    assert {
        "deploy.armory.io/application": "shop",
        "deploy.armory.io/deployment-id": done.key.id,
        "deploy.armory.io/environment": "prod",
        "deploy.armory.io/replica-set-name": new_of(done),
    }.items() <= pod["metadata"]["annotations"].items()
    variables = {one["name"]: one.get("value") for one in pod["spec"]["containers"][0]["env"]}
    assert {
        "ARMORY_APPLICATION_NAME": "shop",
        "ARMORY_DEPLOYMENT_ID": done.key.id,
        "ARMORY_ENVIRONMENT_NAME": "prod",
        "ARMORY_REPLICA_SET_NAME": new_of(done),
    }.items() <= variables.items()


async def test_k8_06_df_28_a_first_run_skips_the_steps_of_its_strategy(lab):
    done = await lab.deploy(web("1", replicas=2), steps=(weight(50), APPROVAL, weight(100)))

    assert [step.state for step in done.targets[0].steps] == [StepState.SKIPPED, StepState.SKIPPED, StepState.SUCCEEDED]


async def test_k8_08_k8_09_a_version_that_cannot_start_names_its_pod_and_reason_and_goes_back(lab):
    old = await deployed(lab)
    broken = {"containers": [{"name": "web", "image": "example.com/shop:2" if lab.is_sandbox else "Not An Image"}]}
    reason = "ImagePullBackOff" if lab.is_sandbox else "InvalidImageName"
    async with lab.sampled(at_least=4, at_most=5):
        key = await lab.start(
            web("2", pod=broken, annotations={"sandbox.borealis.dev/fail-image": "true"}), steps=(weight(25),)
        )
        waiting = await lab.until_wait(key, reason)
        assert f"pod {new_of(waiting)}-" in waiting.targets[0].wait.what
        lab.plane.clock.jump(60)
        done = await lab.plane.until_end(key)

    assert done.targets[0].end_reason is EndReason.READINESS_TIMEOUT
    assert f"pod {new_of(done)}-" in done.targets[0].message
    assert reason in done.targets[0].message
    assert await lab.replica_sets() == {old: 4}


@pytest.mark.parametrize(
    ("pods", "percent", "new", "old"),
    [(4, 25, 1, 3), (4, 1, 1, 4), (4, 99, 4, 1), (1, 50, 1, 1), (2, 50, 1, 1)],
)
async def test_cn_04_cn_05_cn_06_pods_follow_the_weight_and_capacity_never_falls(lab, pods, percent, new, old):
    await deployed(lab, replicas=pods)
    async with lab.sampled(at_least=pods, at_most=pods + 1):
        key = await lab.start(web("2", replicas=pods), steps=(weight(percent), APPROVAL))
        load = (await lab.until_approval(key)).targets[0].workloads[0]
        await lab.approve(key)

    assert (load.new_pods, load.old_pods) == (load.new_available, load.old_available) == (new, old)


async def test_bounds_of_the_manifest_are_kept(lab):
    await deployed(lab)
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}

    async with lab.sampled(at_least=3, at_most=4):
        await lab.deploy(web("2", strategy=rolling), steps=(weight(25), weight(50)))


async def test_df_29_several_deployments_move_and_go_back_together(lab):
    first = await lab.deploy(web("1", replicas=2), web("1", replicas=4, name="api"))
    olds = [load.new_name for load in first.targets[0].workloads]
    async with lab.sampled(at_least=6, at_most=8):
        key = await lab.start(
            web("2", replicas=2), web("2", replicas=4, name="api"), steps=(weight(50), APPROVAL, weight(100))
        )
        waiting = await lab.until_approval(key)
        loads = waiting.targets[0].workloads
        assert await lab.replica_sets() == {olds[0]: 1, olds[1]: 2, loads[0].new_name: 1, loads[1].new_name: 2}

        done = await lab.roll_back(key)

    assert done.targets[0].rollback is Rollback.DONE
    assert await lab.replica_sets() == {olds[0]: 2, olds[1]: 4}


async def test_df_29_one_of_several_that_fails_takes_the_others_back_with_it(lab):
    first = await lab.deploy(web("1", replicas=2), web("1", replicas=1, name="api"))
    olds = [load.new_name for load in first.targets[0].workloads]
    key = await lab.start(web("2", replicas=2), web("2", replicas=1, name="api", pod={"readinessGates": NEVER}))
    await lab.plane.until(key, lambda now: bool(now.targets[0].wait and _only_api_is_open(now.targets[0])))

    lab.plane.clock.jump(60)
    done = await lab.plane.until_end(key)

    assert done.targets[0].end_reason is EndReason.READINESS_TIMEOUT
    assert await lab.replica_sets() == {olds[0]: 2, olds[1]: 1}


async def test_case_30_an_exceeded_quota_ends_the_run_long_before_its_limit_in_the_clusters_words(lab):
    old = await deployed(lab, replicas=2)
    await lab.create("resourcequotas", quota(2), group="v1")
    await lab.rest.until(lab.path("resourcequotas", "few", group="v1"), lambda live: "used" in live.get("status", {}))
    key = await lab.start(web("2", replicas=2), timeout_s=3600)
    await lab.until_wait(key, "exceeded quota")

    lab.plane.clock.jump(15)
    done = await lab.plane.until_end(key)

    assert (done.targets[0].end_reason, done.targets[0].rollback) == (EndReason.APPLY_ERROR, Rollback.DONE)
    assert "the cluster does not allow the pods" in done.targets[0].message
    assert "exceeded quota: few" in done.targets[0].message
    assert await lab.replica_sets() == {old: 2}


async def test_case_30_a_quota_that_is_raised_in_time_costs_nothing(lab):
    await deployed(lab, replicas=2)
    await lab.create("resourcequotas", quota(2), group="v1")
    await lab.rest.until(lab.path("resourcequotas", "few", group="v1"), lambda live: "used" in live.get("status", {}))
    key = await lab.start(web("2", replicas=2))
    await lab.until_wait(key, "exceeded quota")

    (await lab.rest.patch(lab.path("resourcequotas", "few", group="v1"), quota(9))).ok()
    done = await lab.plane.until_end(key)

    assert done.state is DeploymentState.SUCCEEDED, done.message


async def test_case_1_a_number_of_pods_that_somebody_changes_is_followed_at_the_same_weight(lab):
    old = await deployed(lab)
    gate = [{"conditionType": "example.com/gate"}]
    key = await lab.start(web("2", pod={"readinessGates": gate}), steps=(weight(25), APPROVAL))
    await lab.until_wait(key, "0 of 1 pods of the new version")

    await lab.scale(old, 8)
    waiting = await lab.plane.until(key, lambda now: now.targets[0].workloads[0].replicas == 8)

    assert [step.ref for step in waiting.targets[0].current_steps] == ["step-1"]
    load = waiting.targets[0].workloads[0]
    assert (load.bounds.max_surge, load.old_replicas) == (2, 8)
    await lab.rest.until(lab.path("replicasets", load.new_name), lambda live: live["spec"]["replicas"] == 2)
    done = await lab.roll_back(key)
    assert done.targets[0].rollback is Rollback.DONE
    assert await lab.replica_sets() == {old: 8}


async def test_case_1_a_number_of_pods_that_somebody_changes_during_a_pause_is_followed_in_it(lab):
    old = await deployed(lab, replicas=1)
    key = await lab.start(web("2", replicas=1), steps=(weight(25), APPROVAL))
    waiting = await lab.until_approval(key)
    new = new_of(waiting)
    before = waiting.targets[0].current_steps
    assert await lab.replica_sets() == {new: 1, old: 1}

    for pods, counts in ((8, {new: 2, old: 6}), (2, {new: 1, old: 3})):
        await lab.scale(old, pods)
        async with asyncio.timeout(20):
            while await lab.replica_sets() != counts:
                lab.plane.look_again(waiting)
                await asyncio.sleep(0.1)

    held = await lab.plane.deployments.get(key)
    assert (held.state, held.targets[0].current_steps) == (DeploymentState.AWAITING_APPROVAL, before)
    await lab.approve(key)
    assert await lab.replica_sets() == {new: 4}


async def test_case_48_an_old_version_that_somebody_deletes_comes_back_and_the_run_goes_on(lab):
    old = await deployed(lab, replicas=2)
    key = await lab.start(web("2", replicas=2, pod={"readinessGates": NEVER}), steps=(weight(50),))
    await lab.until_wait(key, "of the new version")
    uid = (await lab.get("replicasets", old))["metadata"]["uid"]

    (await lab.rest.delete(lab.path("replicasets", old))).ok()
    again = await lab.rest.until(lab.path("replicasets", old), lambda live: live["metadata"]["uid"] != uid)
    done = await lab.roll_back(key)

    assert again["spec"]["selector"]["matchLabels"][HASH] == old.removeprefix("shop-")
    assert done.targets[0].rollback is Rollback.DONE, done.message
    assert await lab.replica_sets() == {old: 2}


async def test_case_49_no_pods_at_all_are_deployed_at_once(lab):
    await deployed(lab, replicas=0)

    done = await lab.deploy(web("2", replicas=0), steps=(weight(50), weight(100)))

    assert await lab.replica_sets() == {new_of(done): 0}


async def test_case_49_a_version_without_pods_is_followed_by_one_with_pods(lab):
    await deployed(lab, replicas=0)

    done = await lab.deploy(web("2", replicas=2), steps=(weight(50),))

    assert await lab.replica_sets() == {new_of(done): 2}


async def test_case_10_a_broken_old_version_does_not_stop_a_good_new_one(lab):
    gates = {"readinessGates": [{"conditionType": "example.com/gate"}]}
    await lab.create("deployments", web("0", replicas=4, pod=gates))
    await lab.rest.until_list(lab.path("pods", group="v1"), lambda items: len(items) == 4)

    done = await lab.deploy(web("1"), steps=(weight(25), weight(50)))

    assert await lab.replica_sets() == {new_of(done): 4}


def _only_api_is_open(run):
    return run.wait.what.startswith("api: 0 of 1 pods") and run.workloads[0].old_pods == 0
