"""Keeps the numbered pods of each StatefulSet: one after the other up, and from the highest down when they change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_sandbox import kinds
from borealis_sandbox.controllers.workload_pods import (
    MANAGER,
    create_pod,
    delete_pod,
    is_current,
    pods_of,
    revision_of,
)
from borealis_sandbox.objects import controller_of, is_terminating, is_true, name_of, namespace_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from borealis_sandbox.api import Api
    from borealis_sandbox.controllers.loop import Key
    from borealis_sandbox.events import EventRecorder
    from borealis_sandbox.objects import Object
    from borealis_sandbox.storage import Change

_RETRY_S = 5.0


class StatefulSetController:
    """Creates, replaces and counts numbered pods."""

    def __init__(self, api: Api, events: EventRecorder) -> None:
        self._api = api
        self._events = events

    def affected(self, change: Change) -> Iterable[Key]:
        """The StatefulSet that changed, or the one that manages the pod that changed."""
        if change.kind == kinds.STATEFUL_SET:
            yield namespace_of(change.found), name_of(change.found)
        elif change.kind == kinds.POD:
            owner = controller_of(change.found)
            if owner is not None and owner["kind"] == kinds.STATEFUL_SET.kind:
                yield namespace_of(change.found), owner["name"]

    def reconcile(self, key: Key) -> float | None:
        """Take the next step, and write the status."""
        found = self._api.storage.get(kinds.STATEFUL_SET, *key)
        if found is None:
            return None
        pods = {name_of(pod): pod for pod in pods_of(self._api, found)}
        is_refused = not is_terminating(found) and not self._step(found, pods)
        self._report(found, pods)
        return _RETRY_S if is_refused else None

    def _step(self, found: Object, pods: Mapping[str, Object]) -> bool:
        """One change at most; False where a pod was refused."""
        wanted = [f"{name_of(found)}-{number}" for number in range(found["spec"]["replicas"])]
        for name in wanted:
            if name not in pods:
                return create_pod(self._api, self._events, found, name)
            if not is_true(pods[name], "Ready") and is_current(pods[name], found):
                return True
        surplus = [pod for name, pod in sorted(pods.items()) if name not in wanted]
        stale = [pods[name] for name in wanted[_partition(found) :] if not is_current(pods[name], found)]
        for pod in (*surplus, *stale)[-1:]:
            if not is_terminating(pod):
                delete_pod(self._api, pod)
        return True

    def _report(self, found: Object, pods: Mapping[str, Object]) -> None:
        ready = [pod for pod in pods.values() if is_true(pod, "Ready") and not is_terminating(pod)]
        updated = [pod for pod in pods.values() if is_current(pod, found)]
        old = found.get("status", {})
        is_done = len(updated) == len(ready) == found["spec"]["replicas"]
        status = {
            "observedGeneration": found["metadata"]["generation"],
            "replicas": len(pods),
            "readyReplicas": len(ready),
            "availableReplicas": len(ready),
            "updatedReplicas": len(updated),
            "currentRevision": revision_of(found) if is_done else old.get("currentRevision", revision_of(found)),
            "updateRevision": revision_of(found),
        }
        self._api.set_status(kinds.STATEFUL_SET, found, status, manager=MANAGER)


def _partition(found: Object) -> int:
    rolling = found["spec"].get("updateStrategy", {}).get("rollingUpdate") or {}
    return int(rolling.get("partition") or 0)
