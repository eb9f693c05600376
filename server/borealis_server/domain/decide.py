"""What to do next about one target: a pure function of its record, what the cluster shows, and the time.

Level-triggered: asked again at any moment, after any crash, it goes on from what is there.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from borealis_server.domain import applying, finishing, pods, rollback
from borealis_server.domain.decision import Act, Become, Circumstances, Decision, Hold
from borealis_server.domain.deployment import (
    EndReason,
    EventKind,
    Phase,
    StepKind,
    StepRun,
    StepState,
    TargetRun,
    TargetState,
    Wait,
    Workload,
)
from borealis_server.domain.effects import AgentAway, Prepare
from borealis_server.domain.observation import Observation
from borealis_server.domain.record import Note
from borealis_server.domain.transitions import StepEvent, TargetEvent, move_step, move_target

NOTHING_SEEN = Observation(workloads={})


def needs_observation(run: TargetRun) -> bool:
    """Whether the next decision depends on pods, or on objects that were applied."""
    if run.phase is Phase.RESTORING_PODS:
        return bool(run.workloads)
    if run.phase is Phase.SETTLING:
        return True
    return run.phase is Phase.STEPPING and bool(run.workloads) and not _is_pausing(run)


def needs_agent(run: TargetRun) -> bool:
    """Whether the next decision can come to nothing without the cluster; a pause goes on without it."""
    return run.is_active and not _is_pausing(run)


def _is_pausing(run: TargetRun) -> bool:
    step = run.current_step
    return run.phase is Phase.STEPPING and step is not None and step.kind is StepKind.PAUSE


def decide(run: TargetRun, seen: Observation | AgentAway, here: Circumstances) -> Decision:
    """The next thing to do about an active target."""
    if isinstance(seen, AgentAway):
        return await_agent(run, seen, here)
    return _PHASES[run.phase](with_agent_back(run, here), seen, here)


def _prepare(run: TargetRun, _seen: Observation, _here: Circumstances) -> Decision:
    return Act(effect=Prepare(), run=replace(run, intent=str(Prepare())))


def _rest(run: TargetRun, _seen: Observation, _here: Circumstances) -> Decision:
    return Hold(run=run)


def await_agent(run: TargetRun, away: AgentAway, here: Circumstances) -> Become | Hold:
    """Unknown is not failed: wait for the agent by name, and only give up at the limit."""
    lost_at = run.agent_lost_at or here.now
    rolls_back = run.state is TargetState.ROLLING_BACK
    limit_at = lost_at + (rollback.AGENT_LIMIT if rolls_back else timedelta(seconds=here.readiness_timeout_s))
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


def _without_agent(run: TargetRun, why: str, here: Circumstances) -> Become:
    if run.state is TargetState.ROLLING_BACK:
        return rollback.give_up(run, f"{why}: when it is back, look after the new version's ReplicaSets", here)
    if run.phase is Phase.FINISHING:
        return rollback.leave(run, EndReason.AGENT_LOST, f"{why}: deploy again when it is back, to finish", here)
    return rollback.begin(run, EndReason.AGENT_LOST, why, here)


def _at_agent_limit(run: TargetRun) -> str:
    if run.state is not TargetState.ROLLING_BACK and run.phase not in (Phase.FINISHING, Phase.PREPARING):
        return "the target is rolled back once the agent is back"
    return at_limit(run)


def at_limit(run: TargetRun) -> str:
    """What happens when the limit of a wait for the cluster passes."""
    if run.state is TargetState.ROLLING_BACK:
        return "the rollback is given up"
    if run.phase is Phase.FINISHING:
        return "the target fails; the new version keeps serving"
    if run.phase is Phase.PREPARING:
        return "the target fails; nothing was changed"
    return "the target is rolled back"


def with_agent_back(run: TargetRun, here: Circumstances) -> TargetRun:
    """The run with the agent's absence taken out of the readiness limit."""
    if run.agent_lost_at is None:
        return run
    away = here.now - run.agent_lost_at
    limit_at = run.ready_limit_at + away if run.ready_limit_at else None
    effect_limit_at = run.effect_limit_at + away if run.effect_limit_at else None
    back = replace(run, agent_lost_at=None, ready_limit_at=limit_at, effect_limit_at=effect_limit_at)
    return replace(back, refused_since=None, wait=None)


def _step(run: TargetRun, seen: Observation, here: Circumstances) -> Decision:
    step = run.current_step
    if step is None or not run.workloads:
        return _begin_finishing(run, here)
    if step.state is StepState.NOT_STARTED:
        return _start_step(run, step, here)
    return _STEP_DECISIONS[step.kind](run, step, seen, here)


def _start_step(run: TargetRun, step: StepRun, here: Circumstances) -> Become:
    is_first_deployment = not any(load.old_name for load in run.workloads)
    if is_first_deployment and step is not run.steps[-1]:
        skipped = run.with_step(move_step(step, StepEvent.SKIPPED, here.now))
        note = Note(kind=EventKind.STEP_CHANGED, step=step.ref, message="skipped: a first deployment goes to 100 %")
        return Become(run=skipped, notes=(note,))
    started = move_step(step, StepEvent.STARTED, here.now)
    if step.kind is StepKind.PAUSE:
        return _start_pause(run, started, here)
    note = Note(kind=EventKind.STEP_CHANGED, step=step.ref, message=f"weight to {step.weight_percent} %")
    return Become(run=replace(run.with_step(started), wait=None, ready_limit_at=None), notes=(note,))


def _start_pause(run: TargetRun, step: StepRun, here: Circumstances) -> Become:
    seconds = step.expires_after_s if step.until_approved else step.duration_s
    limit_at = here.now + timedelta(seconds=seconds) if seconds is not None else None
    if step.until_approved:
        step = replace(move_step(step, StepEvent.APPROVAL_WANTED, here.now), limit_at=limit_at)
        run = move_target(run, TargetEvent.APPROVAL_WANTED, here.now)
        wait = Wait(
            what="approval",
            since=here.now,
            ended_by="a person who may approve deployments",
            limit_at=limit_at,
            at_limit="the target is rolled back" if limit_at else "",
        )
        message = "waits for approval"
    else:
        step = replace(step, limit_at=limit_at)
        run = move_target(run, TargetEvent.PAUSED, here.now)
        wait = Wait(
            what=f"pause of {step.duration_s or 0:g} s",
            since=here.now,
            ended_by="time",
            limit_at=limit_at,
            at_limit="the next step starts",
        )
        message = f"pauses for {step.duration_s or 0:g} s"
    note = Note(kind=EventKind.STEP_CHANGED, step=step.ref, message=message)
    return Become(run=replace(run.with_step(step), wait=wait), notes=(note,))


def _set_weight(run: TargetRun, step: StepRun, seen: Observation, here: Circumstances) -> Decision:
    gone = [load for load in run.workloads if seen.workloads[load.namespace, load.name].new is None]
    if gone:
        message = f"ReplicaSet {gone[0].new_name} was deleted by somebody else during the run"
        return rollback.begin(run, EndReason.APPLY_ERROR, message, here)
    for load in run.workloads:
        is_needed = bool(load.old_name) and pods.goal_of(load, step.weight_percent).old > 0
        again = rollback.recreate_old(run, load) if is_needed and not _has_old(load, seen) else None
        if again:
            return again
    move = pods.move(run, seen, here, weight_percent=step.weight_percent)
    if isinstance(move, Hold) and pods.is_refused(move.run, here):
        detail = pods.describe_wait(run, seen, weight_percent=step.weight_percent)
        return rollback.begin(run, EndReason.APPLY_ERROR, f"the cluster does not allow the pods: {detail}", here)
    if isinstance(move, Hold) and pods.is_overdue(run, here):
        detail = pods.describe_wait(run, seen, weight_percent=step.weight_percent)
        message = f"not ready within {here.readiness_timeout_s:g} s: {detail}"
        return rollback.begin(run, EndReason.READINESS_TIMEOUT, message, here)
    return move or _weight_reached(run, step, seen, here)


def _has_old(load: Workload, seen: Observation) -> bool:
    return seen.workloads[load.namespace, load.name].old is not None


def _weight_reached(run: TargetRun, step: StepRun, seen: Observation, here: Circumstances) -> Become:
    done = run.with_step(move_step(step, StepEvent.SUCCEEDED, here.now))
    for load in run.workloads:
        done = done.with_workload(_as_reached(load, seen, step.weight_percent))
    note = Note(kind=EventKind.STEP_CHANGED, step=step.ref, message=f"weight {step.weight_percent} % reached")
    return Become(run=replace(done, wait=None, intent="", ready_limit_at=None), notes=(note,))


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


def _pause(run: TargetRun, step: StepRun, _seen: Observation, here: Circumstances) -> Decision:
    if step.limit_at is None or here.now < step.limit_at:
        return Hold(run=run, wake_at=step.limit_at)
    if step.until_approved:
        message = f"nobody approved within {step.expires_after_s or 0:g} s"
        return rollback.begin(run, EndReason.APPROVAL_EXPIRED, message, here)
    note = Note(kind=EventKind.STEP_CHANGED, step=step.ref, message="pause is over")
    return Become(run=resumed(run, step, here.now), notes=(note,))


def resumed(run: TargetRun, step: StepRun, now: datetime) -> TargetRun:
    """The run after the pause `step`, whatever ended it."""
    moved = move_target(run, TargetEvent.RESUMED, now)
    return replace(moved.with_step(move_step(step, StepEvent.SUCCEEDED, now)), wait=None)


_STEP_DECISIONS: dict[StepKind, Callable[[TargetRun, StepRun, Observation, Circumstances], Decision]] = {
    StepKind.SET_WEIGHT: _set_weight,
    StepKind.PAUSE: _pause,
}


def _begin_finishing(run: TargetRun, here: Circumstances) -> Become:
    for step in run.steps:
        if not step.state.is_final:
            run = run.with_step(move_step(step, StepEvent.SKIPPED, here.now))
    return Become(run=replace(run, phase=Phase.FINISHING, cursor=0, wait=None))


_PHASES: dict[Phase, Callable[[TargetRun, Observation, Circumstances], Decision]] = {
    Phase.WAITING: _rest,
    Phase.PREPARING: _prepare,
    Phase.APPLYING: applying.apply_objects,
    Phase.SETTLING: applying.settle,
    Phase.TAKING_OVER: applying.take_over,
    Phase.STEPPING: _step,
    Phase.FINISHING: finishing.finish,
    Phase.RESTORING_SETTINGS: rollback.restore_settings,
    Phase.RESTORING_PODS: rollback.restore_pods,
    Phase.REMOVING_NEW: rollback.remove_new,
    Phase.RESTORING_OBJECTS: rollback.restore_objects,
    Phase.ENDED: _rest,
}
