"""Looks at what a target waits for, live: its pods and Services, or the objects that were applied before them."""

from typing import TYPE_CHECKING, Any

from borealis_server.domain import applying
from borealis_server.domain.deployment import SavedObject, TargetRun, Workload
from borealis_server.domain.effects import AgentAway, Busy
from borealis_server.domain.errors import AgentUnavailable, ClusterBusy, ClusterRefused, KindNotServed, RelayRefused
from borealis_server.domain.kubernetes.json_types import Document, dig, meta
from borealis_server.domain.kubernetes.marks import HASH_LABEL
from borealis_server.domain.kubernetes.readiness import readiness_of
from borealis_server.domain.kubernetes.replica_set import pod_problems, view_of
from borealis_server.domain.observation import (
    ObjectView,
    Observation,
    PodProblem,
    Progress,
    Readiness,
    ReplicaSetView,
    WorkloadView,
)
from borealis_server.domain.states import Phase
from borealis_server.ports.cluster import Cluster, ObjectRef
from borealis_server.ports.relay import AgentRef
from borealis_server.services.route_observer import RouteObserver
from borealis_server.services.service_observer import ServiceObserver

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Observer:
    """Reads ReplicaSets, objects that are awaited, and pods that are not available."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._services = ServiceObserver(cluster)
        self._routes = RouteObserver(cluster)

    async def observe(self, agent: AgentRef, run: TargetRun) -> Observation | AgentAway | Busy:
        """What `run` waits for as it is now, or why it cannot be seen."""
        try:
            if run.phase is Phase.SETTLING:
                return Observation(workloads={}, objects=await self._objects(agent, run))
            return await self._observe(agent, run)
        except AgentUnavailable as error:
            return AgentAway(detail=error.detail)
        except ClusterBusy as error:
            return Busy(detail=error.message, retry_after_s=error.retry_after_s)
        except (RelayRefused, ClusterRefused) as error:
            return Busy(detail=error.message)

    async def _objects(self, agent: AgentRef, run: TargetRun) -> tuple[ObjectView, ...]:
        views = [await self._object(agent, saved) for saved in applying.awaited(run)]
        return tuple(views)

    async def _object(self, agent: AgentRef, saved: SavedObject) -> ObjectView:
        ref = ObjectRef(api_version=saved.api_version, kind=saved.kind, name=saved.name, namespace=saved.namespace)
        try:
            live = await self._cluster.get(agent, ref)
        except KindNotServed:
            return ObjectView(label=str(saved), readiness=Readiness.pending("its kind is not served yet"))
        if live is None:
            return ObjectView(label=str(saved), readiness=Readiness.failed("somebody else deleted it"))
        readiness = readiness_of(live)
        problem = await self._problem(agent, live) if readiness.progress is not Progress.READY else None
        return ObjectView(label=str(saved), readiness=readiness, problem=problem)

    async def _problem(self, agent: AgentRef, owner: Document) -> PodProblem | None:
        """The first pod of a workload that is not ready."""
        labels: Mapping[str, str] | None = dig(owner, "spec", "selector", "matchLabels")
        if not labels:
            return None
        pods = await self._cluster.list(agent, "v1", "Pod", meta(owner, "namespace"), labels=labels)
        return next(iter(pod_problems(pod for pod in pods if _is_child(pod, owner))), None)

    async def _observe(self, agent: AgentRef, run: TargetRun) -> Observation:
        views: dict[tuple[str, str], WorkloadView] = {}
        for namespace in sorted({load.namespace for load in run.workloads}):
            documents = await self._cluster.list(agent, "apps/v1", "ReplicaSet", namespace)
            live = {meta(document, "name"): view_of(document) for document in documents}
            for load in run.workloads:
                if load.namespace == namespace:
                    views[namespace, load.name] = await self._view(agent, load, live)
        return Observation(
            workloads=views,
            services=await self._services.observe(agent, run),
            routes=await self._routes.observe(agent, run),
        )

    async def _view(self, agent: AgentRef, load: Workload, live: dict[str, ReplicaSetView]) -> WorkloadView:
        new = live.get(load.new_name)
        problems: tuple[PodProblem, ...] = ()
        is_making_room = False
        if new and new.available < new.desired:
            hashed = load.new_name.removeprefix(f"{load.name}-")
            pods = await self._cluster.list(agent, "v1", "Pod", load.namespace, labels={HASH_LABEL: hashed})
            problems = pod_problems(pods)
        if new and new.failure:
            # Only pods that are gone for good give back what a quota grants.
            is_making_room = any(map(_is_going, await self._cluster.list(agent, "v1", "Pod", load.namespace)))
        old = live.get(load.old_name)
        return WorkloadView(new=new, old=old, problems=problems, is_making_room=is_making_room)


def _is_going(pod: Document) -> bool:
    return dig(pod, "metadata", "deletionTimestamp") is not None


def _is_child(pod: Document, owner: Document) -> bool:
    references: Sequence[Mapping[str, Any]] = dig(pod, "metadata", "ownerReferences") or []  # Any: JSON
    return any(reference.get("uid") == meta(owner, "uid") for reference in references)
