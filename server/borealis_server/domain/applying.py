"""Putting everything in place before pods move: apply objects, wait until they are ready, take over what is live.

Nothing of the workloads is touched before every object is ready, so up to there the way back is short.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import takewhile

from borealis_server.domain import pods, rollback, traffic
from borealis_server.domain.decision import Act, Become, Circumstances, Decision, Hold
from borealis_server.domain.deployment import SavedObject, TargetRun, Wait
from borealis_server.domain.effects import (
    ApplyObject,
    CreateReplicaSet,
    DeleteReplicaSet,
    Effect,
    OrphanDeployment,
    RemoveAutoscaler,
)
from borealis_server.domain.kubernetes.json_types import meta
from borealis_server.domain.observation import ObjectView, Observation, Progress, Watched
from borealis_server.domain.record import Note
from borealis_server.domain.routing import steering
from borealis_server.domain.routing.provider import Misfit
from borealis_server.domain.states import EndReason, EventKind, Phase
from borealis_server.domain.steps import stage

_DEFINING = ("Namespace", "CustomResourceDefinition")
_SHOWN = 3
_REPLICA_SETS, _SERVICES, _ENDPOINTS = ("apps/v1", "ReplicaSet"), ("v1", "Service"), ("v1", "Endpoints")


def apply_objects(run: TargetRun, _seen: Observation, here: Circumstances) -> Decision:
    """Apply one object after the other; those that others are made of must be ready before the next one."""
    if run.settled < _definitions(run) <= run.cursor:
        return _leave_applying(run, here)
    held_back = {one.index for one in run.autoscalers}
    index = next((index for index in range(run.cursor, len(here.objects)) if index not in held_back), None)
    if index is None:
        return _leave_applying(replace(run, cursor=len(here.objects)), here)
    # Applying leaves a selector as it is: it may be somebody else's, and moving traffic is for `PointService`.
    pinned = next((service.before or service.held for service in run.services if service.index == index), ())
    effect = ApplyObject(index=index, label=here.objects[index], selector=pinned)
    return Act(effect=effect, run=replace(run, cursor=index, intent=str(effect)))


def awaited(run: TargetRun) -> tuple[SavedObject, ...]:
    """The objects that were applied and are not known to be ready."""
    return tuple(saved for saved in run.saved[run.settled : run.cursor] if saved.is_awaited)


def watched(run: TargetRun) -> frozenset[Watched]:
    """What may end the wait that the run is in, or must not change during it."""
    if run.phase is Phase.SETTLING:
        return frozenset(
            Watched(api_version=saved.api_version, kind=saved.kind, namespace=saved.namespace) for saved in awaited(run)
        )
    pods_and_services = {
        Watched(api_version=api_version, kind=kind, namespace=load.namespace)
        for load in run.workloads
        for api_version, kind in _watched_kinds(run)
    }
    if stage.watches_over(run):
        return frozenset(pods_and_services)
    routes = {
        Watched(api_version=part.api_version, kind=part.kind, namespace=route.namespace)
        for route in run.routes
        for part in route.parts
    }
    return frozenset(pods_and_services | routes)


def _watched_kinds(run: TargetRun) -> Sequence[tuple[str, str]]:
    """Between steps pods are looked at by a timer: such waits are many. What leads traffic away is seen at once."""
    is_led = traffic.is_routed(run) or bool(run.routes)
    if stage.watches_over(run):
        return (_SERVICES,) if is_led else ()
    return (_REPLICA_SETS, _SERVICES, _ENDPOINTS) if is_led else (_REPLICA_SETS,)


def settle(run: TargetRun, seen: Observation, here: Circumstances) -> Decision:
    """Wait until every object that was applied is ready; one that failed for good ends the wait."""
    failed = [view for view in seen.objects if view.readiness.progress is Progress.FAILED]
    if failed:
        return rollback.begin(run, EndReason.APPLY_ERROR, f"{failed[0]}", here)
    open_views = [view for view in seen.objects if view.readiness.progress is Progress.PENDING]
    if not open_views:
        return _settled(run, here)
    what = _text(open_views)
    if pods.is_overdue(run, here):
        message = f"not ready within {here.readiness_timeout_s:g} s: {what}"
        return rollback.begin(run, EndReason.READINESS_TIMEOUT, message, here)
    return _await_objects(run, what, here)


def hold_traffic(run: TargetRun, seen: Observation, here: Circumstances) -> Decision:
    """Tie every route to the old version, so that nothing leads to the new one when it comes."""
    if not steering.is_noted(run):
        noted = steering.with_noted(run, seen)
        return (
            rollback.begin(run, EndReason.APPLY_ERROR, noted.message, here)
            if isinstance(noted, Misfit)
            else Become(run=noted)
        )
    change = steering.next_change(run, seen, 0)
    if isinstance(change, Misfit):
        return rollback.begin(run, EndReason.APPLY_ERROR, change.message, here)
    if change:
        asked = steering.with_asked(run, change.effect)
        return Act(effect=change.effect, run=replace(asked, intent=str(change.effect)))
    tied = steering.at_rest(steering.with_shares(run, seen), 0)
    return Become(run=replace(tied, phase=Phase.TAKING_OVER, cursor=0, wait=None, intent=""))


def take_over(run: TargetRun, _seen: Observation, _here: Circumstances) -> Decision:
    """Clear the way for the new version: autoscalers stop, native Deployments let go of their pods."""
    return rollback.in_turn(run, tuple(_taking_over(run))) or Become(
        run=replace(run, phase=Phase.STEPPING, cursor=0, wait=None, ready_limit_at=None)
    )


def _taking_over(run: TargetRun) -> Iterator[Effect]:
    for load in run.workloads:
        for name in load.leftovers if not load.native else ():
            yield DeleteReplicaSet(namespace=load.namespace, name=name)
    for one in run.autoscalers:
        if one.before:
            yield RemoveAutoscaler(autoscaler=one)
    for service in run.services:
        yield traffic.point(service, service.held)
    for load in run.workloads:
        if load.native:
            yield OrphanDeployment(namespace=load.namespace, name=load.name, uid=meta(json.loads(load.native), "uid"))
    for load in run.workloads:
        yield CreateReplicaSet(namespace=load.namespace, workload=load.name, name=load.new_name)


def _definitions(run: TargetRun) -> int:
    """How many of the first objects define where and of what kind later ones are."""
    return len(tuple(takewhile(lambda saved: saved.kind in _DEFINING, run.saved)))


def _leave_applying(run: TargetRun, here: Circumstances) -> Become:
    if not awaited(run):
        return _settled(run, here)
    limit_at = here.now + timedelta(seconds=here.readiness_timeout_s)
    return Become(run=replace(run, phase=Phase.SETTLING, wait=None, ready_limit_at=limit_at))


def _settled(run: TargetRun, here: Circumstances) -> Become:
    ready = replace(run, settled=run.cursor, wait=None, ready_limit_at=None)
    if run.cursor < len(here.objects):
        return Become(run=replace(ready, phase=Phase.APPLYING))
    phase = Phase.HOLDING_TRAFFIC if run.routes else Phase.TAKING_OVER
    return Become(run=replace(ready, phase=phase, has_taken_over=True, cursor=0))


def _await_objects(run: TargetRun, what: str, here: Circumstances) -> Hold:
    wait = Wait(
        what=what,
        since=run.wait.since if run.wait else here.now,
        ended_by="the cluster, as objects become ready",
        limit_at=run.ready_limit_at,
        at_limit="the target is rolled back",
    )
    is_news = run.wait is None or run.wait.what != what
    notes = (Note(kind=EventKind.PROGRESS, message=f"waits for {what}"),) if is_news else ()
    wake_at = pods.earliest(run.ready_limit_at, here.now + pods.RESYNC)
    return Hold(run=replace(run, wait=wait, intent=""), wake_at=wake_at, notes=notes)


def _text(views: list[ObjectView]) -> str:
    shown = [str(view) for view in views[:_SHOWN]]
    more = [f"{len(views) - _SHOWN} more"] if len(views) > _SHOWN else []
    return "; ".join(shown + more)
