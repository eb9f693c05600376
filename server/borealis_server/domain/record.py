"""Keeping a deployment's record: changes of a target become events, and the whole follows its parts.

`settle` is the deployment's own decision: start targets whose turn has come, cancel those that never get one, and
derive the deployment's state.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from borealis_server.domain.analysis.evidence import Judgement
from borealis_server.domain.deployment import Deployment, Event, StepRun, TargetRun, Wait
from borealis_server.domain.stages import with_steps_ended
from borealis_server.domain.states import DeploymentState, EndReason, EventKind, Phase, StepPart, StepState, TargetState
from borealis_server.domain.transitions import StepEvent, TargetEvent, move_target

SYSTEM = "borealis"
"""The actor of what nobody asked for in person."""

_WORST_FIRST = (
    (TargetState.FAILED, DeploymentState.FAILED),
    (TargetState.CANCELLED, DeploymentState.CANCELLED),
    (TargetState.SUCCEEDED, DeploymentState.SUCCEEDED),
)
_LIVELIEST_FIRST = (
    (TargetState.AWAITING_APPROVAL, DeploymentState.AWAITING_APPROVAL),
    (TargetState.RUNNING, DeploymentState.RUNNING),
    (TargetState.ROLLING_BACK, DeploymentState.RUNNING),
    (TargetState.PAUSED, DeploymentState.PAUSED),
)
_OF_THE_QUEUE = (DeploymentState.QUEUED, DeploymentState.REPLACED, DeploymentState.REJECTED)
"""States whose message does not follow from the targets: none of them has started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something to write down about a target; it becomes an event."""

    kind: EventKind
    message: str
    step: str = ""
    actor: str = SYSTEM
    judgement: Judgement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A deployment after a change, and the events to append."""

    deployment: Deployment
    events: tuple[Event, ...] = ()

    def with_target(self, run: TargetRun, notes: Iterable[Note], now: datetime) -> "Recorded":
        """The record with the new `run`, its revision advanced, and an event for each note."""
        run = replace(run, revision=self.deployment.target(run.name).revision + 1)
        recorded = Recorded(deployment=self.deployment.with_target(run), events=self.events)
        for note in notes:
            recorded = recorded.with_event(note, now, run)
        return recorded

    def with_event(self, note: Note, now: datetime, run: TargetRun | None = None) -> "Recorded":
        """The record with one more event, about `run` or about the deployment."""
        sequence = self.deployment.sequence + 1
        state = _state(self.deployment)
        event = Event(
            sequence=sequence,
            at=now,
            kind=note.kind,
            message=note.message,
            actor=note.actor,
            deployment_state=state,
            deployment_message=_message(self.deployment, state),
            target=run.name if run else "",
            step=note.step,
            judgement=note.judgement,
            target_run=_without_copies(run, note.step) if run else None,
        )
        return Recorded(deployment=replace(self.deployment, sequence=sequence), events=(*self.events, event))


def _without_copies(run: TargetRun, step: str) -> TargetRun:
    """The run without its saved objects: an event is for telling, not for restoring. A body goes with its step.

    That of a step that failed is told to the end: it is what people look for.
    """
    loads = tuple(replace(load, native="", old_copy="") for load in run.workloads)
    return replace(
        run,
        saved=(),
        autoscalers=tuple(replace(one, before="") for one in run.autoscalers),
        workloads=loads,
        steps=tuple(one if one.ref == step else _without_body(one) for one in run.steps),
    )


def _without_body(step: StepRun) -> StepRun:
    if step.webhook is None or step.webhook.answer is None or step.state is StepState.FAILED:
        return step
    return replace(step, webhook=replace(step.webhook, answer=replace(step.webhook.answer, body="")))


def settle(recorded: Recorded, now: datetime) -> Recorded:
    """The record after everything that follows from its targets: starts, cancellations, state, end."""
    if recorded.deployment.state.is_final:
        return recorded
    if recorded.deployment.state is DeploymentState.QUEUED:
        return _settle_state(recorded, now)
    for name in _in_order(recorded.deployment.targets):
        run = recorded.deployment.target(name)
        if run.phase is Phase.WAITING:
            recorded = _settle_waiting(recorded, run, now)
    return _settle_state(recorded, now)


def _in_order(targets: tuple[TargetRun, ...]) -> tuple[str, ...]:
    """Names so that each target comes after those it depends on: one pass then settles a whole chain."""
    placed: list[str] = []
    waiting = list(targets)
    while waiting:
        ready = [run for run in waiting if all(name in placed for name in run.depends_on)]
        placed += [run.name for run in ready or waiting]
        waiting = [run for run in waiting if run.name not in placed]
    return tuple(placed)


def _settle_waiting(recorded: Recorded, run: TargetRun, now: datetime) -> Recorded:
    upstream = [recorded.deployment.target(name) for name in run.depends_on]
    lost = [up.name for up in upstream if up.state.is_final and up.state is not TargetState.SUCCEEDED]
    if lost:
        message = f"never started: {_names(lost)} did not succeed"
        cancelled = replace(
            with_steps_ended(move_target(run, TargetEvent.CANCELLED, now), StepEvent.CANCELLED, now),
            phase=Phase.ENDED,
            end_reason=EndReason.UPSTREAM_FAILED,
            message=message,
            wait=None,
        )
        return recorded.with_target(cancelled, [Note(kind=EventKind.TARGET_CHANGED, message=message)], now)
    open_names = [up.name for up in upstream if up.state is not TargetState.SUCCEEDED]
    if open_names:
        return _await_upstream(recorded, run, open_names, now)
    is_conditional = any(step.part is StepPart.BEFORE for step in run.steps)
    phase = Phase.BEFORE if is_conditional else Phase.PREPARING
    started = replace(move_target(run, TargetEvent.STARTED, now), phase=phase, message="", wait=None)
    return recorded.with_target(started, [Note(kind=EventKind.TARGET_CHANGED, message="started")], now)


def _await_upstream(recorded: Recorded, run: TargetRun, names: list[str], now: datetime) -> Recorded:
    what = f"success of {_names(names)}"
    if run.wait and run.wait.what == what:
        return recorded
    wait = Wait(what=what, since=run.wait.since if run.wait else now, ended_by="the deployment itself")
    # A wait for others is no event: it follows from theirs.
    waiting = replace(run, wait=wait)
    return Recorded(deployment=recorded.deployment.with_target(waiting), events=recorded.events)


def _settle_state(recorded: Recorded, now: datetime) -> Recorded:
    deployment = recorded.deployment
    state = _state(deployment)
    deployment = replace(deployment, state=state, message=_message(deployment, state))
    if not state.is_final:
        return Recorded(deployment=deployment, events=recorded.events)
    ended = Recorded(deployment=replace(deployment, ended_at=now), events=recorded.events)
    return ended.with_event(Note(kind=EventKind.DEPLOYMENT_ENDED, message=deployment.message), now)


def _state(deployment: Deployment) -> DeploymentState:
    if deployment.state.is_final:
        return deployment.state
    states = {run.state for run in deployment.targets}
    if all(state.is_final for state in states):
        return next(whole for part, whole in _WORST_FIRST if part in states)
    if deployment.state is DeploymentState.QUEUED:
        return DeploymentState.QUEUED
    return next((whole for part, whole in _LIVELIEST_FIRST if part in states), DeploymentState.RUNNING)


def _message(deployment: Deployment, state: DeploymentState) -> str:
    targets = deployment.targets
    if state in _OF_THE_QUEUE:
        return deployment.message
    if state is DeploymentState.SUCCEEDED:
        verb = "runs" if len(targets) == 1 else "run"
        return f"{_names([run.name for run in targets])} {verb} the new version"
    if state.is_final:
        culprits = [run for run in targets if run.message and run.end_reason is not EndReason.UPSTREAM_FAILED]
        return "; ".join(f"{run.name}: {run.message}" for run in culprits)
    waits = [f"{run.name} waits for {run.wait.what}" for run in targets if run.is_active and run.wait]
    return "; ".join(waits)


def _names(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
