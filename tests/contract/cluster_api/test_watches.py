"""Watches report the same changes, in the same order, from the simulated and the real API server."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from kit.manifests import config_map

if TYPE_CHECKING:
    from kit.api_server import ApiServer
    from kit.rest import Rest, WatchEvent


async def _first(rest: Rest, path: str, count: int, **query: str) -> list[WatchEvent]:
    found: list[WatchEvent] = []
    async with asyncio.timeout(10), contextlib.aclosing(rest.watch(path, **query)) as events:
        async for event in events:
            found.append(event)
            if len(found) == count:
                return found
    return found


def _shown(events: list[WatchEvent]) -> list[tuple[str, str]]:
    return [(event.type, event.object["metadata"]["name"]) for event in events]


async def test_a_watch_from_a_version_sees_every_later_change(any_rest: Rest, paths: Any) -> None:
    (await any_rest.post(paths.config_maps, config_map("before"))).ok()
    version = (await any_rest.get(paths.config_maps)).ok()["metadata"]["resourceVersion"]
    (await any_rest.post(paths.config_maps, config_map("one", a="1"))).ok()
    (await any_rest.patch(f"{paths.config_maps}/one", {"data": {"a": "2"}})).ok()
    (await any_rest.delete(f"{paths.config_maps}/one")).ok()

    events = await _first(any_rest, paths.config_maps, 3, resourceVersion=version)

    assert _shown(events) == [("ADDED", "one"), ("MODIFIED", "one"), ("DELETED", "one")]
    assert [event.object["data"]["a"] for event in events] == ["1", "2", "2"]
    versions = [int(event.object["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(set(versions))
    assert events[0].object["kind"] == "ConfigMap"


async def test_a_watch_without_a_version_begins_with_what_is_there(any_rest: Rest, paths: Any) -> None:
    (await any_rest.post(paths.config_maps, config_map("one"))).ok()

    events = await _first(any_rest, paths.config_maps, 1, fieldSelector="metadata.name=one")

    assert _shown(events) == [("ADDED", "one")]


async def test_a_change_arrives_while_the_watch_is_open(any_rest: Rest, paths: Any) -> None:
    version = (await any_rest.get(paths.config_maps)).ok()["metadata"]["resourceVersion"]

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(_first(any_rest, paths.config_maps, 1, resourceVersion=version))
        await asyncio.sleep(0)
        (await any_rest.post(paths.config_maps, config_map("one"))).ok()

    assert _shown(watching.result()) == [("ADDED", "one")]


async def test_an_object_that_leaves_the_selection_looks_deleted(any_rest: Rest, paths: Any) -> None:
    version = (await any_rest.get(paths.config_maps)).ok()["metadata"]["resourceVersion"]
    (await any_rest.post(paths.config_maps, config_map("one"))).ok()
    for labels in ({"app": "web"}, {"app": "web", "x": "y"}, {"app": None}):
        (await any_rest.patch(f"{paths.config_maps}/one", {"metadata": {"labels": labels}})).ok()

    events = await _first(any_rest, paths.config_maps, 3, resourceVersion=version, labelSelector="app=web")

    assert [event.type for event in events] == ["ADDED", "MODIFIED", "DELETED"]


async def test_a_watch_sees_only_its_namespace(any_rest: Rest, paths: Any) -> None:
    version = (await any_rest.get(paths.config_maps)).ok()["metadata"]["resourceVersion"]
    other = await any_rest.create_namespace()
    (await any_rest.post(f"/api/v1/namespaces/{other}/configmaps", config_map("elsewhere"))).ok()
    (await any_rest.post(paths.config_maps, config_map("here"))).ok()

    events = await _first(any_rest, paths.config_maps, 1, resourceVersion=version)

    assert _shown(events) == [("ADDED", "here")]


async def test_a_watch_ends_at_its_time_limit(any_rest: Rest, paths: Any) -> None:
    version = (await any_rest.get(paths.config_maps)).ok()["metadata"]["resourceVersion"]
    query = {"resourceVersion": version, "timeoutSeconds": "1", "fieldSelector": "metadata.name=none"}

    assert await _first(any_rest, paths.config_maps, 1, **query) == []


async def test_a_bookmark_tells_how_far_the_watch_is(any_rest: Rest, any_api: ApiServer, paths: Any) -> None:
    (await any_rest.post(paths.config_maps, config_map("one"))).ok()
    version = (await any_rest.get(paths.config_maps)).ok()["metadata"]["resourceVersion"]
    query = {"resourceVersion": version, "timeoutSeconds": "3", "allowWatchBookmarks": "true"}

    events = await _first(any_rest, paths.config_maps, 1, **query)

    # A real server promises none: it sends one only if its cache has seen an event.
    assert events or any_api.kind == "real"
    for event in events:
        assert (event.type, event.object["kind"]) == ("BOOKMARK", "ConfigMap")
        assert int(event.object["metadata"]["resourceVersion"]) >= int(version)


async def test_a_version_that_is_no_number_is_refused(any_rest: Rest, paths: Any) -> None:
    answer = await any_rest.get(paths.config_maps, watch="true", resourceVersion="yesterday")

    # Servers of old answer 500, newer ones 400.
    assert answer.status in {400, 500}
    assert (answer.body["kind"], answer.body["status"]) == ("Status", "Failure")
    assert 'Invalid value: "yesterday"' in answer.body["message"]
