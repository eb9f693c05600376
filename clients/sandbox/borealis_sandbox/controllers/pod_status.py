"""What a pod's status is, a given time after the pod came to be: the simulation of a node in one function. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from borealis_sandbox.objects import annotations_of, condition_of, timestamp

if TYPE_CHECKING:
    from borealis_sandbox.objects import Object

_PREFIX = "sandbox.borealis.dev/"
_SCHEDULED_AFTER_S = 0.1
_STARTED_AFTER_S = 0.4
_READY_AFTER_S = 1.0
_PULL_RETRY_S = 1.0
_CRASH_AFTER_S = 1.0
_FIRST_BACKOFF_S = 10.0
_LONGEST_BACKOFF_S = 300.0
_UNITS_S = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0}

Stage = Literal["Created", "Starting", "Running", "Ready", "Unready", "PullFailed", "PullBackOff", "CrashBackOff"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """How a pod is to behave, as its annotations say."""

    is_never_ready: bool = False
    """It runs, but never passes its readiness check."""
    fails_image: bool = False
    """Its image cannot be pulled."""
    crashes: bool = False
    """It ends a second after each start."""
    ready_after_s: float = _READY_AFTER_S
    """Simulated seconds from start to Ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Where a pod is in its life."""

    stage: Stage
    """What it is doing."""
    restarts: int = 0
    """How often its containers were started again."""
    next_s: float | None = None
    """Simulated seconds until this changes by itself; None if it does not."""


def read_script(pod: Object) -> Script:
    """How `pod` is to behave; an annotation that cannot be read counts as not there."""
    said = annotations_of(pod)
    return Script(
        is_never_ready=said.get(f"{_PREFIX}never-ready") == "true",
        fails_image=said.get(f"{_PREFIX}fail-image") == "true",
        crashes=said.get(f"{_PREFIX}crash") == "true",
        ready_after_s=_seconds(said.get(f"{_PREFIX}ready-after", ""), default_s=_READY_AFTER_S),
    )


def moment_at(script: Script, elapsed_s: float) -> Moment:
    """Where a pod with `script` is in its life, `elapsed_s` after it came to be."""
    if elapsed_s < _SCHEDULED_AFTER_S:
        return Moment(stage="Created", next_s=_SCHEDULED_AFTER_S - elapsed_s)
    running_s = elapsed_s - _STARTED_AFTER_S
    if running_s < 0:
        return Moment(stage="Starting", next_s=-running_s)
    if script.fails_image:
        left_s = _PULL_RETRY_S - running_s
        return Moment(stage="PullFailed", next_s=left_s) if left_s > 0 else Moment(stage="PullBackOff")
    if script.crashes:
        return _crashing(running_s)
    left_s = script.ready_after_s - running_s
    if left_s > 0:
        return Moment(stage="Running", next_s=left_s)
    return Moment(stage="Unready" if script.is_never_ready else "Ready")


def status_at(pod: Object, moment: Moment, *, pod_ip: str, host_ip: str) -> Object:
    """The pod's status at `moment`; conditions that others wrote stay, and count if they are readiness gates."""
    started = pod.get("status", {}).get("startTime") or timestamp()
    has_started = moment.stage not in {"Created", "Starting", "PullFailed", "PullBackOff"}
    status: Object = {
        **pod.get("status", {}),
        "phase": "Running" if has_started else "Pending",
        "hostIP": host_ip,
        "startTime": started,
        "containerStatuses": [_container_status(pod, each, moment) for each in pod["spec"]["containers"]],
    }
    if has_started:
        status.update(podIP=pod_ip, podIPs=[{"ip": pod_ip}])
    status["conditions"] = _conditions(pod, is_up=moment.stage == "Ready")
    return status


def with_condition(pod: Object, condition: Object) -> list[Object]:
    """The pod's conditions with `condition` in place of the one of its type; its time moves only with its status."""
    old = condition_of(pod, condition["type"])
    is_same = old is not None and old["status"] == condition["status"]
    since = old["lastTransitionTime"] if old is not None and is_same else timestamp()
    others = [each for each in pod.get("status", {}).get("conditions") or () if each["type"] != condition["type"]]
    return [*others, {**condition, "lastProbeTime": None, "lastTransitionTime": since}]


def _crashing(running_s: float) -> Moment:
    restarts, backoff_s = 0, _FIRST_BACKOFF_S
    while True:
        if running_s < _CRASH_AFTER_S:
            return Moment(stage="Running", restarts=restarts, next_s=_CRASH_AFTER_S - running_s)
        running_s -= _CRASH_AFTER_S
        if running_s < backoff_s:
            return Moment(stage="CrashBackOff", restarts=restarts, next_s=backoff_s - running_s)
        running_s -= backoff_s
        restarts, backoff_s = restarts + 1, min(_LONGEST_BACKOFF_S, 2 * backoff_s)


def _conditions(pod: Object, *, is_up: bool) -> list[Object]:
    names = ", ".join(container["name"] for container in pod["spec"]["containers"])
    not_up = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{names}]"}
    gate = _unmet_gate(pod)
    wanted: list[Object] = [
        {"type": "Initialized", "status": "True"},
        {"type": "ContainersReady", "status": "True"} if is_up else _false("ContainersReady", not_up),
        {"type": "PodScheduled", "status": "True"},
    ]
    if is_up and gate:
        wanted.append(_false("Ready", {"reason": "ReadinessGatesNotReady", "message": gate}))
    else:
        wanted.append({"type": "Ready", "status": "True"} if is_up else _false("Ready", not_up))
    for condition in wanted:
        pod = {**pod, "status": {**pod.get("status", {}), "conditions": with_condition(pod, condition)}}
    conditions: list[Object] = pod["status"]["conditions"]
    return conditions


def _unmet_gate(pod: Object) -> str:
    """Why the pod's readiness gates keep it from being Ready; empty if they do not."""
    for gate in pod["spec"].get("readinessGates") or ():
        kind = gate["conditionType"]
        condition = condition_of(pod, kind)
        if condition is None:
            return f'corresponding condition of pod readiness gate "{kind}" does not exist.'
        if condition["status"] != "True":
            return f'the status of pod readiness gate "{kind}" is not "True", but {condition["status"]}'
    return ""


def _false(kind: str, why: Object) -> Object:
    return {"type": kind, "status": "False", **why}


def _container_status(pod: Object, container: Object, moment: Moment) -> Object:
    old = next(
        (each for each in pod.get("status", {}).get("containerStatuses") or () if each["name"] == container["name"]),
        None,
    )
    state = _container_state(container, moment, old)
    is_running = "running" in state
    image = container["image"]
    found: Object = {
        "name": container["name"],
        "image": image,
        "imageID": f"sandbox://{image}" if is_running else "",
        "ready": moment.stage == "Ready",
        "started": is_running,
        "restartCount": moment.restarts,
        "state": state,
        "lastState": {},
    }
    if moment.stage == "CrashBackOff" or moment.restarts:
        found["lastState"] = {"terminated": {"exitCode": 1, "reason": "Error"}}
    return found


def _container_state(container: Object, moment: Moment, old: Object | None) -> Object:
    image = container["image"]
    waiting = {
        "Created": ("ContainerCreating", ""),
        "Starting": ("ContainerCreating", ""),
        "PullFailed": ("ErrImagePull", f'failed to pull image "{image}": not found'),
        "PullBackOff": ("ImagePullBackOff", f'Back-off pulling image "{image}"'),
        "CrashBackOff": ("CrashLoopBackOff", f"back-off restarting failed container={container['name']}"),
    }.get(moment.stage)
    if waiting is not None:
        reason, message = waiting
        return {"waiting": {"reason": reason, "message": message} if message else {"reason": reason}}
    was_running = (old or {}).get("state", {}).get("running")
    is_same_start = was_running and (old or {}).get("restartCount") == moment.restarts
    return {"running": was_running if is_same_start else {"startedAt": timestamp()}}


def _seconds(text: str, *, default_s: float) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|)", text.strip())
    return float(found[1]) * _UNITS_S[found[2]] if found else default_s
