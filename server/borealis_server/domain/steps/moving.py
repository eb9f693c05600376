"""Moving pods for a step: scale, wait, bring back what somebody else deleted, or fail at the limit."""

from dataclasses import replace

from borealis_server.domain import pods, rollback
from borealis_server.domain.decision import Act, Become, Circumstances, Decision, Hold
from borealis_server.domain.deployment import StepRun, TargetRun
from borealis_server.domain.observation import Observation
from borealis_server.domain.stages import followed
from borealis_server.domain.states import EndReason
from borealis_server.domain.steps.executor import fail


def move_pods(run: TargetRun, step: StepRun, seen: Observation, here: Circumstances, aim: pods.Aim) -> Decision | None:
    """What the step has to do until pods are where `aim` wants them; None when they are."""
    gone = [load for load in run.workloads if seen.workloads[load.namespace, load.name].new is None]
    if gone:
        message = f"ReplicaSet {gone[0].new_name} was deleted by somebody else during the run"
        return rollback.begin(run, EndReason.APPLY_ERROR, message, here)
    again = _recreated(run, seen, aim)
    if again:
        return again
    move = pods.move(replace(run, wait=step.wait), seen, here, aim)
    if isinstance(move, Become):
        return replace(move, run=replace(move.run, wait=run.wait))
    if isinstance(move, Act):
        return replace(move, run=replace(move.run.with_step(replace(step, wait=None)), wait=run.wait))
    return _held(run, step, move, seen, here, aim) if move else None


def with_pods_seen(run: TargetRun, seen: Observation, weight_percent: int) -> TargetRun:
    """The run at rest with the pods that were seen, when the step has come to its end."""
    return replace(pods.with_counts(run, seen, weight_percent), intent="", ready_limit_at=None)


def _held(run: TargetRun, step: StepRun, move: Hold, seen: Observation, here: Circumstances, aim: pods.Aim) -> Decision:
    """Wait for pods, unless they will not come or have taken too long."""
    detail = pods.describe_wait(run, seen, aim)
    if pods.is_refused(move.run, here):
        return fail(run, step, EndReason.APPLY_ERROR, f"the cluster does not allow the pods: {detail}", here)
    if pods.is_overdue(run, here):
        message = f"not ready within {here.readiness_timeout_s:g} s: {detail}"
        return fail(run, step, EndReason.READINESS_TIMEOUT, message, here)
    return replace(move, run=followed(move.run.with_step(replace(step, wait=move.run.wait)), here.now))


def _recreated(run: TargetRun, seen: Observation, aim: pods.Aim) -> Act | None:
    """Brings back an old version that is still needed and that somebody else has deleted."""
    for load in run.workloads:
        view = seen.workloads[load.namespace, load.name]
        if load.old_name and view.old is None and aim.needs_old_pods(load):
            return rollback.recreate_old(run, load)
    return None
