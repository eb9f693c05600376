"""Reads how many pods are live, for plans. Changes nothing, and keeps nothing."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol

from borealis_server.domain.errors import AgentUnavailable, ClusterBusy, ClusterRefused, KindNotServed, RelayRefused
from borealis_server.domain.kubernetes.json_types import Document, meta
from borealis_server.domain.live_replicas import LiveReplicas, WorkloadPlace, check_places, live_replicas
from borealis_server.domain.preparation import LiveObjects
from borealis_server.ports.cluster import Cluster
from borealis_server.ports.relay import AgentRef

LIMIT_S = 8.0
"""For each namespace; who plans should not wait for one that hangs."""
_AT_ONCE = 8


class AgentNames(Protocol):
    """Tells which agents a tenant has."""

    async def agent_names(self, tenant: str) -> tuple[str, ...]:
        """Every agent's name, connected or not."""
        ...


class LiveReplicasReader:
    """Looks into clusters through their agents."""

    def __init__(self, cluster: Cluster, agents: AgentNames) -> None:
        self._cluster = cluster
        self._agents = agents

    async def get(self, tenant: str, places: Sequence[WorkloadPlace]) -> tuple[LiveReplicas, ...]:
        """What is live at each of the places, in their order. Errors: InvalidArgument."""
        check_places(places)
        known = await self._agents.agent_names(tenant)
        together: dict[tuple[str, str], list[WorkloadPlace]] = defaultdict(list)
        for place in places:
            together[place.account, place.namespace].append(place)
        found: dict[WorkloadPlace, LiveReplicas] = {}
        slots = asyncio.Semaphore(_AT_ONCE)

        async def look(account: str, here: Sequence[WorkloadPlace]) -> None:
            async with slots:
                found.update(await self._look(AgentRef(tenant=tenant, name=account), here))

        async with asyncio.TaskGroup() as group:
            for (account, namespace), here in together.items():
                if account in known:
                    group.create_task(look(account, here), name=f"live.{account}.{namespace}")
                else:
                    found.update(_unknown(here, f"there is no agent {account}"))
        return tuple(found[place] for place in places)

    async def _look(self, agent: AgentRef, places: Sequence[WorkloadPlace]) -> Mapping[WorkloadPlace, LiveReplicas]:
        """What is live at places of one namespace, or why nobody knows."""
        try:
            async with asyncio.timeout(LIMIT_S):
                return await self._read(agent, places)
        except TimeoutError:
            return _unknown(places, f"the cluster of {agent.name} did not answer within {LIMIT_S:g} s")
        except AgentUnavailable as error:
            return _unknown(places, f"agent {agent.name} cannot be asked: {error.detail}")
        except (ClusterBusy, ClusterRefused, RelayRefused) as error:
            return _unknown(places, f"the cluster of {agent.name} did not say: {error.detail}")

    async def _read(self, agent: AgentRef, places: Sequence[WorkloadPlace]) -> Mapping[WorkloadPlace, LiveReplicas]:
        namespace = places[0].namespace
        natives = await self._cluster.list(agent, "apps/v1", "Deployment", namespace)
        sets = await self._cluster.list(agent, "apps/v1", "ReplicaSet", namespace)
        live = LiveObjects(
            natives={(namespace, meta(one, "name")): one for one in natives},
            replica_sets={namespace: sets},
            objects={},
        )
        autoscalers = await self._autoscalers(agent, namespace)
        return {place: live_replicas(place, live, autoscalers) for place in places}

    async def _autoscalers(self, agent: AgentRef, namespace: str) -> Sequence[Document]:
        """The autoscalers; none where the agent may not see them: the numbers are worth more than who made them."""
        try:
            return await self._cluster.list(agent, "autoscaling/v1", "HorizontalPodAutoscaler", namespace)
        except (ClusterRefused, KindNotServed):
            return ()


def _unknown(places: Sequence[WorkloadPlace], reason: str) -> dict[WorkloadPlace, LiveReplicas]:
    return {place: LiveReplicas(place=place, unknown=reason) for place in places}
