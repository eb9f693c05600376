"""Server-side apply: the simulated server settles ownership as the real one does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kit.manifests import config_map, deployment, service

if TYPE_CHECKING:
    from kit.rest import Rest


def _owners(found: dict[str, Any]) -> set[tuple[str, str]]:
    return {(each["manager"], each["operation"]) for each in found["metadata"]["managedFields"]}


async def test_apply_creates_what_is_not_there(any_rest: Rest, paths: Any) -> None:
    answer = await any_rest.apply(f"{paths.config_maps}/settings", config_map(a="1"), manager="one")

    assert answer.status == 201
    assert answer.body["data"] == {"a": "1"}
    assert _owners(answer.body) == {("one", "Apply")}
    assert answer.body["metadata"]["managedFields"][0]["fieldsV1"] == {"f:data": {"f:a": {}}}


async def test_apply_merges_with_what_others_applied(any_rest: Rest, paths: Any) -> None:
    path = f"{paths.config_maps}/settings"
    (await any_rest.apply(path, config_map(a="1"), manager="one")).ok()
    answer = await any_rest.apply(path, config_map(b="2"), manager="two")

    assert answer.status == 200
    assert answer.body["data"] == {"a": "1", "b": "2"}
    assert _owners(answer.body) == {("one", "Apply"), ("two", "Apply")}


async def test_applying_the_same_again_changes_nothing(any_rest: Rest, paths: Any) -> None:
    path = f"{paths.deployments}/web"
    first = (await any_rest.apply(path, deployment(replicas=0), manager="one")).ok()
    await any_rest.until(path, lambda found: found.get("status", {}).get("observedGeneration") == 1)
    again = (await any_rest.apply(path, deployment(replicas=0), manager="one")).ok()

    assert again["metadata"]["generation"] == first["metadata"]["generation"]
    assert again["spec"] == first["spec"]


async def test_a_field_no_longer_applied_is_removed(any_rest: Rest, paths: Any) -> None:
    path = f"{paths.config_maps}/settings"
    (await any_rest.apply(path, config_map(a="1", b="2"), manager="one")).ok()
    found = (await any_rest.apply(path, config_map(a="1"), manager="one")).ok()

    assert found["data"] == {"a": "1"}


async def test_a_field_no_longer_applied_stays_if_another_owns_it(any_rest: Rest, paths: Any) -> None:
    path = f"{paths.config_maps}/settings"
    (await any_rest.apply(path, config_map(a="1", b="2"), manager="one")).ok()
    (await any_rest.apply(path, config_map(b="2"), manager="two")).ok()
    found = (await any_rest.apply(path, config_map(a="1"), manager="one")).ok()

    assert found["data"] == {"a": "1", "b": "2"}


async def test_a_container_no_longer_applied_is_removed(any_rest: Rest, paths: Any) -> None:
    path = f"{paths.deployments}/web"
    manifest = deployment(replicas=0)
    containers = manifest["spec"]["template"]["spec"]["containers"]
    containers.append({"name": "log", "image": "example/log:1", "ports": [{"containerPort": 9000}]})
    (await any_rest.apply(path, manifest, manager="one")).ok()
    found = (await any_rest.apply(path, deployment(replicas=0), manager="one")).ok()

    assert [each["name"] for each in found["spec"]["template"]["spec"]["containers"]] == ["web"]


async def test_a_variable_no_longer_applied_is_removed(any_rest: Rest, paths: Any) -> None:
    path = f"{paths.deployments}/web"
    manifest = deployment(replicas=0)
    manifest["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "A", "value": "1"}]
    first = (await any_rest.apply(path, manifest, manager="one")).ok()
    found = (await any_rest.apply(path, deployment(replicas=0), manager="one")).ok()

    assert first["spec"]["template"]["spec"]["containers"][0]["env"] == [{"name": "A", "value": "1"}]
    assert not found["spec"]["template"]["spec"]["containers"][0].get("env")


async def test_another_value_for_an_owned_field_is_a_conflict_that_names_the_owner(any_rest: Rest, paths: Any) -> None:
    path = f"{paths.config_maps}/settings"
    (await any_rest.apply(path, config_map(a="1"), manager="one")).ok()
    answer = await any_rest.apply(path, config_map(a="2"), manager="two")

    cause = answer.body["details"]["causes"][0]
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert cause["reason"] == "FieldManagerConflict"
    assert cause["field"] == ".data.a"
    assert 'conflict with "one"' in cause["message"]
    assert (await any_rest.get(path)).ok()["data"] == {"a": "1"}


async def test_force_takes_the_field_over(any_rest: Rest, paths: Any) -> None:
    path = f"{paths.config_maps}/settings"
    (await any_rest.apply(path, config_map(a="1"), manager="one")).ok()
    found = (await any_rest.apply(path, config_map(a="2"), manager="two", force=True)).ok()

    assert found["data"] == {"a": "2"}
    assert _owners(found) == {("two", "Apply")}


async def test_the_same_value_is_shared_without_a_conflict(any_rest: Rest, paths: Any) -> None:
    path = f"{paths.config_maps}/settings"
    (await any_rest.apply(path, config_map(a="1"), manager="one")).ok()
    found = (await any_rest.apply(path, config_map(a="1"), manager="two")).ok()

    assert _owners(found) == {("one", "Apply"), ("two", "Apply")}


async def test_an_update_takes_the_field_from_who_applied_it(any_rest: Rest, paths: Any) -> None:
    path = f"{paths.config_maps}/settings"
    (await any_rest.apply(path, config_map(a="1"), manager="one")).ok()
    found = (await any_rest.patch(path, {"data": {"a": "2"}}, fieldManager="person")).ok()
    answer = await any_rest.apply(path, config_map(a="1"), manager="one")

    assert _owners(found) == {("person", "Update")}
    assert answer.status == 409
    assert 'conflict with "person"' in answer.body["details"]["causes"][0]["message"]


@pytest.mark.parametrize("path_name", ["services", "deployments"])
async def test_defaults_are_not_owned_by_who_applied(any_rest: Rest, paths: Any, path_name: str) -> None:
    manifest = service() if path_name == "services" else deployment(replicas=0)
    found = (await any_rest.apply(f"{getattr(paths, path_name)}/web", manifest, manager="one")).ok()

    entry = next(each for each in found["metadata"]["managedFields"] if each["manager"] == "one")
    assert "f:sessionAffinity" not in entry["fieldsV1"]["f:spec"]
    assert "f:strategy" not in entry["fieldsV1"]["f:spec"]


async def test_apply_without_a_manager_is_refused(any_rest: Rest, paths: Any) -> None:
    answer = await any_rest.patch(f"{paths.config_maps}/settings", config_map(a="1"), how="apply")

    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert "fieldManager" in answer.body["message"]
