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
    MarkLive,
    OrphanDeployment,
    Outcome,
    Outdated,
    RestoreDeployment,
    RestoreObject,
    Scale,
)
from borealis_server.domain.kubernetes.marks import (
    APPLICATION_ANNOTATION,
    DEPLOYMENT_ANNOTATION,
    LIVE_ANNOTATION,
    MANAGED_LABEL,
    WORKLOAD_LABEL,
    Origin,
)
from borealis_server.domain.observation import Observation, PodProblem, ReplicaSetView, WorkloadView
from borealis_server.domain.preparation import LiveObjects, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from borealis_server.domain.deployment import TargetRun
    from borealis_server.domain.effects import Prepared, Refused

NAMESPACE, APPLICATION = "shop", "shop"
NATIVE_REVISION = "deployment.kubernetes.io/revision"
DONE = Done()
OUTDATED = Outdated()


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
    natives: tuple[tuple[str, int, bool], ...]
    """Native Deployments: name, pods, and whether it is being let go."""
    objects: tuple[str, ...]
    """Which run each other object comes from; empty where it does not exist."""
    broken: frozenset[str] = frozenset()
    """Workloads of which no new pod ever gets ready."""
    quota: int = 1_000

    def find(self, name: str) -> Set | None:
        """The ReplicaSet of that name."""
        for each in self.sets:
            if each.name == name:
                return each
        return None

    def with_set(self, new: Set) -> Cluster:
        """The cluster with `new` in place of the set of its name."""
        return self._replace(sets=tuple(new if each.name == new.name else each for each in self.sets))

    def is_calm(self) -> bool:
        """Whether its own controllers have nothing to do."""
        return not any(True for _ in steps(self))


def a_cluster(workloads: Iterable[Workload], objects: int, broken: Iterable[str], quota: int) -> Cluster:
    """A cluster where the old versions run."""
    loads = tuple(workloads)
    return Cluster(
        sets=tuple(
            Set(
                name=f"{load.name}-old",
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
        natives=tuple((load.name, load.old_pods, False) for load in loads if load.is_native),
        objects=("first",) * objects,
        broken=frozenset(broken),
        quota=quota,
    )


# What Kubernetes does by itself.


def steps(cluster: Cluster) -> Iterable[tuple[str, Cluster]]:
    """Every step that some controller could take now."""
    used = sum(each.pods for each in cluster.sets)
    for each in cluster.sets:
        native = _owner(cluster, each)
        if native and not native[2] and each.desired != native[1]:
            yield f"the Deployment's controller scales {each.name}", cluster.with_set(_asked(each, native[1]))
        wanted = min(each.desired, each.pods + max(0, cluster.quota - used))
        if not each.is_settled or each.pods != wanted:
            settled = each._replace(pods=wanted, ready=min(each.ready, wanted), is_settled=True)
            yield f"{each.name} gets {wanted} pods", cluster.with_set(settled)
        if each.ready < each.pods and not (each.workload in cluster.broken and _is_new(each)):
            yield f"a pod of {each.name} gets ready", cluster.with_set(each._replace(ready=each.ready + 1))
    for name, _, is_going in cluster.natives:
        if is_going:
            left = tuple(native for native in cluster.natives if native[0] != name)
            yield f"Deployment {name} is gone", cluster._replace(natives=left)


def pod_failures(cluster: Cluster) -> Iterable[tuple[str, Cluster]]:
    """Every pod that could fail now."""
    for each in cluster.sets:
        if each.ready:
            yield f"a pod of {each.name} fails", cluster.with_set(each._replace(ready=each.ready - 1))


def outside_scalings(cluster: Cluster) -> Iterable[tuple[str, Cluster]]:
    """What a person or an autoscaler could ask of a version that serves."""
    for each in cluster.sets:
        if each.desired and not _owner(cluster, each):
            for pods in (each.desired - 1, each.desired + 1):
                yield f"somebody scales {each.name} to {pods}", cluster.with_set(_asked(each, pods))


def _owner(cluster: Cluster, each: Set) -> tuple[str, int, bool] | None:
    return next((native for native in cluster.natives if native[0] == each.workload and not each.maker), None)


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
    natives = tuple((name, pods, going or name == effect.name) for name, pods, going in cluster.natives)
    is_there = any(name == effect.name for name, _, _ in natives)
    return cluster._replace(natives=natives), Busy(detail="it is being let go") if is_there else DONE


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
    for name, _, is_going in cluster.natives:
        if name == effect.name:
            return cluster, Busy(detail="it is still being let go") if is_going else DONE
    pods = int(json.loads(effect.document)["spec"]["replicas"])
    return cluster._replace(natives=tuple(sorted((*cluster.natives, (effect.name, pods, False))))), DONE


_PERFORM: dict[type, Callable[[Cluster, Any, Origin], tuple[Cluster, Outcome]]] = {  # Any: the effect of the key's type
    ApplyObject: _apply_object,
    RestoreObject: _restore_object,
    OrphanDeployment: _orphan,
    CreateReplicaSet: _create,
    Scale: _scale,
    MarkLive: _mark_live,
    DeleteReplicaSet: _delete,
    RestoreDeployment: _restore_deployment,
}


def prepared(cluster: Cluster, loads: Iterable[Workload], origin: Origin) -> Prepared | Refused:
    """What the real preparation makes of this cluster and these manifests."""
    manifests = [_manifest(load) for load in loads]
    live = LiveObjects(
        natives={(NAMESPACE, name): _native(name, pods) for name, pods, _ in cluster.natives},
        replica_sets={NAMESPACE: [_document(each, cluster) for each in cluster.sets]},
        objects={index: {"run": run} for index, run in enumerate(cluster.objects) if run},
    )
    return prepare(manifests, [_object(index) for index in range(len(cluster.objects))], live, origin)


def _manifest(load: Workload) -> dict[str, Any]:  # Any: JSON
    rolling = {"maxSurge": load.surge, "maxUnavailable": load.unavailable}
    spec = {"replicas": load.pods, "strategy": {"rollingUpdate": rolling}}
    return {"kind": "Deployment", "metadata": {"name": load.name, "namespace": NAMESPACE}, "spec": spec}


def _native(name: str, pods: int) -> dict[str, Any]:  # Any: JSON
    return {"metadata": {"name": name, "namespace": NAMESPACE, "uid": name}, "spec": {"replicas": pods}}


def _object(index: int) -> dict[str, Any]:  # Any: JSON
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": str(index), "namespace": NAMESPACE}}


def _document(each: Set, cluster: Cluster) -> dict[str, Any]:  # Any: JSON
    owner = _owner(cluster, each)
    annotations = {APPLICATION_ANNOTATION: APPLICATION, DEPLOYMENT_ANNOTATION: each.maker}
    metadata: dict[str, Any] = {
        "name": each.name,
        "namespace": NAMESPACE,
        "labels": {MANAGED_LABEL: "true", WORKLOAD_LABEL: each.workload} if each.maker else {},
        "annotations": annotations | ({LIVE_ANNOTATION: "true"} if each.is_live else {}) if each.maker else {},
        "creationTimestamp": each.maker,
    }
    if owner:
        metadata |= {"ownerReferences": [{"uid": owner[0]}], "annotations": {NATIVE_REVISION: "1"}}
    return {"metadata": metadata, "spec": {"replicas": each.desired}, "status": {"availableReplicas": each.ready}}
