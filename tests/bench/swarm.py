"""Many agents in one process, each over the real tunnel, with light model clusters behind them instead of API servers.

Writes are noted with the time at which they arrive, and so are the events that a watch tells.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.backoff import Backoff
from borealis_agent.link import Link, Offer
from borealis_agent.settings import LinkSettings
from borealis_agent.telemetry import AgentMetrics
from borealis_server.domain.errors import ClusterRefused
from borealis_server.ports.cluster import ObjectRef
from borealis_server.ports.relay import AgentRef
from borealis_wire.aio.stream import StreamError
from kit.model_kube import ModelKube

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from borealis_client import Borealis
    from borealis_wire.aio.stream import LiveStream

# Any throughout: JSON of Kubernetes objects.
PODS_EVERY_S = 0.05
_KINDS = {"replicasets": "ReplicaSet", "deployments": "Deployment", "pods": "Pod", "configmaps": "ConfigMap"}
_KINDS |= {"services": "Service", "horizontalpodautoscalers": "HorizontalPodAutoscaler", "namespaces": "Namespace"}
_NOBODY = AgentRef(tenant="", name="")
_OK, _CREATED, _NOT_FOUND, _CONFLICT, _INVALID = 200, 201, 404, 409, 422


@dataclass
class Notes:
    """What happened in all clusters, by namespace; times by the machine's monotonic clock."""

    reactions_s: list[float] = field(default_factory=list)
    """From a told event to the next write in its namespace."""
    told_at: dict[str, float] = field(default_factory=dict)
    wrote_at: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    looked_at: dict[str, float] = field(default_factory=dict)
    """The newest look at ReplicaSets."""
    requests: int = 0

    def told(self, namespace: str) -> None:
        """A watch has spoken; of several without an answer the first counts."""
        self.told_at.setdefault(namespace, time.monotonic())

    def wrote(self, namespace: str) -> None:
        """A write has arrived."""
        now = time.monotonic()
        self.wrote_at[namespace].append(now)
        told = self.told_at.pop(namespace, None)
        if told is not None:
            self.reactions_s.append(now - told)


@dataclass
class LightCluster:
    """The Kubernetes API of one model cluster, behind the tunnel of an agent."""

    notes: Notes
    kube: ModelKube = field(default_factory=ModelKube)
    stalled: set[str] = field(default_factory=set)
    """Namespaces in which no pod gets ready for now."""

    async def serve(self, stream: LiveStream, request: pb.Open) -> None:
        """Answer one request of the tunnel as an API server would; in the place of the agent's own `StreamServer`."""
        self.notes.requests += 1
        with suppress(StreamError):
            async with stream:
                await self._exchange(stream, request)

    async def _exchange(self, stream: LiveStream, request: pb.Open) -> None:
        body = b""
        while data := await stream.read():
            body += data
        url = urlsplit(request.http.path)
        parts = url.path.strip("/").split("/")
        if "watch" in parse_qs(url.query):
            stream.answer(_head(_OK))
            async with self.kube.watch(_NOBODY, *_collection(parts)) as ticks:
                async for _ in ticks:
                    await stream.send(b'{"type":"MODIFIED"}\n')
            return
        headers = {each.name.lower(): _text(each.value) for each in request.http.headers}
        try:
            status, document = await self._answered(
                request.http.method, parts, json.loads(body) if body else None, headers
            )
        except ClusterRefused as refused:
            status, document = refused.code, {"reason": refused.cluster_reason, "message": refused.detail}
        stream.answer(_head(status))
        await stream.send(json.dumps(document).encode())
        stream.end()

    async def _answered(self, method: str, parts: list[str], body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        if "namespaces" not in parts:
            return _OK, _discovery()
        if parts[-2] == "namespaces":
            return _OK, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": parts[-1]}}
        api_version, kind, namespace = _collection(parts)
        name = parts[parts.index("namespaces") + 3] if len(parts) > parts.index("namespaces") + 3 else ""
        ref = ObjectRef(api_version=api_version, kind=kind, name=name, namespace=namespace)
        if method == "GET":
            return await self._read(ref)
        try:
            return await self._write(method, ref, body, headers)
        finally:
            self.notes.wrote(namespace)

    async def _read(self, ref: ObjectRef) -> tuple[int, Any]:
        if ref.name:
            found = await self.kube.get(_NOBODY, ref)
            return (_OK, found) if found else (_NOT_FOUND, {"reason": "NotFound", "message": "it is not there"})
        if ref.kind == "ReplicaSet":
            self.notes.looked_at[ref.namespace] = time.monotonic()
        return _OK, {"items": list(await self.kube.list(_NOBODY, ref.api_version, ref.kind, ref.namespace))}

    async def _write(self, method: str, ref: ObjectRef, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        if method == "POST":
            if await self.kube.create(_NOBODY, body):
                return _CREATED, body
            return _CONFLICT, {"reason": "AlreadyExists", "message": "it is there already"}
        if method == "DELETE":
            await self.kube.delete(_NOBODY, ref)
        elif "apply-patch" in headers.get("content-type", ""):
            await self.kube.apply(_NOBODY, body)
        elif not await self.kube.patch(_NOBODY, ref, body):
            return _INVALID, {"reason": "Invalid", "message": "the test does not hold"}
        return _OK, {}

    def advance(self) -> None:
        """All pods of every ReplicaSet get ready, or go; watches tell."""
        for ref, each in tuple(self.kube.objects.items()):
            if ref.kind != "ReplicaSet" or ref.namespace in self.stalled:
                continue
            wanted, status = each["spec"]["replicas"], each["status"]
            now = {"replicas": wanted, "availableReplicas": wanted}
            now["observedGeneration"] = each["metadata"]["generation"]
            if any(status.get(name) != value for name, value in now.items()):
                status.update(now)
                self.kube._tell(ref.namespace)
                self.notes.told(ref.namespace)


def _head(status: int) -> pb.Opened:
    header = pb.HttpHeader(name="content-type", value=b"application/json")
    return pb.Opened(http=pb.HttpResponse(status=status, headers=[header]))


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _collection(parts: list[str]) -> tuple[str, str, str]:
    """API version, kind and namespace of a path below a namespace."""
    at = parts.index("namespaces")
    return "/".join(parts[1:at]), _KINDS[parts[at + 2]], parts[at + 1]


def _discovery() -> dict[str, Any]:
    resources = [{"name": plural, "kind": kind, "namespaced": kind != "Namespace"} for plural, kind in _KINDS.items()]
    return {"resources": resources}


@dataclass
class Swarm:
    """The agents and their clusters."""

    notes: Notes = field(default_factory=Notes)
    clusters: list[LightCluster] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)

    @property
    def are_up(self) -> bool:
        """Whether every agent is connected."""
        return all(link.is_up for link in self.links)

    async def work(self) -> None:
        """Let pods get ready, for ever."""
        while True:
            await asyncio.sleep(PODS_EVERY_S)
            for cluster in self.clusters:
                cluster.advance()


@asynccontextmanager
async def open_swarm(borealis: Borealis, agents: int) -> AsyncIterator[Swarm]:
    """Connect so many agents, `agent-0` and so on; they are connected when the context begins."""
    swarm, stop = Swarm(), asyncio.Event()
    ca_file = borealis.settings.ca_file
    async with asyncio.TaskGroup() as group:
        for number in range(agents):
            made = await borealis.identity.create_credential(f"agent-{number}", role="agent", agent=f"agent-{number}")
            settings = LinkSettings(
                server=str(borealis.settings.server),
                agent=f"agent-{number}",
                client_id=made.credential.client_id,
                client_secret=SecretStr(made.client_secret),
                ca_pem=ca_file.read_bytes() if ca_file else None,
                server_name="",
                drain_grace_s=1.0,
            )
            cluster = LightCluster(swarm.notes)
            swarm.clusters.append(cluster)
            swarm.links.append(_link(settings, cluster))
            group.create_task(swarm.links[-1].keep(stop), name=f"agent {number}")
        pods = group.create_task(swarm.work(), name="pods")
        try:
            async with asyncio.timeout(60):
                while not swarm.are_up:
                    await asyncio.sleep(0.05)
            yield swarm
        finally:
            pods.cancel()
            stop.set()


def _link(settings: LinkSettings, cluster: LightCluster) -> Link:
    metrics = AgentMetrics()
    server: Any = cluster  # it serves streams as the agent's own server does, without HTTP
    return Link(
        settings,
        server,
        metrics,
        max_streams=1000,
        offer=Offer(targets=("kube",), policy_digest="", kubernetes_version=_version),
        chance=lambda: 0.1,
        backoff=Backoff(longest_s=1.0),
    )


async def _version() -> str:
    return "v1.30.0"
