"""JSON merge patch (RFC 7396) and JSON patch (RFC 6902). Pure: the document given is left as it was."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from borealis_sandbox.errors import rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from borealis_sandbox.objects import Object

# Any throughout: a JSON document has any shape.


def merge_patch(document: Any, patch: Any) -> Any:
    """`document` with the fields of `patch` merged in; null removes a field, a list replaces a list."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def json_patch(document: Object, operations: Sequence[Object]) -> Object:
    """`document` after all `operations`, in order.

    Errors: rejected if an operation is unknown, points nowhere, or is a test that fails.
    """
    patched = copy.deepcopy(document)
    for operation in operations:
        try:
            patched = _operate(patched, operation)
        except (KeyError, IndexError, TypeError, ValueError) as fault:
            raise rejected(f"JSON patch operation {operation!r} does not apply: {fault}") from None
    return patched


def _operate(document: Any, operation: Object) -> Any:
    path = _pointer(operation["path"])
    match operation["op"]:
        case "add":
            return _add(document, path, copy.deepcopy(operation["value"]))
        case "remove":
            return _remove(document, path)
        case "replace":
            _get(document, path)
            return (
                _add(_remove(document, path), path, copy.deepcopy(operation["value"])) if path else operation["value"]
            )
        case "copy":
            return _add(document, path, copy.deepcopy(_get(document, _pointer(operation["from"]))))
        case "move":
            source = _pointer(operation["from"])
            moved = _get(document, source)
            return _add(_remove(document, source), path, moved)
        case "test":
            if _get(document, path) != operation["value"]:
                raise ValueError("the test failed")
            return document
    raise ValueError("unknown operation")


def _pointer(text: str) -> list[str]:
    if text and not text.startswith("/"):
        raise ValueError("a pointer starts with /")
    return [step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:]]


def _get(document: Any, path: list[str]) -> Any:
    for step in path:
        document = document[_index(step)] if isinstance(document, list) else document[step]
    return document


def _add(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent, last = _get(document, path[:-1]), path[-1]
    if not isinstance(parent, list):
        parent[last] = value
    elif last == "-":
        parent.append(value)
    else:
        position = _index(last)
        if position > len(parent):
            raise IndexError("beyond the end of the list")
        parent.insert(position, value)
    return document


def _remove(document: Any, path: list[str]) -> Any:
    parent, last = _get(document, path[:-1]), path[-1]
    del parent[_index(last) if isinstance(parent, list) else last]
    return document


def _index(step: str) -> int:
    if not step.isdecimal():
        raise ValueError(f"{step!r} is no position in a list")
    return int(step)
