"""A cluster as the checker sees it: immutable, small, and every step of Kubernetes' own controllers apart.

A new kind of effect joins by a function and its line in `_PERFORM`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

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
    Refused,
    RemoveAutoscaler,
    RestoreAutoscaler,
    RestoreDeployment,
    RestoreObject,
    RestoreReplicaSet,
    Scale,
)
from borealis_server.domain.kubernetes.marks import (
    DEPLOYMENT_ANNOTATION,
    LIVE_ANNOTATION,
    Origin,
)
from borealis_server.domain.observation import Observation, PodProblem, ReplicaSetView, WorkloadView
from borealis_server.domain.states import EndReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from borealis_server.domain.deployment import Autoscaler, TargetRun

NAMESPACE, APPLICATION = "shop", "shop"
WORKLOAD_MARK = "workload"  # an annotation of the model's own
NATIVE_REVISION = "deployment.kubernetes.io/revision"
DONE, OUTDATED = Done(), Outdated()


class Workload(NamedTuple):
    """What the manifests of a workload say, and what serves before the first run."""

    name: str
    pods: int
    """Pods that the new manifest wants."""
    old_pods: int = 0
    """Pods of the version that is live at the beginning; 0: nothing is."""
    surge: int | str = "25%"
    unavailable: int | str = 0
    is_native: bool = False
    """Whether the live version is a Kubernetes Deployment."""
    is_autoscaled: bool = False
    """Whether an autoscaler scales the live version."""


class Native(NamedTuple):
    """A Kubernetes Deployment."""

    name: str
    pods: int
    owns: str
    """Its ReplicaSet."""
    uid: int = 1
    is_going: bool = False
    """Whether it is being let go."""
    has_adopted: bool = True
    """Whether its controller has made the ReplicaSet its own."""


class Scaler(NamedTuple):
    """A HorizontalPodAutoscaler, named as the workload."""

    name: str
    scales: tuple[str, str]
    """Kind and name of what it scales."""
    uid: int = 1


class Set(NamedTuple):
    """A ReplicaSet: pods asked for, pods that exist, pods available; `is_settled` when its controller has seen it."""

    name: str
    workload: str
    maker: str
    """The deployment that made it; empty for a native Deployment's."""
    uid: int
    desired: int
    pods: int
    ready: int
    is_settled: bool = True
    is_live: bool = False


class Cluster(NamedTuple):
    """One target's part of a cluster."""

    sets: tuple[Set, ...]
    natives: tuple[Native, ...]
    objects: tuple[str, ...]
    """Which run each other object comes from; empty where it does not exist."""
    broken: frozenset[str] = frozenset()
    """Workloads of which no new pod ever gets ready."""
    quota: int = 1_000
    scalers: tuple[Scaler, ...] = ()

    def find(self, name: str) -> Set | None:
        """The ReplicaSet of that name."""
        for each in self.sets:
            if each.name == name:
                return each
        return None

    def with_set(self, new: Set) -> Cluster:
        """The cluster with `new` in place of the set of its name."""
        return self._replace(sets=tuple(new if each.name == new.name else each for each in self.sets))

    def native(self, name: str) -> Native | None:
        """The Deployment of that name."""
        return next((each for each in self.natives if each.name == name), None)

    def with_native(self, new: Native) -> Cluster:
        """The cluster with `new` as the Deployment of its name."""
        others = (each for each in self.natives if each.name != new.name)
        return self._replace(natives=tuple(sorted((*others, new))))

    def with_scaler(self, new: Scaler) -> Cluster:
        """The cluster with `new` as the autoscaler of its name."""
        others = (each for each in self.scalers if each.name != new.name)
        return self._replace(scalers=tuple(sorted((*others, new))))

    def scaler(self, name: str) -> Scaler | None:
        """The autoscaler of that name."""
        return next((each for each in self.scalers if each.name == name), None)

    def is_calm(self) -> bool:
        """Whether its own controllers have nothing to do."""
        return not any(True for _ in steps(self))


def a_cluster(workloads: Iterable[Workload], objects: int, broken: Iterable[str], quota: int) -> Cluster:
    """A cluster where the old versions run."""
    loads = tuple(workloads)
    return Cluster(
        sets=tuple(
            Set(
                name=_old(load),
                workload=load.name,
                maker="" if load.is_native else "first",
                uid=1,
                desired=load.old_pods,
                pods=load.old_pods,
                ready=load.old_pods,
                is_live=not load.is_native,
            )
            for load in loads
            if load.old_pods
        ),
        natives=tuple(Native(one.name, one.old_pods, _old(one), 9 * n) for n, one in enumerate(loads) if one.is_native),
        scalers=tuple(
            Scaler(load.name, ("Deployment", load.name) if load.is_native else ("ReplicaSet", _old(load)))
            for load in loads
            if load.is_autoscaled
        ),
        objects=("first",) * objects,
        broken=frozenset(broken),
        quota=quota,
    )


def _old(load: Workload) -> str:
    return f"{load.name}-old"


# What Kubernetes does by itself.


def steps(cluster: Cluster) -> Iterable[tuple[str, Cluster]]:
    """Every step that some controller could take now."""
    used = sum(each.pods for each in cluster.sets)
    for each in cluster.sets:
        native = owner_of(cluster, each)
        if native and not native.is_going and each.desired != native.pods:
            yield f"the Deployment's controller scales {each.name}", cluster.with_set(_asked(each, native.pods))
        wanted = min(each.desired, each.pods + max(0, cluster.quota - used))
        if not each.is_settled or each.pods != wanted:
            settled = each._replace(pods=wanted, ready=min(each.ready, wanted), is_settled=True)
            yield f"{each.name} gets {wanted} pods", cluster.with_set(settled)
        if each.ready < each.pods and not (each.workload in cluster.broken and _is_new(each)):
            yield f"a pod of {each.name} gets ready", cluster.with_set(each._replace(ready=each.ready + 1))
    for there in cluster.natives:
        if there.is_going:
            left = tuple(native for native in cluster.natives if native.name != there.name)
            yield f"Deployment {there.name} is gone", cluster._replace(natives=left)
        elif not there.has_adopted and cluster.find(there.owns):
            yield f"Deployment {there.name} adopts {there.owns}", cluster.with_native(there._replace(has_adopted=True))


def pod_failures(cluster: Cluster) -> Iterable[tuple[str, Cluster]]:
    """Every pod that could fail now."""
    for each in cluster.sets:
        if each.ready:
            yield f"a pod of {each.name} fails", cluster.with_set(each._replace(ready=each.ready - 1))


def outside_scalings(cluster: Cluster) -> Iterable[tuple[str, Cluster]]:
    """What a person or an autoscaler could ask of a version that serves."""
    for each in cluster.sets:
        if each.desired and not owner_of(cluster, each):
            for pods in (each.desired - 1, each.desired + 1):
                yield f"somebody scales {each.name} to {pods}", cluster.with_set(_asked(each, pods))


def deletions(cluster: Cluster) -> Iterable[tuple[str, Cluster]]:
    """What a person could delete: the version that was there before."""
    for each in cluster.sets:
        if not _is_new(each) and not owner_of(cluster, each):
            left = tuple(other for other in cluster.sets if other.name != each.name)
            yield f"somebody deletes {each.name}", cluster._replace(sets=left)


def owner_of(cluster: Cluster, each: Set) -> Native | None:
    return next((native for native in cluster.natives if native.owns == each.name and native.has_adopted), None)


def _asked(each: Set, pods: int) -> Set:
    return each._replace(desired=pods, is_settled=False)


def _is_new(each: Set) -> bool:
    return each.maker not in ("", "first")


# What we see and do.


def observe(cluster: Cluster, run: TargetRun) -> Observation:
    """The workloads of a run, as `services/observer.py` would read them."""
    return Observation(
        workloads={
            (load.namespace, load.name): WorkloadView(
                new=_view(cluster.find(load.new_name), cluster),
                old=_view(cluster.find(load.old_name), cluster),
                problems=(PodProblem(pod="p", reason="CrashLoopBackOff"),) if load.name in cluster.broken else (),
            )
            for load in run.workloads
        }
    )


def _view(each: Set | None, cluster: Cluster) -> ReplicaSetView | None:
    if each is None:
        return None
    failure = "exceeded quota" if each.is_settled and each.pods < each.desired else ""
    return ReplicaSetView(
        name=each.name,
        uid=str(each.uid),
        desired=each.desired,
        total=each.pods,
        available=min(each.ready, each.desired),
        is_settled=each.is_settled,
        failure=failure if cluster.quota < 1_000 else "",
    )


def perform(cluster: Cluster, effect: Effect, origin: Origin) -> tuple[Cluster, Outcome]:
    """The cluster after `effect`, and the answer, as `services/effects/performer.py` would give it."""
    return _PERFORM[type(effect)](cluster, effect, origin)


def _apply_object(cluster: Cluster, effect: ApplyObject, origin: Origin) -> tuple[Cluster, Outcome]:
    objects = tuple(origin.deployment_id if i == effect.index else old for i, old in enumerate(cluster.objects))
    return cluster._replace(objects=objects), DONE


def _restore_object(cluster: Cluster, effect: RestoreObject, origin: Origin) -> tuple[Cluster, Outcome]:
    index = int(effect.saved.name)
    if cluster.objects[index] != origin.deployment_id:
        return cluster, DONE
    before = json.loads(effect.saved.before)["run"] if effect.saved.before else ""
    objects = tuple(before if i == index else old for i, old in enumerate(cluster.objects))
    return cluster._replace(objects=objects), DONE


def _orphan(cluster: Cluster, effect: OrphanDeployment, _origin: Origin) -> tuple[Cluster, Outcome]:
    there = cluster.native(effect.name)
    if there is None or str(there.uid) != effect.uid:
        return cluster, DONE
    return cluster.with_native(there._replace(is_going=True)), Busy(detail="it is being let go")


def _remove_scaler(cluster: Cluster, effect: RemoveAutoscaler, _origin: Origin) -> tuple[Cluster, Outcome]:
    there = cluster.scaler(effect.autoscaler.name)
    if there and str(there.uid) != json.loads(effect.autoscaler.before)["metadata"]["uid"]:
        return cluster, DONE
    return cluster._replace(scalers=tuple(each for each in cluster.scalers if each is not there)), DONE


def _place_scaler(cluster: Cluster, effect: PlaceAutoscaler, _origin: Origin) -> tuple[Cluster, Outcome]:
    name, kept = effect.autoscaler.name, cluster.scaler(effect.autoscaler.name)
    scaled = ("ReplicaSet", effect.replica_set) if effect.replica_set else ("Deployment", effect.autoscaler.workload)
    return cluster.with_scaler(Scaler(name, scaled, kept.uid if kept else _next_uid(effect.autoscaler))), DONE


def _restore_scaler(cluster: Cluster, effect: RestoreAutoscaler, _origin: Origin) -> tuple[Cluster, Outcome]:
    if cluster.scaler(effect.autoscaler.name):
        return cluster, DONE
    old = json.loads(effect.autoscaler.before)["spec"]["scaleTargetRef"]
    again = Scaler(effect.autoscaler.name, (old["kind"], old["name"]), _next_uid(effect.autoscaler))
    return cluster.with_scaler(again), DONE


def _next_uid(one: Autoscaler) -> int:
    return int(json.loads(one.before)["metadata"]["uid"]) + 1


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
    return cluster._replace(sets=tuple(sorted((*cluster.sets, again), key=_is_new))), DONE


def _create(cluster: Cluster, effect: CreateReplicaSet, origin: Origin) -> tuple[Cluster, Outcome]:
    if cluster.find(effect.name):
        return cluster, DONE
    made = Set(effect.name, effect.workload, origin.deployment_id, 1, 0, 0, 0, is_settled=False)
    return cluster._replace(sets=(*cluster.sets, made)), DONE


def _scale(cluster: Cluster, effect: Scale, _origin: Origin) -> tuple[Cluster, Outcome]:
    each = cluster.find(effect.name)
    if each is None or str(each.uid) != effect.uid or each.desired != effect.from_pods:
        return cluster, OUTDATED
    return cluster.with_set(_asked(each, effect.to_pods)), DONE


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
}
