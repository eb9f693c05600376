"""Streams changes to a client, from the version it names until it goes or its time is over."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from borealis_sandbox.errors import bad_request, expired
from borealis_sandbox.storage import TooOldError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from borealis_sandbox.objects import Object
    from borealis_sandbox.requests import Address
    from borealis_sandbox.selectors import Selection
    from borealis_sandbox.storage import Change, Storage

_BOOKMARK_INTERVAL_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What a client wants to follow."""

    address: Address
    """Kind and namespace."""
    selection: Selection
    """Which of those objects."""
    after: int | None
    """Version from which on; None to begin with everything there is."""
    wants_bookmarks: bool
    """Whether to tell how far the watch is when nothing happens."""
    limit_s: float
    """How long the watch lasts."""


def parse_version(text: str) -> int | None:
    """The version a watch starts after; None for "whatever is there now"."""
    if text in ("", "0"):
        return None
    if not text.isdecimal():
        raise bad_request(f'Invalid value: "{text}": resourceVersion must be a number that a list or watch gave out')
    return int(text)


async def watch_events(storage: Storage, watch: Watch, render: Callable[[Object], Object]) -> AsyncIterator[bytes]:
    """Lines of JSON, one for each event; ends when its time or the store's is over, or after an error event.

    `render` turns an object into the form that the client asked for.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + watch.limit_s
    for found in _first(storage, watch):
        yield _line("ADDED", render(found))
    cursor = storage.revision if watch.after is None else watch.after
    while loop.time() < end and not storage.has_ended:
        try:
            changes = storage.changes_after(cursor)
        except TooOldError:
            error = expired(f"too old resource version: {cursor} ({storage.oldest_revision})")
            yield _line("ERROR", error.to_status())
            return
        for change in changes:
            for kind, found in _seen(change, watch):
                yield _line(kind, render(found))
        cursor = max(cursor, storage.revision)
        has_changed = await _change_within(storage, cursor, min(_BOOKMARK_INTERVAL_S, end - loop.time()))
        if watch.wants_bookmarks and not has_changed:
            yield _line("BOOKMARK", _bookmark(watch, cursor))


def _first(storage: Storage, watch: Watch) -> list[Object]:
    if watch.after is not None:
        return []
    found = storage.find(watch.address.kind, watch.address.namespace)
    return [each for each in found if watch.selection.selects(each)]


def _seen(change: Change, watch: Watch) -> Iterator[tuple[str, Object]]:
    """What the client sees of `change`: an object that is no longer selected looks deleted, and the reverse."""
    if change.kind != watch.address.kind:
        return
    if watch.address.namespace not in ("", change.found["metadata"].get("namespace", "")):
        return
    is_in = change.type != "DELETED" and watch.selection.selects(change.found)
    was_in = change.previous is not None and watch.selection.selects(change.previous)
    if is_in:
        yield ("MODIFIED" if was_in else "ADDED"), change.found
    elif was_in:
        yield "DELETED", change.found


async def _change_within(storage: Storage, cursor: int, limit_s: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await storage.wait_after(cursor)
            return True
    return False


def _bookmark(watch: Watch, cursor: int) -> Object:
    kind = watch.address.kind
    return {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": {"resourceVersion": str(cursor)}}


def _line(kind: str, found: Object) -> bytes:
    return json.dumps({"type": kind, "object": found}, separators=(",", ":")).encode() + b"\n"
