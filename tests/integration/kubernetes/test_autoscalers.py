"""Autoscalers stand aside while pods move, and come back at the version that serves. Rows K8-17 to K8-20."""

from __future__ import annotations

import pytest

from borealis_server.domain.states import DeploymentState, Rollback
from kit.lab import APPROVAL, other, web, weight

SCALERS = "horizontalpodautoscalers"
MARKS = "kubectl.kubernetes.io/last-applied-configuration"


@pytest.fixture
def version(lab):
    """The newest version of autoscalers that the cluster serves."""
    return "autoscaling/v2" if lab.is_sandbox else "autoscaling/v2beta2"


def scaler(version, kind="Deployment", name="shop", *, least=2, most=15, own="shop"):
    target = {"apiVersion": "apps/v1", "kind": kind, "name": name}
    spec = {"scaleTargetRef": target, "minReplicas": least, "maxReplicas": most}
    if version == "autoscaling/v1":
        spec["targetCPUUtilizationPercentage"] = 70
    else:
        metric = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}
        spec["metrics"] = [{"type": "Resource", "resource": metric}]
    return other(version, "HorizontalPodAutoscaler", own, spec=spec)


async def deployed_with_scaler(lab, version, *, pods=6):
    """Version 1 with `pods` pods, and an autoscaler of somebody else on its ReplicaSet."""
    first = await lab.deploy(web("1", replicas=pods))
    old = first.targets[0].workloads[0].new_name
    await lab.create(SCALERS, scaler(version, "ReplicaSet", old), group=version)
    return old


async def test_k8_17_an_autoscaler_is_away_during_the_run_and_then_scales_the_new_replica_set(lab, version):
    await deployed_with_scaler(lab, version)
    async with lab.sampled(at_least=6, at_most=8):
        key = await lab.start(web("2", replicas=6), steps=(weight(50), APPROVAL))
        waiting = await lab.until_approval(key)
        assert await lab.get(SCALERS, "shop", group=version) is None

        await lab.approve(key)

    new = waiting.targets[0].workloads[0].new_name
    placed = await lab.get(SCALERS, "shop", group=version)
    assert placed["spec"]["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": new}
    assert (placed["spec"]["minReplicas"], placed["spec"]["maxReplicas"]) == (2, 15)
    assert placed["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 70


async def test_k8_17_an_autoscaler_of_the_manifests_is_written_to_each_new_replica_set(lab, version):
    names = []
    for number in ("1", "2"):
        done = await lab.deploy(web(number, replicas=2), scaler(version))
        names.append(done.targets[0].workloads[0].new_name)
        placed = await lab.get(SCALERS, "shop", group=version)
        assert placed["spec"]["scaleTargetRef"]["name"] == names[-1]

    assert await lab.replica_sets() == {names[1]: 2}


async def test_k8_18_the_new_version_has_as_many_pods_as_the_autoscaler_made_and_not_as_written(lab, version):
    old = await deployed_with_scaler(lab, version, pods=3)
    await lab.scale(old, 10)

    async with lab.sampled(at_least=3, at_most=13) as capacity:
        await capacity.until_ready(10)
        capacity.forget()
        done = await lab.deploy(web("2", replicas=3))

    new = done.targets[0].workloads[0].new_name
    assert await lab.replica_sets() == {new: 10}
    assert min(capacity.ready_counts) >= 10


async def test_k8_19_a_rollback_brings_the_autoscaler_back_from_its_copy(lab, version):
    old = await deployed_with_scaler(lab, version)
    before = await lab.get(SCALERS, "shop", group=version)
    assert MARKS not in before["metadata"].get("annotations", {})
    key = await lab.start(web("2", replicas=6), steps=(weight(50), APPROVAL))
    await lab.until_approval(key)

    done = await lab.roll_back(key)

    assert done.targets[0].rollback is Rollback.DONE, done.message
    assert await lab.replica_sets() == {old: 6}
    after = await lab.get(SCALERS, "shop", group=version)
    assert after["spec"] == before["spec"]


async def test_k8_20_an_autoscaler_scales_the_deployment_where_that_is_kept(lab, version):
    await lab.deploy(web("1", replicas=3), scaler(version), keeps=True)
    await lab.scale("shop", 5, plural="deployments")
    await lab.rest.until(lab.path("deployments", "shop"), lambda found: found["status"].get("availableReplicas") == 5)

    done = await lab.deploy(web("2", replicas=3), scaler(version), keeps=True)

    placed = await lab.get(SCALERS, "shop", group=version)
    assert placed["spec"]["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"}
    assert (await lab.get("deployments", "shop"))["spec"]["replicas"] == 5
    assert done.targets[0].workloads[0].replicas == 5


async def test_an_autoscaler_is_not_touched_before_everything_else_is_ready(lab, version):
    await deployed_with_scaler(lab, version)
    before = await lab.get(SCALERS, "shop", group=version)
    done = await lab.ended(web("2", replicas=6), other("example.com/v1", "Nothing", "x"))

    assert done.state is DeploymentState.FAILED
    after = await lab.get(SCALERS, "shop", group=version)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]


async def test_k8_17_an_autoscaler_of_version_1_works_as_well(lab):
    version = "autoscaling/v2" if lab.is_sandbox else "autoscaling/v1"
    await deployed_with_scaler(lab, version, pods=2)

    done = await lab.deploy(web("2", replicas=2))

    placed = await lab.get(SCALERS, "shop", group=version)
    assert placed["spec"]["scaleTargetRef"]["name"] == done.targets[0].workloads[0].new_name
    if not lab.is_sandbox:
        assert placed["spec"]["targetCPUUtilizationPercentage"] == 70
