"""Ends Jobs: a second after it was made each is complete, unless it is scripted to fail. Makes no pods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_sandbox import kinds
from borealis_sandbox.objects import (
    annotations_of,
    condition_of,
    is_terminating,
    name_of,
    namespace_of,
    timestamp,
    uid_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from borealis_sandbox.api import Api
    from borealis_sandbox.clock import SimulatedClock
    from borealis_sandbox.controllers.loop import Key
    from borealis_sandbox.objects import Object
    from borealis_sandbox.storage import Change

_MANAGER = "sandbox-controllers"
_CRASHES = "sandbox.borealis.dev/crash"
_NEVER_READY = "sandbox.borealis.dev/never-ready"
_DURATION_S = 1.0


class JobController:
    """Writes how Jobs ended."""

    def __init__(self, api: Api, clock: SimulatedClock) -> None:
        self._api = api
        self._clock = clock
        self._began_s: dict[str, float] = {}

    def affected(self, change: Change) -> Iterable[Key]:
        """The Job that changed."""
        if change.kind == kinds.JOB:
            if change.type == "DELETED":
                self._began_s.pop(uid_of(change.found), None)
            yield namespace_of(change.found), name_of(change.found)

    def reconcile(self, key: Key) -> float | None:
        """Write the end of the Job once its time has come."""
        job = self._api.storage.get(kinds.JOB, *key)
        if job is None or is_terminating(job) or job["spec"].get("suspend"):
            return None
        if condition_of(job, "Complete") or condition_of(job, "Failed"):
            return None
        script = annotations_of(job["spec"]["template"])
        limit_s = job["spec"].get("activeDeadlineSeconds")
        is_endless = script.get(_NEVER_READY) == "true"
        if is_endless and limit_s is None:
            return None
        now_s = self._clock.now_s()
        began_s = self._began_s.setdefault(uid_of(job), now_s)
        left_s = began_s + (float(limit_s) if is_endless else self._duration_s(job)) - now_s
        if left_s > 0:
            return left_s
        if is_endless:
            self._end(job, "Failed", "DeadlineExceeded", "Job was active longer than specified deadline")
        elif script.get(_CRASHES) == "true":
            self._end(job, "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
        else:
            self._end(job, "Complete", "", "")
        return None

    def _duration_s(self, job: Object) -> float:
        return _DURATION_S if job["spec"].get("completions", 1) else 0.0

    def _end(self, job: Object, kind: str, reason: str, message: str) -> None:
        condition = {"type": kind, "status": "True", "lastTransitionTime": timestamp()}
        if reason:
            condition |= {"reason": reason, "message": message}
        succeeded = job["spec"].get("completions", 1) if kind == "Complete" else 0
        status = {**job.get("status", {}), "succeeded": succeeded, "conditions": [condition]}
        self._api.set_status(kinds.JOB, job, status, manager=_MANAGER)
