"""The objects, one revision number for the whole store, and a bounded log of changes that watches read.

Owns no meaning of any field but the resource version. What it holds is never changed in place: writers copy first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from borealis_sandbox.objects import name_of, namespace_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from borealis_sandbox.kinds import Kind
    from borealis_sandbox.objects import Object

_HISTORY = 20_000
_FIRST_REVISION = 1

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


class TooOldError(Exception):
    """Changes since the revision asked for are no longer known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One write."""

    revision: int
    """The store's revision after it."""
    type: ChangeType
    """What happened to the object."""
    kind: Kind
    """The object's kind."""
    found: Object
    """The object after the write; for a deletion its last state, with the deletion's revision."""
    previous: Object | None
    """The object before the write; None if it is new."""


class Storage:
    """A small versioned store, for use by one event loop."""

    def __init__(self, *, history: int = _HISTORY) -> None:
        self._objects: dict[Kind, dict[tuple[str, str], Object]] = {}
        self._log: deque[Change] = deque(maxlen=history)
        self._revision = _FIRST_REVISION
        self._changed = asyncio.Event()
        self._has_ended = False

    @property
    def has_ended(self) -> bool:
        """Whether nobody should wait for changes any more."""
        return self._has_ended

    @property
    def revision(self) -> int:
        """Number of the last write."""
        return self._revision

    @property
    def oldest_revision(self) -> int:
        """The oldest revision whose later changes are all known."""
        return self._log[0].revision - 1 if self._log else self._revision

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """The object of that name, if there is one."""
        return self._objects.get(kind, {}).get((namespace, name))

    def find(self, kind: Kind, namespace: str = "") -> list[Object]:
        """All objects of `kind`, in `namespace` if it is not empty, ordered by namespace and name."""
        found = self._objects.get(kind, {})
        return [found[key] for key in sorted(found) if not namespace or key[0] == namespace]

    def put(self, kind: Kind, found: Object) -> Object:
        """Store `found` under the next revision, and give back what was stored."""
        objects = self._objects.setdefault(kind, {})
        key = (namespace_of(found), name_of(found))
        previous = objects.get(key)
        stored = self._stamped(found)
        objects[key] = stored
        self._record("MODIFIED" if previous else "ADDED", kind, stored, previous)
        return stored

    def remove(self, kind: Kind, found: Object) -> Object:
        """Remove `found`, and give back its last state."""
        previous = self._objects[kind].pop((namespace_of(found), name_of(found)))
        stored = self._stamped(found)
        self._record("DELETED", kind, stored, previous)
        return stored

    def changes_after(self, revision: int) -> Sequence[Change]:
        """All changes after `revision`, oldest first; raises TooOldError if some are forgotten."""
        if revision < self.oldest_revision:
            raise TooOldError
        count = min(self._revision - revision, len(self._log))
        return [self._log[position] for position in range(len(self._log) - count, len(self._log))]

    def find_at(self, kind: Kind, namespace: str, revision: int) -> list[Object]:
        """As `find`, but as things stood at `revision`; raises TooOldError if that is forgotten."""
        found = dict(self._objects.get(kind, {}))
        for change in reversed(self.changes_after(revision)):
            if change.kind == kind:
                key = (namespace_of(change.found), name_of(change.found))
                found.pop(key, None)
                if change.previous is not None:
                    found[key] = change.previous
        return [found[key] for key in sorted(found) if not namespace or key[0] == namespace]

    async def wait_after(self, revision: int) -> None:
        """Return once there is a change after `revision`, or the store has ended."""
        while self._revision <= revision and not self._has_ended:
            await self._changed.wait()

    def end(self) -> None:
        """Wake everybody who waits, for good: the cluster is stopping."""
        self._has_ended = True
        self._changed.set()

    def _stamped(self, found: Object) -> Object:
        self._revision += 1
        return {**found, "metadata": {**found["metadata"], "resourceVersion": str(self._revision)}}

    def _record(self, type_: ChangeType, kind: Kind, found: Object, previous: Object | None) -> None:
        change = Change(revision=self._revision, type=type_, kind=kind, found=found, previous=previous)
        self._log.append(change)
        self._changed.set()
        self._changed = asyncio.Event()
