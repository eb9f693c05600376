"""Lists in pages: every page of one list shows the store as it was when the first page was made."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from borealis_sandbox.errors import bad_request, expired
from borealis_sandbox.objects import name_of, namespace_of
from borealis_sandbox.storage import TooOldError

if TYPE_CHECKING:
    from borealis_sandbox.objects import Object
    from borealis_sandbox.requests import Address
    from borealis_sandbox.selectors import Selection
    from borealis_sandbox.storage import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list."""

    items: list[Object]
    """The objects, ordered by namespace and name."""
    metadata: Object
    """The list's own metadata: its version, and how to get the next page."""


def list_page(storage: Storage, address: Address, selection: Selection, *, limit: int, token: str) -> Page:
    """The page of at most `limit` objects (0: all) that `token` asks for, or the first.

    Errors: expired, if the store has forgotten the version that the token belongs to.
    """
    revision, after = _read_token(token) if token else (storage.revision, None)
    try:
        found = storage.find_at(address.kind, address.namespace, revision)
    except TooOldError:
        raise expired("The provided continue parameter is too old: list again from the start.") from None
    found = [each for each in found if selection.selects(each) and (after is None or _place(each) > after)]
    metadata: Object = {"resourceVersion": str(revision)}
    if limit and len(found) > limit:
        metadata["continue"] = _write_token(revision, _place(found[limit - 1]))
        if not selection.labels and not selection.fields:
            metadata["remainingItemCount"] = len(found) - limit
        found = found[:limit]
    return Page(items=found, metadata=metadata)


def _place(found: Object) -> list[str]:
    return [namespace_of(found), name_of(found)]


def _write_token(revision: int, after: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps([revision, after]).encode()).decode("ascii")


def _read_token(token: str) -> tuple[int, list[str]]:
    try:
        revision, after = json.loads(base64.urlsafe_b64decode(token))
        return int(revision), [str(part) for part in after]
    except (ValueError, TypeError, binascii.Error):
        raise bad_request("continue key is not valid") from None
