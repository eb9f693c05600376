"""`ports.cluster.Cluster` over the relay: raw JSON, server-side apply, patches with preconditions, watches."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

from borealis_server.adapters.cluster.api import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, KubernetesApi, error_of, relayed
from borealis_server.adapters.cluster.discovery import Discovery, Resource
from borealis_server.adapters.cluster.kubernetes import KubernetesClient
from borealis_server.domain.errors import ClusterRefused
from borealis_server.domain.kubernetes.adoption import NOT_CONTESTED
from borealis_server.domain.kubernetes.marks import FIELD_MANAGER
from borealis_server.domain.kubernetes.refusals import managers_in
from borealis_server.ports.cluster import ObjectRef
from borealis_server.ports.relay import AgentRef, Relay, RelayRequest

_WATCH_S = 240
_OK = 200
_NOT_FOUND, _CONFLICT, _INVALID = 404, 409, 422


class RelayedCluster:
    """The Kubernetes API of each agent's cluster."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._api = KubernetesApi(relay)
        self._client = KubernetesClient(relay)
        self._discovery = Discovery(self._api)

    async def get(self, agent: AgentRef, ref: ObjectRef) -> dict[str, Any] | None:  # Any: JSON
        """The object, or None when it does not exist."""
        resource = await self._discovery.resource(agent, ref.api_version, ref.kind)
        try:
            return await self._api.json(agent, "GET", resource.path(ref))
        except ClusterRefused as error:
            if error.code == _NOT_FOUND:
                return None
            raise

    async def list(
        self, agent: AgentRef, api_version: str, kind: str, namespace: str, *, labels: Mapping[str, str] | None = None
    ) -> Sequence[dict[str, Any]]:  # Any: JSON
        """Every object of a kind in a namespace that carries `labels`, read in pages."""
        resource = await self._discovery.resource(agent, api_version, kind)
        selector = ",".join(f"{name}={value}" for name, value in (labels or {}).items())
        listed = await self._client.list(agent, resource.collection(namespace), labels=selector)
        # Items of a list do not say what they are.
        return [{"apiVersion": api_version, "kind": kind, **item} for item in listed.items]

    async def apply(self, agent: AgentRef, document: Mapping[str, Any]) -> None:  # Any: JSON
        """Apply server-side as our field manager; takes fields over only from ourselves and nobody."""
        ref = _ref_of(document)
        resource = await self._discovery.resource(agent, ref.api_version, ref.kind)
        path, document = resource.path(ref), _placed(document, resource)
        try:
            await self._apply(agent, path, document, is_forced=False)
        except ClusterRefused as error:
            if error.code != _CONFLICT or not _is_uncontested(error):
                raise
            await self._apply(agent, path, document, is_forced=True)

    async def create(self, agent: AgentRef, document: Mapping[str, Any]) -> bool:  # Any: JSON
        """Create the object. False when one of that name exists."""
        ref = _ref_of(document)
        resource = await self._discovery.resource(agent, ref.api_version, ref.kind)
        path = f"{resource.collection(ref.namespace)}?fieldManager={FIELD_MANAGER}"
        try:
            await self._api.json(agent, "POST", path, body=_placed(document, resource))
        except ClusterRefused as error:
            if error.code == _CONFLICT and error.cluster_reason == "AlreadyExists":
                return False
            raise
        return True

    async def patch(
        self,
        agent: AgentRef,
        ref: ObjectRef,
        patch: Mapping[str, Any] | Sequence[Mapping[str, Any]],  # Any: JSON
    ) -> bool:
        """Change the object. False when a test of the patch does not hold or the object has changed in between."""
        path = f"{await self._path(agent, ref)}?fieldManager={FIELD_MANAGER}"
        content_type = MERGE_PATCH if isinstance(patch, Mapping) else JSON_PATCH
        try:
            await self._api.json(agent, "PATCH", path, body=patch, content_type=content_type)
        except ClusterRefused as error:
            if error.code == _CONFLICT or (error.code == _INVALID and content_type == JSON_PATCH):
                return False
            raise
        return True

    async def delete(self, agent: AgentRef, ref: ObjectRef, *, orphans: bool = False, uid: str = "") -> None:
        """Delete the object, in the background with what it owns, or leaving that; with `uid` only that very one."""
        policy = "Orphan" if orphans else "Background"
        body: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy}
        if uid:
            body["preconditions"] = {"uid": uid}
        try:
            await self._api.json(agent, "DELETE", await self._path(agent, ref), body=body)
        except ClusterRefused as error:
            is_another = bool(uid) and error.code == _CONFLICT
            if error.code != _NOT_FOUND and not is_another:
                raise

    @asynccontextmanager
    async def watch(
        self, agent: AgentRef, api_version: str, kind: str, namespace: str
    ) -> AsyncIterator[AsyncIterator[None]]:
        """Speaks whenever an object of the kind changes in the namespace; ends when the cluster ends the watch."""
        resource = await self._discovery.resource(agent, api_version, kind)
        query = urlencode({"watch": "1", "timeoutSeconds": _WATCH_S})
        request = RelayRequest(
            method="GET",
            path=f"{resource.collection(namespace)}?{query}",
            headers=(("accept", "application/json"),),
            idle_timeout_s=_WATCH_S + 30.0,
        )
        async with relayed(self._relay, agent, request) as response:
            if response.status != _OK:
                raise error_of(response.status, response.headers, await response.read())
            yield _ticks(response.chunks())

    async def _path(self, agent: AgentRef, ref: ObjectRef) -> str:
        resource = await self._discovery.resource(agent, ref.api_version, ref.kind)
        return resource.path(ref)

    async def _apply(self, agent: AgentRef, path: str, document: Mapping[str, Any], *, is_forced: bool) -> None:
        query = f"?fieldManager={FIELD_MANAGER}&force={str(is_forced).lower()}"
        await self._api.json(agent, "PATCH", path + query, body=document, content_type=APPLY_PATCH)


async def _ticks(chunks: AsyncIterator[bytes]) -> AsyncIterator[None]:
    async for _ in chunks:
        yield None


def _placed(document: Mapping[str, Any], resource: Resource) -> Mapping[str, Any]:
    """The document without a namespace where the cluster says that its kind has none; only the cluster knows."""
    if resource.is_namespaced:
        return document
    metadata = {name: value for name, value in document["metadata"].items() if name != "namespace"}
    return {**document, "metadata": metadata}


def _is_uncontested(conflict: ClusterRefused) -> bool:
    """Whether a conflict names nobody but ourselves, by an earlier update of ours, and the API server's stand-in."""
    managers = managers_in(conflict.causes)
    return bool(managers) and managers <= NOT_CONTESTED


def _ref_of(document: Mapping[str, Any]) -> ObjectRef:
    metadata = document["metadata"]
    return ObjectRef(
        api_version=document["apiVersion"],
        kind=document["kind"],
        name=metadata["name"],
        namespace=metadata.get("namespace") or "",
    )
