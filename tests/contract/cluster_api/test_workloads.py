"""Pods, ReplicaSets and Deployments behave alike on the simulated and the real cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kit.manifests import NEVER_SET_GATE, deployment, replica_set, service

if TYPE_CHECKING:
    from kit.rest import Rest


def _ready(found: dict[str, Any]) -> int:
    return int(found.get("status", {}).get("readyReplicas", 0))


def _condition(found: dict[str, Any], kind: str) -> dict[str, Any]:
    conditions = found.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == kind), {})


async def test_a_replica_set_becomes_ready_with_the_right_counts(any_rest: Rest, paths: Any) -> None:
    (await any_rest.post(paths.replica_sets, replica_set(replicas=3))).ok()
    found = await any_rest.until(
        f"{paths.replica_sets}/web", lambda found: found.get("status", {}).get("availableReplicas") == 3
    )

    counts = {key: value for key, value in found["status"].items() if key != "conditions"}
    assert counts == {
        "replicas": 3,
        "fullyLabeledReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "observedGeneration": 1,
    }


async def test_pods_of_a_replica_set_are_running_and_owned(any_rest: Rest, paths: Any) -> None:
    created = (await any_rest.post(paths.replica_sets, replica_set(replicas=1))).ok()
    await any_rest.until(f"{paths.replica_sets}/web", lambda found: _ready(found) == 1)
    pod = (await any_rest.get(paths.pods, labelSelector="app=web")).ok()["items"][0]

    owner = pod["metadata"]["ownerReferences"][0]
    status = pod["status"]["containerStatuses"][0]
    assert pod["metadata"]["name"].startswith("web-")
    assert (owner["uid"], owner["controller"], owner["kind"]) == (created["metadata"]["uid"], True, "ReplicaSet")
    assert pod["status"]["phase"] == "Running"
    assert pod["spec"]["nodeName"]
    assert (status["name"], status["ready"], status["restartCount"]) == ("web", True, 0)
    assert "running" in status["state"]
    kinds = {each["type"] for each in pod["status"]["conditions"] if each["status"] == "True"}
    assert kinds == {"Initialized", "Ready", "ContainersReady", "PodScheduled"}


async def test_scaling_down_keeps_ready_pods_and_drops_others(any_rest: Rest, paths: Any) -> None:
    gated = replica_set(replicas=1, never_ready=True)
    (await any_rest.post(paths.replica_sets, gated)).ok()
    pods = await any_rest.until_list(
        paths.pods, lambda pods: len(pods) == 1 and pods[0]["status"].get("phase") == "Running"
    )
    first = pods[0]["metadata"]["name"]
    condition = {"type": NEVER_SET_GATE, "status": "True"}
    change = {"status": {"conditions": [condition]}}
    (await any_rest.patch(f"{paths.pods}/{first}/status", change, how="strategic")).ok()
    await any_rest.until(f"{paths.replica_sets}/web", lambda found: _ready(found) == 1)
    (await any_rest.patch(f"{paths.replica_sets}/web/scale", {"spec": {"replicas": 3}})).ok()
    await any_rest.until_list(paths.pods, lambda pods: len(pods) == 3)
    (await any_rest.patch(f"{paths.replica_sets}/web/scale", {"spec": {"replicas": 1}})).ok()
    left = await any_rest.until_list(
        paths.pods, lambda pods: sum("deletionTimestamp" not in each["metadata"] for each in pods) == 1
    )

    kept = [each["metadata"]["name"] for each in left if "deletionTimestamp" not in each["metadata"]]
    assert kept == [first]


async def test_a_pod_with_an_unset_readiness_gate_is_never_ready(any_rest: Rest, paths: Any) -> None:
    (await any_rest.post(paths.replica_sets, replica_set(replicas=1, never_ready=True))).ok()
    pods = await any_rest.until_list(
        paths.pods, lambda pods: len(pods) == 1 and _condition(pods[0], "ContainersReady").get("status") == "True"
    )

    ready = _condition(pods[0], "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "ReadinessGatesNotReady")
    assert NEVER_SET_GATE in ready["message"]
    assert _ready((await any_rest.get(f"{paths.replica_sets}/web")).ok()) == 0


async def test_a_pod_that_fits_no_node_stays_pending_and_says_why(any_rest: Rest, paths: Any) -> None:
    manifest = replica_set(replicas=1)
    manifest["spec"]["template"]["spec"]["nodeSelector"] = {"tests.borealis.dev/no": "where"}
    (await any_rest.post(paths.replica_sets, manifest)).ok()
    pods = await any_rest.until_list(paths.pods, lambda pods: bool(pods and _condition(pods[0], "PodScheduled")))

    scheduled = _condition(pods[0], "PodScheduled")
    assert pods[0]["status"]["phase"] == "Pending"
    assert (scheduled["status"], scheduled["reason"]) == ("False", "Unschedulable")
    assert scheduled["message"].startswith("0/1 nodes are available")


async def test_a_scripted_status_stays_on_a_pending_pod(any_rest: Rest, paths: Any) -> None:
    manifest = replica_set(replicas=1)
    manifest["spec"]["template"]["spec"]["nodeSelector"] = {"tests.borealis.dev/no": "where"}
    (await any_rest.post(paths.replica_sets, manifest)).ok()
    pods = await any_rest.until_list(paths.pods, lambda pods: bool(pods and _condition(pods[0], "PodScheduled")))
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}
    container = {"name": "web", "image": "x", "imageID": "", "ready": False, "restartCount": 0, "state": waiting}
    path = f"{paths.pods}/{pods[0]['metadata']['name']}"
    (await any_rest.patch(f"{path}/status", {"status": {"containerStatuses": [container]}})).ok()
    (await any_rest.patch(path, {"metadata": {"annotations": {"a": "b"}}})).ok()
    found = (await any_rest.get(path)).ok()

    assert found["status"]["containerStatuses"][0]["state"] == waiting


async def test_a_quota_without_room_is_told_by_condition_and_event(any_rest: Rest, paths: Any) -> None:
    quota = {"metadata": {"name": "few"}, "spec": {"hard": {"pods": "1"}}}
    (await any_rest.post(paths.quotas, quota)).ok()
    await any_rest.until(f"{paths.quotas}/few", lambda found: "pods" in found.get("status", {}).get("hard", {}))
    (await any_rest.post(paths.replica_sets, replica_set(replicas=2))).ok()
    found = await any_rest.until(
        f"{paths.replica_sets}/web", lambda found: _condition(found, "ReplicaFailure").get("status") == "True"
    )
    events = await any_rest.until_list(paths.events, bool, fieldSelector="reason=FailedCreate,involvedObject.name=web")

    failure = _condition(found, "ReplicaFailure")
    assert failure["reason"] == "FailedCreate"
    assert "exceeded quota: few" in failure["message"]
    assert "exceeded quota: few" in events[0]["message"]


async def test_a_replica_set_adopts_and_releases_pods_by_label(any_rest: Rest, paths: Any) -> None:
    (await any_rest.post(paths.replica_sets, replica_set(replicas=1))).ok()
    pods = await any_rest.until_list(paths.pods, lambda pods: len(pods) == 1, labelSelector="app=web")
    released = f"{paths.pods}/{pods[0]['metadata']['name']}"
    (await any_rest.patch(released, {"metadata": {"labels": {"app": "other"}}})).ok()
    free = await any_rest.until(released, lambda found: "ownerReferences" not in found["metadata"])
    another = await any_rest.until_list(paths.pods, lambda pods: len(pods) == 1, labelSelector="app=web")

    assert free["metadata"]["labels"] == {"app": "other"}
    assert another[0]["metadata"]["uid"] != free["metadata"]["uid"]


async def test_a_deployment_makes_one_replica_set(any_rest: Rest, paths: Any) -> None:
    created = (await any_rest.post(paths.deployments, deployment(replicas=2))).ok()
    found = await any_rest.until(
        f"{paths.deployments}/web",
        lambda found: _condition(found, "Progressing").get("reason") == "NewReplicaSetAvailable",
    )
    sets = (await any_rest.get(paths.replica_sets)).ok()["items"]

    counts = {key: value for key, value in found["status"].items() if key != "conditions"}
    assert counts == {
        "replicas": 2,
        "updatedReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "observedGeneration": 1,
    }
    assert len(sets) == 1
    short = sets[0]["metadata"]["labels"]["pod-template-hash"]
    assert sets[0]["metadata"]["name"] == f"web-{short}"
    assert sets[0]["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": short}
    assert sets[0]["metadata"]["ownerReferences"][0]["uid"] == created["metadata"]["uid"]
    assert sets[0]["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"


async def test_a_rollout_moves_all_pods_to_the_new_template(any_rest: Rest, paths: Any) -> None:
    path = f"{paths.deployments}/web"
    (await any_rest.post(paths.deployments, deployment(replicas=3))).ok()
    await any_rest.until(path, lambda found: _ready(found) == 3)
    container = {"name": "web", "image": "example/web:2"}
    change = {"spec": {"template": {"spec": {"containers": [container]}}}}
    (await any_rest.patch(path, change, how="strategic")).ok()
    done = await any_rest.until(
        path,
        lambda found: (
            found["status"]["observedGeneration"] == 2
            and found["status"].get("updatedReplicas") == found["status"].get("availableReplicas") == 3
            and found["status"]["replicas"] == 3
        ),
    )
    sets = (await any_rest.get(paths.replica_sets)).ok()["items"]

    assert done["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
    by_image = {each["spec"]["template"]["spec"]["containers"][0]["image"]: each for each in sets}
    assert {image: each["spec"]["replicas"] for image, each in by_image.items()} == {
        "example/web:1": 0,
        "example/web:2": 3,
    }


async def test_a_rollout_that_never_gets_ready_keeps_the_old_pods(any_rest: Rest, paths: Any) -> None:
    path = f"{paths.deployments}/web"
    (await any_rest.post(paths.deployments, deployment(replicas=4))).ok()
    await any_rest.until(path, lambda found: _ready(found) == 4)
    change = {"spec": {"template": {"spec": {"readinessGates": [{"conditionType": NEVER_SET_GATE}]}}}}
    (await any_rest.patch(path, change)).ok()
    stuck = await any_rest.until(
        path,
        lambda found: found["status"].get("updatedReplicas") == 2 and found["status"]["replicas"] == 5,
    )

    assert _ready(stuck) == 3
    assert stuck["status"]["unavailableReplicas"] == 2


async def test_a_service_lists_the_addresses_of_ready_pods(any_rest: Rest, paths: Any) -> None:
    (await any_rest.post(paths.services, service())).ok()
    (await any_rest.post(paths.replica_sets, replica_set(replicas=1))).ok()
    found = await any_rest.until(
        f"{paths.endpoints}/web",
        lambda found: any(each.get("addresses") for each in found.get("subsets") or ()),
    )

    subset = found["subsets"][0]
    pods = (await any_rest.get(paths.pods)).ok()["items"]
    assert subset["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]
    assert subset["addresses"][0]["targetRef"]["uid"] == pods[0]["metadata"]["uid"]
