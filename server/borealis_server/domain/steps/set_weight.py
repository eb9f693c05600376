"""The step that moves pods, or traffic, from the old version to the new one, until a weight is reached."""

from borealis_server.domain import pods
from borealis_server.domain.decision import Circumstances, Decision
from borealis_server.domain.deployment import StepRun, TargetRun
from borealis_server.domain.observation import Observation
from borealis_server.domain.routing import steering
from borealis_server.domain.states import StepKind
from borealis_server.domain.steps.executor import Started, StepExecutor, succeed
from borealis_server.domain.steps.following import await_endpoints
from borealis_server.domain.steps.moving import move_pods, with_pods_seen
from borealis_server.domain.steps.steering import steer
from borealis_server.domain.transitions import StepEvent, move_step


def start(_run: TargetRun, step: StepRun, here: Circumstances) -> Started:
    """Nothing but its name: the pods follow."""
    return Started(step=move_step(step, StepEvent.STARTED, here.now), message=f"weight to {step.weight_percent} %")


def decide(run: TargetRun, step: StepRun, seen: Observation, here: Circumstances) -> Decision:
    """Scale, wait for pods, then move the traffic, or be done; at the limit for pods the target goes back."""
    run = steering.with_shares(run, seen)
    moving = move_pods(run, step, seen, here, pods.weight_of(run, step.weight_percent))
    if moving:
        return moving
    missing = steering.unserved(run, seen) if step.weight_percent else ""
    if missing:
        return await_endpoints(run, step, missing, here)
    steered = steer(run, step, seen, here, step.weight_percent)
    if steered:
        return steered
    reached = with_pods_seen(steering.at_rest(run, step.weight_percent), seen, step.weight_percent)
    return succeed(reached, step, f"weight {step.weight_percent} % reached", here)


def _is_last_weight(run: TargetRun, step: StepRun) -> bool:
    """A first deployment goes to its last weight at once."""
    return step.ref == [each.ref for each in run.steps if each.kind is StepKind.SET_WEIGHT][-1]


EXECUTOR = StepExecutor(start=start, decide=decide, needs_cluster=True, is_needed_at_first=_is_last_weight)
