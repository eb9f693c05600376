"""Shares of traffic and the pods that carry them, after every write, in the order in which the cluster took them.

What each version gets is read off the objects of meshes and gateways by rules of this file's own, none of the engine's.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from kit.capacity import VERSION_LABEL, watching
from kit.meshes import GATEWAY, ISTIO, PLURALS, SMI

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from kit.api_server import ApiServer

# Any throughout: JSON of Kubernetes objects.
_GROUPS = {
    "VirtualService": ISTIO,
    "DestinationRule": ISTIO,
    "HTTPRoute": GATEWAY,
    "GRPCRoute": GATEWAY,
    "TrafficSplit": SMI,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What was so after one write."""

    shares: Mapping[str, float]
    """By version: percent of the traffic of a route that names versions."""
    ready: Mapping[str, int]
    """By version: pods that are ready, and that nobody has told to go."""
    what: str
    """Kind and name of the object that was written."""


@dataclass(slots=True)
class ShareHistory:
    """Every write to pods, Services and objects of routes. Errors of `check`: AssertionError with the moment."""

    events: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    """Resource version, kind of event, object."""

    def take(self, kind: str, event: dict[str, Any]) -> None:
        """One watch event of objects of a kind."""
        document = {**event["object"], "kind": kind}
        self.events.append((int(document["metadata"]["resourceVersion"]), event["type"], document))

    def moments(self, name: str) -> Iterator[Moment]:
        """What was so after each write, as far as the route `name` goes."""
        live: dict[tuple[str, str], dict[str, Any]] = {}
        for _, event, document in sorted(self.events, key=lambda each: each[0]):
            key = document["kind"], document["metadata"]["name"]
            if event == "DELETED":
                live.pop(key, None)
            else:
                live[key] = document
            yield Moment(shares=dict(_shares(name, live)), ready=_ready(live), what=" ".join(key))

    def check(self, *, replicas: int, name: str = "shop") -> list[float]:
        """No version ever had a larger share than its ready pods can carry; gives the shares of the new one."""
        asked: list[float] = []
        for moment in self.moments(name):
            for version, percent in moment.shares.items():
                carried = 100 * moment.ready.get(version, 0) / replicas
                assert percent <= carried, moment
            shares = list(moment.shares.values())
            if len(shares) > 1 and (not asked or asked[-1] != shares[-1]):
                asked.append(shares[-1])
        return asked


@asynccontextmanager
async def open_share_history(api: ApiServer, namespace: str) -> AsyncIterator[ShareHistory]:
    """Every write to what moves traffic in `namespace`, by watches until the context ends."""
    history = ShareHistory()
    paths = {"Pod": f"/api/v1/namespaces/{namespace}/pods", "Service": f"/api/v1/namespaces/{namespace}/services"}
    paths |= {kind: f"/apis/{group}/namespaces/{namespace}/{PLURALS[kind]}" for kind, group in _GROUPS.items()}
    async with AsyncExitStack() as stack:
        for kind, path in paths.items():
            await stack.enter_async_context(watching(api, path, partial(history.take, kind)))
        yield history


def _ready(live: Mapping[tuple[str, str], dict[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for (kind, _), document in live.items():
        if kind != "Pod" or document["metadata"].get("deletionTimestamp"):
            continue
        conditions = document.get("status", {}).get("conditions") or []
        is_ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
        version = document["metadata"]["labels"].get(VERSION_LABEL, "")
        counts[version] = counts.get(version, 0) + is_ready
    return counts


def _shares(name: str, live: Mapping[tuple[str, str], dict[str, Any]]) -> Iterator[tuple[str, float]]:
    """Shares by version, of what leads to one version alone; the old one comes first."""
    weights: list[tuple[str, int]] = []
    for kind in ("VirtualService", "TrafficSplit", "HTTPRoute", "GRPCRoute"):
        document = live.get((kind, name))
        if document:
            weights = list(_weights(kind, document, live))
            break
    total = sum(weight for _, weight in weights)
    for version, weight in weights:
        if version and total:
            yield version, 100 * weight / total


def _weights(
    kind: str, document: dict[str, Any], live: Mapping[tuple[str, str], dict[str, Any]]
) -> Iterator[tuple[str, int]]:
    if kind == "VirtualService":
        entries = document["spec"]["http"][0]["route"]
        rule = live.get(("DestinationRule", document["metadata"]["name"]))
        subsets = {each["name"]: each["labels"] for each in (rule or {}).get("spec", {}).get("subsets", [])}
        for each in entries:
            labels = subsets.get(each["destination"]["subset"], {})
            yield labels.get(VERSION_LABEL, ""), each.get("weight", 100 if len(entries) == 1 else 0)
        return
    field_of = {"TrafficSplit": "service"}.get(kind, "name")
    spec = document["spec"]
    for each in spec["backends"] if kind == "TrafficSplit" else spec["rules"][0]["backendRefs"]:
        service = live.get(("Service", each[field_of]))
        selector = (service or {}).get("spec", {}).get("selector") or {}
        yield selector.get(VERSION_LABEL, ""), each.get("weight", 1)
