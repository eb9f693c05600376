"""Native Deployments: taken over without downtime, left at the end on request, restored when a run fails.

Rows K8-03, K8-04, K8-05, K8-07.
"""

from __future__ import annotations

from borealis_server.domain.states import DeploymentState, Rollback
from kit.lab import APPROVAL, NEVER, web, weight

RESTARTED = "kubectl.kubernetes.io/restartedAt"


async def native(lab, version="0", *, replicas=4):
    """A Deployment that somebody made with kubectl, with all of its pods."""
    await lab.create("deployments", web(version, replicas=replicas))
    found = await lab.rest.until(
        lab.path("deployments", "shop"), lambda live: live.get("status", {}).get("availableReplicas") == replicas
    )
    (name,) = await lab.replica_sets()
    return found, name


def owner_of(document):
    references = document["metadata"].get("ownerReferences") or [{}]
    return references[0].get("kind"), references[0].get("name")


async def restart(lab, stamp="2026-01-01T00:00:00Z"):
    """`kubectl rollout restart`; returns the name of the ReplicaSet that it made, once that serves alone."""
    before = set(await lab.replica_sets())
    patch = {"spec": {"template": {"metadata": {"annotations": {RESTARTED: stamp}}}}}
    path = lab.path("deployments", "shop")
    generation = (await lab.rest.patch(path, patch, how="strategic")).ok()["metadata"]["generation"]

    def is_complete(live):
        status, wanted = live["status"], live["spec"]["replicas"]
        counts = [status.get(name) for name in ("replicas", "updatedReplicas", "availableReplicas")]
        return status.get("observedGeneration", 0) >= generation and counts == [wanted] * 3

    await lab.rest.until(path, is_complete)
    (made,) = set(await lab.replica_sets()) - before
    return made


async def test_k8_03_no_deployment_is_left_unless_it_is_asked_for(lab):
    await native(lab, replicas=2)

    await lab.deploy(web("1", replicas=2))

    assert await lab.get("deployments", "shop") is None


async def test_k8_04_a_kept_deployment_owns_the_live_replica_set_and_makes_no_other(lab):
    done = await lab.deploy(web("1"), keeps=True)

    new = done.targets[0].workloads[0].new_name
    assert owner_of(await lab.get("replicasets", new)) == ("Deployment", "shop")
    kept = await lab.get("deployments", "shop")
    assert kept["spec"]["replicas"] == 4
    assert await lab.replica_sets() == {new: 4}
    pods = (await lab.rest.get(lab.path("pods", group="v1"))).ok()["items"]
    assert {owner_of(pod) for pod in pods} == {("ReplicaSet", new)}


async def test_k8_04_a_restart_by_kubectl_works_and_the_next_run_goes_on_from_what_it_made(lab):
    await lab.deploy(web("1"), keeps=True)
    restarted = await restart(lab)

    async with lab.sampled(at_least=4, at_most=5):
        key = await lab.start(web("2"), steps=(weight(50), APPROVAL), keeps=True)
        waiting = await lab.until_approval(key)
        assert waiting.targets[0].workloads[0].old_name == restarted
        done = await lab.approve(key)

    assert done.state is DeploymentState.SUCCEEDED, done.message
    new = done.targets[0].workloads[0].new_name
    assert await lab.replica_sets() == {new: 4}
    assert owner_of(await lab.get("replicasets", new)) == ("Deployment", "shop")
    assert (await restart(lab, "2026-01-02T00:00:00Z")).startswith("shop-")


async def test_k8_04_a_kept_deployment_goes_when_it_is_kept_no_more(lab):
    await lab.deploy(web("1", replicas=2), keeps=True)

    async with lab.sampled(at_least=2, at_most=3):
        done = await lab.deploy(web("2", replicas=2))

    assert await lab.get("deployments", "shop") is None
    assert await lab.replica_sets() == {done.targets[0].workloads[0].new_name: 2}


async def test_k8_05_a_native_deployment_is_taken_over_without_losing_a_pod(lab):
    _, old = await native(lab)

    async with lab.sampled(at_least=4, at_most=5):
        done = await lab.deploy(web("1"), steps=(weight(25),), keeps=True)

    assert done.targets[0].workloads[0].old_name == old
    assert list(await lab.replica_sets()) == [done.targets[0].workloads[0].new_name]


async def test_k8_07_a_failed_first_run_restores_the_deployment_and_it_owns_its_pods_again(lab):
    before, old = await native(lab)

    async with lab.sampled(at_least=4, at_most=5):
        key = await lab.start(web("1", pod={"readinessGates": NEVER}), steps=(weight(50),))
        await lab.until_wait(key, "of the new version")
        lab.plane.clock.jump(60)
        done = await lab.plane.until_end(key)

    assert (done.state, done.targets[0].rollback) == (DeploymentState.FAILED, Rollback.DONE), done.message
    restored = await lab.get("deployments", "shop")
    assert restored["spec"] == before["spec"]
    owner = (await lab.get("replicasets", old))["metadata"]["ownerReferences"][0]
    assert owner["uid"] == restored["metadata"]["uid"]
    assert await lab.replica_sets() == {old: 4}
    assert (await restart(lab)).startswith("shop-")


async def test_k8_07_a_failed_run_restores_a_kept_deployment(lab):
    first = await lab.deploy(web("1"), keeps=True)
    old = first.targets[0].workloads[0].new_name
    key = await lab.start(web("2"), steps=(weight(50), APPROVAL), keeps=True)
    await lab.until_approval(key)
    assert await lab.get("deployments", "shop") is None

    done = await lab.roll_back(key)

    assert done.targets[0].rollback is Rollback.DONE, done.message
    assert owner_of(await lab.get("replicasets", old)) == ("Deployment", "shop")
    assert await lab.replica_sets() == {old: 4}
