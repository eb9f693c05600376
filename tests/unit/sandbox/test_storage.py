"""The store counts every write, remembers a bounded past, and wakes those who wait."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from borealis_sandbox.errors import ApiError
from borealis_sandbox.kinds import CONFIG_MAP, POD
from borealis_sandbox.listing import list_page
from borealis_sandbox.requests import Address
from borealis_sandbox.selectors import Selection
from borealis_sandbox.storage import Storage, TooOldError
from borealis_sandbox.watching import Watch, watch_events


def _object(name: str, value: int = 0) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "n"}, "data": {"value": value}}


def _watch(after: int | None, *, limit_s: float = 1.0, wants_bookmarks: bool = False) -> Watch:
    address = Address(kind=CONFIG_MAP, namespace="n")
    return Watch(address=address, selection=Selection(), after=after, wants_bookmarks=wants_bookmarks, limit_s=limit_s)


async def _seen(storage: Storage, watch: Watch) -> list[tuple[str, dict[str, Any]]]:
    events = [json.loads(line) async for line in watch_events(storage, watch, lambda found: found)]
    return [(event["type"], event["object"]) for event in events]


def test_every_write_gets_the_next_revision() -> None:
    storage = Storage()
    start = storage.revision
    first = storage.put(CONFIG_MAP, _object("a"))
    second = storage.put(CONFIG_MAP, _object("a", 1))
    gone = storage.remove(CONFIG_MAP, second)

    versions = [int(each["metadata"]["resourceVersion"]) for each in (first, second, gone)]
    assert versions == [start + 1, start + 2, start + 3]
    assert [change.type for change in storage.changes_after(start)] == ["ADDED", "MODIFIED", "DELETED"]
    assert storage.find(CONFIG_MAP) == []


def test_a_forgotten_past_is_an_error_not_a_gap() -> None:
    storage = Storage(history=2)
    start = storage.revision
    for name in "abc":
        storage.put(CONFIG_MAP, _object(name))

    with pytest.raises(TooOldError):
        storage.changes_after(start)
    assert len(storage.changes_after(start + 1)) == 2


def test_the_past_can_be_listed_as_it_was() -> None:
    storage = Storage()
    storage.put(CONFIG_MAP, _object("a", 1))
    then = storage.revision
    storage.put(CONFIG_MAP, _object("a", 2))
    storage.put(CONFIG_MAP, _object("b"))
    storage.put(POD, _object("p"))
    storage.remove(CONFIG_MAP, _object("a"))

    assert [(each["metadata"]["name"], each["data"]["value"]) for each in storage.find_at(CONFIG_MAP, "n", then)] == [
        ("a", 1)
    ]


def test_a_page_whose_list_is_forgotten_has_expired() -> None:
    storage = Storage(history=2)
    for name in "ab":
        storage.put(CONFIG_MAP, _object(name))
    address = Address(kind=CONFIG_MAP, namespace="n")
    token = list_page(storage, address, Selection(), limit=1, token="").metadata["continue"]
    for name in "cde":
        storage.put(CONFIG_MAP, _object(name))

    with pytest.raises(ApiError) as refused:
        list_page(storage, address, Selection(), limit=1, token=token)
    assert (refused.value.code, refused.value.reason) == (410, "Expired")


@pytest.mark.parametrize("token", ["?", "bm8=", "WzFd"])
def test_a_made_up_page_token_is_refused(token: str) -> None:
    with pytest.raises(ApiError, match="continue key is not valid"):
        list_page(Storage(), Address(kind=CONFIG_MAP), Selection(), limit=1, token=token)


@pytest.mark.looptime
async def test_a_watch_from_a_forgotten_version_ends_with_an_error_event() -> None:
    storage = Storage(history=2)
    start = storage.revision
    for name in "abc":
        storage.put(CONFIG_MAP, _object(name))

    events = await _seen(storage, _watch(start))

    assert [kind for kind, _ in events] == ["ERROR"]
    assert (events[0][1]["code"], events[0][1]["reason"]) == (410, "Expired")
    assert f"too old resource version: {start}" in events[0][1]["message"]


@pytest.mark.looptime
async def test_a_quiet_watch_sends_bookmarks_until_its_end() -> None:
    storage = Storage()

    events = await _seen(storage, _watch(storage.revision, limit_s=25, wants_bookmarks=True))

    assert [kind for kind, _ in events] == ["BOOKMARK"] * 3
    assert events[0][1]["metadata"]["resourceVersion"] == str(storage.revision)


@pytest.mark.looptime
async def test_a_waiting_reader_wakes_at_the_next_write() -> None:
    storage = Storage()

    async with asyncio.TaskGroup() as group:
        reader = group.create_task(_seen(storage, _watch(storage.revision, limit_s=2)))
        await asyncio.sleep(1)
        storage.put(CONFIG_MAP, _object("a"))

    assert [kind for kind, _ in reader.result()] == ["ADDED"]
