"""Scheduler and kubelet in one: gives pods a node, walks them through their lives, and ends them. Runs nothing."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from borealis_sandbox import kinds
from borealis_sandbox.addresses import AddressPool
from borealis_sandbox.api import Write
from borealis_sandbox.controllers.pod_status import Moment, Stage, moment_at, read_script, status_at, with_condition
from borealis_sandbox.deletion import Deletion
from borealis_sandbox.objects import is_terminating, is_true, labels_of, name_of, namespace_of, uid_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from borealis_sandbox.api import Api
    from borealis_sandbox.clock import SimulatedClock
    from borealis_sandbox.controllers.loop import Key
    from borealis_sandbox.events import EventRecorder
    from borealis_sandbox.objects import Object
    from borealis_sandbox.storage import Change

_TERMINATION_S = 0.5
_SCHEDULER = "sandbox-scheduler"
_KUBELET = "sandbox-kubelet"
_DEFAULT_SCHEDULER = "default-scheduler"

# Stage -> is it a warning, reason, message with the image and the pod's node.
_SAID: Mapping[Stage, tuple[bool, str, str]] = {
    "Starting": (False, "Scheduled", "Successfully assigned the pod to {node}"),
    "Running": (False, "Started", "Started container of image {image}"),
    "Unready": (True, "Unhealthy", "Readiness probe failed: the pod is scripted never to be Ready"),
    "PullFailed": (True, "Failed", 'Failed to pull image "{image}": not found'),
    "PullBackOff": (True, "BackOff", 'Back-off pulling image "{image}"'),
    "CrashBackOff": (True, "BackOff", "Back-off restarting failed container"),
}


@dataclass(slots=True)
class _Life:
    """What the API object of a pod does not tell."""

    began_s: float
    """Simulated time at which the pod was first seen."""
    pod_ip: str
    """Its address."""
    stage: Stage = "Created"
    """Where it was at the last look."""
    ready_since_s: float | None = None
    """Simulated time since which it has been Ready without a break."""
    ends_at_s: float | None = None
    """Simulated time at which it will have ended, once it was told to."""


class PodController:
    """Walks every pod through its life."""

    def __init__(self, api: Api, clock: SimulatedClock, events: EventRecorder) -> None:
        self._api = api
        self._clock = clock
        self._events = events
        self._lives: dict[str, _Life] = {}
        self._addresses = AddressPool("10.244.0.0/16")

    def ready_for_s(self, pod: Object) -> float:
        """For how many simulated seconds `pod` has been Ready without a break; 0 if it is not Ready."""
        life = self._lives.get(uid_of(pod))
        if not is_true(pod, "Ready") or life is None or life.ready_since_s is None:
            return 0.0
        return self._clock.now_s() - life.ready_since_s

    def affected(self, change: Change) -> Iterable[Key]:
        """The pod that changed; every pod, if a node changed."""
        if change.kind == kinds.POD:
            if change.type == "DELETED":
                self._lives.pop(uid_of(change.found), None)
            yield namespace_of(change.found), name_of(change.found)
        elif change.kind == kinds.NODE:
            for pod in self._api.storage.find(kinds.POD):
                yield namespace_of(pod), name_of(pod)

    def reconcile(self, key: Key) -> float | None:
        """Write the status that the pod of that key has by now."""
        pod = self._api.storage.get(kinds.POD, *key)
        if pod is None:
            return None
        life = self._life_of(pod)
        if is_terminating(pod):
            return self._end(pod, life)
        moment = moment_at(read_script(pod), self._clock.now_s() - life.began_s)
        if "nodeName" not in pod["spec"]:
            if moment.stage == "Created":
                return moment.next_s
            scheduled = self._schedule(pod)
            if scheduled is None:
                return None
            pod = scheduled
        return self._report(pod, life, moment)

    def _life_of(self, pod: Object) -> _Life:
        life = self._lives.get(uid_of(pod))
        if life is None:
            life = _Life(began_s=self._clock.now_s(), pod_ip=self._addresses.take())
            self._lives[uid_of(pod)] = life
        return life

    def _end(self, pod: Object, life: _Life) -> float | None:
        now_s = self._clock.now_s()
        if life.ends_at_s is None:
            grace_s = pod["metadata"].get("deletionGracePeriodSeconds", 0)
            life.ends_at_s = now_s + min(_TERMINATION_S, grace_s)
        if now_s < life.ends_at_s:
            return life.ends_at_s - now_s
        self._api.delete(kinds.POD, namespace_of(pod), name_of(pod), Deletion(grace_s=0))
        return None

    def _schedule(self, pod: Object) -> Object | None:
        """The pod on a node; None if no node suits it, which is then written on the pod."""
        node = self._node_for(pod)
        if node is None:
            self._refuse(pod)
            return None
        bound = copy.deepcopy(pod)
        bound["spec"]["nodeName"] = name_of(node)
        write = Write(manager=_SCHEDULER)
        return self._api.replace(kinds.POD, namespace_of(pod), name_of(pod), bound, write)

    def _node_for(self, pod: Object) -> Object | None:
        if pod["spec"]["schedulerName"] != _DEFAULT_SCHEDULER:
            return None
        wanted = pod["spec"].get("nodeSelector") or {}
        nodes = self._api.storage.find(kinds.NODE)
        return next((node for node in nodes if wanted.items() <= labels_of(node).items()), None)

    def _refuse(self, pod: Object) -> None:
        if pod["spec"]["schedulerName"] != _DEFAULT_SCHEDULER:
            return
        count = len(self._api.storage.find(kinds.NODE))
        message = f"0/{count} nodes are available: {count} node(s) didn't match Pod's node affinity/selector."
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        status = {**pod.get("status", {}), "conditions": with_condition(pod, condition)}
        self._api.set_status(kinds.POD, pod, status, manager=_SCHEDULER)
        self._events.record(pod, "FailedScheduling", message, is_warning=True)

    def _report(self, pod: Object, life: _Life, moment: Moment) -> float | None:
        status = status_at(pod, moment, pod_ip=life.pod_ip, host_ip="192.0.2.10")
        pod = self._api.set_status(kinds.POD, pod, status, manager=_KUBELET)
        if not is_true(pod, "Ready"):
            life.ready_since_s = None
        elif life.ready_since_s is None:
            life.ready_since_s = self._clock.now_s()
        if moment.stage != life.stage and moment.stage in _SAID:
            is_warning, reason, text = _SAID[moment.stage]
            image, node = pod["spec"]["containers"][0]["image"], pod["spec"]["nodeName"]
            self._events.record(pod, reason, text.format(image=image, node=node), is_warning=is_warning)
        life.stage = moment.stage
        return moment.next_s
