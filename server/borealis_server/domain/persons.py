"""What people may decide about a deployment: approve, skip, roll back, cancel. Pure; the first decision wins."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from borealis_server.domain import rollback
from borealis_server.domain.decision import Circumstances
from borealis_server.domain.deployment import Approval, Deployment, PersonsDecision, StepRun, TargetRun
from borealis_server.domain.errors import (
    AlreadyDecided,
    DeploymentEnded,
    NotAwaitingApproval,
    NotPaused,
    RoleRequired,
    TargetNotFound,
    TooLate,
)
from borealis_server.domain.names import DeploymentName
from borealis_server.domain.record import SYSTEM, Note, Recorded, settle
from borealis_server.domain.roles import name_key
from borealis_server.domain.stages import followed, is_pausing, with_steps_ended
from borealis_server.domain.states import EndReason, EventKind, Phase, Rollback, StepState, TargetState
from borealis_server.domain.transitions import StepEvent, TargetEvent, move_step, move_target

APPROVE, SKIP, ROLL_BACK, CANCEL = "approve", "skip", "roll_back", "cancel"
_ABORTS = (ROLL_BACK, CANCEL)


def approve(deployment: Deployment, wish: PersonsDecision) -> Recorded:
    """The deployment with every approval given that waits, or those that `wish` names.

    Errors: DeploymentEnded, TargetNotFound, NotAwaitingApproval, AlreadyDecided; RoleRequired when none of what waits
    is for this person to approve.
    """
    if _is_repeat(deployment, wish):
        return Recorded(deployment=deployment)
    waiting = _open_steps(deployment, wish, lambda step: step.state is StepState.AWAITING_APPROVAL)
    if not waiting:
        raise _why_not(deployment, wish)
    allowed = [(run, step) for run, step in waiting if _may_approve(step, wish)]
    if not allowed:
        raise RoleRequired(_places(waiting), (role for _, step in waiting for role in step.requires_roles))
    return _decided(deployment, wish, allowed)


def skip(deployment: Deployment, wish: PersonsDecision) -> Recorded:
    """The deployment with every timed pause over that is under way, or those that `wish` names.

    Errors: DeploymentEnded, TargetNotFound, NotPaused, AlreadyDecided.
    """
    if _is_repeat(deployment, wish):
        return Recorded(deployment=deployment)
    pausing = _open_steps(deployment, wish, is_pausing)
    if not pausing:
        raise _why_not(deployment, wish)
    return _decided(deployment, wish, pausing)


def roll_back(deployment: Deployment, wish: PersonsDecision) -> Recorded:
    """The deployment turned round: targets in progress go back, the others never start.

    Where `wish` names a target it is that one which has to go back; the others are cancelled with it.
    Errors: DeploymentEnded, TargetNotFound, AlreadyDecided; TooLate when the new version serves alone.
    """
    return _abort(deployment, wish, lambda run: _is_stoppable(run) and run.phase is not Phase.AFTER)


def cancel(deployment: Deployment, wish: PersonsDecision) -> Recorded:
    """The deployment called off: targets in progress go back, the others never start.

    Errors: DeploymentEnded, AlreadyDecided; TooLate when there is nothing left to stop.
    """
    return _abort(deployment, wish, _is_stoppable)


def _abort(deployment: Deployment, wish: PersonsDecision, is_in_time: Callable[[TargetRun], bool]) -> Recorded:
    if _is_repeat(deployment, wish):
        return Recorded(deployment=deployment)
    wanted = _wanted(deployment, wish)
    if deployment.state.is_final:
        raise DeploymentEnded(_name(deployment), deployment.state.value)
    if not any(is_in_time(run) for run in wanted):
        raise _too_late(deployment, wanted)
    recorded = Recorded(deployment=_remember(deployment, wish))
    for run in deployment.targets:
        if _is_stoppable(run):
            reason, message = _abort_reason(run, wish)
            recorded = recorded.with_target(_aborted(run, wish.at, reason, message), [_note(wish)], wish.at)
    return settle(recorded, wish.at)


def _abort_reason(run: TargetRun, wish: PersonsDecision) -> tuple[EndReason, str]:
    if wish.kind == CANCEL:
        return EndReason.USER_CANCELLED, f"cancelled by {wish.by}{_quoted(wish.comment)}"
    if wish.target in ("", run.name):
        return EndReason.USER_ROLLED_BACK, f"rolled back by {wish.by}{_quoted(wish.comment)}"
    return EndReason.USER_CANCELLED, f"cancelled, since {wish.by} rolled {wish.target} back{_quoted(wish.comment)}"


def _is_stoppable(run: TargetRun) -> bool:
    """Once the new version serves alone and the old one is being removed, there is no way back."""
    return run.phase is not Phase.FINISHING and run.state is not TargetState.ROLLING_BACK and not run.state.is_final


def _too_late(deployment: Deployment, wanted: tuple[TargetRun, ...]) -> AlreadyDecided | TooLate:
    if any(run.state is TargetState.ROLLING_BACK for run in wanted):
        aborts = [past.by for past in deployment.decisions if past.kind in _ABORTS]
        return AlreadyDecided(aborts[-1] if aborts else SYSTEM, ROLL_BACK)
    return TooLate(_name(deployment), (run.name for run in wanted))


def _aborted(run: TargetRun, now: datetime, reason: EndReason, message: str) -> TargetRun:
    if run.phase is Phase.WAITING:
        ended = with_steps_ended(move_target(run, TargetEvent.CANCELLED, now), StepEvent.CANCELLED, now)
        return replace(ended, phase=Phase.ENDED, end_reason=reason, message=message, rollback=Rollback.NONE, wait=None)
    here = Circumstances(now=now, readiness_timeout_s=0, objects=())
    return rollback.begin(run, reason, message, here).run


def _open_steps(
    deployment: Deployment, wish: PersonsDecision, is_open: Callable[[StepRun], bool]
) -> list[tuple[TargetRun, StepRun]]:
    """The steps that `wish` is about and that are open; one whose limit has passed is not, whoever is told later."""
    return [
        (run, step)
        for run in _wanted(deployment, wish)
        for step in run.current_steps
        if is_open(step) and (step.limit_at is None or wish.at < step.limit_at) and wish.step in ("", step.ref)
    ]


def _decided(deployment: Deployment, wish: PersonsDecision, steps: list[tuple[TargetRun, StepRun]]) -> Recorded:
    recorded = Recorded(deployment=_remember(deployment, wish))
    word = Approval(by=wish.by, at=wish.at, comment=wish.comment)
    for run, step in steps:
        told = replace(step, approval=word) if wish.kind == APPROVE else replace(step, skip=word)
        newest = recorded.deployment.target(run.name)
        after = followed(newest.with_step(move_step(told, StepEvent.SUCCEEDED, wish.at)), wish.at)
        recorded = recorded.with_target(after, [_note(wish, step.ref)], wish.at)
    return settle(recorded, wish.at)


def _may_approve(step: StepRun, wish: PersonsDecision) -> bool:
    held, wanted = set(map(name_key, wish.roles)), set(map(name_key, step.requires_roles))
    return not wanted or wish.is_administrator or bool(held & wanted)


def _places(steps: list[tuple[TargetRun, StepRun]]) -> str:
    return " and ".join(f"{run.name}/{step.ref}" for run, step in steps)


def _wanted(deployment: Deployment, wish: PersonsDecision) -> tuple[TargetRun, ...]:
    if not wish.target:
        return deployment.targets
    runs = tuple(run for run in deployment.targets if run.name == wish.target)
    if not runs:
        raise TargetNotFound(_name(deployment), wish.target)
    return runs


def _why_not(
    deployment: Deployment, wish: PersonsDecision
) -> NotAwaitingApproval | NotPaused | AlreadyDecided | DeploymentEnded:
    aborts = [past for past in deployment.decisions if past.kind in _ABORTS]
    if aborts:
        return AlreadyDecided(aborts[-1].by, aborts[-1].kind)
    if deployment.state.is_final:
        return DeploymentEnded(_name(deployment), deployment.state.value)
    steps = [step for run in _wanted(deployment, wish) for step in run.steps if wish.step in ("", step.ref)]
    words = [word for word in ((step.approval if wish.kind == APPROVE else step.skip) for step in steps) if word]
    if words and (wish.step or wish.target):
        return AlreadyDecided(words[-1].by, wish.kind)
    refusal = NotAwaitingApproval if wish.kind == APPROVE else NotPaused
    return refusal(_name(deployment), wish.target, wish.step)


def _is_repeat(deployment: Deployment, wish: PersonsDecision) -> bool:
    return bool(wish.request_id) and any(
        past.request_id == wish.request_id and past.kind == wish.kind for past in deployment.decisions
    )


def _remember(deployment: Deployment, wish: PersonsDecision) -> Deployment:
    return replace(deployment, decisions=(*deployment.decisions, wish))


def _note(wish: PersonsDecision, step: str = "") -> Note:
    verbs = {APPROVE: "approved", SKIP: "skipped the pause", ROLL_BACK: "asked to roll back", CANCEL: "cancelled"}
    text = f"{wish.by} {verbs[wish.kind]}{_quoted(wish.comment)}"
    return Note(kind=EventKind.DECISION, message=text, step=step, actor=wish.by)


def _quoted(comment: str) -> str:
    return f": {comment}" if comment else ""


def _name(deployment: Deployment) -> DeploymentName:
    return DeploymentName(deployment.key.tenant, deployment.key.id)
