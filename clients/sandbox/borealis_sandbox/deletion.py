"""What a delete request asks for, and what has to happen first. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from borealis_sandbox import kinds
from borealis_sandbox.errors import bad_request, stale
from borealis_sandbox.objects import finalizers_of, name_of, timestamp, uid_of

if TYPE_CHECKING:
    from borealis_sandbox.kinds import Kind
    from borealis_sandbox.objects import Object

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
_FINALIZER = {"Foreground": FOREGROUND, "Orphan": ORPHAN}
_POLICIES = ("Background", "Foreground", "Orphan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """How an object is to be deleted."""

    policy: str = "Background"
    """What becomes of dependants: `Background`, `Foreground` or `Orphan`."""
    uid: str | None = None
    """Delete only the object with this uid."""
    resource_version: str | None = None
    """Delete only this version of the object."""
    grace_s: int | None = None
    """Seconds a pod gets to end; None for its own setting."""
    is_dry_run: bool = False
    """Only say what would happen."""


def parse_deletion(options: Object, query: Object) -> Deletion:
    """The deletion that the body (`DeleteOptions`) and the query of a request ask for; the query wins."""
    preconditions = options.get("preconditions") or {}
    policy = query.get("propagationPolicy") or options.get("propagationPolicy") or "Background"
    if policy not in _POLICIES:
        raise bad_request(f"propagationPolicy is one of {', '.join(_POLICIES)}, not {policy!r}")
    if options.get("orphanDependents") is True or query.get("orphanDependents") == "true":
        policy = "Orphan"
    grace = query.get("gracePeriodSeconds", options.get("gracePeriodSeconds"))
    dry_run = query.get("dryRun") or options.get("dryRun")
    return Deletion(
        policy=policy,
        uid=preconditions.get("uid"),
        resource_version=preconditions.get("resourceVersion"),
        grace_s=None if grace is None else int(grace),
        is_dry_run=dry_run in ("All", ["All"]),
    )


def check_preconditions(kind: Kind, found: Object, deletion: Deletion) -> None:
    """Raise a conflict if the caller meant another object or another version of it."""
    for name, wanted, actual in (
        ("UID", deletion.uid, uid_of(found)),
        ("ResourceVersion", deletion.resource_version, found["metadata"]["resourceVersion"]),
    ):
        if wanted is not None and wanted != actual:
            why = f"Precondition failed: {name} in precondition: {wanted}, {name} in object meta: {actual}"
            raise stale(kind, name_of(found), why)


def marked(kind: Kind, found: Object, deletion: Deletion) -> Object | None:
    """`found` as it stays while something must still be done before it may go; None if it can go at once."""
    finalizers = finalizers_of(found)
    added = _FINALIZER.get(deletion.policy)
    if added and added not in finalizers:
        finalizers.append(added)
    grace_s = _grace_s(kind, found, deletion)
    if not finalizers and not grace_s and kind != kinds.NAMESPACE:
        return None
    metadata = {**found["metadata"], "deletionTimestamp": found["metadata"].get("deletionTimestamp", timestamp())}
    metadata["deletionGracePeriodSeconds"] = grace_s
    if finalizers:
        metadata["finalizers"] = finalizers
    result = {**found, "metadata": metadata}
    if kind == kinds.NAMESPACE:
        result["status"] = {**found.get("status", {}), "phase": "Terminating"}
    return result


def _grace_s(kind: Kind, found: Object, deletion: Deletion) -> int:
    """Only a pod that may be running on a node needs time to end."""
    is_done = found.get("status", {}).get("phase") in {"Succeeded", "Failed"}
    if kind != kinds.POD or is_done or "nodeName" not in found["spec"]:
        return 0
    own = int(found["spec"].get("terminationGracePeriodSeconds", 30))
    return own if deletion.grace_s is None else deletion.grace_s
