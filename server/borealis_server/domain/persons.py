"""What people may decide about a deployment: approve, roll back, cancel. Pure; the first decision wins."""

from dataclasses import replace
from datetime import datetime

from borealis_server.domain import rollback
from borealis_server.domain.decision import Circumstances
from borealis_server.domain.deployment import (
    Approval,
    Deployment,
    EndReason,
    EventKind,
    PersonsDecision,
    Phase,
    Rollback,
    StepRun,
    StepState,
    TargetRun,
    TargetState,
)
from borealis_server.domain.errors import AlreadyDecided, DeploymentEnded, NotAwaitingApproval, TargetNotFound
from borealis_server.domain.names import DeploymentName
from borealis_server.domain.record import SYSTEM, Note, Recorded, settle
from borealis_server.domain.stages import followed, with_steps_ended
from borealis_server.domain.transitions import StepEvent, TargetEvent, move_step, move_target

APPROVE, ROLL_BACK, CANCEL = "approve", "roll_back", "cancel"


def approve(deployment: Deployment, wish: PersonsDecision) -> Recorded:
    """The deployment with every approval given that waits, or the one that `wish` names.

    Errors: DeploymentEnded, TargetNotFound, NotAwaitingApproval, AlreadyDecided.
    """
    if _is_repeat(deployment, wish):
        return Recorded(deployment=deployment)
    runs = _wanted(deployment, wish)
    waiting = [(run, step) for run in runs for step in run.steps if _waits(step, wish)]
    if not waiting:
        raise _why_not(deployment, runs, wish)
    recorded = Recorded(deployment=_remember(deployment, wish))
    for run, step in waiting:
        newest = recorded.deployment.target(run.name)
        recorded = recorded.with_target(_approved(newest, step, wish), [_note(wish, step.ref)], wish.at)
    return settle(recorded, wish.at)


def roll_back(deployment: Deployment, wish: PersonsDecision) -> Recorded:
    """The deployment turned round: targets in progress go back, the others never start. Errors: DeploymentEnded."""
    return _abort(deployment, wish, EndReason.USER_ROLLED_BACK, f"rolled back by {wish.by}{_quoted(wish.comment)}")


def cancel(deployment: Deployment, wish: PersonsDecision) -> Recorded:
    """The deployment called off: targets in progress go back, the others never start. Errors: DeploymentEnded."""
    return _abort(deployment, wish, EndReason.USER_CANCELLED, f"cancelled by {wish.by}{_quoted(wish.comment)}")


def _abort(deployment: Deployment, wish: PersonsDecision, reason: EndReason, message: str) -> Recorded:
    if _is_repeat(deployment, wish):
        return Recorded(deployment=deployment)
    if deployment.state.is_final:
        raise DeploymentEnded(_name(deployment), deployment.state.value)
    stoppable = [run for run in deployment.targets if _is_stoppable(run)]
    if not stoppable:
        raise _too_late(deployment)
    recorded = Recorded(deployment=_remember(deployment, wish))
    for run in stoppable:
        recorded = recorded.with_target(_aborted(run, wish.at, reason, message), [_note(wish)], wish.at)
    return settle(recorded, wish.at)


def _is_stoppable(run: TargetRun) -> bool:
    """Once the new version serves alone and the old one is being removed, there is no way back."""
    return run.phase is not Phase.FINISHING and run.state is not TargetState.ROLLING_BACK and not run.state.is_final


def _too_late(deployment: Deployment) -> AlreadyDecided | DeploymentEnded:
    if any(run.state is TargetState.ROLLING_BACK for run in deployment.targets):
        aborts = [past.by for past in deployment.decisions if past.kind != APPROVE]
        return AlreadyDecided(aborts[-1] if aborts else SYSTEM, ROLL_BACK)
    return DeploymentEnded(_name(deployment), "FINISHING")


def _aborted(run: TargetRun, now: datetime, reason: EndReason, message: str) -> TargetRun:
    if run.phase is Phase.WAITING:
        ended = with_steps_ended(move_target(run, TargetEvent.CANCELLED, now), StepEvent.CANCELLED, now)
        return replace(ended, phase=Phase.ENDED, end_reason=reason, message=message, rollback=Rollback.NONE, wait=None)
    here = Circumstances(now=now, readiness_timeout_s=0, objects=())
    return rollback.begin(run, reason, message, here).run


def _approved(run: TargetRun, step: StepRun, wish: PersonsDecision) -> TargetRun:
    approved = replace(step, approval=Approval(by=wish.by, at=wish.at, comment=wish.comment))
    return followed(run.with_step(move_step(approved, StepEvent.SUCCEEDED, wish.at)), wish.at)


def _waits(step: StepRun, wish: PersonsDecision) -> bool:
    is_in_time = step.limit_at is None or wish.at < step.limit_at
    return step.state is StepState.AWAITING_APPROVAL and is_in_time and wish.step in ("", step.ref)


def _wanted(deployment: Deployment, wish: PersonsDecision) -> tuple[TargetRun, ...]:
    if not wish.target:
        return deployment.targets
    runs = tuple(run for run in deployment.targets if run.name == wish.target)
    if not runs:
        raise TargetNotFound(_name(deployment), wish.target)
    return runs


def _why_not(
    deployment: Deployment, runs: tuple[TargetRun, ...], wish: PersonsDecision
) -> NotAwaitingApproval | AlreadyDecided | DeploymentEnded:
    approvals = [step.approval for run in runs for step in run.steps if step.approval and wish.step in ("", step.ref)]
    aborts = [past for past in deployment.decisions if past.kind != APPROVE]
    if aborts:
        return AlreadyDecided(aborts[-1].by, aborts[-1].kind)
    if deployment.state.is_final:
        return DeploymentEnded(_name(deployment), deployment.state.value)
    if approvals and (wish.step or wish.target):
        return AlreadyDecided(approvals[-1].by, APPROVE)
    return NotAwaitingApproval(_name(deployment))


def _is_repeat(deployment: Deployment, wish: PersonsDecision) -> bool:
    return bool(wish.request_id) and any(
        past.request_id == wish.request_id and past.kind == wish.kind for past in deployment.decisions
    )


def _remember(deployment: Deployment, wish: PersonsDecision) -> Deployment:
    return replace(deployment, decisions=(*deployment.decisions, wish))


def _note(wish: PersonsDecision, step: str = "") -> Note:
    verb = {APPROVE: "approved", ROLL_BACK: "asked to roll back", CANCEL: "cancelled"}[wish.kind]
    text = f"{wish.by} {verb}{_quoted(wish.comment)}"
    return Note(kind=EventKind.DECISION, message=text, step=step, actor=wish.by)


def _quoted(comment: str) -> str:
    return f": {comment}" if comment else ""


def _name(deployment: Deployment) -> DeploymentName:
    return DeploymentName(deployment.key.tenant, deployment.key.id)
