"""The table that `kubectl get` asks for, with the columns people know. Pure."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from borealis_sandbox import kinds
from borealis_sandbox.objects import is_terminating, is_true, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from borealis_sandbox.kinds import Kind
    from borealis_sandbox.objects import Object

_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
# A unit is shown from twice its length on, as `90s` says more than `1m`.
_TWICE = 2


def table(kind: Kind, found: Sequence[Object], metadata: Object, *, now: dt.datetime) -> Object:
    """The table of `found`, with the list's own `metadata`."""
    columns, cells = _COLUMNS.get(kind, ((), lambda _: []))
    names = ("Name", *columns, "Age")
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [_column(name) for name in names],
        "rows": [
            {
                "cells": [name_of(each), *cells(each), _age(each["metadata"]["creationTimestamp"], now)],
                "object": {
                    "kind": "PartialObjectMetadata",
                    "apiVersion": "meta.k8s.io/v1",
                    "metadata": each["metadata"],
                },
            }
            for each in found
        ],
    }


def _column(name: str) -> Object:
    form = "name" if name == "Name" else ""
    return {"name": name, "type": "string", "format": form, "description": "", "priority": 0}


def _age(created: str, now: dt.datetime) -> str:
    seconds = max(0, int((now - dt.datetime.fromisoformat(created)).total_seconds()))
    letter, length = next((unit for unit in _UNITS if seconds >= _TWICE * unit[1]), _UNITS[-1])
    return f"{seconds // length}{letter}"


def _deployment(found: Object) -> list[Any]:
    status, wanted = found.get("status", {}), found["spec"]["replicas"]
    ready = f"{status.get('readyReplicas', 0)}/{wanted}"
    return [ready, status.get("updatedReplicas", 0), status.get("availableReplicas", 0)]


def _replica_set(found: Object) -> list[Any]:
    status = found.get("status", {})
    return [found["spec"]["replicas"], status.get("replicas", 0), status.get("readyReplicas", 0)]


def _pod(found: Object) -> list[Any]:
    containers = found.get("status", {}).get("containerStatuses") or []
    ready = f"{sum(bool(each['ready']) for each in containers)}/{len(found['spec']['containers'])}"
    reasons = [each["state"][state].get("reason") for each in containers for state in each["state"]]
    status = next(filter(None, reasons), found.get("status", {}).get("phase"))
    restarts = sum(each["restartCount"] for each in containers)
    return [ready, "Terminating" if is_terminating(found) else status, restarts]


def _service(found: Object) -> list[Any]:
    spec = found["spec"]
    ports = ",".join(f"{port['port']}/{port['protocol']}" for port in spec.get("ports") or ())
    return [spec["type"], spec.get("clusterIP", "<none>"), "<none>", ports or "<none>"]


def _event(found: Object) -> list[Any]:
    involved = found.get("involvedObject", {})
    name = f"{str(involved.get('kind', '')).lower()}/{involved.get('name', '')}"
    return [found.get("type"), found.get("reason"), name, found.get("message")]


_COLUMNS: Mapping[Kind, tuple[tuple[str, ...], Callable[[Object], list[Any]]]] = {
    kinds.DEPLOYMENT: (("Ready", "Up-to-date", "Available"), _deployment),
    kinds.REPLICA_SET: (("Desired", "Current", "Ready"), _replica_set),
    kinds.POD: (("Ready", "Status", "Restarts"), _pod),
    kinds.SERVICE: (("Type", "Cluster-IP", "External-IP", "Port(s)"), _service),
    kinds.NAMESPACE: (("Status",), lambda found: [found["status"]["phase"]]),
    kinds.NODE: (("Status",), lambda found: ["Ready" if is_true(found, "Ready") else "NotReady"]),
    kinds.CONFIG_MAP: (("Data",), lambda found: [len(found.get("data") or {})]),
    kinds.SECRET: (("Type", "Data"), lambda found: [found["type"], len(found.get("data") or {})]),
    kinds.EVENT: (("Type", "Reason", "Object", "Message"), _event),
}
