"""What follows for a target from the steps that it is in: its state, and what holds it as a whole."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from borealis_server.domain.deployment import StepRun, TargetRun, Wait
from borealis_server.domain.states import StepKind, StepState, TargetState
from borealis_server.domain.transitions import StepEvent, TargetEvent, move_step, move_target

_EVENTS = {
    TargetState.AWAITING_APPROVAL: TargetEvent.APPROVAL_WANTED,
    TargetState.PAUSED: TargetEvent.PAUSED,
    TargetState.RUNNING: TargetEvent.RESUMED,
}
_NEVER = datetime.max.replace(tzinfo=UTC)


def followed(run: TargetRun, now: datetime) -> TargetRun:
    """The run with the state and the wait that its current steps stand for."""
    steps = run.current_steps
    state = _state(steps)
    if run.state is not state:
        run = move_target(run, _EVENTS[state], now)
    return replace(run, wait=_most_urgent_wait(steps))


def with_steps_ended(run: TargetRun, event: StepEvent, now: datetime) -> TargetRun:
    """The run with `event` happened to every step that is not over."""
    for step in run.steps:
        if not step.state.is_final:
            run = run.with_step(move_step(step, event, now))
    return run


def _state(steps: Sequence[StepRun]) -> TargetState:
    """A wait for a person comes before work, and work before waiting for time."""
    if any(step.state is StepState.AWAITING_APPROVAL for step in steps):
        return TargetState.AWAITING_APPROVAL
    if steps and all(is_pausing(step) for step in steps):
        return TargetState.PAUSED
    return TargetState.RUNNING


def is_pausing(step: StepRun) -> bool:
    """Whether the step waits for nothing but time."""
    return step.kind is StepKind.PAUSE and step.state is StepState.RUNNING


def _most_urgent_wait(steps: Sequence[StepRun]) -> Wait | None:
    """A person's before the cluster's before time's; of the times the last, which holds the stage."""
    waiting = sorted((step for step in steps if step.wait), key=_urgency)
    return waiting[0].wait if waiting else None


def _urgency(step: StepRun) -> tuple[int, float]:
    if step.state is StepState.AWAITING_APPROVAL:
        return 0, (step.limit_at or _NEVER).timestamp()
    if not is_pausing(step):
        return 1, 0.0
    return 2, -(step.limit_at or _NEVER).timestamp()
