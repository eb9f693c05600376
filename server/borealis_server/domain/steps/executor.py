"""What every kind of step has to say about itself, and the two ways in which a step ends."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from borealis_server.domain import rollback
from borealis_server.domain.decision import Become, Circumstances, Decision
from borealis_server.domain.deployment import StepRun, TargetRun
from borealis_server.domain.errand import ErrandReport
from borealis_server.domain.observation import Observation
from borealis_server.domain.record import Note
from borealis_server.domain.stages import followed, with_steps_ended
from borealis_server.domain.states import EndReason, EventKind
from borealis_server.domain.transitions import StepEvent, move_step


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A step that has just started, and how to tell it."""

    step: StepRun
    message: str


def never(_run: TargetRun, _step: StepRun) -> bool:
    """No step of the kind is needed by a first deployment: there is nothing to compare with."""
    return False


def always(_run: TargetRun, _step: StepRun) -> bool:
    """Every step of the kind is needed by a first deployment too."""
    return True


def no_errand(_run: TargetRun, step: StepRun, report: ErrandReport, _here: Circumstances) -> Become:
    """A step of the kind sends nobody. Errors: ValueError, since a report is a bug then."""
    raise ValueError(f"{step.ref} ({step.kind}) has no errand, and yet a report came: {type(report).__name__}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepExecutor:
    """One kind of step. Pure, and level-triggered as `decide`."""

    start: Callable[[TargetRun, StepRun, Circumstances], Started]
    """The step begun. Changes nothing in a cluster: that is for `decide`."""
    decide: Callable[[TargetRun, StepRun, Observation, Circumstances], Decision]
    """The next thing to do about a step that has started. A Hold carries the step's own wait in its run."""
    absorb: Callable[[TargetRun, StepRun, ErrandReport, Circumstances], Become] = no_errand
    """The record after the report of the step's errand, which the step does not want any more."""
    needs_cluster: bool = False
    """Whether a lost agent holds it up; the pods of the target are then observed for it."""
    is_needed_at_first: Callable[[TargetRun, StepRun], bool] = never
    """Whether a first deployment needs this step of the strategy too."""


def succeed(run: TargetRun, step: StepRun, message: str, here: Circumstances) -> Become:
    """The step is done; its target goes on with what is left of the stage, or behind it."""
    done = run.with_step(move_step(step, StepEvent.SUCCEEDED, here.now))
    return Become(
        run=followed(done, here.now), notes=(Note(kind=EventKind.STEP_CHANGED, step=step.ref, message=message),)
    )


def fail(run: TargetRun, step: StepRun, reason: EndReason, message: str, here: Circumstances) -> Become:
    """The step ends its target at once: the others are cancelled, and the target goes back where there is a way."""
    event = StepEvent.CANCELLED if reason.is_a_persons else StepEvent.FAILED
    ended = with_steps_ended(run.with_step(move_step(step, event, here.now)), StepEvent.CANCELLED, here.now)
    turned = rollback.begin(ended, reason, message, here)
    note = Note(kind=EventKind.STEP_CHANGED, step=step.ref, message=message)
    return replace(turned, notes=(note, *turned.notes))
