"""Server-side apply: merges what a manager wants into the live object, and settles who owns what. Pure."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from borealis_sandbox.errors import apply_conflict
from borealis_sandbox.fieldsets import (
    FieldSet,
    changed_fields,
    field_set,
    readable,
    with_parents,
    without,
)
from borealis_sandbox.managed import Manager, Owned, dispossess, read_owners, write_owners
from borealis_sandbox.objects import timestamp
from borealis_sandbox.schema import FieldPath, is_atomic_map, is_set, keyed, list_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from borealis_sandbox.objects import Object


def apply(live: Object, wanted: Object, manager: Manager, *, force: bool) -> Object:
    """The object after `manager` has applied `wanted` to `live`.

    Fields that the manager applied before and no longer names are removed, unless somebody else owns them too.
    Errors: a conflict that names each other manager and field whose value would change, unless `force`.
    """
    owners = read_owners(live)
    last = owners.get(manager)
    fields = field_set(wanted)
    merged: Object = _merge(live, wanted, ())
    if last is not None:
        others = [owned.fields for other, owned in owners.items() if other != manager]
        _prune(merged, last.fields, kept=fields.union(*others))
    written, removed = changed_fields(live, merged)
    conflicts = _conflicts(owners, written, manager)
    if conflicts and not force:
        raise apply_conflict(conflicts)
    unchanged = last is not None and last.fields == fields and not written and not removed
    owners = dispossess(owners, written | removed, spared=manager)
    owners[manager] = Owned(fields=fields, time=last.time if last is not None and unchanged else timestamp())
    write_owners(merged, owners)
    return merged


def _conflicts(owners: Mapping[Manager, Owned], written: FieldSet, manager: Manager) -> list[tuple[str, str]]:
    return [
        (str(other), readable(path))
        for other, owned in owners.items()
        if other != manager
        for path in sorted(owned.fields & written)
    ]


def _prune(merged: Object, last: FieldSet, *, kept: FieldSet) -> None:
    """Remove what was applied last time and is in nobody's set now, with everything below it; metadata itself stays."""
    for path in sorted(with_parents(last) - with_parents(kept) - {("f:metadata",)}, key=len):
        without(merged, path)


def _merge(live: Any, wanted: Any, path: FieldPath) -> Any:  # Any: values of any JSON type
    if isinstance(live, dict) and isinstance(wanted, dict) and not is_atomic_map(path):
        merged = copy.deepcopy(live)
        for key, value in wanted.items():
            merged[key] = _merge(live.get(key), value, (*path, key))
        return merged
    if isinstance(live, list) and isinstance(wanted, list):
        return _merge_list(live, wanted, path)
    return copy.deepcopy(wanted)


def _merge_list(live: list[Any], wanted: list[Any], path: FieldPath) -> list[Any]:
    if is_set(path):
        return live + [value for value in wanted if value not in live]
    keys = list_keys(path)
    mine, theirs = keyed(wanted, keys), keyed(live, keys)
    if mine is None or theirs is None:
        return copy.deepcopy(wanted)
    merged = copy.deepcopy(theirs)
    for key, item in mine.items():
        merged[key] = _merge(theirs.get(key), item, path)
    return list(merged.values())
