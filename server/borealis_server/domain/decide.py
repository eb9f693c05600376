"""What to do next about one target: a pure function of its record, what the cluster shows, and the time.

Level-triggered: asked again at any moment, after any crash, it goes on from what is there.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from borealis_server.domain import applying, finishing, late, pods, rollback, traffic
from borealis_server.domain.decision import Act, Become, Circumstances, Decision, Hold
from borealis_server.domain.deployment import TargetRun, Wait
from borealis_server.domain.effects import AgentAway, Prepare
from borealis_server.domain.observation import Observation
from borealis_server.domain.record import Note
from borealis_server.domain.routing import steering
from borealis_server.domain.states import EndReason, EventKind, Phase, StepPart, TargetState
from borealis_server.domain.steps import stage
from borealis_server.domain.transitions import StepEvent, move_step

NOTHING_SEEN = Observation(workloads={})
_ROLLED_BACK = "the target is rolled back"
AGENT_LIMIT_AT_START = timedelta(minutes=2)
"""How long a target that has touched nothing waits for its agent."""


def needs_observation(run: TargetRun) -> bool:
    """Whether the next decision looks at pods, or at objects that were applied."""
    if run.phase is Phase.SETTLING:
        return True
    if run.phase is Phase.HOLDING_TRAFFIC:
        return True
    if run.phase is Phase.RESTORING_TRAFFIC:
        return run.has_taken_over and (traffic.is_routed(run) or steering.is_noted(run))
    if not run.workloads:
        return False
    return run.phase is Phase.RESTORING_PODS or stage.needs_cluster(run) or stage.watches_over(run)


def needs_agent(run: TargetRun) -> bool:
    """Whether the next decision can come to nothing without the cluster; conditions go on without it."""
    if run.phase in (Phase.BEFORE, Phase.AFTER) or run.current_steps:
        return stage.needs_cluster(run)
    return run.is_active


def decide(run: TargetRun, seen: Observation | AgentAway, here: Circumstances) -> Decision:
    """The next thing to do about an active target."""
    run = late.unknown(run)  # an intent is there without its outcome: the server that made it is no more
    if isinstance(seen, AgentAway):
        if needs_agent(run):
            return await_agent(run, seen, here)
        seen = NOTHING_SEEN
    return _PHASES[run.phase](with_agent_back(run, here), seen, here)


def _prepare(run: TargetRun, _seen: Observation, _here: Circumstances) -> Decision:
    effect = Prepare(pairs=run.service_pairs, routes=run.route_specs)
    return Act(effect=effect, run=replace(run, intent=str(effect)))


def _rest(run: TargetRun, _seen: Observation, _here: Circumstances) -> Decision:
    return Hold(run=run)


def await_agent(run: TargetRun, away: AgentAway, here: Circumstances) -> Become | Hold:
    """Unknown is not failed: wait for the agent by name, and only give up at the limit."""
    lost_at = run.agent_lost_at or here.now
    rolls_back = run.state is TargetState.ROLLING_BACK
    limit_at = lost_at + (rollback.AGENT_LIMIT if rolls_back else _agent_limit(run, here))
    if here.now >= limit_at:
        return _without_agent(run, f"agent {run.account} did not come back ({away.detail})", here)
    wait = Wait(
        what=f"agent {run.account}: {away.detail}",
        since=lost_at,
        ended_by=f"agent {run.account}, which reconnects by itself",
        limit_at=limit_at,
        at_limit=_at_agent_limit(run),
    )
    held = replace(run, wait=wait, agent_lost_at=lost_at)
    is_news = run.agent_lost_at is None
    # An agent can also refuse work without leaving, and then no return of it is ever told: look again.
    return Hold(
        run=held,
        wake_at=min(limit_at, here.now + pods.RESYNC),
        notes=(Note(kind=EventKind.PROGRESS, message=f"waits for {wait.what}"),) if is_news else (),
    )


def _agent_limit(run: TargetRun, here: Circumstances) -> timedelta:
    """Before anything was touched a lost agent is told soon; afterwards it has as long as pods."""
    usual = timedelta(seconds=here.readiness_timeout_s)
    return min(usual, AGENT_LIMIT_AT_START) if run.phase is Phase.PREPARING else usual


def _without_agent(run: TargetRun, why: str, here: Circumstances) -> Become:
    if run.state is TargetState.ROLLING_BACK:
        return rollback.give_up(run, f"{why}: when it is back, look after the new version's ReplicaSets", here)
    if run.phase is Phase.FINISHING:
        return rollback.leave(run, EndReason.AGENT_LOST, f"{why}: deploy again when it is back, to finish", here)
    return rollback.begin(run, EndReason.AGENT_LOST, why, here)


def _at_agent_limit(run: TargetRun) -> str:
    after = at_limit(run)
    return f"{after} once the agent is back" if after == _ROLLED_BACK else after


def at_limit(run: TargetRun) -> str:
    """What happens when the limit of a wait for the cluster passes."""
    if run.state is TargetState.ROLLING_BACK:
        return "the rollback is given up"
    if run.phase is Phase.FINISHING:
        return "the target fails; the new version keeps serving"
    if run.phase is Phase.PREPARING:
        return "the target fails; nothing was changed"
    return _ROLLED_BACK


def with_agent_back(run: TargetRun, here: Circumstances) -> TargetRun:
    """The run with the agent's absence taken out of the readiness limit."""
    if run.agent_lost_at is None:
        return run
    away = here.now - run.agent_lost_at
    limit_at = run.ready_limit_at + away if run.ready_limit_at else None
    effect_limit_at = run.effect_limit_at + away if run.effect_limit_at else None
    back = replace(run, agent_lost_at=None, ready_limit_at=limit_at, effect_limit_at=effect_limit_at)
    return replace(back, refused_since=None, wait=None)


def _before(run: TargetRun, seen: Observation, here: Circumstances) -> Decision:
    return stage.drive(run, seen, here) or Become(run=replace(run, phase=Phase.PREPARING, wait=None))


def _step(run: TargetRun, seen: Observation, here: Circumstances) -> Decision:
    return (stage.drive(run, seen, here) if run.workloads else None) or _begin_finishing(run, here)


def _after(run: TargetRun, seen: Observation, here: Circumstances) -> Decision:
    return stage.drive(run, seen, here) or finishing.succeed(run, here)


def _begin_finishing(run: TargetRun, here: Circumstances) -> Become:
    notes = []
    for step in run.steps:
        if step.part is StepPart.STRATEGY and not step.state.is_final:
            run = run.with_step(move_step(step, StepEvent.SKIPPED, here.now))
            notes.append(Note(kind=EventKind.STEP_CHANGED, step=step.ref, message="skipped: there are no pods to move"))
    return Become(run=replace(run, phase=Phase.FINISHING, cursor=0, wait=None), notes=tuple(notes))


_PHASES: dict[Phase, Callable[[TargetRun, Observation, Circumstances], Decision]] = {
    Phase.WAITING: _rest,
    Phase.BEFORE: _before,
    Phase.PREPARING: _prepare,
    Phase.APPLYING: applying.apply_objects,
    Phase.SETTLING: applying.settle,
    Phase.HOLDING_TRAFFIC: applying.hold_traffic,
    Phase.TAKING_OVER: applying.take_over,
    Phase.STEPPING: _step,
    Phase.FINISHING: finishing.finish,
    Phase.AFTER: _after,
    Phase.RESTORING_TRAFFIC: rollback.restore_traffic,
    Phase.RESTORING_SETTINGS: rollback.restore_settings,
    Phase.RESTORING_PODS: rollback.restore_pods,
    Phase.REMOVING_NEW: rollback.remove_new,
    Phase.RESTORING_OBJECTS: rollback.restore_objects,
    Phase.ENDED: _rest,
}
