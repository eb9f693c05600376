"""Refusals have the same status, reason and shape on the simulated and the real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from kit.manifests import config_map, deployment, replica_set

if TYPE_CHECKING:
    from kit.api_server import ApiServer
    from kit.rest import Answer, Rest


def _shape(answer: Answer) -> tuple[int, str, str, int]:
    body = answer.body
    assert (body["kind"], body["apiVersion"], body["status"]) == ("Status", "v1", "Failure")
    return answer.status, body["reason"], body["message"], body["code"]


async def test_a_missing_object_is_named(any_rest: Rest, paths: Any) -> None:
    answer = await any_rest.get(f"{paths.deployments}/none")

    assert _shape(answer) == (404, "NotFound", 'deployments.apps "none" not found', 404)
    assert answer.body["details"] == {"name": "none", "group": "apps", "kind": "deployments"}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_missing_object_cannot_be_changed(any_rest: Rest, paths: Any, method: str) -> None:
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    body = None if method == "DELETE" else config_map("none")
    answer = await any_rest.request(method, f"{paths.config_maps}/none", body, content_type=kind)

    assert _shape(answer)[:3] == (404, "NotFound", 'configmaps "none" not found')


async def test_a_missing_namespace_is_named(any_rest: Rest) -> None:
    answer = await any_rest.post("/api/v1/namespaces/none-such/configmaps", config_map())

    assert _shape(answer)[:3] == (404, "NotFound", 'namespaces "none-such" not found')


@pytest.mark.parametrize("path", ["/apis/none.example/v1/things", "/api/v1/things", "/apis/apps/v1/things"])
async def test_an_unknown_kind_is_not_found(any_rest: Rest, path: str) -> None:
    answer = await any_rest.get(path)

    assert answer.status == 404


async def test_a_taken_name_is_a_conflict(any_rest: Rest, paths: Any) -> None:
    (await any_rest.post(paths.config_maps, config_map())).ok()
    answer = await any_rest.post(paths.config_maps, config_map())

    assert _shape(answer) == (409, "AlreadyExists", 'configmaps "settings" already exists', 409)
    assert answer.body["details"] == {"name": "settings", "kind": "configmaps"}


async def test_a_stale_version_is_a_conflict(any_rest: Rest, paths: Any) -> None:
    created = (await any_rest.post(paths.config_maps, config_map(a="1"))).ok()
    (await any_rest.patch(f"{paths.config_maps}/settings", {"data": {"a": "2"}})).ok()
    answer = await any_rest.put(f"{paths.config_maps}/settings", created)

    status, reason, message, _ = _shape(answer)
    assert (status, reason) == (409, "Conflict")
    assert message.startswith('Operation cannot be fulfilled on configmaps "settings": the object has been modified')


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"spec": {"replicas": -1}}, "spec.replicas", id="negative-replicas"),
        pytest.param({"metadata": {"name": "No_Good"}}, "metadata.name", id="bad-name"),
        pytest.param(
            {"spec": {"template": {"metadata": {"labels": {"app": "other"}}}}},
            "spec.template.metadata.labels",
            id="labels-not-selected",
        ),
        pytest.param(
            {"spec": {"template": {"spec": {"containers": []}}}}, "spec.template.spec.containers", id="no-container"
        ),
        pytest.param({"metadata": {"labels": {"a": "no spaces"}}}, "metadata.labels", id="bad-label"),
    ],
)
async def test_every_fault_of_an_object_is_named(
    any_rest: Rest, paths: Any, change: dict[str, Any], field: str
) -> None:
    answer = await any_rest.post(paths.deployments, _merged(deployment(), change))

    status, reason, message, code = _shape(answer)
    assert (status, reason, code) == (422, "Invalid", 422)
    assert message.startswith("Deployment.apps ")
    assert answer.body["details"]["kind"] == "Deployment"
    assert field in {cause["field"] for cause in answer.body["details"]["causes"]}


async def test_a_selector_cannot_change(any_rest: Rest, paths: Any) -> None:
    (await any_rest.post(paths.replica_sets, replica_set(replicas=0))).ok()
    answer = await any_rest.put(f"{paths.replica_sets}/web", replica_set("web", replicas=0) | _other_selector())

    assert _shape(answer)[:2] == (422, "Invalid")
    assert "field is immutable" in answer.body["message"]


async def test_a_name_other_than_in_the_address_is_refused(any_rest: Rest, paths: Any) -> None:
    (await any_rest.post(paths.config_maps, config_map())).ok()
    answer = await any_rest.put(f"{paths.config_maps}/settings", config_map("other"))

    assert _shape(answer)[:2] == (400, "BadRequest")


async def test_a_namespace_other_than_in_the_address_is_refused(any_rest: Rest, paths: Any) -> None:
    manifest = config_map()
    manifest["metadata"]["namespace"] = "default"
    answer = await any_rest.post(paths.config_maps, manifest)

    assert _shape(answer)[:2] == (400, "BadRequest")


async def test_a_body_that_cannot_be_read_is_refused(any_rest: Rest, paths: Any) -> None:
    answer = await any_rest.post(paths.config_maps, ["no", "object"])

    assert _shape(answer)[:2] == (400, "BadRequest")


async def test_an_unknown_kind_of_patch_is_refused(any_rest: Rest, paths: Any) -> None:
    (await any_rest.post(paths.config_maps, config_map())).ok()
    answer = await any_rest.request("PATCH", f"{paths.config_maps}/settings", {}, content_type="text/plain")

    assert _shape(answer)[:2] == (415, "UnsupportedMediaType")


async def test_a_field_that_cannot_be_selected_is_refused(any_rest: Rest, paths: Any) -> None:
    answer = await any_rest.get(paths.config_maps, fieldSelector="data.a=1")

    assert _shape(answer)[:2] == (400, "BadRequest")


async def test_a_wrong_token_is_refused(any_api: ApiServer) -> None:
    connector = aiohttp.TCPConnector(ssl=any_api.ssl_context())
    headers = {"Authorization": "Bearer wrong"}
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(f"{any_api.url}/api/v1/namespaces", headers=headers) as answer,
    ):
        body = await answer.json()

    assert answer.status == 401
    assert (body["kind"], body["reason"]) == ("Status", "Unauthorized")


def _merged(document: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    merged = dict(document)
    for key, value in change.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _other_selector() -> dict[str, Any]:
    spec = replica_set("other", replicas=0)["spec"]
    return {"spec": spec}
