"""Looks at the Services that a blue/green run points at versions, and at whose pods their endpoints are."""

from collections.abc import Collection
from typing import Any

from borealis_server.domain.deployment import RoutedService, Selector, TargetRun
from borealis_server.domain.kubernetes.json_types import Document, dig, meta
from borealis_server.domain.kubernetes.service_selectors import selector_of, version_of
from borealis_server.domain.observation import ServiceView
from borealis_server.domain.states import ServiceRole
from borealis_server.ports.cluster import Cluster, ObjectRef
from borealis_server.ports.relay import AgentRef


class ServiceObserver:
    """Reads Services, their Endpoints, and the pods of both versions."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def observe(self, agent: AgentRef, run: TargetRun) -> dict[tuple[str, str], ServiceView]:
        """Every Service of `run` that leads to one version; none where pods share the traffic."""
        pods: dict[tuple[str, Selector], frozenset[str]] = {}
        views = {}
        for service in run.services:
            if service.role is ServiceRole.SHARED:
                continue
            for version in (version_of(service.wanted), version_of(service.held)):
                key = (service.namespace, version)
                if version and key not in pods:
                    pods[key] = await self._pods(agent, *key)
            new = pods[service.namespace, version_of(service.wanted)]
            old = pods.get((service.namespace, version_of(service.held)), frozenset())
            views[service.namespace, service.name] = await self._view(agent, service, new, old - new)
        return views

    async def _pods(self, agent: AgentRef, namespace: str, version: Selector) -> frozenset[str]:
        found = await self._cluster.list(agent, "v1", "Pod", namespace, labels=dict(version))
        return frozenset(meta(pod, "uid") for pod in found)

    async def _view(
        self, agent: AgentRef, service: RoutedService, new: Collection[str], old: Collection[str]
    ) -> ServiceView:
        live = await self._cluster.get(agent, _ref("Service", service))
        if live is None:
            return ServiceView(selector=None)
        endpoints = await self._cluster.get(agent, _ref("Endpoints", service))
        uids = _ready(endpoints or {})
        count_new, count_old = sum(uid in new for uid in uids), sum(uid in old for uid in uids)
        return ServiceView(
            selector=selector_of(live), new=count_new, old=count_old, others=len(uids) - count_new - count_old
        )


def _ready(endpoints: Document) -> frozenset[str]:
    """Who gets the traffic: the pods, or what else is written there, by a name of their own."""
    subsets: Any = dig(endpoints, "subsets") or []  # Any: JSON
    addresses = [address for subset in subsets for address in subset.get("addresses") or []]
    # A pod with several ports may stand in several subsets.
    return frozenset(str(dig(address, "targetRef", "uid") or address["ip"]) for address in addresses)


def _ref(kind: str, service: RoutedService) -> ObjectRef:
    return ObjectRef(api_version="v1", kind=kind, name=service.name, namespace=service.namespace)
