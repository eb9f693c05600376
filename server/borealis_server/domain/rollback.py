"""How a target goes back: the one door into a rollback, and its decisions.

Order: traffic back, settings that pods read when they start, old version to full size, new version away, all other
objects as they were. A rollback beats everything else.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from borealis_server.domain import late, pods, traffic
from borealis_server.domain.decision import Act, Become, Circumstances, Decision, Hold
from borealis_server.domain.deployment import SavedObject, TargetRun, Wait, Workload
from borealis_server.domain.effects import (
    DeleteReplicaSet,
    Effect,
    Refused,
    RestoreAutoscaler,
    RestoreDeployment,
    RestoreObject,
    RestoreReplicaSet,
)
from borealis_server.domain.observation import Observation
from borealis_server.domain.record import Note
from borealis_server.domain.routing import steering
from borealis_server.domain.routing.provider import Misfit
from borealis_server.domain.stages import followed, is_pausing
from borealis_server.domain.states import (
    EndReason,
    EventKind,
    Phase,
    Rollback,
    ServiceRole,
    StepPart,
    StepState,
    TargetState,
)
from borealis_server.domain.traffic import Side
from borealis_server.domain.transitions import StepEvent, TargetEvent, move_step, move_target

AGENT_LIMIT = timedelta(hours=24)
"""How long a rollback waits for a lost agent before it is given up."""
_SETTINGS = ("ConfigMap", "Secret")

WAY_OUT: Mapping[StepPart, str] = {
    StepPart.BEFORE: "the target never starts",
    StepPart.STRATEGY: "the target is rolled back",
    StepPart.AFTER: "the target ends; the new version keeps serving",
}
"""What becomes of a target when one of its steps does not succeed, by where the step stands."""


def begin(run: TargetRun, reason: EndReason, message: str, here: Circumstances) -> Become:
    """Turn round: the target is rolled back for `reason`.

    Where nothing was touched yet it just ends; where the new version serves alone it ends and that one stays.
    """
    run = _with_steps_ended(run, reason, here)
    if run.phase is Phase.AFTER:
        return _stay(run, reason, message, here)
    turned = replace(
        move_target(_at_rest(run), TargetEvent.ROLLBACK_STARTED, here.now),
        workloads=tuple(_as_before(load) for load in run.workloads),
        phase=Phase.RESTORING_TRAFFIC,
        end_reason=reason,
        message=message,
        rollback=Rollback.RUNNING,
    )
    if run.phase in (Phase.BEFORE, Phase.PREPARING):
        word = "never started: " if run.phase is Phase.BEFORE else ""
        return _end(replace(turned, rollback=Rollback.NONE, message=f"{word}{message}"), here, "nothing was changed")
    note = Note(kind=EventKind.TARGET_CHANGED, message=f"rolling back: {message}")
    return Become(run=turned, notes=(note,))


def _stay(run: TargetRun, reason: EndReason, message: str, here: Circumstances) -> Become:
    """End a target whose new version serves alone and stays."""
    event, word = (TargetEvent.CANCELLED, "cancelled") if reason.is_a_persons else (TargetEvent.FAILED, "failed")
    message = f"{message}; the new version serves and stays"
    ended = move_target(followed(_at_rest(run), here.now), event, here.now)
    ended = replace(ended, phase=Phase.ENDED, end_reason=reason, message=message)
    return Become(run=ended, notes=(Note(kind=EventKind.TARGET_CHANGED, message=f"{word}: {message}"),))


def leave(run: TargetRun, reason: EndReason, why: str, here: Circumstances) -> Become:
    """End a target whose new version serves alone already: there is no way back, so say what a person must do."""
    message = f"the new version serves, but {why}"
    ended = move_target(_at_rest(_with_steps_ended(run, reason, here)), TargetEvent.FAILED, here.now)
    ended = replace(ended, phase=Phase.ENDED, end_reason=reason, rollback=Rollback.NONE, message=message)
    return Become(run=ended, notes=(Note(kind=EventKind.TARGET_CHANGED, message=f"failed: {message}"),))


def restore_traffic(run: TargetRun, seen: Observation, here: Circumstances) -> Decision:
    """Send all traffic back to the old version, once that has the pods for it. Nothing to do where pods share it."""
    if run.has_taken_over and traffic.is_routed(run):
        waiting = _lead_back(run, seen, here)
        if waiting:
            return waiting
        run = traffic.with_shares(run, seen)
    if run.has_taken_over and steering.is_noted(run):
        waiting = _steer_back(run, seen, here)
        if waiting:
            return waiting
        run = steering.at_rest(steering.with_shares(run, seen), 0)
    settled = replace(run, cursor=0, wait=None, intent="", ready_limit_at=None)
    return Become(run=replace(settled, phase=Phase.RESTORING_SETTINGS))


def _lead_back(run: TargetRun, seen: Observation, here: Circumstances) -> Decision | None:
    """What is missing until every Service leads to the old version alone; None when nothing is."""
    if traffic.leads_to_new(run, seen):
        # The new version has traffic that it can carry: it keeps it until the old one can.
        pods_first = _old_at_full_size(run, seen, here, pods.BACK_BESIDE)
        if pods_first:
            return pods_first
    back = traffic.misdirected(run, seen, Side.OLD, ServiceRole.ACTIVE, ServiceRole.PREVIEW)
    if back:
        return Act(effect=back, run=replace(run, intent=str(back)))
    missing = traffic.unfollowed(run, seen, Side.OLD, ServiceRole.ACTIVE)
    if not missing:
        # A switch that arrives late finds all pods of the new version, and is taken back before they go.
        return late.await_arrival(run, here)
    if pods.is_overdue(run, here):
        return go_on_without_pods(run, f"traffic did not follow to the old version ({missing}): look after its Service")
    return _await_endpoints(run, missing, here)


def _steer_back(run: TargetRun, seen: Observation, here: Circumstances) -> Decision | None:
    """What is missing until no route leads to the new version; None when nothing is."""
    if steering.sends_to_new(run, seen):
        # The new version has traffic that it can carry: it keeps it until the old one can.
        pods_first = _old_at_full_size(run, seen, here, pods.BACK_BY_ROUTES)
        if pods_first:
            return pods_first
    change = steering.next_change(run, seen, 0, is_back=True)
    if isinstance(change, Misfit):
        return go_on_without_pods(run, f"traffic could not be led back: {change.message}")
    if change:
        asked = steering.with_asked(run, change.effect)
        return Act(effect=change.effect, run=replace(asked, intent=str(change.effect)))
    # A weight that arrives late finds all pods of the new version, and is taken back before they go.
    return late.await_arrival(run, here)


def _await_endpoints(run: TargetRun, what: str, here: Circumstances) -> Hold:
    limit_at = run.ready_limit_at or here.now + timedelta(seconds=here.readiness_timeout_s)
    wait = Wait(
        what=what,
        since=run.wait.since if run.wait else here.now,
        ended_by="the cluster, as endpoints follow",
        limit_at=limit_at,
        at_limit="the rollback is given up",
    )
    is_news = run.wait is None or run.wait.what != what
    notes = (Note(kind=EventKind.PROGRESS, message=f"waits for {what}"),) if is_news else ()
    held = replace(run, wait=wait, intent="", ready_limit_at=limit_at)
    return Hold(run=held, wake_at=pods.earliest(limit_at, here.now + pods.RESYNC), notes=notes)


def restore_settings(run: TargetRun, _seen: Observation, _here: Circumstances) -> Decision:
    """Bring back what pods read when they start: the old version's new pods must not start with the new settings."""
    effects = tuple(RestoreObject(saved=saved) for saved in reversed(run.saved) if _is_changed_setting(saved))
    after = Phase.RESTORING_PODS if run.has_taken_over else Phase.RESTORING_OBJECTS
    return in_turn(run, effects) or Become(run=replace(run, phase=after, cursor=0, wait=None))


def restore_pods(run: TargetRun, seen: Observation, here: Circumstances) -> Decision:
    """Bring the old version to full size, then empty the new one."""
    return (
        _old_at_full_size(run, seen, here, pods.aim_at(0))
        or late.await_arrival(run, here)
        or Become(run=replace(run, phase=Phase.REMOVING_NEW, cursor=0, wait=None, intent="", ready_limit_at=None))
    )


def _old_at_full_size(run: TargetRun, seen: Observation, here: Circumstances, aim: pods.Aim) -> Decision | None:
    missing = [load for load in run.workloads if load.old_name and not seen.workloads[_key(load)].old]
    if missing:
        return recreate_old(run, missing[0]) or go_on_without_pods(
            run, f"ReplicaSet {missing[0].old_name} of the old version is gone: deploy a good version anew"
        )
    move = pods.move(run, seen, here, aim)
    if isinstance(move, Hold) and pods.is_overdue(run, here):
        detail = pods.describe_wait(run, seen, aim)
        return go_on_without_pods(run, f"the old version did not become ready in time ({detail}): repair it by hand")
    return move


def recreate_old(run: TargetRun, load: Workload) -> Act | None:
    """Bring back the old version's ReplicaSet, which somebody else has deleted; None where there is no copy of it."""
    if not load.old_copy:
        return None
    effect = RestoreReplicaSet(namespace=load.namespace, name=load.old_name, document=load.old_copy)
    # It comes back empty, and pods move to it as to any other.
    empty = replace(load, old_pods=0, old_wanted=0)
    return Act(effect=effect, run=replace(run.with_workload(empty), intent=str(effect)))


def remove_new(run: TargetRun, _seen: Observation, _here: Circumstances) -> Decision:
    """Delete the new version's ReplicaSets."""
    effects = tuple(DeleteReplicaSet(namespace=load.namespace, name=load.new_name) for load in run.workloads)
    gone = tuple(replace(load, new_pods=0, new_available=0, asked_weight_percent=0) for load in run.workloads)
    return in_turn(run, effects) or Become(
        run=replace(run, phase=Phase.RESTORING_OBJECTS, cursor=0, wait=None, workloads=gone)
    )


def restore_objects(run: TargetRun, _seen: Observation, here: Circumstances) -> Decision:
    """Bring every other object back, the last one first; then who owns and who scales the old version."""
    left = {one.index for one in run.services if one.is_left} | steering.indices(run)
    held_back = left | {one.index for one in run.autoscalers}
    is_sure = run.late_limit_at is None
    effects: list[Effect] = [*steering.let_go(run, is_back=True)] if run.has_taken_over else []
    effects += [
        RestoreObject(saved=saved)
        for index, saved in reversed(tuple(enumerate(run.saved)))
        if index not in held_back and not (is_sure and _is_changed_setting(saved))
    ]
    if run.has_taken_over:
        kept = {(load.namespace, load.name) for load in run.workloads if load.is_left}
        effects += [_restore_deployment(load) for load in run.workloads if load.native and not load.is_left]
        effects += [traffic.point(one, one.before) for one in run.services if one.before and not one.is_left]
        scalers = [one for one in run.autoscalers if one.before and (one.namespace, one.workload) not in kept]
        effects += [RestoreAutoscaler(autoscaler=one) for one in scalers]
    arrival = None if run.cursor or run.rollback is Rollback.FAILED else late.await_arrival(run, here)
    return arrival or in_turn(run, tuple(effects)) or _end(run, here, "everything is as it was before")


def go_on_without_pods(run: TargetRun, why: str) -> Become:
    """Leave the pods of both versions as they are, and bring everything else back: somebody else may repair the old."""
    message = f"{run.message}; the rollback failed: {why}"
    # A native Deployment that came back would take the pods away which still have the traffic.
    keeps = run.phase is Phase.RESTORING_TRAFFIC
    run = replace(
        run,
        services=tuple(replace(service, is_left=True) for service in run.services),
        routes=tuple(replace(route, is_left=True) for route in run.routes),
        workloads=tuple(replace(load, is_left=keeps) for load in run.workloads),
    )
    failed = replace(run, rollback=Rollback.FAILED, message=message, phase=Phase.RESTORING_OBJECTS)
    note = Note(kind=EventKind.WARNING, message=f"the rollback goes on without the pods: {why}")
    limits = replace(failed, ready_limit_at=None, effect_limit_at=None, refused_since=None)
    return Become(run=replace(limits, cursor=0, wait=None, intent=""), notes=(note,))


def give_up(run: TargetRun, why: str, here: Circumstances) -> Become:
    """End a rollback that cannot be completed, and say what a person must do."""
    away = [one.name for one in run.autoscalers if one.before and run.has_taken_over]
    scaled = f"; no autoscaler scales it now: apply HorizontalPodAutoscaler {', '.join(away)} again" if away else ""
    message = f"{run.message}; the rollback failed: {why}{scaled}"
    return _end(replace(run, rollback=Rollback.FAILED, message=message), here, why)


def skip_refused(run: TargetRun, refused: Refused) -> TargetRun:
    """Go on with the other objects when one cannot be restored; the rollback counts as failed."""
    message = f"{run.message}; the rollback is incomplete: {refused.message}"
    return replace(run, rollback=Rollback.FAILED, message=message, cursor=run.cursor + 1, intent="")


def _with_steps_ended(run: TargetRun, reason: EndReason, here: Circumstances) -> TargetRun:
    for step in run.steps:
        if not step.state.is_final:
            has_failed = step.state is StepState.RUNNING and not is_pausing(step) and not reason.is_a_persons
            event = StepEvent.FAILED if has_failed else StepEvent.CANCELLED
            run = run.with_step(move_step(step, event, here.now))
    return run


def _at_rest(run: TargetRun) -> TargetRun:
    """The run with nothing under way and nothing waited for."""
    run = late.unknown(run)
    limits = replace(run, ready_limit_at=None, effect_limit_at=None, refused_since=None, agent_lost_at=None)
    return replace(limits, cursor=0, wait=None, intent="")


def _as_before(load: Workload) -> Workload:
    """The way back leads to as many pods as there were, whatever the new manifest wants."""
    return replace(load, replicas=load.old_replicas if load.old_name else 0)


def _is_changed_setting(saved: SavedObject) -> bool:
    return saved.kind in _SETTINGS and bool(saved.before)


def _restore_deployment(load: Workload) -> RestoreDeployment:
    return RestoreDeployment(namespace=load.namespace, name=load.name, document=load.native, replica_set=load.old_name)


def _key(load: Workload) -> tuple[str, str]:
    return load.namespace, load.name


def in_turn(run: TargetRun, effects: tuple[Effect, ...]) -> Act | None:
    """The effect that the cursor points at; None when all are done."""
    if run.cursor >= len(effects):
        return None
    effect = effects[run.cursor]
    return Act(effect=effect, run=replace(run, intent=str(effect)))


def _end(run: TargetRun, here: Circumstances, how: str) -> Become:
    is_cancelled = run.end_reason is not None and run.end_reason.is_a_persons
    rollback = Rollback.DONE if run.rollback is Rollback.RUNNING else run.rollback
    ended = move_target(run, TargetEvent.CANCELLED if is_cancelled else TargetEvent.FAILED, here.now)
    ended = replace(ended, phase=Phase.ENDED, rollback=rollback, wait=None, intent="", ready_limit_at=None)
    word = "cancelled" if ended.state is TargetState.CANCELLED else "failed"
    return Become(run=ended, notes=(Note(kind=EventKind.TARGET_CHANGED, message=f"{word}: {ended.message}; {how}"),))
