"""Drives the stage that a target is in: starts its steps together, and asks each what to do next."""

from dataclasses import replace
from datetime import datetime

from borealis_server.domain import pods
from borealis_server.domain.decision import Become, Circumstances, Decision, Hold
from borealis_server.domain.deployment import StepRun, TargetRun, Wait
from borealis_server.domain.observation import Observation
from borealis_server.domain.record import Note
from borealis_server.domain.routing import steering
from borealis_server.domain.stages import followed
from borealis_server.domain.states import EventKind, Phase, StepKind, StepPart, StepState
from borealis_server.domain.steps.registry import EXECUTORS
from borealis_server.domain.steps.steering import steer
from borealis_server.domain.transitions import StepEvent, move_step


def needs_cluster(run: TargetRun) -> bool:
    """Whether a step of the stage can come to nothing without the cluster."""
    return any(EXECUTORS[step.kind].needs_cluster for step in run.current_steps)


def held_weight_percent(run: TargetRun) -> int | None:
    """The weight at which the stage holds pods while it waits for something else; None where it holds none."""
    if run.phase is not Phase.STEPPING or not run.current_steps or needs_cluster(run):
        return None
    reached = [step for step in run.steps if step.kind is StepKind.SET_WEIGHT and step.state is StepState.SUCCEEDED]
    return reached[-1].weight_percent if reached else None


def drive(run: TargetRun, seen: Observation, here: Circumstances) -> Decision | None:
    """The next thing to do in the current stage; None when the part has no stage left."""
    steps = run.current_steps
    if not steps:
        return None
    due = tuple(step for step in steps if step.state is StepState.NOT_STARTED and not _awaited(run, step))
    if due:
        return _start(run, due, here)
    started = tuple(step for step in steps if step.state is not StepState.NOT_STARTED)
    return _decide(_with_waits(run, here), started, seen, here)


def _awaited(run: TargetRun, step: StepRun) -> tuple[str, ...]:
    """Refs of steps whose work the step uses, and which are not over."""
    return tuple(ref for ref in step.awaits if not run.step(ref).state.is_final)


def _with_waits(run: TargetRun, here: Circumstances) -> TargetRun:
    """The run in which a step that waits for another one of its stage says so."""
    for step in run.current_steps:
        names = _awaited(run, step)
        if names and step.state is StepState.NOT_STARTED:
            since = step.wait.since if step.wait else here.now
            wait = Wait(what=f"what {' and '.join(names)} makes", since=since, ended_by="the deployment itself")
            run = run.with_step(replace(step, wait=wait))
    return run


def _start(run: TargetRun, due: tuple[StepRun, ...], here: Circumstances) -> Become:
    notes = []
    for step in due:
        if _is_skipped(run, step):
            skipped, message = move_step(step, StepEvent.SKIPPED, here.now), "skipped: a first deployment goes to 100 %"
        else:
            started = EXECUTORS[step.kind].start(run, step, here)
            skipped, message = started.step, started.message
        run = run.with_step(skipped)
        notes.append(Note(kind=EventKind.STEP_CHANGED, step=step.ref, message=message))
    return Become(run=followed(replace(run, ready_limit_at=None), here.now), notes=tuple(notes))


def _is_skipped(run: TargetRun, step: StepRun) -> bool:
    is_first_deployment = step.part is StepPart.STRATEGY and not any(load.old_name for load in run.workloads)
    return is_first_deployment and not EXECUTORS[step.kind].is_needed_at_first(run, step)


def _decide(run: TargetRun, steps: tuple[StepRun, ...], seen: Observation, here: Circumstances) -> Decision:
    """What the first step that can go on wants; when all wait, the wait of them all."""
    held, wake_at = run, None
    notes: tuple[Note, ...] = ()
    for step in steps:
        executor = EXECUTORS[step.kind]
        decision = executor.decide(held, step, seen, here)
        if not isinstance(decision, Hold):
            # What the steps before it told is told when they are asked again.
            return executor.decide(run, step, seen, here)
        held, notes = decision.run, (*notes, *decision.notes)
        wake_at = _earlier(wake_at, decision.wake_at)
    hold = Hold(run=held, wake_at=wake_at, notes=notes)
    weight = held_weight_percent(run)
    if weight is None:
        return hold
    if not seen.workloads:
        return replace(hold, wake_at=_earlier(wake_at, here.now + pods.RESYNC_WHILE_HELD))
    return _follow(hold, seen, here, weight)


def _follow(hold: Hold, seen: Observation, here: Circumstances, weight: int) -> Decision:
    """Keep pods and routes at the weight at which the stage holds them, whoever else changes them."""
    held = replace(hold, run=steering.with_shares(hold.run, seen))
    followed_pods = pods.follow(held, seen, here, weight_percent=weight)
    if not isinstance(followed_pods, Hold):
        return followed_pods
    return steer(followed_pods.run, None, seen, here, weight) or replace(
        followed_pods, run=steering.at_rest(followed_pods.run, weight)
    )


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((time for time in (one, other) if time), default=None)
