"""The `scale` subresource: a view of a workload that shows only its number of replicas. Pure."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from borealis_sandbox.errors import bad_request
from borealis_sandbox.objects import name_of, namespace_of, uid_of
from borealis_sandbox.selectors import requirements_of

if TYPE_CHECKING:
    from borealis_sandbox.objects import Object


def scale_of(workload: Object) -> Object:
    """The `Scale` of a workload."""
    metadata = workload["metadata"]
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": name_of(workload),
            "namespace": namespace_of(workload),
            "uid": uid_of(workload),
            "resourceVersion": metadata["resourceVersion"],
            "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": {"replicas": workload["spec"]["replicas"]} if workload["spec"]["replicas"] else {},
        "status": {
            "replicas": workload.get("status", {}).get("replicas", 0),
            "selector": _selector_text(workload["spec"].get("selector")),
        },
    }


def scaled(workload: Object, scale: Object) -> Object:
    """`workload` with the number of replicas that `scale` asks for; its version and uid come along, to be checked."""
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int):
        raise bad_request(f"spec.replicas of a Scale is a number, not {replicas!r}")
    found = copy.deepcopy(workload)
    found["spec"]["replicas"] = replicas
    for name in ("resourceVersion", "uid"):
        if wanted := scale.get("metadata", {}).get(name):
            found["metadata"][name] = wanted
    return found


def _selector_text(selector: Object | None) -> str:
    parts = []
    for each in requirements_of(selector):
        values = sorted(each.values)
        match each.operator:
            case "In" if len(values) == 1:
                parts.append(f"{each.key}={values[0]}")
            case "In" | "NotIn":
                parts.append(f"{each.key} {each.operator.lower()} ({','.join(values)})")
            case operator:
                parts.append(each.key if operator == "Exists" else f"!{each.key}")
    return ",".join(parts)
