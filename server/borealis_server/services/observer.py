"""Looks at the pods of a target, live."""

from borealis_server.domain.deployment import TargetRun, Workload
from borealis_server.domain.effects import AgentAway, Busy
from borealis_server.domain.errors import AgentUnavailable, ClusterBusy, ClusterRefused, RelayRefused
from borealis_server.domain.kubernetes.json_types import meta
from borealis_server.domain.kubernetes.marks import HASH_LABEL
from borealis_server.domain.kubernetes.replica_set import pod_problems, view_of
from borealis_server.domain.observation import Observation, PodProblem, ReplicaSetView, WorkloadView
from borealis_server.ports.cluster import Cluster
from borealis_server.ports.relay import AgentRef


class Observer:
    """Reads ReplicaSets, and the pods of new versions that are not available."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def observe(self, agent: AgentRef, run: TargetRun) -> Observation | AgentAway | Busy:
        """All workloads of `run` as they are now, or why they cannot be seen."""
        try:
            return await self._observe(agent, run)
        except AgentUnavailable as error:
            return AgentAway(detail=error.detail)
        except (ClusterBusy, RelayRefused, ClusterRefused) as error:
            return Busy(detail=error.message)

    async def _observe(self, agent: AgentRef, run: TargetRun) -> Observation:
        views: dict[tuple[str, str], WorkloadView] = {}
        for namespace in sorted({load.namespace for load in run.workloads}):
            documents = await self._cluster.list(agent, "apps/v1", "ReplicaSet", namespace)
            live = {meta(document, "name"): view_of(document) for document in documents}
            for load in run.workloads:
                if load.namespace == namespace:
                    views[namespace, load.name] = await self._view(agent, load, live)
        return Observation(workloads=views)

    async def _view(self, agent: AgentRef, load: Workload, live: dict[str, ReplicaSetView]) -> WorkloadView:
        new = live.get(load.new_name)
        problems: tuple[PodProblem, ...] = ()
        if new and new.available < new.desired:
            hashed = load.new_name.removeprefix(f"{load.name}-")
            pods = await self._cluster.list(agent, "v1", "Pod", load.namespace, labels={HASH_LABEL: hashed})
            problems = pod_problems(pods)
        return WorkloadView(new=new, old=live.get(load.old_name), problems=problems)
