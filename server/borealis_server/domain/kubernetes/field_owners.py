"""Giving fields back to whoever owned them before a run changed them for a time.

Sources: managedFields of server-side apply; `fieldsV1` trees as structured-merge-diff writes them.
"""

import json
from collections.abc import Mapping
from typing import Any

from borealis_server.domain.kubernetes.json_types import Document, dig, meta
from borealis_server.domain.kubernetes.marks import FIELD_MANAGER


def releasing_patch(live: Document, before: str) -> list[dict[str, Any]] | None:  # Any: JSON
    """A JSON patch that takes our updates out of the managers of `live`; None where there are none.

    What they hold goes back to those who had it in `before`, the object's JSON. It fails when the object has changed
    meanwhile: read it again, then repeat.
    """
    entries = list(dig(live, "metadata", "managedFields") or [])
    ours = [entry for entry in entries if _is_our_update(entry)]
    if not ours:
        return None
    held: dict[str, Any] = {}  # Any: JSON
    for entry in ours:
        held = _union(held, entry.get("fieldsV1") or {})
    kept = [entry for entry in entries if not _is_our_update(entry)]
    earlier = dig(json.loads(before), "metadata", "managedFields") or [] if before else []
    for entry in earlier:
        if not _is_our_update(entry):
            kept = _given_back(kept, entry, _common(entry.get("fieldsV1") or {}, held))
    return [
        {"op": "test", "path": "/metadata/resourceVersion", "value": meta(live, "resourceVersion")},
        {"op": "replace", "path": "/metadata/managedFields", "value": kept},
    ]


def _given_back(
    entries: list[dict[str, Any]], owner: Document, fields: Mapping[str, Any]
) -> list[dict[str, Any]]:  # Any: JSON
    if not fields:
        return entries
    for number, entry in enumerate(entries):
        if _identity(entry) == _identity(owner):
            whole = {**entry, "fieldsV1": _union(entry.get("fieldsV1") or {}, fields)}
            return [*entries[:number], whole, *entries[number + 1 :]]
    return [*entries, {**owner, "fieldsV1": dict(fields)}]


def _identity(entry: Document) -> tuple[object, ...]:
    return tuple(entry.get(name) for name in ("manager", "operation", "apiVersion", "subresource"))


def _is_our_update(entry: Document) -> bool:
    return entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Update" and not entry.get("subresource")


def _common(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:  # Any: JSON
    """What two `fieldsV1` trees both hold; a field without any below it is held as a whole."""
    return {name: _common(fields, other[name]) for name, fields in one.items() if name in other}


def _union(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:  # Any: JSON
    """Two `fieldsV1` trees as one."""
    return {**one, **{name: _union(one.get(name) or {}, fields) for name, fields in other.items()}}
