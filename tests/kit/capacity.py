"""Watches pods through a whole test and remembers every count they ever had: a watch misses nothing, a poll would."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from kit.api_server import ApiServer

VERSION_LABEL = "armory-pod-template-hash"


@dataclass(slots=True)
class Capacity:
    """Pods by name, and the counts they had after each change."""

    pods: dict[str, dict[str, Any]] = field(default_factory=dict)
    ready_counts: list[int] = field(default_factory=list)
    total_counts: list[int] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, event: dict[str, Any]) -> None:
        """One watch event."""
        pod = event["object"]
        name = pod["metadata"]["name"]
        if event["type"] == "DELETED" or pod["metadata"].get("deletionTimestamp"):
            self.pods.pop(name, None)
        else:
            self.pods[name] = pod
        self.ready_counts.append(self.ready)
        self.total_counts.append(len(self.pods))
        self.changed.set()

    @property
    def ready(self) -> int:
        """Ready pods that are not about to go."""
        return sum(_is_ready(pod) for pod in self.pods.values())

    def ready_by_version(self) -> dict[str, int]:
        """Ready pods by the hash of their version."""
        counts: dict[str, int] = {}
        for pod in self.pods.values():
            version = pod["metadata"]["labels"].get(VERSION_LABEL, "")
            counts[version] = counts.get(version, 0) + _is_ready(pod)
        return counts

    def forget(self) -> None:
        """Count from now on."""
        self.ready_counts = [self.ready]
        self.total_counts = [len(self.pods)]

    async def until_ready(self, count: int, limit_s: float = 30.0) -> None:
        """Wait until so many pods are ready."""
        async with asyncio.timeout(limit_s):
            while self.ready != count:
                self.changed.clear()
                await self.changed.wait()

    async def until_total(self, count: int, limit_s: float = 30.0) -> None:
        """Wait until so many pods exist."""
        async with asyncio.timeout(limit_s):
            while len(self.pods) != count:
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def open_capacity(api: ApiServer, namespace: str) -> AsyncIterator[Capacity]:
    """Counts of all pods in `namespace`, kept current by a watch until the context ends."""
    capacity = Capacity()
    async with watching(api, f"/api/v1/namespaces/{namespace}/pods", capacity.take):
        capacity.forget()
        yield capacity


@asynccontextmanager
async def watching(api: ApiServer, path: str, take: Callable[[dict[str, Any]], None]) -> AsyncIterator[None]:
    """List first, then watch from there: `take` sees every object, then every change."""
    url = api.url + path
    async with (
        aiohttp.ClientSession(headers=api.headers, connector=aiohttp.TCPConnector(ssl=api.ssl_context())) as session,
        asyncio.TaskGroup() as group,
    ):
        async with session.get(url) as response:
            found = await response.json()
        for item in found["items"]:
            take({"type": "ADDED", "object": item})
        watch = {"watch": "1", "resourceVersion": found["metadata"]["resourceVersion"]}
        async with session.get(url, params=watch, timeout=aiohttp.ClientTimeout(total=None)) as response:
            task = group.create_task(_follow(response, take))
            yield
            task.cancel()


async def _follow(response: aiohttp.ClientResponse, take: Callable[[dict[str, Any]], None]) -> None:
    async for line in response.content:
        take(json.loads(line))


@dataclass(slots=True)
class EndpointHistory:
    """Whose pods stood behind each Service of a namespace, after every change: a watch misses nothing."""

    seen: dict[str, list[dict[str, int]]] = field(default_factory=dict)
    """By Service: ready endpoints by ReplicaSet, each different state once, in order."""
    selectors: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    """By Service: each different selector, in order."""

    def take(self, event: dict[str, Any]) -> None:
        """One watch event of Endpoints."""
        endpoints = event["object"]
        counts: dict[str, int] = {}
        for subset in endpoints.get("subsets") or [] if event["type"] != "DELETED" else []:
            for address in subset.get("addresses") or []:
                # Pods are named after their ReplicaSet.
                version = address["targetRef"]["name"].rpartition("-")[0]
                counts[version] = counts.get(version, 0) + 1
        _append(self.seen.setdefault(endpoints["metadata"]["name"], []), counts)

    def take_service(self, event: dict[str, Any]) -> None:
        """One watch event of Services."""
        service = event["object"]
        _append(self.selectors.setdefault(service["metadata"]["name"], []), service["spec"].get("selector") or {})

    def forget(self) -> None:
        """Remember only what is now."""
        self.seen = {name: states[-1:] for name, states in self.seen.items()}
        self.selectors = {name: states[-1:] for name, states in self.selectors.items()}

    def versions(self, service: str) -> list[str]:
        """Versions behind a Service one after the other; fails where there was none for a moment, or two."""
        found: list[str] = []
        for counts in self.seen[service]:
            assert len(counts) == 1, f"{service}: {self.seen[service]}"
            _append(found, next(iter(counts)))
        return found

    def now(self, service: str) -> dict[str, int]:
        """Endpoints of a Service by version."""
        return self.seen[service][-1]


def _append(states: list[Any], state: object) -> None:  # Any: states of one kind
    if not states or states[-1] != state:
        states.append(state)


@asynccontextmanager
async def open_endpoint_history(api: ApiServer, namespace: str) -> AsyncIterator[EndpointHistory]:
    """What stood behind every Service of `namespace`, by watches until the context ends."""
    history = EndpointHistory()
    base = f"/api/v1/namespaces/{namespace}"
    async with (
        watching(api, f"{base}/endpoints", history.take),
        watching(api, f"{base}/services", history.take_service),
    ):
        yield history


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


@dataclass(slots=True)
class ScaleHistory:
    """What every ReplicaSet of a namespace was ever asked for."""

    counts: dict[str, list[int]] = field(default_factory=dict)
    """By name: each different `spec.replicas`, in order."""
    uids: dict[str, set[str]] = field(default_factory=dict)

    def take(self, event: dict[str, Any]) -> None:
        """One watch event."""
        replica_set = event["object"]
        name, wanted = replica_set["metadata"]["name"], replica_set["spec"]["replicas"]
        counts = self.counts.setdefault(name, [])
        if not counts or counts[-1] != wanted:
            counts.append(wanted)
        self.uids.setdefault(name, set()).add(replica_set["metadata"]["uid"])


@asynccontextmanager
async def open_scale_history(api: ApiServer, namespace: str) -> AsyncIterator[ScaleHistory]:
    """Every count asked for in `namespace`, by a watch until the context ends."""
    history = ScaleHistory()
    async with watching(api, f"/apis/apps/v1/namespaces/{namespace}/replicasets", history.take):
        yield history
