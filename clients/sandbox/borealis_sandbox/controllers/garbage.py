"""Collects what has lost its owner, and carries out foreground and orphan deletions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_sandbox.controllers.ownership import drop_owner
from borealis_sandbox.custom_kinds import find_kind, served_kinds
from borealis_sandbox.deletion import FOREGROUND, ORPHAN, Deletion
from borealis_sandbox.objects import finalizers_of, is_terminating, name_of, namespace_of, owners_of, uid_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from borealis_sandbox.api import Api
    from borealis_sandbox.controllers.loop import Key
    from borealis_sandbox.kinds import Kind
    from borealis_sandbox.objects import Object, Owner
    from borealis_sandbox.storage import Change


class GarbageCollector:
    """Deletes dependants with, or after, their owners; an owner is never waited for that is not there."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def affected(self, change: Change) -> Iterable[Key]:
        """The object itself, if it has owners or is going; its dependants and owners, if it is gone."""
        found = change.found
        if change.type != "DELETED":
            if owners_of(found) or is_terminating(found):
                yield _key(change.kind, found)
            return
        for kind, dependant in self._dependants(found):
            yield _key(kind, dependant)
        for owner in owners_of(found):
            known = self._kind(owner["apiVersion"], owner["kind"])
            if known is not None:
                namespace = namespace_of(found) if known.is_namespaced else ""
                yield known.api_version, known.kind, namespace, owner["name"]

    def reconcile(self, key: Key) -> float | None:
        """Do for the object of that key whatever its owners or its own deletion ask for."""
        kind, namespace, name = self._kind(key[0], key[1]), key[2], key[3]
        found = self._api.storage.get(kind, namespace, name) if kind is not None else None
        if kind is None or found is None:
            return None
        if is_terminating(found):
            self._finish(kind, found)
        elif owners_of(found):
            self._check_owners(kind, found)
        return None

    def _finish(self, kind: Kind, found: Object) -> None:
        finalizers = finalizers_of(found)
        if ORPHAN in finalizers:
            for each, dependant in self._dependants(found):
                drop_owner(self._api, each, dependant, uid_of(found))
            self._api.remove_finalizer(kind, found, ORPHAN)
        elif FOREGROUND in finalizers:
            blocking = [pair for pair in self._dependants(found) if _blocks(pair[1], found)]
            for each, dependant in blocking:
                if not is_terminating(dependant):
                    self._delete(each, dependant, policy="Foreground")
            if not blocking:
                self._api.remove_finalizer(kind, found, FOREGROUND)

    def _check_owners(self, kind: Kind, found: Object) -> None:
        owners = [self._owner(found, owner) for owner in owners_of(found)]
        if all(owner is None for owner in owners):
            self._delete(kind, found, policy="Background")

    def _delete(self, kind: Kind, found: Object, *, policy: str) -> None:
        deletion = Deletion(policy=policy, uid=uid_of(found))
        self._api.delete(kind, namespace_of(found), name_of(found), deletion)

    def _owner(self, found: Object, reference: Owner) -> Object | None:
        """The owner that a reference means; one of a kind unknown here counts as there, under a stand-in."""
        kind = self._kind(reference["apiVersion"], reference["kind"])
        if kind is None:
            return {"metadata": reference}
        owner = self._api.storage.get(kind, namespace_of(found) if kind.is_namespaced else "", reference["name"])
        return owner if owner is not None and uid_of(owner) == reference["uid"] else None

    def _kind(self, api_version: str, kind: str) -> Kind | None:
        return find_kind(served_kinds(self._api.storage), api_version, kind)

    def _dependants(self, owner: Object) -> Iterator[tuple[Kind, Object]]:
        for kind in served_kinds(self._api.storage):
            for found in self._api.storage.find(kind, namespace_of(owner)):
                if any(each["uid"] == uid_of(owner) for each in owners_of(found)):
                    yield kind, found


def _blocks(dependant: Object, owner: Object) -> bool:
    return any(each["uid"] == uid_of(owner) and each.get("blockOwnerDeletion") for each in owners_of(dependant))


def _key(kind: Kind, found: Object) -> Key:
    return kind.api_version, kind.kind, namespace_of(found), name_of(found)
