"""Deleting, with and without dependants, has the same effect on the simulated and the real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kit.manifests import config_map, deployment, replica_set

if TYPE_CHECKING:
    from kit.rest import Rest


async def _ready_deployment(rest: Rest, paths: Any) -> str:
    """The name of the ReplicaSet of a Deployment that is up."""
    (await rest.post(paths.deployments, deployment(replicas=2))).ok()
    await rest.until(f"{paths.deployments}/web", lambda found: found.get("status", {}).get("readyReplicas") == 2)
    sets = (await rest.get(paths.replica_sets)).ok()["items"]
    assert len(sets) == 1
    return str(sets[0]["metadata"]["name"])


async def test_a_deleted_object_is_gone(any_rest: Rest, paths: Any) -> None:
    created = (await any_rest.post(paths.config_maps, config_map())).ok()
    answer = await any_rest.delete(f"{paths.config_maps}/settings")

    assert (answer.status, answer.body["status"]) == (200, "Success")
    assert answer.body["details"]["uid"] == created["metadata"]["uid"]
    assert (await any_rest.get(f"{paths.config_maps}/settings")).status == 404


async def test_another_uid_is_a_conflict(any_rest: Rest, paths: Any) -> None:
    (await any_rest.post(paths.config_maps, config_map())).ok()
    answer = await any_rest.delete(f"{paths.config_maps}/settings", {"preconditions": {"uid": "another"}})

    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert (await any_rest.get(f"{paths.config_maps}/settings")).status == 200


async def test_another_version_is_a_conflict(any_rest: Rest, paths: Any) -> None:
    created = (await any_rest.post(paths.config_maps, config_map(a="1"))).ok()
    (await any_rest.patch(f"{paths.config_maps}/settings", {"data": {"a": "2"}})).ok()
    preconditions = {"resourceVersion": created["metadata"]["resourceVersion"]}
    answer = await any_rest.delete(f"{paths.config_maps}/settings", {"preconditions": preconditions})

    assert (answer.status, answer.body["reason"]) == (409, "Conflict")


async def test_a_finalizer_holds_an_object_back(any_rest: Rest, paths: Any) -> None:
    manifest = config_map()
    manifest["metadata"]["finalizers"] = ["tests.borealis.dev/hold"]
    path = f"{paths.config_maps}/settings"
    (await any_rest.post(paths.config_maps, manifest)).ok()
    (await any_rest.delete(path)).ok()
    held = (await any_rest.get(path)).ok()
    (await any_rest.patch(path, {"metadata": {"finalizers": None}})).ok()

    assert "deletionTimestamp" in held["metadata"]
    assert (await any_rest.get(path)).status == 404


async def test_dependants_go_with_their_owner(any_rest: Rest, paths: Any) -> None:
    name = await _ready_deployment(any_rest, paths)
    (await any_rest.delete(f"{paths.deployments}/web", propagationPolicy="Background")).ok()

    assert (await any_rest.get(f"{paths.deployments}/web")).status == 404
    await any_rest.until_gone(f"{paths.replica_sets}/{name}")
    await any_rest.until_list(paths.pods, lambda pods: all("deletionTimestamp" in each["metadata"] for each in pods))


async def test_a_foreground_deletion_waits_for_the_dependants(any_rest: Rest, paths: Any) -> None:
    manifest = replica_set(replicas=1)
    # A pod without a node goes at once, one on a node may take half a minute.
    manifest["spec"]["template"]["spec"]["nodeSelector"] = {"tests.borealis.dev/no": "where"}
    (await any_rest.post(paths.replica_sets, manifest)).ok()
    await any_rest.until(f"{paths.replica_sets}/web", lambda found: found.get("status", {}).get("replicas") == 1)
    answer = (await any_rest.delete(f"{paths.replica_sets}/web", {"propagationPolicy": "Foreground"})).ok()

    assert answer["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert "deletionTimestamp" in answer["metadata"]
    await any_rest.until_gone(f"{paths.replica_sets}/web")
    assert (await any_rest.get(paths.pods)).ok()["items"] == []


async def test_orphans_stay_up_and_are_adopted_by_a_new_deployment(any_rest: Rest, paths: Any) -> None:
    name = await _ready_deployment(any_rest, paths)
    pods = (await any_rest.get(paths.pods)).ok()["items"]
    (await any_rest.delete(f"{paths.deployments}/web", {"propagationPolicy": "Orphan"})).ok()
    await any_rest.until_gone(f"{paths.deployments}/web")
    orphan = (await any_rest.get(f"{paths.replica_sets}/{name}")).ok()
    again = (await any_rest.post(paths.deployments, deployment(replicas=2))).ok()
    adopted = await any_rest.until(
        f"{paths.replica_sets}/{name}", lambda found: bool(found["metadata"].get("ownerReferences"))
    )
    await any_rest.until(f"{paths.deployments}/web", lambda found: found.get("status", {}).get("readyReplicas") == 2)

    assert "ownerReferences" not in orphan["metadata"]
    assert adopted["metadata"]["ownerReferences"][0]["uid"] == again["metadata"]["uid"]
    assert len((await any_rest.get(paths.replica_sets)).ok()["items"]) == 1
    left = (await any_rest.get(paths.pods)).ok()["items"]
    assert {each["metadata"]["uid"] for each in left} == {each["metadata"]["uid"] for each in pods}


async def test_a_set_of_objects_can_be_deleted_by_label(any_rest: Rest, paths: Any) -> None:
    for name, label in (("a", "x"), ("b", "x"), ("c", "y")):
        (await any_rest.post(paths.config_maps, {"metadata": {"name": name, "labels": {"k": label}}})).ok()
    (await any_rest.delete(paths.config_maps, labelSelector="k=x")).ok()

    left = (await any_rest.get(paths.config_maps, labelSelector="k")).ok()["items"]
    assert [each["metadata"]["name"] for each in left] == ["c"]


async def test_a_namespace_takes_its_contents_along(any_rest: Rest) -> None:
    namespace = await any_rest.create_namespace()
    (await any_rest.post(f"/api/v1/namespaces/{namespace}/configmaps", config_map())).ok()
    going = (await any_rest.delete(f"/api/v1/namespaces/{namespace}")).ok()
    refused = await any_rest.post(f"/api/v1/namespaces/{namespace}/configmaps", config_map("late"))

    assert going["status"]["phase"] == "Terminating"
    assert (refused.status, refused.body["reason"]) in {(403, "Forbidden"), (404, "NotFound")}
    await any_rest.until_gone(f"/api/v1/namespaces/{namespace}")
