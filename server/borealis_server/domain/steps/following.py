"""Waiting for the endpoints of Services to follow their selectors, by name and within a limit."""

from dataclasses import replace
from datetime import timedelta

from borealis_server.domain import pods, rollback
from borealis_server.domain.decision import Circumstances, Decision, Hold
from borealis_server.domain.deployment import StepRun, TargetRun, Wait
from borealis_server.domain.record import Note
from borealis_server.domain.stages import followed
from borealis_server.domain.states import EndReason, EventKind
from borealis_server.domain.steps.executor import fail


def await_endpoints(run: TargetRun, step: StepRun, what: str, here: Circumstances) -> Decision:
    """Hold the step until `what` is no more, or fail it at the limit for pods."""
    if pods.is_overdue(run, here):
        message = f"traffic did not follow within {here.readiness_timeout_s:g} s: {what}"
        return fail(run, step, EndReason.READINESS_TIMEOUT, message, here)
    limit_at = run.ready_limit_at or here.now + timedelta(seconds=here.readiness_timeout_s)
    wait = Wait(
        what=what,
        since=step.wait.since if step.wait else here.now,
        ended_by="the cluster, as endpoints follow",
        limit_at=limit_at,
        at_limit=rollback.WAY_OUT[step.part],
    )
    is_news = step.wait is None or step.wait.what != what
    notes = (Note(kind=EventKind.PROGRESS, message=f"waits for {what}"),) if is_news else ()
    held = replace(run.with_step(replace(step, wait=wait)), intent="", ready_limit_at=limit_at)
    wake_at = pods.earliest(limit_at, here.now + pods.RESYNC)
    return Hold(run=followed(held, here.now), wake_at=wake_at, notes=notes)
