"""The verbs of the API on stored objects: create, replace, patch, apply, delete, with all their rules.

Every verb is synchronous, so nothing can come between its reading and its writing. Knows nothing of HTTP.
"""

from __future__ import annotations

import copy
import random
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from borealis_sandbox import kinds
from borealis_sandbox.addresses import AddressPool
from borealis_sandbox.admission import admit
from borealis_sandbox.apply import apply
from borealis_sandbox.defaults import drop_nulls, set_defaults
from borealis_sandbox.deletion import Deletion, check_preconditions, marked
from borealis_sandbox.errors import already_exists, bad_request, invalid, not_found, stale
from borealis_sandbox.managed import Manager, record_update
from borealis_sandbox.objects import finalizers_of, is_terminating, name_of, namespace_of, timestamp, uid_of
from borealis_sandbox.validation import change_faults, faults_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from borealis_sandbox.kinds import Kind
    from borealis_sandbox.objects import Object
    from borealis_sandbox.storage import Storage

_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_SERVER_OWNED = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """How a write is to be done."""

    manager: str = "unknown"
    """Name under which the written fields are owned."""
    subresource: str = ""
    """`status`, `scale` or empty."""
    is_dry_run: bool = False
    """Check and answer, but store nothing."""
    force: bool = False
    """Take over fields that others own; for apply only."""


class Api:
    """All verbs on one store."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self._service_addresses = AddressPool("10.96.0.0/16")

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """The object of that name, or a not-found error."""
        found = self.storage.get(kind, namespace, name)
        if found is None:
            raise not_found(kind, name)
        return found

    def create(self, kind: Kind, namespace: str, body: Object, write: Write) -> Object:
        """Store a new object, complete it, and give it back."""
        new = self._new(kind, namespace, body)
        record_update({"metadata": {}}, new, self._manager(kind, write))
        return self._insert(kind, new, write)

    def replace(self, kind: Kind, namespace: str, name: str, body: Object, write: Write) -> Object:
        """Put `body` in place of the object of that name."""
        old = self.get(kind, namespace, name)
        return self._update(kind, old, _addressed(kind, namespace, name, body), write)

    def patch(self, kind: Kind, namespace: str, name: str, change: Callable[[Object], Object], write: Write) -> Object:
        """Replace the object of that name by what `change` makes of it."""
        old = self.get(kind, namespace, name)
        return self._update(kind, old, _addressed(kind, namespace, name, change(old)), write)

    def apply(self, kind: Kind, namespace: str, name: str, body: Object, write: Write) -> tuple[Object, bool]:
        """The object after a server-side apply, and whether it is new."""
        wanted = drop_nulls(_addressed(kind, namespace, name, body))
        if kind.has_status and write.subresource != "status":
            wanted.pop("status", None)
        manager = replace(self._manager(kind, write), operation="Apply")
        old = self.storage.get(kind, namespace, name)
        if old is not None:
            merged = apply(old, wanted, manager, force=write.force)
            return self._update(kind, old, merged, write, owners_are_settled=True), False
        blank: Object = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {}}
        applied = apply(blank, wanted, manager, force=write.force)
        new = self._new(kind, namespace, applied)
        new["metadata"]["managedFields"] = applied["metadata"]["managedFields"]
        return self._insert(kind, new, write), True

    def delete(self, kind: Kind, namespace: str, name: str, deletion: Deletion) -> tuple[Object, bool]:
        """The object as it was left, and whether it is gone; if not, something must still be done first."""
        found = self.get(kind, namespace, name)
        check_preconditions(kind, found, deletion)
        left = marked(kind, found, deletion)
        if deletion.is_dry_run:
            return left or found, left is None
        if left is None:
            return self.storage.remove(kind, found), True
        return (found if left == found else self.storage.put(kind, left)), False

    def remove_finalizer(self, kind: Kind, found: Object, finalizer: str) -> None:
        """Take `finalizer` off `found`, which goes if it was the last one."""
        current = self.storage.get(kind, namespace_of(found), name_of(found))
        if current is None or finalizer not in finalizers_of(current):
            return
        left = [each for each in finalizers_of(current) if each != finalizer]
        metadata = {**current["metadata"], "finalizers": left}
        if not left:
            del metadata["finalizers"]
        self._store(kind, {**current, "metadata": metadata})

    def set_status(self, kind: Kind, found: Object, status: Object, *, manager: str) -> Object:
        """Write the status of `found`, as a controller does; nothing happens if it is the same."""
        write = Write(manager=manager, subresource="status")
        current = self.get(kind, namespace_of(found), name_of(found))
        return self._update(kind, current, {**current, "status": status}, write)

    def _new(self, kind: Kind, namespace: str, body: Object) -> Object:
        new: Object = drop_nulls(copy.deepcopy(body))
        new["apiVersion"], new["kind"] = kind.api_version, kind.kind
        metadata = new.setdefault("metadata", {})
        if kind.is_namespaced:
            metadata["namespace"] = namespace
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + "".join(random.choices(_SUFFIX_LETTERS, k=5))  # noqa: S311 - a name, not a secret
        for name in (*_SERVER_OWNED, "resourceVersion", "managedFields", "selfLink"):
            metadata.pop(name, None)
        metadata.update(uid=str(uuid.uuid4()), creationTimestamp=timestamp())
        if kind.has_generation:
            metadata["generation"] = 1
        if kind.has_status:
            new.pop("status", None)
        set_defaults(kind, new)
        return new

    def _insert(self, kind: Kind, new: Object, write: Write) -> Object:
        name = new["metadata"].get("name", "")
        admit(self.storage, kind, namespace_of(new), name)
        if self.storage.get(kind, namespace_of(new), name) is not None:
            raise already_exists(kind, name)
        if faults := faults_of(kind, new):
            raise invalid(kind, name, faults)
        if kind == kinds.SERVICE and new["spec"]["type"] != "ExternalName" and "clusterIP" not in new["spec"]:
            address = self._service_addresses.take()
            new["spec"].update(clusterIP=address, clusterIPs=[address])
        return new if write.is_dry_run else self.storage.put(kind, new)

    def _update(
        self, kind: Kind, old: Object, wanted: Object, write: Write, *, owners_are_settled: bool = False
    ) -> Object:
        _check_version(kind, old, wanted)
        new = _confined(kind, old, wanted, write.subresource)
        set_defaults(kind, new)
        if faults := [*faults_of(kind, new), *change_faults(kind, old, new)]:
            raise invalid(kind, name_of(old), faults)
        if kind.has_generation and new.get("spec") != old.get("spec"):
            new["metadata"]["generation"] = old["metadata"]["generation"] + 1
        if owners_are_settled:
            new["metadata"]["managedFields"] = wanted["metadata"]["managedFields"]
        else:
            record_update(old, new, self._manager(kind, write))
        if write.is_dry_run or new == old:
            return new
        return self._store(kind, new)

    def _store(self, kind: Kind, new: Object) -> Object:
        """Store `new`, unless nothing holds it back any more from going."""
        is_held = finalizers_of(new) or new["metadata"].get("deletionGracePeriodSeconds") or kind == kinds.NAMESPACE
        if is_terminating(new) and not is_held:
            return self.storage.remove(kind, new)
        return self.storage.put(kind, new)

    def _manager(self, kind: Kind, write: Write) -> Manager:
        return Manager(name=write.manager, api_version=kind.api_version, subresource=write.subresource)


def _addressed(kind: Kind, namespace: str, name: str, body: Object) -> Object:
    """`body`, which must be about the object at the address it was sent to."""
    given_kind = (body.get("apiVersion", kind.api_version), body.get("kind", kind.kind))
    if given_kind != (kind.api_version, kind.kind):
        expected = f"{kind.kind} of {kind.api_version}"
        raise bad_request(f"the object is a {given_kind[1]} of {given_kind[0]}, but was sent to a {expected}")
    metadata = dict(body.get("metadata") or {})
    if metadata.setdefault("name", name) != name:
        text = f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})"
        raise bad_request(text)
    if kind.is_namespaced:
        check_namespace(metadata, namespace)
        metadata["namespace"] = namespace
    return {**body, "apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}


def check_namespace(metadata: Object, namespace: str) -> None:
    """Refuse an object that names another namespace than the address it was sent to."""
    if metadata.get("namespace", namespace) != namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")


def _check_version(kind: Kind, old: Object, wanted: Object) -> None:
    metadata = wanted["metadata"]
    if metadata.get("resourceVersion", old["metadata"]["resourceVersion"]) != old["metadata"]["resourceVersion"]:
        raise stale(kind, name_of(old))
    if metadata.get("uid", uid_of(old)) != uid_of(old):
        why = f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: {uid_of(old)}"
        raise stale(kind, name_of(old), why)


def _confined(kind: Kind, old: Object, wanted: Object, subresource: str) -> Object:
    """`wanted`, but with everything that this kind of write may not touch as it was."""
    if subresource == "status":
        return {**copy.deepcopy(old), "status": drop_nulls(copy.deepcopy(wanted.get("status") or {}))}
    new: Object = drop_nulls(copy.deepcopy(wanted))
    for name in (*_SERVER_OWNED, "resourceVersion", "managedFields"):
        new["metadata"].pop(name, None)
        if name in old["metadata"]:
            new["metadata"][name] = old["metadata"][name]
    if given := (wanted["metadata"].get("managedFields") or []):
        # Who may write an object may also say who owns its fields.
        new["metadata"]["managedFields"] = copy.deepcopy(given)
    if kind.has_status:
        new.pop("status", None)
        if "status" in old:
            new["status"] = old["status"]
    if kind == kinds.SERVICE:
        for name in ("clusterIP", "clusterIPs"):
            if name in old["spec"]:
                new.setdefault("spec", {}).setdefault(name, old["spec"][name])
    return new
