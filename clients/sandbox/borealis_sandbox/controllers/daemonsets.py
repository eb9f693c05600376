"""Keeps one pod of each DaemonSet on every node; changes them one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_sandbox import kinds
from borealis_sandbox.controllers.workload_pods import MANAGER, create_pod, delete_pod, is_current, pods_of
from borealis_sandbox.objects import controller_of, is_terminating, is_true, name_of, namespace_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from borealis_sandbox.api import Api
    from borealis_sandbox.controllers.loop import Key
    from borealis_sandbox.events import EventRecorder
    from borealis_sandbox.objects import Object
    from borealis_sandbox.storage import Change

_RETRY_S = 5.0


class DaemonSetController:
    """Creates, replaces and counts the pods of nodes."""

    def __init__(self, api: Api, events: EventRecorder) -> None:
        self._api = api
        self._events = events

    def affected(self, change: Change) -> Iterable[Key]:
        """The DaemonSet that changed, or the one that manages the pod that changed; all, if a node did."""
        if change.kind == kinds.DAEMON_SET:
            yield namespace_of(change.found), name_of(change.found)
        elif change.kind == kinds.POD:
            owner = controller_of(change.found)
            if owner is not None and owner["kind"] == kinds.DAEMON_SET.kind:
                yield namespace_of(change.found), owner["name"]
        elif change.kind == kinds.NODE:
            for found in self._api.storage.find(kinds.DAEMON_SET):
                yield namespace_of(found), name_of(found)

    def reconcile(self, key: Key) -> float | None:
        """Take the next step, and write the status."""
        found = self._api.storage.get(kinds.DAEMON_SET, *key)
        if found is None:
            return None
        pods = pods_of(self._api, found)
        is_refused = not is_terminating(found) and not self._step(found, pods)
        self._report(found, pods)
        return _RETRY_S if is_refused else None

    def _step(self, found: Object, pods: list[Object]) -> bool:
        """Create what is missing, or let one stale pod go; False where a pod was refused."""
        names = {f"{name_of(found)}-{name_of(node)}" for node in self._api.storage.find(kinds.NODE)}
        missing = names - {name_of(pod) for pod in pods}
        if missing:
            return all(create_pod(self._api, self._events, found, name) for name in sorted(missing))
        stale = [pod for pod in pods if not is_current(pod, found)]
        if stale and not any(is_terminating(pod) for pod in pods):
            delete_pod(self._api, stale[0])
        return True

    def _report(self, found: Object, pods: list[Object]) -> None:
        ready = sum(is_true(pod, "Ready") and not is_terminating(pod) for pod in pods)
        wanted = len(self._api.storage.find(kinds.NODE))
        status = {
            "observedGeneration": found["metadata"]["generation"],
            "desiredNumberScheduled": wanted,
            "currentNumberScheduled": len(pods),
            "updatedNumberScheduled": sum(is_current(pod, found) for pod in pods),
            "numberReady": ready,
            "numberAvailable": ready,
            "numberUnavailable": max(0, wanted - ready),
            "numberMisscheduled": 0,
        }
        self._api.set_status(kinds.DAEMON_SET, found, status, manager=MANAGER)
