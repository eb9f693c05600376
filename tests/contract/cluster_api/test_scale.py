"""The scale subresource behaves alike on the simulated and the real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kit.manifests import replica_set

if TYPE_CHECKING:
    from kit.rest import Rest


async def test_scale_shows_replicas_and_selector(any_rest: Rest, paths: Any) -> None:
    (await any_rest.post(paths.replica_sets, replica_set(replicas=1))).ok()
    scale = (await any_rest.get(f"{paths.replica_sets}/web/scale")).ok()

    assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert scale["spec"] == {"replicas": 1}
    assert scale["status"]["selector"] == "app=web"
    assert scale["metadata"]["name"] == "web"


async def test_scaling_changes_the_number_of_pods(any_rest: Rest, paths: Any) -> None:
    path = f"{paths.replica_sets}/web"
    (await any_rest.post(paths.replica_sets, replica_set(replicas=1))).ok()
    scale = (await any_rest.get(f"{path}/scale")).ok()
    scale["spec"]["replicas"] = 3
    del scale["metadata"]["resourceVersion"]  # the controller may write the status at any moment
    answer = (await any_rest.put(f"{path}/scale", scale)).ok()

    assert answer["spec"] == {"replicas": 3}
    await any_rest.until(path, lambda found: found["status"].get("readyReplicas") == 3)


async def test_scaling_by_patch_to_zero(any_rest: Rest, paths: Any) -> None:
    path = f"{paths.replica_sets}/web"
    (await any_rest.post(paths.replica_sets, replica_set(replicas=1))).ok()
    answer = (await any_rest.patch(f"{path}/scale", {"spec": {"replicas": 0}})).ok()

    assert answer["spec"] == {}
    await any_rest.until(path, lambda found: found["spec"]["replicas"] == found["status"]["replicas"] == 0)


async def test_scaling_a_version_that_is_no_longer_current_is_a_conflict(any_rest: Rest, paths: Any) -> None:
    path = f"{paths.replica_sets}/web"
    (await any_rest.post(paths.replica_sets, replica_set(replicas=0))).ok()
    scale = (await any_rest.get(f"{path}/scale")).ok()
    (await any_rest.patch(path, {"metadata": {"labels": {"a": "b"}}})).ok()
    answer = await any_rest.put(f"{path}/scale", {**scale, "spec": {"replicas": 1}})

    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert (await any_rest.get(path)).ok()["spec"]["replicas"] == 0
