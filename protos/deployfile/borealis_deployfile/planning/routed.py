"""Which Deployments of a target have their traffic divided by weight, as far as its manifests tell.

Services and routes may be in the cluster alone; where one is, every Deployment counts as divided.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_deployfile.manifest_objects import value_at
from borealis_deployfile.model import GatewayTraffic, IstioTraffic, KubernetesTraffic, SmiTraffic
from borealis_deployfile.planning.workloads import deployments_among

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from borealis_deployfile.manifests import ManifestObject
    from borealis_deployfile.model import Route

Place = tuple[str, str]
"""Namespace and name."""


def routed_among(objects: Sequence[ManifestObject], routes: Sequence[Route]) -> frozenset[Place]:
    """The Deployments among the objects that a route leads to."""
    deployments = deployments_among(objects)
    everyone = frozenset((one.namespace or "", one.name) for one in deployments)
    meshes = [route for route in routes if not isinstance(route, KubernetesTraffic)]
    if not meshes or len(deployments) < 2:  # noqa: PLR2004 - one is the one that is meant
        return everyone if meshes else frozenset()
    found: set[Place] = set()
    for route in meshes:
        services = [one for one in _named(objects, "Service") if one.name == _root_of(route, objects)]
        if not services:
            return everyone
        found |= {
            (one.namespace or "", one.name) for one in deployments if any(_selects(each, one) for each in services)
        }
    return frozenset(found)


def _root_of(route: Route, objects: Sequence[ManifestObject]) -> str:
    """Name of the Service whose traffic a route divides; empty where the manifests do not tell."""
    match route:
        case SmiTraffic():
            return route.root_service
        case GatewayTraffic():
            return route.root_service or _only(
                ref.get("name") for one in _named(objects, route.kind, route.route) for ref in _refs(one)
            )
        case IstioTraffic():
            hosts = (
                value_at(entry, "destination", "host")
                for one in _named(objects, "VirtualService", route.virtual_service)
                for http in value_at(one.document, "spec", "http") or []
                if route.http_route in (None, http.get("name"))
                for entry in http.get("route") or []
            )
            return _only(hosts).partition(".")[0]
    return ""


def _refs(route: ManifestObject) -> Iterator[dict[str, object]]:
    for rule in value_at(route.document, "spec", "rules") or []:
        yield from rule.get("backendRefs") or []


def _only(names: Iterator[object]) -> str:
    found = {str(name) for name in names if name}
    return found.pop() if len(found) == 1 else ""


def _named(objects: Sequence[ManifestObject], kind: str, name: str = "") -> Iterator[ManifestObject]:
    return (one for one in objects if one.kind == kind and name in ("", one.name))


def _selects(service: ManifestObject, deployment: ManifestObject) -> bool:
    selector = value_at(service.document, "spec", "selector") or {}
    labels = value_at(deployment.document, "spec", "template", "metadata", "labels") or {}
    is_here = (service.namespace or "") == (deployment.namespace or "")
    return is_here and bool(selector) and all(labels.get(name) == value for name, value in selector.items())
