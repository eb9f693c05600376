"""Strategic merge patch: like a merge patch, but lists whose items have an identity are merged item by item. Pure."""

from __future__ import annotations

import copy
import json
from typing import Any

from borealis_sandbox.schema import FieldPath, is_set, item_key, list_keys

_DIRECTIVE = "$patch"
_ORDER = "$setElementOrder/"
_DELETE_VALUES = "$deleteFromPrimitiveList/"
_RETAIN = "$retainKeys"

# Any throughout: a JSON document has any shape.


def strategic_merge(document: Any, patch: Any, path: FieldPath = ()) -> Any:
    """`document` with `patch` merged in, including the directives that kubectl writes."""
    if isinstance(patch, dict):
        return _merge_map(document if isinstance(document, dict) else {}, patch, path)
    if isinstance(patch, list):
        return _merge_list(document if isinstance(document, list) else [], patch, path)
    return patch


def _merge_map(document: dict[str, Any], patch: dict[str, Any], path: FieldPath) -> dict[str, Any]:
    if patch.get(_DIRECTIVE) == "replace":
        return copy.deepcopy({key: value for key, value in patch.items() if key != _DIRECTIVE})
    if patch.get(_DIRECTIVE) == "delete":
        return {}
    merged = dict(document)
    if _RETAIN in patch:
        merged = {key: value for key, value in merged.items() if key in patch[_RETAIN]}
    for key, value in patch.items():
        if key.startswith(_DELETE_VALUES):
            name = key.removeprefix(_DELETE_VALUES)
            merged[name] = [each for each in merged.get(name, ()) if each not in value]
        elif value is None:
            merged.pop(key, None)
        elif not key.startswith("$"):
            merged[key] = strategic_merge(merged.get(key), value, (*path, key))
    for key, order in patch.items():
        if key.startswith(_ORDER) and key.removeprefix(_ORDER) in merged:
            name = key.removeprefix(_ORDER)
            merged[name] = _in_order(merged[name], order, (*path, name))
    return merged


def _merge_list(document: list[Any], patch: list[Any], path: FieldPath) -> list[Any]:
    if is_set(path):
        return document + [value for value in patch if value not in document]
    keys = _merge_key(path)
    replaces = any(isinstance(item, dict) and item.get(_DIRECTIVE) == "replace" for item in patch)
    changes = [item for item in patch if not (isinstance(item, dict) and set(item) == {_DIRECTIVE})]
    if not keys or replaces:
        return copy.deepcopy(changes)
    merged: dict[str | None, Any] = {item_key(item, keys): item for item in document}
    for item in changes:
        key = item_key(item, keys)
        if isinstance(item, dict) and item.get(_DIRECTIVE) == "delete":
            merged.pop(key, None)
        else:
            merged[key] = strategic_merge(merged.get(key, {}), item, path)
    return list(merged.values())


def _merge_key(path: FieldPath) -> tuple[str, ...]:
    """This patch format tells items apart by the first key alone."""
    return list_keys(path)[:1]


def _in_order(items: list[Any], order: list[Any], path: FieldPath) -> list[Any]:
    keys = _merge_key(path)
    rank = {json.dumps(item_key(each, keys) if keys else each): place for place, each in enumerate(order)}
    places = [rank.get(json.dumps(item_key(item, keys) if keys else item)) for item in items]
    known = iter(sorted((place, number) for number, place in enumerate(places) if place is not None))
    return [items[number] if place is None else items[next(known)[1]] for number, place in enumerate(places)]
