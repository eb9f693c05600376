"""What a Deployment's status says about its ReplicaSets. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_sandbox.controllers.rolling import bounds_of
from borealis_sandbox.objects import condition_of, name_of, timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from borealis_sandbox.objects import Object

_COUNTS = ("replicas", "readyReplicas", "availableReplicas")


def deployment_status(
    deployment: Object, new: Object | None, old: Sequence[Object], *, is_late: bool, collisions: int
) -> Object:
    """The status of `deployment`; `is_late` says that nothing has moved for longer than it allows."""
    sets = [*old, *([new] if new else [])]
    status: Object = {
        "observedGeneration": deployment["metadata"]["generation"],
        **{name: sum(each.get("status", {}).get(name, 0) for each in sets) for name in _COUNTS},
        "updatedReplicas": new.get("status", {}).get("replicas", 0) if new else 0,
    }
    wanted = max(deployment["spec"]["replicas"], sum(each["spec"]["replicas"] for each in sets))
    status["unavailableReplicas"] = max(0, wanted - status["availableReplicas"])
    status["collisionCount"] = collisions
    shown = {key: value for key, value in status.items() if value}
    shown["conditions"] = [
        _available(deployment, status["availableReplicas"]),
        _progressing(deployment, new, is_done=is_complete(deployment, status), is_late=is_late),
    ]
    return shown


def is_complete(deployment: Object, status: Object) -> bool:
    """Whether every wanted pod is new and available, and no other is left."""
    wanted = deployment["spec"]["replicas"]
    return all(status.get(name, 0) == wanted for name in ("updatedReplicas", "replicas", "availableReplicas"))


def _available(deployment: Object, available: int) -> Object:
    if available >= deployment["spec"]["replicas"] - bounds_of(deployment).unavailable:
        said = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        said = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    return _condition(deployment, "Available", *said)


def _progressing(deployment: Object, new: Object | None, *, is_done: bool, is_late: bool) -> Object:
    about = f'ReplicaSet "{name_of(new)}"' if new else "Deployment"
    if is_done:
        said = ("True", "NewReplicaSetAvailable", f"{about} has successfully progressed.")
    elif is_late:
        said = ("False", "ProgressDeadlineExceeded", f"{about} has timed out progressing.")
    else:
        said = ("True", "ReplicaSetUpdated", f"{about} is progressing.")
    return _condition(deployment, "Progressing", *said)


def _condition(deployment: Object, kind: str, status: str, reason: str, message: str) -> Object:
    old = condition_of(deployment, kind)
    wanted = {"type": kind, "status": status, "reason": reason, "message": message}
    if old is not None and wanted.items() <= old.items():
        return old
    is_same_status = old is not None and old["status"] == status
    since = old["lastTransitionTime"] if old is not None and is_same_status else timestamp()
    return {**wanted, "lastUpdateTime": timestamp(), "lastTransitionTime": since}
