"""Objects of meshes and gateways for tests: definitions of their kinds, and the smallest of each that works."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kit.rest import Rest

# Any throughout: JSON of Kubernetes objects.
ISTIO = "networking.istio.io/v1beta1"
GATEWAY = "gateway.networking.k8s.io/v1"
SMI = "split.smi-spec.io/v1alpha2"
_OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_REF = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "group": {"type": "string"},
        "kind": {"type": "string", "default": "Service"},
        "name": {"type": "string"},
        "namespace": {"type": "string"},
        "port": {"type": "integer"},
        "weight": {"type": "integer", "minimum": 0, "maximum": 1000000, "default": 1},
    },
}
_RULE = {
    "type": "object",
    "x-kubernetes-preserve-unknown-fields": True,
    "properties": {"name": {"type": "string"}, "backendRefs": {"type": "array", "items": _REF}},
}
_ROUTE = {
    "type": "object",
    "x-kubernetes-preserve-unknown-fields": True,
    "properties": {"rules": {"type": "array", "items": _RULE}},
}
_BACKEND = {
    "type": "object",
    "required": ["service", "weight"],
    "properties": {"service": {"type": "string"}, "weight": {"type": "integer"}},
}
_SPLIT = {
    "type": "object",
    "required": ["service", "backends"],
    "properties": {"service": {"type": "string"}, "backends": {"type": "array", "items": _BACKEND}},
}
_KINDS = (
    ("networking.istio.io", "VirtualService", "virtualservices", ("v1alpha3", "v1beta1"), _OPEN),
    ("networking.istio.io", "DestinationRule", "destinationrules", ("v1alpha3", "v1beta1"), _OPEN),
    ("gateway.networking.k8s.io", "HTTPRoute", "httproutes", ("v1beta1", "v1"), _ROUTE),
    ("gateway.networking.k8s.io", "GRPCRoute", "grpcroutes", ("v1",), _ROUTE),
    ("split.smi-spec.io", "TrafficSplit", "trafficsplits", ("v1alpha1", "v1alpha2"), _SPLIT),
)
PLURALS = {kind: plural for _, kind, plural, _, _ in _KINDS}


def definition(group: str, kind: str, plural: str, versions: tuple[str, ...], spec: dict[str, Any]) -> dict[str, Any]:
    """A CustomResourceDefinition whose newest version, the last one, is stored."""
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": _OPEN}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            # Groups of kubernetes.io ask for it.
            "annotations": {"api-approved.kubernetes.io": "unapproved, for tests"},
        },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [
                {"name": name, "served": True, "storage": name == versions[-1], "schema": schema} for name in versions
            ],
        },
    }


async def install(rest: Rest) -> None:
    """Have the API server serve every kind; it may serve them already."""
    base = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for group, kind, plural, versions, spec in _KINDS:
        made = await rest.post(base, definition(group, kind, plural, versions, spec))
        assert made.status in (201, 409), made.body
    for group, _, plural, _, _ in _KINDS:
        await rest.until(
            f"{base}/{plural}.{group}",
            lambda live: any(
                one["type"] == "Established" and one["status"] == "True"
                for one in (live.get("status") or {}).get("conditions") or []
            ),
        )
    for group, _, plural, versions, _ in _KINDS:
        # Established is a moment before served.
        async with asyncio.timeout(20):
            while (await rest.get(f"/apis/{group}/{versions[-1]}/{plural}")).status != 200:
                await asyncio.sleep(0.1)


def virtual_service(name: str = "shop", *, host: str = "shop", **http: Any) -> dict[str, Any]:
    """A VirtualService with one http route to the subset `stable`; `http` replaces it."""
    route = {"route": [{"destination": {"host": host, "subset": "stable"}}]}
    spec = {"hosts": [host], "http": http.get("http") or [route]}
    return {"apiVersion": ISTIO, "kind": "VirtualService", "metadata": {"name": name}, "spec": spec}


def destination_rule(name: str = "shop", *, host: str = "shop", app: str = "shop") -> dict[str, Any]:
    """A DestinationRule with one subset, `stable`, that has a policy of its own."""
    policy = {"loadBalancer": {"simple": "LEAST_REQUEST"}}
    subset = {"name": "stable", "labels": {"app": app}, "trafficPolicy": policy}
    spec = {"host": host, "subsets": [subset]}
    return {"apiVersion": ISTIO, "kind": "DestinationRule", "metadata": {"name": name}, "spec": spec}


def route(kind: str = "HTTPRoute", name: str = "shop", *, service: str = "shop", **spec: Any) -> dict[str, Any]:
    """A route of the Gateway API with one rule that leads to a Service; `spec` replaces its parts."""
    rules = [{"backendRefs": [{"name": service, "port": 80}]}]
    body = {"parentRefs": [{"name": "door"}], "rules": rules, **spec}
    return {"apiVersion": GATEWAY, "kind": kind, "metadata": {"name": name}, "spec": body}


def traffic_split(name: str = "shop", *, service: str = "shop", **weights: int) -> dict[str, Any]:
    """A TrafficSplit; weights by Service, underscores for dashes."""
    backends = [{"service": each.replace("_", "-"), "weight": weight} for each, weight in weights.items()]
    spec = {"service": service, "backends": backends}
    return {"apiVersion": SMI, "kind": "TrafficSplit", "metadata": {"name": name}, "spec": spec}
