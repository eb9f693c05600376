"""The step that moves pods from the old version to the new one, until a weight is reached."""

from dataclasses import replace

from borealis_server.domain import pods, rollback
from borealis_server.domain.decision import Act, Become, Circumstances, Decision, Hold
from borealis_server.domain.deployment import EndReason, StepKind, StepRun, TargetRun, Workload
from borealis_server.domain.observation import Observation
from borealis_server.domain.stages import followed
from borealis_server.domain.steps.executor import Started, StepExecutor, fail, succeed
from borealis_server.domain.transitions import StepEvent, move_step


def start(_run: TargetRun, step: StepRun, here: Circumstances) -> Started:
    """Nothing but its name: the pods follow."""
    return Started(step=move_step(step, StepEvent.STARTED, here.now), message=f"weight to {step.weight_percent} %")


def decide(run: TargetRun, step: StepRun, seen: Observation, here: Circumstances) -> Decision:
    """Scale, wait for pods, or be done; at the limit for pods the target goes back."""
    gone = [load for load in run.workloads if seen.workloads[load.namespace, load.name].new is None]
    if gone:
        message = f"ReplicaSet {gone[0].new_name} was deleted by somebody else during the run"
        return rollback.begin(run, EndReason.APPLY_ERROR, message, here)
    again = _recreated(run, step, seen)
    if again:
        return again
    move = pods.move(replace(run, wait=step.wait), seen, here, weight_percent=step.weight_percent)
    if isinstance(move, Become):
        return replace(move, run=replace(move.run, wait=run.wait))
    if isinstance(move, Act):
        return replace(move, run=replace(move.run.with_step(replace(step, wait=None)), wait=run.wait))
    if isinstance(move, Hold):
        return _held(run, step, move, seen, here)
    return _reached(run, step, seen, here)


def _held(run: TargetRun, step: StepRun, move: Hold, seen: Observation, here: Circumstances) -> Decision:
    """Wait for pods, unless they will not come or have taken too long."""
    detail = pods.describe_wait(run, seen, weight_percent=step.weight_percent)
    if pods.is_refused(move.run, here):
        return fail(run, step, EndReason.APPLY_ERROR, f"the cluster does not allow the pods: {detail}", here)
    if pods.is_overdue(run, here):
        message = f"not ready within {here.readiness_timeout_s:g} s: {detail}"
        return fail(run, step, EndReason.READINESS_TIMEOUT, message, here)
    return replace(move, run=followed(move.run.with_step(replace(step, wait=move.run.wait)), here.now))


def _recreated(run: TargetRun, step: StepRun, seen: Observation) -> Act | None:
    """Brings back an old version that is still needed and that somebody else has deleted."""
    for load in run.workloads:
        is_needed = bool(load.old_name) and pods.goal_of(load, step.weight_percent).old > 0
        if is_needed and seen.workloads[load.namespace, load.name].old is None:
            return rollback.recreate_old(run, load)
    return None


def _reached(run: TargetRun, step: StepRun, seen: Observation, here: Circumstances) -> Become:
    for load in run.workloads:
        run = run.with_workload(_as_reached(load, seen, step.weight_percent))
    run = replace(run, intent="", ready_limit_at=None)
    return succeed(run, step, f"weight {step.weight_percent} % reached", here)


def _as_reached(load: Workload, seen: Observation, weight_percent: int) -> Workload:
    view = seen.workloads[load.namespace, load.name]
    return replace(
        load,
        asked_weight_percent=weight_percent,
        new_pods=view.new.desired if view.new else 0,
        new_available=view.new.available if view.new else 0,
        old_pods=view.old.desired if view.old else 0,
        old_available=view.old.available if view.old else 0,
    )


def _is_last_weight(run: TargetRun, step: StepRun) -> bool:
    """A first deployment goes to its last weight at once."""
    return step.ref == [each.ref for each in run.steps if each.kind is StepKind.SET_WEIGHT][-1]


EXECUTOR = StepExecutor(start=start, decide=decide, needs_cluster=True, is_needed_at_first=_is_last_weight)
