"""A client of Kubernetes APIs over the relay, for our own code: raw JSON in and out, addressed by path.

Owns what the API asks of its clients: pages, watches that resume, preconditions. Which kinds there are, `discovery.py`
knows.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import msgspec

from borealis_server.adapters.cluster.api import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, KubernetesApi, error_of, relayed
from borealis_server.domain.errors import ClusterBusy, ClusterRefused
from borealis_server.ports.relay import RelayRequest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence

    from borealis_server.ports.relay import AgentRef, Relay, RelayResponse

# Any: objects of Kubernetes are JSON with as many shapes as there are kinds.
Object = dict[str, Any]

STRATEGIC_PATCH: Final = "application/strategic-merge-patch+json"
PAGE: Final = 500
"""Objects in one page of a list."""
_WATCH_S: Final = 240
_QUIET_S: Final = 30.0
_OK: Final = 200
_GONE: Final = 410
_RESTARTS: Final = 3
_LINE_BYTES: Final = 16 * 2**20


class ChangeType(StrEnum):
    """What a watch says of an object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """All objects of a list at one moment."""

    items: tuple[Object, ...]
    """The objects; those of a list do not say of what kind they are."""
    resource_version: str
    """The moment, to watch from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One event of a watch."""

    type: ChangeType
    """What happened."""
    object: Object
    """The object after it, or as it was when it went."""


class KubernetesClient:
    """Calls the Kubernetes API behind an agent. Paths are those of the API, percent-encoded, without a query.

    Errors of every method: AgentUnavailable, RelayRefused, ClusterRefused with the API's own reason, ClusterBusy.
    """

    def __init__(self, relay: Relay, *, timeout_s: float = 30.0, pause_s: float = 1.0) -> None:
        self._relay = relay
        self._pause_s = pause_s  # between two watches: a server that ends them at once is not asked without end
        self._api = KubernetesApi(relay, timeout_s=timeout_s)

    async def get(self, agent: AgentRef, path: str) -> Object:
        """One object."""
        return await self._api.json(agent, "GET", path)

    async def list(self, agent: AgentRef, path: str, *, labels: str = "", fields: str = "", page: int = PAGE) -> Listed:
        """Every object of a collection, read in pages. From the beginning again where the pages grew too old."""
        query = {"limit": page, "labelSelector": labels, "fieldSelector": fields}
        for _ in range(_RESTARTS):
            try:
                return await self._pages(agent, path, query)
            except ClusterRefused as error:
                if error.code != _GONE:
                    raise
        raise ClusterBusy(f"the list of {path} grew too old {_RESTARTS} times while it was read")

    async def follow(
        self, agent: AgentRef, path: str, *, labels: str = "", fields: str = ""
    ) -> AsyncGenerator[Listed | Changed, None]:
        """A collection as it is, then its changes, without end.

        Shape: begins with a Listed; where the API has forgotten what was in between, another Listed follows, and stands
        for everything before. Close it to end the watch.
        """
        while True:
            listed = await self.list(agent, path, labels=labels, fields=fields)
            yield listed
            version = listed.resource_version
            while version:
                changes = self._watch(agent, path, version, labels, fields)
                async with aclosing(changes):
                    async for change, version in changes:  # noqa: B007 - the last one is where the next watch begins
                        if change is not None:
                            yield change
                await asyncio.sleep(self._pause_s)

    async def create(self, agent: AgentRef, path: str, body: Object, *, manager: str) -> Object:
        """Create an object in a collection; the answer is how it was kept."""
        return await self._api.json(agent, "POST", f"{path}?{urlencode({'fieldManager': manager})}", body=body)

    async def apply(self, agent: AgentRef, path: str, body: Object, *, manager: str, is_forced: bool = False) -> Object:
        """Apply an object server-side. Errors: ClusterRefused 409 names the managers in the way, unless forced."""
        query = urlencode({"fieldManager": manager, "force": str(is_forced).lower()})
        return await self._api.json(agent, "PATCH", f"{path}?{query}", body=body, content_type=APPLY_PATCH)

    async def merge(self, agent: AgentRef, path: str, patch: Object, *, manager: str) -> Object:
        """Change an object by a merge patch; with `metadata.resourceVersion` only that version of it."""
        return await self._patch(agent, path, patch, manager, MERGE_PATCH)

    async def merge_by_keys(self, agent: AgentRef, path: str, patch: Object, *, manager: str) -> Object:
        """Change an object by a strategic merge patch, which knows the keys of lists; built-in kinds only."""
        return await self._patch(agent, path, patch, manager, STRATEGIC_PATCH)

    async def edit(self, agent: AgentRef, path: str, steps: Sequence[Object], *, manager: str) -> Object:
        """Change an object by a JSON patch. Errors: ClusterRefused 422 when a test of it does not hold."""
        return await self._patch(agent, path, steps, manager, JSON_PATCH)

    async def scale(self, agent: AgentRef, path: str, replicas: int, *, version: str = "") -> Object:
        """Set how many replicas an object wants; with `version` only that version of its scale."""
        metadata = {"metadata": {"resourceVersion": version}} if version else {}
        body = {**metadata, "spec": {"replicas": replicas}}
        return await self._api.json(agent, "PATCH", f"{path}/scale", body=body, content_type=MERGE_PATCH)

    async def delete(
        self, agent: AgentRef, path: str, *, uid: str = "", version: str = "", policy: str = "Background"
    ) -> Object:
        """Delete an object; with `uid` or `version` only that one. Errors: ClusterRefused 409 when it is another."""
        conditions = {name: value for name, value in (("uid", uid), ("resourceVersion", version)) if value}
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy}
        if conditions:
            options["preconditions"] = conditions
        return await self._api.json(agent, "DELETE", path, body=options)

    @asynccontextmanager
    async def logs(
        self,
        agent: AgentRef,
        pod_path: str,
        *,
        container: str = "",
        follows: bool = False,
        tail_lines: int | None = None,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """What a container has written, as it comes; with `follows` without end. Leaving the context ends it."""
        query = {"container": container, "follow": "true" if follows else "", "tailLines": tail_lines}
        path = f"{pod_path}/log?{_encoded(query)}"
        request = RelayRequest(method="GET", path=path, idle_timeout_s=0.0 if follows else _QUIET_S)
        async with relayed(self._relay, agent, request) as response:
            await _check(response)
            yield response.chunks()

    async def _pages(self, agent: AgentRef, path: str, query: Mapping[str, object]) -> Listed:
        items: list[Object] = []
        token = ""
        while True:
            page = await self._api.json(agent, "GET", f"{path}?{_encoded({**query, 'continue': token})}")
            items += page.get("items") or []
            metadata = page.get("metadata") or {}
            token = metadata.get("continue") or ""
            if not token:
                return Listed(items=tuple(items), resource_version=metadata.get("resourceVersion") or "")

    async def _watch(
        self, agent: AgentRef, path: str, version: str, labels: str, fields: str
    ) -> AsyncGenerator[tuple[Changed | None, str], None]:
        """Changes after `version`, each with the version to go on from; empty where the API has forgotten it."""
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": _WATCH_S,
            "labelSelector": labels,
            "fieldSelector": fields,
        }
        headers = (("accept", "application/json"),)
        limit_s = _WATCH_S + _QUIET_S
        request = RelayRequest(method="GET", path=f"{path}?{_encoded(query)}", headers=headers, idle_timeout_s=limit_s)
        try:
            async with relayed(self._relay, agent, request) as response:
                await _check(response)
                async for line in _lines(response.chunks()):
                    event = msgspec.json.decode(line)
                    kind, found = event["type"], event["object"]
                    if kind == "ERROR":
                        raise _error_in(found)
                    version = found["metadata"]["resourceVersion"]
                    is_change = kind != "BOOKMARK"
                    yield (Changed(type=ChangeType(kind), object=found) if is_change else None), version
        except ClusterRefused as error:
            if error.code != _GONE:
                raise
            yield None, ""

    async def _patch(
        self, agent: AgentRef, path: str, patch: Object | Sequence[Object], manager: str, content_type: str
    ) -> Object:
        query = urlencode({"fieldManager": manager})
        return await self._api.json(agent, "PATCH", f"{path}?{query}", body=patch, content_type=content_type)


async def _check(response: RelayResponse) -> None:
    if response.status != _OK:
        raise error_of(response.status, response.headers, await response.read())


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Whole lines; a last one without its end is none."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line:
                yield line
        if len(rest) > _LINE_BYTES:
            raise ClusterRefused(_OK, "TooLarge", f"one event of a watch has more than {_LINE_BYTES} bytes")


def _error_in(status: Object) -> ClusterRefused | ClusterBusy:
    code = int(status.get("code") or _OK)
    return error_of(code, (), msgspec.json.encode(status))


def _encoded(query: Mapping[str, object]) -> str:
    return urlencode({name: value for name, value in query.items() if value not in ("", None)})
