"""Blue/green, first: the new version at full size beside the old one, and the preview Services lead to it."""

from dataclasses import replace

from borealis_server.domain import pods, traffic
from borealis_server.domain.decision import Act, Circumstances, Decision
from borealis_server.domain.deployment import StepRun, TargetRun
from borealis_server.domain.observation import Observation
from borealis_server.domain.states import ServiceRole
from borealis_server.domain.steps.executor import Started, StepExecutor, always, succeed
from borealis_server.domain.steps.following import await_endpoints
from borealis_server.domain.steps.moving import move_pods, with_pods_seen
from borealis_server.domain.traffic import Side
from borealis_server.domain.transitions import StepEvent, move_step


def start(_run: TargetRun, step: StepRun, here: Circumstances) -> Started:
    """Nothing but its name: the pods follow."""
    return Started(
        step=move_step(step, StepEvent.STARTED, here.now), message="starts the new version beside the old one"
    )


def decide(run: TargetRun, step: StepRun, seen: Observation, here: Circumstances) -> Decision:
    """Scale, wait for pods, then show them behind the preview Services. The active Services keep to the old version."""
    run = traffic.with_shares(run, seen)
    strayed = traffic.misdirected(run, seen, Side.OLD, ServiceRole.ACTIVE)
    if strayed:
        return Act(effect=strayed, run=replace(run, intent=str(strayed)))
    moving = move_pods(run, step, seen, here, pods.BESIDE)
    if moving:
        return moving
    preview = traffic.misdirected(run, seen, Side.NEW, ServiceRole.PREVIEW)
    if preview:
        return Act(effect=preview, run=replace(run, intent=str(preview)))
    missing = traffic.unfollowed(run, seen, Side.NEW, ServiceRole.PREVIEW)
    if missing:
        return await_endpoints(run, step, missing, here)
    return succeed(with_pods_seen(run, seen, 0), step, "the new version is ready, without traffic", here)


EXECUTOR = StepExecutor(start=start, decide=decide, needs_cluster=True, is_needed_at_first=always)
