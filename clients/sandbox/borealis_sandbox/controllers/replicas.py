"""Which pods a ReplicaSet keeps, and what its status says about them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_sandbox.objects import is_terminating, is_true, labels_of, timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from borealis_sandbox.objects import Object

_FINISHED = frozenset({"Succeeded", "Failed"})


def is_active(pod: Object) -> bool:
    """Whether `pod` counts as a replica: it neither ended nor is about to."""
    return not is_terminating(pod) and pod.get("status", {}).get("phase") not in _FINISHED


def surplus(pods: Sequence[Object], *, wanted: int) -> list[Object]:
    """The pods to delete so that `wanted` remain: those without a node first, then not Ready ones, then the newest."""
    newest_first = sorted(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), reverse=True)
    least_useful_first = sorted(newest_first, key=_usefulness)
    return least_useful_first[: max(0, len(pods) - wanted)]


def replica_status(replica_set: Object, pods: Sequence[Object], *, available: int, failure: str) -> Object:
    """The status of `replica_set` with its active `pods`; `failure` says why pods could not be created, if so."""
    template_labels = replica_set["spec"]["template"]["metadata"].get("labels", {})
    status: Object = {
        "replicas": len(pods),
        "fullyLabeledReplicas": sum(template_labels.items() <= labels_of(pod).items() for pod in pods),
        "readyReplicas": sum(is_true(pod, "Ready") for pod in pods),
        "availableReplicas": available,
        "observedGeneration": replica_set["metadata"]["generation"],
    }
    # Counts of zero are left out, as the API server leaves out empty fields; `replicas` is always written.
    shown = {key: value for key, value in status.items() if value or key == "replicas"}
    if failure:
        shown["conditions"] = [_failure(replica_set, failure)]
    return shown


def _usefulness(pod: Object) -> tuple[bool, bool, bool]:
    is_running = pod.get("status", {}).get("phase") == "Running"
    return "nodeName" in pod["spec"], is_running, is_true(pod, "Ready")


def _failure(replica_set: Object, message: str) -> Object:
    old = next(iter(replica_set.get("status", {}).get("conditions") or ()), None)
    since = old["lastTransitionTime"] if old else timestamp()
    condition = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    return {**condition, "lastTransitionTime": since}
