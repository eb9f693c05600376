"""Keeps as many pods as each ReplicaSet asks for."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from borealis_sandbox import kinds
from borealis_sandbox.api import Write
from borealis_sandbox.controllers.ownership import claim, claimants
from borealis_sandbox.controllers.replicas import is_active, replica_status, surplus
from borealis_sandbox.deletion import Deletion
from borealis_sandbox.errors import ApiError
from borealis_sandbox.objects import controller_reference, is_terminating, is_true, name_of, namespace_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from borealis_sandbox.api import Api
    from borealis_sandbox.controllers.loop import Key
    from borealis_sandbox.controllers.pods import PodController
    from borealis_sandbox.events import EventRecorder
    from borealis_sandbox.objects import Object
    from borealis_sandbox.storage import Change

_MANAGER = "sandbox-controllers"
_RETRY_S = 5.0


class ReplicaSetController:
    """Creates and deletes pods, and counts them."""

    def __init__(self, api: Api, pods: PodController, events: EventRecorder) -> None:
        self._api = api
        self._pods = pods
        self._events = events

    def affected(self, change: Change) -> Iterable[Key]:
        """The ReplicaSet that changed, or those that manage the pod that changed; all, if a quota did."""
        if change.kind == kinds.REPLICA_SET:
            yield namespace_of(change.found), name_of(change.found)
        elif change.kind == kinds.POD:
            for pod in filter(None, (change.found, change.previous)):
                yield from claimants(self._api, pod, kinds.REPLICA_SET)
        elif change.kind == kinds.RESOURCE_QUOTA:
            for found in self._api.storage.find(kinds.REPLICA_SET, namespace_of(change.found)):
                yield namespace_of(found), name_of(found)

    def reconcile(self, key: Key) -> float | None:
        """Bring the number of pods closer to what is asked, and write the status."""
        replica_set = self._api.storage.get(kinds.REPLICA_SET, *key)
        if replica_set is None:
            return None
        pods = [pod for pod in claim(self._api, replica_set, kinds.POD) if is_active(pod)]
        failure = "" if is_terminating(replica_set) else self._scale(replica_set, pods)
        # What was created or deleted just now is counted next time, as the change comes back.
        available, next_s = self._available(replica_set, pods)
        status = replica_status(replica_set, pods, available=available, failure=failure)
        self._api.set_status(kinds.REPLICA_SET, replica_set, status, manager=_MANAGER)
        return _RETRY_S if failure else next_s

    def _scale(self, replica_set: Object, pods: Sequence[Object]) -> str:
        """Create or delete pods; gives back why that failed, or nothing."""
        wanted = replica_set["spec"]["replicas"]
        for pod in surplus(pods, wanted=wanted):
            self._api.delete(kinds.POD, namespace_of(pod), name_of(pod), Deletion())
            self._events.record(replica_set, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")
        try:
            for _ in range(wanted - len(pods)):
                self._create_pod(replica_set)
        except ApiError as error:
            self._events.record(replica_set, "FailedCreate", f"Error creating: {error.message}", is_warning=True)
            return error.message
        return ""

    def _create_pod(self, replica_set: Object) -> None:
        template = copy.deepcopy(replica_set["spec"]["template"])
        metadata = {
            name: template["metadata"][name] for name in ("labels", "annotations") if name in template["metadata"]
        }
        metadata["generateName"] = f"{name_of(replica_set)}-"
        metadata["ownerReferences"] = [controller_reference(replica_set)]
        body = {"metadata": metadata, "spec": template["spec"]}
        created = self._api.create(kinds.POD, namespace_of(replica_set), body, Write(manager=_MANAGER))
        self._events.record(replica_set, "SuccessfulCreate", f"Created pod: {name_of(created)}")

    def _available(self, replica_set: Object, pods: Sequence[Object]) -> tuple[int, float | None]:
        """How many pods have been Ready for long enough, and when the next one will have been."""
        least_s = replica_set["spec"].get("minReadySeconds", 0)
        left_s = [least_s - self._pods.ready_for_s(pod) for pod in pods if is_true(pod, "Ready")]
        waiting_s = [each for each in left_s if each > 0]
        return len(left_s) - len(waiting_s), min(waiting_s, default=None)
