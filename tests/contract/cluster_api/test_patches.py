"""Every kind of patch has the same effect on the simulated and the real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kit.manifests import config_map, deployment

if TYPE_CHECKING:
    from kit.rest import Rest


def _idle_deployment() -> dict[str, Any]:
    manifest = deployment(replicas=0)
    manifest["spec"]["paused"] = True
    return manifest


async def test_a_merge_patch_removes_what_is_null(any_rest: Rest, paths: Any) -> None:
    (await any_rest.post(paths.config_maps, config_map(a="1", b="2"))).ok()
    patched = (await any_rest.patch(f"{paths.config_maps}/settings", {"data": {"a": None, "c": "3"}})).ok()

    assert patched["data"] == {"b": "2", "c": "3"}


async def test_a_merge_patch_replaces_lists(any_rest: Rest, paths: Any) -> None:
    (await any_rest.post(paths.deployments, _idle_deployment())).ok()
    change = {"spec": {"template": {"spec": {"containers": [{"name": "other", "image": "example/other:1"}]}}}}
    patched = (await any_rest.patch(f"{paths.deployments}/web", change)).ok()

    assert [each["name"] for each in patched["spec"]["template"]["spec"]["containers"]] == ["other"]


async def test_a_strategic_patch_merges_containers_by_name(any_rest: Rest, paths: Any) -> None:
    (await any_rest.post(paths.deployments, _idle_deployment())).ok()
    containers = [{"name": "web", "env": [{"name": "A", "value": "1"}]}, {"name": "log", "image": "example/log:1"}]
    change = {"spec": {"template": {"spec": {"containers": containers}}}}
    patched = (await any_rest.patch(f"{paths.deployments}/web", change, how="strategic")).ok()

    found = {each["name"]: each for each in patched["spec"]["template"]["spec"]["containers"]}
    assert found.keys() == {"web", "log"}
    assert found["web"]["image"] == "example/web:1"
    assert found["web"]["env"] == [{"name": "A", "value": "1"}]


async def test_a_strategic_patch_deletes_list_items_by_directive(any_rest: Rest, paths: Any) -> None:
    manifest = _idle_deployment()
    manifest["spec"]["template"]["spec"]["containers"].append({"name": "log", "image": "example/log:1"})
    (await any_rest.post(paths.deployments, manifest)).ok()
    change = {"spec": {"template": {"spec": {"containers": [{"name": "log", "$patch": "delete"}]}}}}
    patched = (await any_rest.patch(f"{paths.deployments}/web", change, how="strategic")).ok()

    assert [each["name"] for each in patched["spec"]["template"]["spec"]["containers"]] == ["web"]


async def test_a_json_patch_operates_by_path(any_rest: Rest, paths: Any) -> None:
    (await any_rest.post(paths.config_maps, config_map(a="1", b="2"))).ok()
    operations = [
        {"op": "test", "path": "/data/a", "value": "1"},
        {"op": "remove", "path": "/data/a"},
        {"op": "add", "path": "/metadata/labels", "value": {"x/y": "z"}},
        {"op": "replace", "path": "/data/b", "value": "3"},
        {"op": "replace", "path": "/metadata/labels/x~1y", "value": "w"},
    ]
    patched = (await any_rest.patch(f"{paths.config_maps}/settings", operations, how="json")).ok()

    assert patched["data"] == {"b": "3"}
    assert patched["metadata"]["labels"] == {"x/y": "w"}


async def test_a_json_patch_whose_test_fails_changes_nothing(any_rest: Rest, paths: Any) -> None:
    (await any_rest.post(paths.config_maps, config_map(a="1"))).ok()
    operations = [
        {"op": "replace", "path": "/data/a", "value": "2"},
        {"op": "test", "path": "/data/a", "value": "1"},
    ]
    answer = await any_rest.patch(f"{paths.config_maps}/settings", operations, how="json")

    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert (await any_rest.get(f"{paths.config_maps}/settings")).ok()["data"] == {"a": "1"}


async def test_a_status_patch_leaves_the_specification_alone(any_rest: Rest, paths: Any) -> None:
    quota = {"metadata": {"name": "limits"}, "spec": {"hard": {"secrets": "7"}}}
    (await any_rest.post(paths.quotas, quota)).ok()
    change = {"spec": {"hard": {"secrets": "9"}}, "status": {"used": {"services": "3"}}}
    patched = (await any_rest.patch(f"{paths.quotas}/limits/status", change)).ok()

    assert patched["spec"] == {"hard": {"secrets": "7"}}
    assert patched["status"]["used"]["services"] == "3"


async def test_an_ordinary_patch_leaves_the_status_alone(any_rest: Rest, paths: Any) -> None:
    (await any_rest.post(paths.deployments, _idle_deployment())).ok()
    change = {"metadata": {"labels": {"a": "b"}}, "status": {"readyReplicas": 7}}
    patched = (await any_rest.patch(f"{paths.deployments}/web", change)).ok()

    assert patched["metadata"]["labels"]["a"] == "b"
    assert "readyReplicas" not in patched.get("status", {})


async def test_a_stale_version_in_a_patch_is_a_conflict(any_rest: Rest, paths: Any) -> None:
    created = (await any_rest.post(paths.config_maps, config_map(a="1"))).ok()
    (await any_rest.patch(f"{paths.config_maps}/settings", {"data": {"a": "2"}})).ok()
    stale = {"metadata": {"resourceVersion": created["metadata"]["resourceVersion"]}, "data": {"a": "3"}}
    answer = await any_rest.patch(f"{paths.config_maps}/settings", stale)

    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
