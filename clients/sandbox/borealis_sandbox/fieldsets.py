"""Sets of fields of an object, as server-side apply writes them into `managedFields`. Pure.

A path is a tuple of steps: `f:spec` for a field, `k:{"name":"web"}` for a list item, `v:"x"` for a value of a set.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from borealis_sandbox.schema import FieldPath, is_atomic_map, is_set, keyed, list_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from borealis_sandbox.objects import Object

Path: TypeAlias = tuple[str, ...]
FieldSet: TypeAlias = frozenset[Path]

_UNOWNED = frozenset(
    {("apiVersion",), ("kind",)}
    | {
        ("metadata", name)
        for name in (
            "creationTimestamp",
            "deletionGracePeriodSeconds",
            "deletionTimestamp",
            "generation",
            "managedFields",
            "name",
            "namespace",
            "resourceVersion",
            "selfLink",
            "uid",
        )
    }
)
_ITEM = object()


def leaves(found: Object) -> dict[Path, Any]:  # Any: a leaf is any JSON value
    """Every field that a manager can own, with its value; what the server itself keeps is left out."""
    collected: dict[Path, Any] = {}
    _collect(found, (), (), collected)
    return collected


def field_set(found: Object) -> FieldSet:
    """Every field that a manager can own."""
    return frozenset(leaves(found))


def changed_fields(old: Object, new: Object) -> tuple[FieldSet, FieldSet]:
    """What `new` adds or changes, and what it removes, compared with `old`."""
    before, after = leaves(old), leaves(new)
    written = {path for path, value in after.items() if path not in before or before[path] != value}
    return frozenset(written), frozenset(before.keys() - after.keys())


def with_parents(paths: FieldSet) -> FieldSet:
    """`paths` and everything above them."""
    return frozenset(path[:length] for path in paths for length in range(1, len(path) + 1))


def to_fields_v1(paths: FieldSet) -> Object:
    """The nested form in which `managedFields` holds a set."""
    nested: Object = {}
    inner = {path[:length] for path in paths for length in range(1, len(path))}
    for path in sorted(paths):
        place = nested
        for step in path:
            place = place.setdefault(step, {})
        if path in inner:
            place["."] = {}
    return nested


def from_fields_v1(nested: Mapping[str, Any]) -> FieldSet:
    """The set that the nested form holds."""
    return frozenset(_unnest(nested, ()))


def without(found: Object, path: Path) -> None:
    """Remove what stands at `path` from `found`, which is changed; nothing there is fine."""
    place: Any = found
    fields: FieldPath = ()
    for step in path[:-1]:
        place, fields = _step_into(place, step, fields)
        if place is None:
            return
    _drop(place, path[-1], fields)


def readable(path: Path) -> str:
    """`path` as messages write it: `.spec.containers[name="web"].image`."""
    parts = []
    for step in path:
        kind, _, text = step.partition(":")
        if kind == "f":
            parts.append(f".{text}")
        elif kind == "k":
            keys = ",".join(f"{key}={json.dumps(value)}" for key, value in json.loads(text).items())
            parts.append(f"[{keys}]")
        else:
            parts.append(f"[={text}]")
    return "".join(parts)


def _collect(value: Any, path: Path, fields: FieldPath, collected: dict[Path, Any]) -> None:
    if isinstance(value, dict) and value and not is_atomic_map(fields):
        for key, inner in value.items():
            if (*fields, key) not in _UNOWNED:
                _collect(inner, (*path, f"f:{key}"), (*fields, key), collected)
    elif isinstance(value, list) and value and is_set(fields):
        collected.update({(*path, f"v:{json.dumps(each)}"): each for each in value})
    elif isinstance(value, list) and value and (items := keyed(value, list_keys(fields))) is not None:
        for key, item in items.items():
            collected[(*path, f"k:{key}")] = _ITEM
            _collect(item, (*path, f"k:{key}"), fields, collected)
    elif path:
        collected[path] = value


def _unnest(nested: Mapping[str, Any], path: Path) -> Iterable[Path]:
    for step, inner in nested.items():
        if step == ".":
            yield path
        elif not inner:
            yield (*path, step)
        else:
            yield from _unnest(inner, (*path, step))


def _step_into(place: Any, step: str, fields: FieldPath) -> tuple[Any, FieldPath]:
    kind, _, text = step.partition(":")
    if kind == "f":
        return (place.get(text) if isinstance(place, dict) else None), (*fields, text)
    if isinstance(place, list):
        return (keyed(place, list_keys(fields)) or {}).get(text), fields
    return None, fields


def _drop(place: Any, step: str, fields: FieldPath) -> None:
    kind, _, text = step.partition(":")
    if kind == "f" and isinstance(place, dict):
        place.pop(text, None)
    elif kind == "v" and isinstance(place, list):
        place[:] = [each for each in place if json.dumps(each) != text]
    elif kind == "k" and isinstance(place, list):
        items = keyed(place, list_keys(fields)) or {}
        items.pop(text, None)
        place[:] = items.values()
