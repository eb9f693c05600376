"""A cluster as the checker sees it: immutable, small, and every step of Kubernetes' own controllers apart.

What the engine changes in it is in `kit.checker.performing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from borealis_server.domain.observation import Observation, PodProblem, ReplicaSetView, WorkloadView
from kit.checker import services as service_model
from kit.checker.services import FIRST, PINNED, Service, base_of, workload_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from borealis_server.domain.deployment import TargetRun
    from kit.checker.scenarios import TargetPlan

NAMESPACE, APPLICATION = "shop", "shop"
WORKLOAD_MARK = "workload"  # an annotation of the model's own
NATIVE_REVISION = "deployment.kubernetes.io/revision"


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
    services: tuple[Service, ...] = ()

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

    def with_object(self, place: int, run: str) -> Cluster:
        """The cluster where another run made the object at `place`; none where that is empty."""
        return self._replace(objects=(*self.objects[:place], run, *self.objects[place + 1 :]))

    def with_service(self, new: Service) -> Cluster:
        """The cluster with `new` as the Service of its name."""
        others = (each for each in self.services if each.name != new.name)
        return self._replace(services=tuple(sorted((*others, new))))

    def without_service(self, name: str) -> Cluster:
        """The cluster without the Service of that name."""
        gone = self.service(name)
        left = self._replace(services=tuple(each for each in self.services if each is not gone))
        return left.with_object(gone.place, "") if gone and gone.place >= 0 else left

    def service(self, name: str) -> Service | None:
        """The Service of that name."""
        return next((each for each in self.services if each.name == name), None)

    def is_calm(self) -> bool:
        """Whether its own controllers have nothing to do."""
        return not any(True for _ in steps(self))


def a_cluster(plan: TargetPlan) -> Cluster:
    """A cluster where the old versions of a target run."""
    loads = plan.workloads
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
        objects=(
            *("first",) * plan.objects,
            *("first" if plan.services_at_first else "" for _ in plan.applied_services),
            *("first" if load.is_autoscaled else "" for load in plan.workloads if plan.applies_scalers),
        ),
        broken=frozenset(plan.broken),
        quota=plan.quota,
        services=tuple(sorted(_service(name, plan) for name in plan.live_services)),
    )


def _service(name: str, plan: TargetPlan) -> Service:
    """A Service of a target as the run finds it."""
    load = next(load for load in plan.workloads if load.name == workload_of(name))
    version = service_model.version_of(_old(load), load.name, is_native=load.is_native)
    selector = tuple(sorted((*base_of(load.name), *(version if plan.services_at_first == PINNED else ()))))
    there = ((_old(load), load.old_pods),) if load.old_pods else ()
    return Service(name, selector, there, plan.place_of(f"Service {name}"))


def _old(load: Workload) -> str:
    return f"{load.name}-{FIRST}"


# What Kubernetes does by itself.


def steps(cluster: Cluster) -> Iterable[tuple[str, Cluster]]:
    """Every step that some controller could take now."""
    used = sum(each.pods for each in cluster.sets)
    for each in cluster.sets:
        native = owner_of(cluster, each)
        if native and not native.is_going and each.desired != native.pods:
            yield f"the Deployment's controller scales {each.name}", cluster.with_set(asked(each, native.pods))
        wanted = min(each.desired, each.pods + max(0, cluster.quota - used))
        if not each.is_settled or each.pods != wanted:
            settled = each._replace(pods=wanted, ready=min(each.ready, wanted), is_settled=True)
            yield f"{each.name} gets {wanted} pods", cluster.with_set(settled)
        if each.ready < each.pods and not (each.workload in cluster.broken and is_new(each)):
            yield f"a pod of {each.name} gets ready", cluster.with_set(each._replace(ready=each.ready + 1))
    for there in cluster.natives:
        if there.is_going:
            left = tuple(native for native in cluster.natives if native.name != there.name)
            yield f"Deployment {there.name} is gone", cluster._replace(natives=left)
        elif not there.has_adopted and cluster.find(there.owns):
            yield f"Deployment {there.name} adopts {there.owns}", cluster.with_native(there._replace(has_adopted=True))
    yield from service_model.following(cluster)


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
                yield f"somebody scales {each.name} to {pods}", cluster.with_set(asked(each, pods))


def deletions(cluster: Cluster) -> Iterable[tuple[str, Cluster]]:
    """What a person could delete: the version that was there before."""
    for each in cluster.sets:
        if not is_new(each) and not owner_of(cluster, each):
            left = tuple(other for other in cluster.sets if other.name != each.name)
            yield f"somebody deletes {each.name}", cluster._replace(sets=left)


def owner_of(cluster: Cluster, each: Set) -> Native | None:
    return next((native for native in cluster.natives if native.owns == each.name and native.has_adopted), None)


def asked(each: Set, pods: int) -> Set:
    """The set, asked for so many pods a moment ago."""
    return each._replace(desired=pods, is_settled=False)


def is_new(each: Set) -> bool:
    """Whether a run of the model made it."""
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
        },
        services=service_model.views(cluster, run),
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
