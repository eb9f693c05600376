"""Objects are created, read, changed and listed alike by the simulated and the real API server."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from kit.manifests import config_map, deployment, service

if TYPE_CHECKING:
    from kit.rest import Rest


async def test_a_new_object_gets_identity_and_version(any_rest: Rest, paths: Any) -> None:
    answer = await any_rest.post(paths.config_maps, config_map(colour="red"))

    created = answer.ok()
    assert answer.status == 201
    assert (created["kind"], created["apiVersion"]) == ("ConfigMap", "v1")
    assert created["data"] == {"colour": "red"}
    assert {"uid", "resourceVersion", "creationTimestamp", "namespace"} <= created["metadata"].keys()
    assert (await any_rest.get(f"{paths.config_maps}/settings")).ok()["metadata"]["uid"] == created["metadata"]["uid"]


async def test_a_generated_name_starts_as_asked(any_rest: Rest, paths: Any) -> None:
    created = (await any_rest.post(paths.config_maps, {"metadata": {"generateName": "settings-"}})).ok()

    assert created["metadata"]["name"].startswith("settings-")
    assert len(created["metadata"]["name"]) == len("settings-") + 5


async def test_what_a_deployment_leaves_out_is_filled_in(any_rest: Rest, paths: Any) -> None:
    manifest = deployment()
    del manifest["spec"]["replicas"]
    spec = (await any_rest.post(paths.deployments, manifest)).ok()["spec"]

    container = spec["template"]["spec"]["containers"][0]
    assert spec["replicas"] == 1
    assert spec["revisionHistoryLimit"] == 10
    assert spec["progressDeadlineSeconds"] == 600
    assert spec["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
    }
    assert spec["template"]["spec"]["restartPolicy"] == "Always"
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] == 30
    assert container["imagePullPolicy"] == "IfNotPresent"
    assert container["terminationMessagePath"] == "/dev/termination-log"


async def test_a_service_gets_an_address_and_keeps_it(any_rest: Rest, paths: Any) -> None:
    created = (await any_rest.post(paths.services, service())).ok()
    change = {"metadata": {"labels": {"tier": "front"}}}
    changed = (await any_rest.patch(f"{paths.services}/web", change)).ok()

    assert created["spec"]["clusterIP"].startswith("10.")
    assert created["spec"]["type"] == "ClusterIP"
    assert created["spec"]["ports"][0]["protocol"] == "TCP"
    assert changed["spec"]["clusterIP"] == created["spec"]["clusterIP"]


async def test_plain_text_of_a_secret_is_encoded(any_rest: Rest, paths: Any) -> None:
    secret = {"metadata": {"name": "login"}, "stringData": {"user": "anna"}}
    created = (await any_rest.post(paths.secrets, secret)).ok()

    assert created["data"] == {"user": base64.b64encode(b"anna").decode()}
    assert created["type"] == "Opaque"
    assert "stringData" not in created


async def test_replacing_changes_the_version_but_not_the_identity(any_rest: Rest, paths: Any) -> None:
    created = (await any_rest.post(paths.config_maps, config_map(colour="red"))).ok()
    replaced = (await any_rest.put(f"{paths.config_maps}/settings", config_map(colour="blue"))).ok()

    assert replaced["data"] == {"colour": "blue"}
    assert replaced["metadata"]["uid"] == created["metadata"]["uid"]
    assert int(replaced["metadata"]["resourceVersion"]) > int(created["metadata"]["resourceVersion"])


async def test_a_write_that_changes_nothing_keeps_the_version(any_rest: Rest, paths: Any) -> None:
    created = (await any_rest.post(paths.config_maps, config_map(colour="red"))).ok()
    again = (await any_rest.patch(f"{paths.config_maps}/settings", {"data": {"colour": "red"}})).ok()

    assert again["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"]


async def test_generation_counts_changes_of_the_specification_only(any_rest: Rest, paths: Any) -> None:
    manifest = deployment(replicas=0)
    manifest["spec"]["paused"] = True
    created = (await any_rest.post(paths.deployments, manifest)).ok()
    labelled = (await any_rest.patch(f"{paths.deployments}/web", {"metadata": {"labels": {"a": "b"}}})).ok()
    changed = (await any_rest.patch(f"{paths.deployments}/web", {"spec": {"minReadySeconds": 1}})).ok()

    generations = [each["metadata"]["generation"] for each in (created, labelled, changed)]
    assert generations == [1, 1, 2]


async def test_a_dry_run_answers_but_stores_nothing(any_rest: Rest, paths: Any) -> None:
    answer = await any_rest.post(paths.config_maps, config_map(colour="red"), dryRun="All")

    assert answer.status == 201
    assert answer.body["data"] == {"colour": "red"}
    assert (await any_rest.get(f"{paths.config_maps}/settings")).status == 404


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        pytest.param("app=web", ["a", "b"], id="equal"),
        pytest.param("app=web,tier=front", ["a"], id="both"),
        pytest.param("tier in (front, back)", ["a", "b"], id="in"),
        pytest.param("tier notin (front),app", ["b"], id="not-in"),
        pytest.param("app!=web,kind=test", ["c"], id="not-equal"),
        pytest.param("!app,kind", ["c"], id="absent"),
    ],
)
async def test_labels_select(any_rest: Rest, paths: Any, selector: str, expected: list[str]) -> None:
    for name, labels in {
        "a": {"app": "web", "tier": "front", "kind": "test"},
        "b": {"app": "web", "tier": "back", "kind": "test"},
        "c": {"kind": "test"},
    }.items():
        (await any_rest.post(paths.config_maps, {"metadata": {"name": name, "labels": labels}})).ok()

    found = (await any_rest.get(paths.config_maps, labelSelector=selector)).ok()

    assert found["kind"] == "ConfigMapList"
    assert [each["metadata"]["name"] for each in found["items"]] == expected


async def test_a_name_can_be_selected(any_rest: Rest, paths: Any) -> None:
    for name in ("a", "b"):
        (await any_rest.post(paths.config_maps, config_map(name))).ok()

    found = (await any_rest.get(paths.config_maps, fieldSelector="metadata.name=b")).ok()

    assert [each["metadata"]["name"] for each in found["items"]] == ["b"]


async def test_pages_of_a_list_show_it_as_it_was_at_the_first(any_rest: Rest, paths: Any) -> None:
    for name in ("a", "b", "c"):
        manifest = {"metadata": {"name": name, "labels": {"kind": "test"}}}
        (await any_rest.post(paths.config_maps, manifest)).ok()
    first = (await any_rest.get(paths.config_maps, labelSelector="kind=test", limit="2")).ok()
    (await any_rest.delete(f"{paths.config_maps}/c")).ok()
    second = (
        await any_rest.get(
            paths.config_maps, labelSelector="kind=test", limit="2", **{"continue": first["metadata"]["continue"]}
        )
    ).ok()

    assert [each["metadata"]["name"] for each in first["items"]] == ["a", "b"]
    assert [each["metadata"]["name"] for each in second["items"]] == ["c"]
    assert not second["metadata"].get("continue")
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_a_list_spans_all_namespaces(any_rest: Rest, paths: Any) -> None:
    (await any_rest.post(paths.config_maps, config_map("only-here"))).ok()

    found = (await any_rest.get("/api/v1/configmaps", fieldSelector="metadata.name=only-here")).ok()

    assert [each["metadata"]["namespace"] for each in found["items"]] == [paths.namespace]
