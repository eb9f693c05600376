"""The state tables: the only place where a target or a step may change its state."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from borealis_server.domain.deployment import StepRun, TargetRun
from borealis_server.domain.states import StepState, TargetState


class TargetEvent(StrEnum):
    """What can happen to a target."""

    STARTED = "STARTED"
    PAUSED = "PAUSED"
    APPROVAL_WANTED = "APPROVAL_WANTED"
    RESUMED = "RESUMED"
    ROLLBACK_STARTED = "ROLLBACK_STARTED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class StepEvent(StrEnum):
    """What can happen to a step."""

    STARTED = "STARTED"
    APPROVAL_WANTED = "APPROVAL_WANTED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"


class IllegalTransition(Exception):  # noqa: N818 - a bug of ours, named by what happened
    """A pair of state and event that the tables do not know: a bug."""


TARGET_TRANSITIONS: Mapping[tuple[TargetState, TargetEvent], TargetState] = {
    (TargetState.NOT_STARTED, TargetEvent.STARTED): TargetState.RUNNING,
    (TargetState.NOT_STARTED, TargetEvent.CANCELLED): TargetState.CANCELLED,
    (TargetState.RUNNING, TargetEvent.PAUSED): TargetState.PAUSED,
    (TargetState.RUNNING, TargetEvent.APPROVAL_WANTED): TargetState.AWAITING_APPROVAL,
    (TargetState.RUNNING, TargetEvent.SUCCEEDED): TargetState.SUCCEEDED,
    (TargetState.RUNNING, TargetEvent.FAILED): TargetState.FAILED,
    (TargetState.RUNNING, TargetEvent.CANCELLED): TargetState.CANCELLED,
    (TargetState.RUNNING, TargetEvent.ROLLBACK_STARTED): TargetState.ROLLING_BACK,
    (TargetState.PAUSED, TargetEvent.RESUMED): TargetState.RUNNING,
    (TargetState.PAUSED, TargetEvent.APPROVAL_WANTED): TargetState.AWAITING_APPROVAL,
    (TargetState.PAUSED, TargetEvent.ROLLBACK_STARTED): TargetState.ROLLING_BACK,
    (TargetState.AWAITING_APPROVAL, TargetEvent.RESUMED): TargetState.RUNNING,
    (TargetState.AWAITING_APPROVAL, TargetEvent.PAUSED): TargetState.PAUSED,
    (TargetState.AWAITING_APPROVAL, TargetEvent.ROLLBACK_STARTED): TargetState.ROLLING_BACK,
    (TargetState.ROLLING_BACK, TargetEvent.FAILED): TargetState.FAILED,
    (TargetState.ROLLING_BACK, TargetEvent.CANCELLED): TargetState.CANCELLED,
}

STEP_TRANSITIONS: Mapping[tuple[StepState, StepEvent], StepState] = {
    (StepState.NOT_STARTED, StepEvent.STARTED): StepState.RUNNING,
    (StepState.NOT_STARTED, StepEvent.SKIPPED): StepState.SKIPPED,
    (StepState.NOT_STARTED, StepEvent.CANCELLED): StepState.CANCELLED,
    (StepState.RUNNING, StepEvent.APPROVAL_WANTED): StepState.AWAITING_APPROVAL,
    (StepState.RUNNING, StepEvent.SUCCEEDED): StepState.SUCCEEDED,
    (StepState.RUNNING, StepEvent.FAILED): StepState.FAILED,
    (StepState.RUNNING, StepEvent.CANCELLED): StepState.CANCELLED,
    (StepState.AWAITING_APPROVAL, StepEvent.SUCCEEDED): StepState.SUCCEEDED,
    (StepState.AWAITING_APPROVAL, StepEvent.CANCELLED): StepState.CANCELLED,
}


def move_target(run: TargetRun, event: TargetEvent, now: datetime) -> TargetRun:
    """The run after `event`, its start or end time set. Errors: IllegalTransition."""
    state = TARGET_TRANSITIONS.get((run.state, event))
    if state is None:
        raise IllegalTransition(f"target {run.name} in state {run.state} cannot take {event}")
    started_at = now if event is TargetEvent.STARTED else run.started_at
    return replace(run, state=state, started_at=started_at, ended_at=now if state.is_final else None)


def move_step(step: StepRun, event: StepEvent, now: datetime) -> StepRun:
    """The step after `event`, its start or end time set; one that is over waits for nothing.

    Errors: IllegalTransition.
    """
    state = STEP_TRANSITIONS.get((step.state, event))
    if state is None:
        raise IllegalTransition(f"step {step.ref} in state {step.state} cannot take {event}")
    started_at = now if event is StepEvent.STARTED else step.started_at
    if state.is_final:
        return replace(step, state=state, started_at=started_at, ended_at=now, wait=None, errand=None)
    return replace(step, state=state, started_at=started_at, ended_at=None)
