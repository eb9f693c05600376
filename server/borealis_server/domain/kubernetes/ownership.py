"""What of a live object a field manager wrote, and how to bring an object back to a saved copy."""

import json
from typing import Any

from borealis_server.domain.kubernetes.json_types import Document, dig
from borealis_server.domain.kubernetes.marks import FIELD_MANAGER

_SERVER_FIELDS = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink")
_NEVER_DELETED = ("Namespace", "CustomResourceDefinition", "PersistentVolumeClaim", "PersistentVolume")


def may_delete(kind: str) -> bool:
    """Whether a rollback may delete an object of this kind that the run created: never where data would go with it."""
    return kind not in _NEVER_DELETED


def without_server_fields(document: Document) -> dict[str, Any]:  # Any: JSON
    """The object as a person would have written it: without what only the server sets."""
    metadata = {key: value for key, value in document["metadata"].items() if key not in _SERVER_FIELDS}
    return {key: value for key, value in document.items() if key not in ("status", "metadata")} | {"metadata": metadata}


def applied_document(live: Document) -> dict[str, Any] | None:  # Any: JSON
    """The part of `live` that we applied, ready to be applied again; None when we never applied to it."""
    for entry in dig(live, "metadata", "managedFields") or []:
        if entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply":
            owned = _pick(live, entry.get("fieldsV1") or {})
            identity = {"name": live["metadata"]["name"]}
            if live["metadata"].get("namespace"):
                identity["namespace"] = live["metadata"]["namespace"]
            return {
                **owned,
                "apiVersion": live["apiVersion"],
                "kind": live["kind"],
                "metadata": {**(owned.get("metadata") or {}), **identity},
            }
    return None


def restoring_patch(saved: Document, live: Document) -> dict[str, Any]:  # Any: JSON
    """A JSON merge patch that takes `live` back to `saved`, apart from what only the server sets."""
    patch = _difference(without_server_fields(live), without_server_fields(saved))
    return patch if isinstance(patch, dict) else {}


def _pick(value: Any, fields: Document) -> Any:  # Any: JSON
    """The parts of `value` that a `fieldsV1` tree names. Source: structured-merge-diff's serialisation."""
    children = {key: sub for key, sub in fields.items() if key != "."}
    if not children:
        return value
    if isinstance(value, dict):
        names = {key[2:]: sub for key, sub in children.items() if key.startswith("f:")}
        return {name: _pick(value[name], sub) for name, sub in names.items() if name in value}
    if isinstance(value, list):
        return [
            _pick(item, sub)
            for index, item in enumerate(value)
            for key, sub in children.items()
            if _names_item(key, item, index)
        ]
    return value


def _names_item(key: str, item: Any, index: int) -> bool:  # Any: JSON
    form, _, text = key.partition(":")
    if form == "k":
        wanted = json.loads(text)
        return isinstance(item, dict) and all(item.get(name) == value for name, value in wanted.items())
    if form == "v":
        return bool(item == json.loads(text))
    return form == "i" and index == int(text)


def _difference(live: Any, saved: Any) -> Any:  # Any: JSON
    """The merge patch from `live` to `saved`."""
    if not isinstance(live, dict) or not isinstance(saved, dict):
        return saved
    patch: dict[str, Any] = {name: None for name in live if name not in saved}
    for name, value in saved.items():
        if name not in live:
            patch[name] = value
        elif live[name] != value:
            patch[name] = _difference(live[name], value)
    return patch
