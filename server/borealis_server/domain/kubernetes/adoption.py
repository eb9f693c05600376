"""Taking fields over from `kubectl apply`, the way kubectl itself moves from client-side to server-side apply.

An object that was applied by kubectl has its fields owned by `kubectl-client-side-apply`; our first apply would be
refused for every field that it changes. So those fields become ours first, and nobody else's do. ADR 0017.
"""

from collections.abc import Mapping
from typing import Any, Final

from borealis_server.domain.kubernetes.json_types import Document, annotation, dig, meta
from borealis_server.domain.kubernetes.marks import FIELD_MANAGER

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_CLIENT_SIDE: Final = "kubectl-client-side-apply"
_NO_CLAIM: Final = "before-first-apply"
"""The API server's own name for fields that had no owner when the first one applied: nobody's claim."""
NOT_CONTESTED: Final = frozenset({FIELD_MANAGER, _NO_CLAIM})
"""Managers whose fields may be taken over: ourselves, and nobody."""


def adopting_patch(live: Document) -> list[dict[str, Any]] | None:  # Any: JSON
    """A JSON patch that makes ours what `kubectl apply` owns of `live`; None where kubectl applied nothing.

    It fails when the object has changed meanwhile: read it again, then repeat.
    """
    entries = list(dig(live, "metadata", "managedFields") or [])
    theirs = [entry for entry in entries if _is_client_side(entry)]
    if not theirs or not annotation(live, LAST_APPLIED):
        return None
    ours = [entry for entry in entries if _is_our_apply(entry)]
    fields: dict[str, Any] = {}  # Any: JSON
    for entry in (*ours, *theirs):
        fields = _union(fields, entry.get("fieldsV1") or {})
    applied = {
        "manager": FIELD_MANAGER,
        "operation": "Apply",
        "apiVersion": (ours or theirs)[0]["apiVersion"],
        "time": theirs[0].get("time"),
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    others = [entry for entry in entries if not _is_client_side(entry) and not _is_our_apply(entry)]
    kept = {name: value for name, value in applied.items() if value is not None}
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": [kept, *others]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": meta(live, "resourceVersion")},
    ]


def without_contested_replicas(manifest: Document, live: Document | None) -> dict[str, Any]:  # Any: JSON
    """The manifest of an object that an autoscaler scales, so that applying it leaves the number of pods alone.

    Left out where somebody else owns the number too. Where nobody does, leaving it out would set it to its default of
    one pod: then it is written as it is.
    """
    spec = {name: value for name, value in manifest["spec"].items() if name != "replicas"}
    current = dig(live, "spec", "replicas") if live else None
    if live is not None and current is not None and not _others_own_replicas(live):
        spec["replicas"] = current
    return {**manifest, "spec": spec}


def _others_own_replicas(live: Document) -> bool:
    return any(
        dig(entry, "fieldsV1", "f:spec", "f:replicas") is not None
        for entry in dig(live, "metadata", "managedFields") or []
        if entry.get("manager") != FIELD_MANAGER
    )


def _is_client_side(entry: Document) -> bool:
    return entry.get("manager") == _CLIENT_SIDE and entry.get("operation") == "Update" and not entry.get("subresource")


def _is_our_apply(entry: Document) -> bool:
    return entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"


def _union(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:  # Any: JSON
    """Two `fieldsV1` trees as one."""
    return {**one, **{name: _union(one.get(name) or {}, fields) for name, fields in other.items()}}
