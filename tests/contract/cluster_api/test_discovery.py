"""Both API servers tell clients about themselves in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from kit.api_server import ApiServer
    from kit.rest import Rest


async def test_the_version_says_whether_it_is_a_simulation(any_rest: Rest, any_api: ApiServer) -> None:
    found = (await any_rest.get("/version")).ok()

    assert found["major"] == "1"
    assert found["gitVersion"].startswith("v1.")
    assert ("sandbox" in found["gitVersion"]) is (any_api.kind == "sandbox")


async def test_readiness_needs_no_token(any_api: ApiServer) -> None:
    connector = aiohttp.TCPConnector(ssl=any_api.ssl_context())
    async with aiohttp.ClientSession(connector=connector) as session, session.get(f"{any_api.url}/readyz") as answer:
        text = await answer.text()

    assert (answer.status, text) == (200, "ok")


async def test_groups_and_their_kinds_are_listed(any_rest: Rest) -> None:
    core = (await any_rest.get("/api")).ok()
    groups = {each["name"]: each for each in (await any_rest.get("/apis")).ok()["groups"]}
    apps = (await any_rest.get("/apis/apps")).ok()

    assert core["versions"] == ["v1"]
    assert groups["apps"]["preferredVersion"] == {"groupVersion": "apps/v1", "version": "v1"}
    assert (apps["kind"], apps["name"]) == ("APIGroup", "apps")


async def test_a_kind_tells_its_scope_names_and_subresources(any_rest: Rest) -> None:
    core = {each["name"]: each for each in (await any_rest.get("/api/v1")).ok()["resources"]}
    apps = {each["name"]: each for each in (await any_rest.get("/apis/apps/v1")).ok()["resources"]}

    assert core["namespaces"]["namespaced"] is False
    assert core["pods"]["kind"] == "Pod"
    assert apps["deployments"]["shortNames"] == ["deploy"]
    assert {"get", "list", "watch", "patch", "create", "update", "delete"} <= set(apps["deployments"]["verbs"])
    assert apps["replicasets/scale"]["kind"] == "Scale"
    assert "deployments/status" in apps
