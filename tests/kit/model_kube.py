"""`ports.cluster.Cluster` on plain dictionaries: enough Kubernetes for the engine, one small step at a time.

Objects merge by the sandbox's pure server-side apply and patches. Pods get ready only when a test says `advance`.
"""

from __future__ import annotations

import asyncio
import copy
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from borealis_sandbox.apply import apply as apply_object
from borealis_sandbox.errors import ApiError
from borealis_sandbox.managed import Manager
from borealis_sandbox.patches import json_patch, merge_patch
from borealis_server.domain.errors import AgentUnavailable, ClusterRefused, KindNotServed
from borealis_server.domain.kubernetes.marks import FIELD_MANAGER
from borealis_server.ports.cluster import ObjectRef

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from borealis_server.ports.relay import AgentRef

# Any throughout: JSON of Kubernetes objects.
_NOT_FOUND, _CONFLICT = 404, 409


@dataclass(frozen=True, slots=True)
class Call:
    """A call that came, before it was answered."""

    verb: str
    ref: ObjectRef

    def __str__(self) -> str:
        return f"{self.verb} {self.ref.kind} {self.ref.name}".strip()


@dataclass
class ModelKube:
    """One cluster for every agent. `before` runs before each call and may block, or raise an error of the port."""

    before: Callable[[Call], Awaitable[None]] | None = None
    broken: set[str] = field(default_factory=set)
    """Images whose pods never get ready."""
    unserved: set[str] = field(default_factory=set)
    """Kinds that are not served (yet)."""
    pod_owner: str = ""
    """The uid that owns pods which are not ready."""
    pods_are_going: bool = False
    """Whether every such pod is about to go."""
    refuses_patches: bool = False
    """Whether every patch comes too late."""
    missing_namespaces: set[str] = field(default_factory=set)
    """All others exist."""
    is_away: bool = False
    writes: list[str] = field(default_factory=list)
    """Every change that was made, in order: verb, kind, name, and pods for a scaling."""
    watchers: dict[str, list[asyncio.Event]] = field(default_factory=dict)
    """Live watches by namespace."""
    objects: dict[ObjectRef, dict[str, Any]] = field(default_factory=dict)
    version: int = 0

    # What a test does.

    def put(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Have an object, as if somebody else had made it."""
        return self._store(copy.deepcopy(dict(document)))

    def find(self, kind: str, name: str) -> dict[str, Any] | None:
        """An object by kind and name, wherever it is."""
        return next((each for ref, each in self.objects.items() if (ref.kind, ref.name) == (kind, name)), None)

    def pods(self) -> dict[str, int]:
        """Available pods by ReplicaSet."""
        found = (each for ref, each in self.objects.items() if ref.kind == "ReplicaSet")
        return {each["metadata"]["name"]: each["status"]["availableReplicas"] for each in found}

    def advance(self) -> None:
        """One pod of each ReplicaSet gets ready, or its surplus goes."""
        for ref, each in tuple(self.objects.items()):
            if ref.kind == "ReplicaSet" and self._step(each):
                self._tell(ref.namespace)

    # The port.

    async def get(self, _agent: AgentRef, ref: ObjectRef) -> dict[str, Any] | None:
        """The object, or None when it does not exist."""
        await self._arrive(_agent, "get", ref)
        if ref.kind == "Namespace" and ref.name not in self.missing_namespaces:
            return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ref.name}}
        return self._endpoints(ref) if ref.kind == "Endpoints" else copy.deepcopy(self.objects.get(ref))

    async def list(
        self, _agent: AgentRef, api_version: str, kind: str, namespace: str, *, labels: Mapping[str, str] | None = None
    ) -> Sequence[dict[str, Any]]:
        """Every object of a kind in a namespace that carries `labels`."""
        await self._arrive(_agent, "list", ObjectRef(api_version=api_version, kind=kind, name="", namespace=namespace))
        documents = self._pods() if kind == "Pod" else list(self.objects.values())
        return [
            copy.deepcopy(each)
            for each in documents
            if (each["kind"], each["metadata"].get("namespace", "")) == (kind, namespace)
            and (labels or {}).items() <= (each["metadata"].get("labels") or {}).items()
        ]

    async def apply(self, _agent: AgentRef, document: Mapping[str, Any]) -> None:
        """Apply server-side as our field manager."""
        ref = ref_of(document)
        await self._arrive(_agent, "apply", ref)
        live = self.objects.get(ref) or {"metadata": {"name": ref.name, "namespace": ref.namespace}}
        manager = Manager(name=FIELD_MANAGER, operation="Apply", api_version=ref.api_version)
        try:
            new = apply_object(copy.deepcopy(live), dict(document), manager, force=False)
        except ApiError as conflict:
            raise ClusterRefused(_CONFLICT, "Conflict", str(conflict)) from conflict
        if new != live:
            self._store(new)
            self.writes.append(f"apply {ref.kind} {ref.name}")

    async def create(self, _agent: AgentRef, document: Mapping[str, Any]) -> bool:
        """Create the object. False when one of that name exists."""
        ref = ref_of(document)
        await self._arrive(_agent, "create", ref)
        if ref in self.objects:
            return False
        self._store(copy.deepcopy(dict(document)))
        self.writes.append(f"create {ref.kind} {ref.name}")
        return True

    async def patch(
        self, _agent: AgentRef, ref: ObjectRef, patch: Mapping[str, Any] | Sequence[Mapping[str, Any]]
    ) -> bool:
        """Change the object. False when a test of the patch does not hold."""
        await self._arrive(_agent, "patch", ref)
        live = self.objects.get(ref)
        if live is None:
            raise ClusterRefused(_NOT_FOUND, "NotFound", f"{ref.kind} {ref.name} not found")
        if self.refuses_patches:
            return False
        try:
            new = json_patch(live, [dict(each) for each in patch]) if isinstance(patch, list) else None
        except ApiError:
            return False
        new = merge_patch(live, patch) if new is None else new
        if new == live:
            return True
        self._store(new)
        is_scaling = isinstance(patch, list) and "replicas" in new.get("spec", {})
        pods = f" {new['spec']['replicas']}" if is_scaling else ""
        self.writes.append(f"patch {ref.kind} {ref.name}{pods}")
        return True

    async def delete(self, _agent: AgentRef, ref: ObjectRef, *, orphans: bool = False, uid: str = "") -> None:
        """Delete the object, with `uid` only that very one; what it owns goes with it, or loses its owner."""
        await self._arrive(_agent, "delete", ref)
        gone = self.objects.get(ref)
        if gone is None or (uid and gone["metadata"]["uid"] != uid):
            return
        del self.objects[ref]
        for other, each in tuple(self.objects.items()):
            owners = each["metadata"].get("ownerReferences") or []
            if any(owner["uid"] == gone["metadata"]["uid"] for owner in owners):
                if orphans:
                    del each["metadata"]["ownerReferences"]
                else:
                    del self.objects[other]
        self.writes.append(f"delete {ref.kind} {ref.name}")
        self._tell(ref.namespace)

    @asynccontextmanager
    async def watch(
        self, _agent: AgentRef, api_version: str, kind: str, namespace: str
    ) -> AsyncIterator[AsyncIterator[None]]:
        """Speaks whenever an object changes in the namespace."""
        await self._arrive(_agent, "watch", ObjectRef(api_version=api_version, kind=kind, name="", namespace=namespace))
        alarm = asyncio.Event()
        self.watchers.setdefault(namespace, []).append(alarm)
        try:
            yield self._ticks(alarm)
        finally:
            self.watchers[namespace].remove(alarm)

    async def _ticks(self, alarm: asyncio.Event) -> AsyncIterator[None]:
        while True:
            await alarm.wait()
            alarm.clear()
            if self.is_away:
                raise AgentUnavailable("cluster-1", dispatched=None, detail="its tunnel was lost")
            yield None

    async def _arrive(self, agent: AgentRef, verb: str, ref: ObjectRef) -> None:
        if self.before:
            await self.before(Call(verb, ref))
        if self.is_away:
            raise AgentUnavailable(agent.name, dispatched=False)
        if ref.kind in self.unserved:
            raise KindNotServed(f"the cluster serves no kind {ref.kind}")

    def _store(self, document: dict[str, Any]) -> dict[str, Any]:
        ref = ref_of(document)
        old = self.objects.get(ref)
        self.version += 1
        meta = document["metadata"]
        meta.setdefault("uid", f"uid-{self.version}")
        meta.setdefault("creationTimestamp", f"2026-01-01T00:{self.version // 60:02}:{self.version % 60:02}Z")
        meta["resourceVersion"] = str(self.version)
        if old is None or old.get("spec") != document.get("spec"):
            meta["generation"] = (old["metadata"]["generation"] if old else 0) + 1
        if ref.kind == "ReplicaSet":
            document.setdefault("status", {"replicas": 0, "availableReplicas": 0, "observedGeneration": 0})
        self.objects[ref] = document
        if ref.kind == "Deployment":
            self._adopt(document)
        self._tell(ref.namespace)
        return document

    def _adopt(self, deployment: dict[str, Any]) -> None:
        """Do as the controller of Deployments: own every ReplicaSet that the selector matches and nobody owns."""
        wanted = (deployment["spec"].get("selector") or {}).get("matchLabels") or {}
        deployment["status"] = {"observedGeneration": deployment["metadata"]["generation"]}
        owner = {"kind": "Deployment", "uid": deployment["metadata"]["uid"], "controller": True}
        for ref, each in self.objects.items():
            labels = each["metadata"].get("labels") or {}
            is_free = ref.kind == "ReplicaSet" and not each["metadata"].get("ownerReferences")
            if (
                is_free
                and ref.namespace == deployment["metadata"].get("namespace")
                and wanted.items() <= labels.items()
            ):
                each["metadata"]["ownerReferences"] = [owner]

    def _step(self, replica_set: dict[str, Any]) -> bool:
        status, wanted = replica_set["status"], replica_set["spec"]["replicas"]
        before = dict(status)
        status["observedGeneration"] = replica_set["metadata"]["generation"]
        if not self._is_broken(replica_set):
            ready = status["availableReplicas"]
            status["availableReplicas"] = min(ready + 1, wanted)
        status["availableReplicas"] = min(status["availableReplicas"], wanted)
        status["replicas"] = wanted
        return bool(status != before)

    def _is_broken(self, replica_set: dict[str, Any]) -> bool:
        containers = replica_set["spec"].get("template", {}).get("spec", {}).get("containers") or []
        return any(container.get("image") in self.broken for container in containers)

    def _pods(self) -> Sequence[dict[str, Any]]:
        waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        pending = {"phase": "Pending", "containerStatuses": [{"name": "web", "state": waiting}]}
        return [
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": f"{ref.name}-{number}",
                    "uid": f"{ref.name}-{number}",
                    "namespace": ref.namespace,
                    "labels": each["spec"]["template"]["metadata"]["labels"],
                    "ownerReferences": [{"uid": self.pod_owner}],
                    **({"deletionTimestamp": "now"} if self.pods_are_going else {}),
                },
                "status": ready if number < each["status"]["availableReplicas"] else pending,
            }
            for ref, each in self.objects.items()
            if ref.kind == "ReplicaSet"
            for number in range(max(each["status"]["availableReplicas"], each["spec"]["replicas"]))
        ]

    def _endpoints(self, ref: ObjectRef) -> dict[str, Any] | None:
        """The ready pods behind a Service; they follow its selector at once."""
        service = self.objects.get(replace(ref, kind="Service"))
        if service is None:
            return None
        selector = service["spec"].get("selector") or {}
        addresses = [
            {"ip": "192.0.2.1", "targetRef": {"kind": "Pod", "uid": pod["metadata"]["uid"]}}
            for pod in self._pods()
            if "conditions" in pod["status"]
            and pod["metadata"]["namespace"] == ref.namespace
            and selector.items() <= pod["metadata"]["labels"].items()
        ]
        metadata = {"name": ref.name, "namespace": ref.namespace}
        subsets = [{"addresses": addresses}] if addresses else []
        return {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": subsets}

    def _tell(self, namespace: str) -> None:
        for alarm in self.watchers.get(namespace, ()):
            alarm.set()


def ref_of(document: Mapping[str, Any]) -> ObjectRef:
    """Which object a document is."""
    metadata = document["metadata"]
    return ObjectRef(
        api_version=document["apiVersion"],
        kind=document["kind"],
        name=metadata["name"],
        namespace=metadata.get("namespace") or "",
    )
