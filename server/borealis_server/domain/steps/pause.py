"""The step that waits: for a time, or for a person's approval."""

from dataclasses import replace
from datetime import timedelta

from borealis_server.domain import rollback
from borealis_server.domain.decision import Circumstances, Decision, Hold
from borealis_server.domain.deployment import StepRun, TargetRun, Wait
from borealis_server.domain.observation import Observation
from borealis_server.domain.stages import followed
from borealis_server.domain.states import EndReason
from borealis_server.domain.steps.executor import Started, StepExecutor, fail, succeed
from borealis_server.domain.transitions import StepEvent, move_step


def start(_run: TargetRun, step: StepRun, here: Circumstances) -> Started:
    """The pause with its limit, if it has one."""
    seconds = step.expires_after_s if step.until_approved else step.duration_s
    limit_at = here.now + timedelta(seconds=seconds) if seconds is not None else None
    started = replace(move_step(step, StepEvent.STARTED, here.now), limit_at=limit_at)
    if not step.until_approved:
        return Started(step=_waiting(started, here), message=f"pauses for {step.duration_s or 0:g} s")
    asked = move_step(started, StepEvent.APPROVAL_WANTED, here.now)
    return Started(step=_waiting(asked, here), message="waits for approval")


def decide(run: TargetRun, step: StepRun, _seen: Observation, here: Circumstances) -> Decision:
    """Wait, until the limit: there a timed pause is over, and an approval has expired."""
    if step.limit_at is None or here.now < step.limit_at:
        return Hold(run=followed(run.with_step(_waiting(step, here)), here.now), wake_at=step.limit_at)
    if step.until_approved:
        message = f"nobody approved within {step.expires_after_s or 0:g} s"
        return fail(run, step, EndReason.APPROVAL_EXPIRED, message, here)
    return succeed(run, step, "pause is over", here)


def _waiting(step: StepRun, here: Circumstances) -> StepRun:
    since = step.started_at or here.now
    if step.until_approved:
        wait = Wait(
            what="approval",
            since=since,
            ended_by=_approvers(step),
            limit_at=step.limit_at,
            at_limit=rollback.WAY_OUT[step.part] if step.limit_at else "",
        )
    else:
        wait = Wait(
            what=f"pause of {step.duration_s or 0:g} s",
            since=since,
            ended_by="time, or a person who skips it",
            limit_at=step.limit_at,
            at_limit="the next step starts",
        )
    return replace(step, wait=wait)


def _approvers(step: StepRun) -> str:
    if not step.requires_roles:
        return "a person who may approve deployments"
    return f"a person with the role {' or '.join(step.requires_roles)}, or an administrator"


EXECUTOR = StepExecutor(start=start, decide=decide)
