"""What has changed between two states of an organization, in the words that the audit may keep: no secret, no hash."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from borealis_server.domain.directory import Directory

_COLLECTIONS: Final = ("tenants", "users", "invitations", "roles", "target_groups", "credentials")
_NAMES: Final = {"target_groups": "targetGroups", "credentials": "clientCredentials"}
_SECRET: Final = frozenset({"secret_hash", "token_hash"})

Facts = dict[str, object]


def changes_of(before: Directory, after: Directory) -> Iterator[tuple[str, Facts | None, Facts | None]]:
    """Name, facts of before and facts of after for each thing that is new, other or gone."""
    for collection in _COLLECTIONS:
        old: Mapping[str, Any] = getattr(before, collection)  # Any: each collection has records of its own
        new: Mapping[str, Any] = getattr(after, collection)
        for key in sorted(old.keys() | new.keys()):
            was, now = old.get(key), new.get(key)
            if was != now:
                yield f"{_NAMES.get(collection, collection)}/{key}", facts_of(was), facts_of(now)


def facts_of(record: Any) -> Facts | None:  # Any: a record of any collection
    """The fields of a record that may be kept; None for no record."""
    if record is None:
        return None
    return {one.name: _plain(getattr(record, one.name)) for one in fields(record) if one.name not in _SECRET}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, bool | int) else str(value)
