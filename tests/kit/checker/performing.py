"""What the changes of the engine do in a cluster of the model.

A new kind of effect joins by a function and its line in `_PERFORM`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from borealis_server.domain.effects import (
    ApplyObject,
    Busy,
    CreateReplicaSet,
    DeleteReplicaSet,
    Done,
    Effect,
    KeepDeployment,
    MarkLive,
    OrphanDeployment,
    Outcome,
    Outdated,
    PlaceAutoscaler,
    PointService,
    Refused,
    RemoveAutoscaler,
    RestoreAutoscaler,
    RestoreDeployment,
    RestoreObject,
    RestoreReplicaSet,
    Scale,
)
from borealis_server.domain.kubernetes.marks import DEPLOYMENT_ANNOTATION, LIVE_ANNOTATION, Origin
from borealis_server.domain.kubernetes.service_selectors import without_version
from borealis_server.domain.states import EndReason
from kit.checker.cluster import WORKLOAD_MARK, Cluster, Native, Scaler, Set, asked, is_new
from kit.checker.services import Service, base_of, workload_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from borealis_server.domain.autoscaler import Autoscaler

DONE, OUTDATED = Done(), Outdated()


def perform(cluster: Cluster, effect: Effect, origin: Origin) -> tuple[Cluster, Outcome]:
    """The cluster after `effect`, and the answer, as `services/effects/performer.py` would give it."""
    return _PERFORM[type(effect)](cluster, effect, origin)


def _apply_object(cluster: Cluster, effect: ApplyObject, origin: Origin) -> tuple[Cluster, Outcome]:
    kind, _, name = effect.label.partition(" ")
    if kind == "Service":
        wanted = effect.selector or base_of(workload_of(name))
        live = cluster.service(name)
        if live and effect.selector not in ((), live.selector):
            # Whoever gave it another one since it was read owns it, be it ourselves.
            return cluster, Refused(reason=EndReason.APPLY_ERROR, message=f"somebody else owns the selector of {name}")
        applied = live._replace(selector=wanted) if live else Service(name, wanted, (), effect.index)
        cluster = cluster.with_service(applied)
    return cluster.with_object(effect.index, origin.deployment_id), DONE


def _restore_object(cluster: Cluster, effect: RestoreObject, origin: Origin) -> tuple[Cluster, Outcome]:
    document = json.loads(effect.saved.before) if effect.saved.before else {}
    if effect.saved.kind == "Service":
        return _restore_service(cluster, effect.saved.name, document, origin), DONE
    index = int(effect.saved.name)
    if cluster.objects[index] != origin.deployment_id:
        return cluster, DONE
    return cluster.with_object(index, document.get("run", "")), DONE


def _restore_service(cluster: Cluster, name: str, document: dict[str, Any], origin: Origin) -> Cluster:  # Any: JSON
    """One that somebody else has deleted comes back, like every object that was there before."""
    live = cluster.service(name)
    if live and cluster.objects[live.place] != origin.deployment_id:
        return cluster
    if live and not document:
        return cluster.without_service(name)
    if not document:
        return cluster
    selector = tuple(sorted(document["spec"]["selector"].items()))
    again = live._replace(selector=selector) if live else Service(name, selector, (), document["place"])
    return cluster.with_service(again).with_object(again.place, document["run"])


def _point(cluster: Cluster, effect: PointService, _origin: Origin) -> tuple[Cluster, Outcome]:
    live = cluster.service(effect.name)
    if live is None or without_version(live.selector) not in {without_version(known) for known in effect.known}:
        return cluster, Refused(reason=EndReason.APPLY_ERROR, message=f"Service {effect.name} is somebody else's now")
    return cluster.with_service(live._replace(selector=effect.selector)), DONE


def _orphan(cluster: Cluster, effect: OrphanDeployment, _origin: Origin) -> tuple[Cluster, Outcome]:
    there = cluster.native(effect.name)
    if there is None or str(there.uid) != effect.uid:
        return cluster, DONE
    return cluster.with_native(there._replace(is_going=True)), Busy(detail="it is being let go")


def _remove_scaler(cluster: Cluster, effect: RemoveAutoscaler, _origin: Origin) -> tuple[Cluster, Outcome]:
    there = cluster.scaler(effect.autoscaler.name)
    if there and str(there.uid) != json.loads(effect.autoscaler.before)["metadata"]["uid"]:
        return cluster, DONE
    left = cluster._replace(scalers=tuple(each for each in cluster.scalers if each is not there))
    return _as_object(left, effect.autoscaler, ""), DONE


def _as_object(cluster: Cluster, one: Autoscaler, run: str) -> Cluster:
    """The cluster where `run` made the autoscaler, if that is among the manifests."""
    return cluster if one.index is None else cluster.with_object(one.index, run)


def _place_scaler(cluster: Cluster, effect: PlaceAutoscaler, origin: Origin) -> tuple[Cluster, Outcome]:
    name, kept = effect.autoscaler.name, cluster.scaler(effect.autoscaler.name)
    scaled = ("ReplicaSet", effect.replica_set) if effect.replica_set else ("Deployment", effect.autoscaler.workload)
    placed = cluster.with_scaler(Scaler(name, scaled, kept.uid if kept else _next_uid(effect.autoscaler)))
    return _as_object(placed, effect.autoscaler, origin.deployment_id), DONE


def _restore_scaler(cluster: Cluster, effect: RestoreAutoscaler, _origin: Origin) -> tuple[Cluster, Outcome]:
    if cluster.scaler(effect.autoscaler.name):
        return cluster, DONE
    before = json.loads(effect.autoscaler.before)
    old = before["spec"]["scaleTargetRef"]
    again = Scaler(effect.autoscaler.name, (old["kind"], old["name"]), _next_uid(effect.autoscaler))
    return _as_object(cluster.with_scaler(again), effect.autoscaler, before["run"]), DONE


def _next_uid(one: Autoscaler) -> int:
    return int(json.loads(one.before)["metadata"]["uid"]) + 1 if one.before else 1


def _keep(cluster: Cluster, effect: KeepDeployment, _origin: Origin) -> tuple[Cluster, Outcome]:
    owned = cluster.find(effect.replica_set)
    if owned is None:
        return cluster, Refused(reason=EndReason.APPLY_ERROR, message=f"ReplicaSet {effect.replica_set} is gone")
    if cluster.native(effect.name) is None:
        made = Native(effect.name, owned.desired, owned.name, owned.uid + 1, has_adopted=False)
        cluster = cluster.with_native(made)
    return cluster, _adopted(cluster, effect.name)


def _adopted(cluster: Cluster, name: str) -> Outcome:
    there = cluster.native(name)
    return DONE if there and there.has_adopted else Busy(detail="its controller has not adopted the ReplicaSet yet")


def _restore_set(cluster: Cluster, effect: RestoreReplicaSet, _origin: Origin) -> tuple[Cluster, Outcome]:
    if cluster.find(effect.name):
        return cluster, DONE
    marks = json.loads(effect.document)["metadata"]["annotations"]
    made = Set(effect.name, marks[WORKLOAD_MARK], marks.get(DEPLOYMENT_ANNOTATION, ""), 2, 0, 0, 0)
    again = made._replace(is_live=marks.get(LIVE_ANNOTATION) == "true", is_settled=False)
    return cluster._replace(sets=tuple(sorted((*cluster.sets, again), key=is_new))), DONE


def _create(cluster: Cluster, effect: CreateReplicaSet, origin: Origin) -> tuple[Cluster, Outcome]:
    if cluster.find(effect.name):
        return cluster, DONE
    made = Set(effect.name, effect.workload, origin.deployment_id, 1, 0, 0, 0, is_settled=False)
    return cluster._replace(sets=(*cluster.sets, made)), DONE


def _scale(cluster: Cluster, effect: Scale, _origin: Origin) -> tuple[Cluster, Outcome]:
    each = cluster.find(effect.name)
    if each is None or str(each.uid) != effect.uid or each.desired != effect.from_pods:
        return cluster, OUTDATED
    return cluster.with_set(asked(each, effect.to_pods)), DONE


def _mark_live(cluster: Cluster, effect: MarkLive, _origin: Origin) -> tuple[Cluster, Outcome]:
    each = cluster.find(effect.name)
    return (cluster.with_set(each._replace(is_live=True)) if each else cluster), DONE


def _delete(cluster: Cluster, effect: DeleteReplicaSet, _origin: Origin) -> tuple[Cluster, Outcome]:
    return cluster._replace(sets=tuple(each for each in cluster.sets if each.name != effect.name)), DONE


def _restore_deployment(cluster: Cluster, effect: RestoreDeployment, _origin: Origin) -> tuple[Cluster, Outcome]:
    there = cluster.native(effect.name)
    if there is None:
        document = json.loads(effect.document)
        uid = int(document["metadata"]["uid"]) + 1
        made = Native(effect.name, int(document["spec"]["replicas"]), effect.replica_set, uid, has_adopted=False)
        return cluster.with_native(made), Busy(detail="its controller has not adopted the ReplicaSet yet")
    if there.is_going:
        return cluster, Busy(detail="it is still being let go")
    return cluster, _adopted(cluster, effect.name)


_PERFORM: dict[type, Callable[[Cluster, Any, Origin], tuple[Cluster, Outcome]]] = {  # Any: the effect of the key's type
    ApplyObject: _apply_object,
    RestoreObject: _restore_object,
    OrphanDeployment: _orphan,
    CreateReplicaSet: _create,
    Scale: _scale,
    MarkLive: _mark_live,
    DeleteReplicaSet: _delete,
    RestoreDeployment: _restore_deployment,
    RemoveAutoscaler: _remove_scaler,
    PlaceAutoscaler: _place_scaler,
    RestoreAutoscaler: _restore_scaler,
    KeepDeployment: _keep,
    RestoreReplicaSet: _restore_set,
    PointService: _point,
}
