"""Blue/green, in the middle: every active Service leads to the new version, by one patch each."""

from dataclasses import replace

from borealis_server.domain import pods, traffic
from borealis_server.domain.decision import Act, Circumstances, Decision, Hold
from borealis_server.domain.deployment import StepRun, TargetRun
from borealis_server.domain.observation import Observation
from borealis_server.domain.states import ServiceRole, StepKind
from borealis_server.domain.steps.executor import Started, StepExecutor, always, succeed
from borealis_server.domain.steps.following import await_endpoints
from borealis_server.domain.steps.moving import move_pods, with_pods_seen
from borealis_server.domain.traffic import Side
from borealis_server.domain.transitions import StepEvent, move_step


def start(_run: TargetRun, step: StepRun, here: Circumstances) -> Started:
    """Nothing but its name: the switch follows."""
    return Started(step=move_step(step, StepEvent.STARTED, here.now), message="redirects traffic to the new version")


def decide(run: TargetRun, step: StepRun, seen: Observation, here: Circumstances) -> Decision:
    """Make sure of the pods once more, switch, and see that the endpoints follow."""
    run = traffic.with_shares(run, seen)
    decision = redirect(run, step, seen, here)
    return decision or succeed(
        with_pods_seen(run, seen, pods.FULL_WEIGHT), step, "all traffic goes to the new version", here
    )


def redirect(run: TargetRun, step: StepRun, seen: Observation, here: Circumstances) -> Decision | None:
    """What is missing until the new version has all pods and all traffic; None when nothing is."""
    moving = move_pods(run, step, seen, here, pods.BESIDE_WITH_TRAFFIC)
    if isinstance(moving, Hold):
        # Nothing is switched before the pods are there, but traffic that leads to neither version goes back at once.
        back = traffic.astray(run, seen, Side.OLD if step.kind is StepKind.REDIRECT_TRAFFIC else Side.NEW)
        return Act(effect=back, run=replace(run, intent=str(back))) if back else moving
    if moving:
        return moving
    switch = traffic.misdirected(run, seen, Side.NEW, ServiceRole.ACTIVE, ServiceRole.PREVIEW)
    if switch:
        return Act(effect=switch, run=replace(run, intent=str(switch)))
    missing = traffic.unfollowed(run, seen, Side.NEW, ServiceRole.ACTIVE, ServiceRole.PREVIEW)
    return await_endpoints(run, step, missing, here) if missing else None


EXECUTOR = StepExecutor(start=start, decide=decide, needs_cluster=True, is_needed_at_first=always)
