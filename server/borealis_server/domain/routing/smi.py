"""SMI: a TrafficSplit of a root Service, between a stable Service and a canary Service.

SMI is no longer developed; `conversion.py` translates to what comes after it.
"""

import copy
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from borealis_server.domain.effects import Refused
from borealis_server.domain.kubernetes.json_types import Document, dig, meta
from borealis_server.domain.planning.services import Side
from borealis_server.domain.routes import Route, RoutePart, RouteSpec
from borealis_server.domain.routing.matching import root_selector, route_of, side_of
from borealis_server.domain.routing.provider import (
    FULL,
    AsBefore,
    KnownObjects,
    Misfit,
    Parts,
    Provider,
    ServedKind,
    Shape,
    Wish,
    missing,
    refused,
)
from borealis_server.domain.routing.services import canary_part, helper, is_helper, made_beside, shaped_service

TRAFFIC_SPLIT: Final = "TrafficSplit"
_API_VERSIONS: Final = tuple(f"split.smi-spec.io/v1alpha{number}" for number in (4, 3, 2, 1))


def _plan(spec: RouteSpec, sides: Sequence[Side], known: KnownObjects) -> Route | Refused:
    namespaces = [side.load.namespace for side in sides]
    root = next((found for each in namespaces if (found := known.named("Service", each, spec.root_service))), None)
    if root is None:
        return missing("Service", spec.root_service, namespaces)
    namespace = meta(root.document, "namespace")
    here = [side for side in sides if side.load.namespace == namespace]
    side = side_of(f"Service {spec.root_service}", root_selector(root), here)
    if isinstance(side, Refused):
        return side
    stable = made_beside(root, stable_name(spec), known)
    canary = canary_part(root, spec.canary_service, known)
    traffic_split = _split_part(spec, namespace, known)
    for part in (stable, canary, traffic_split):
        if isinstance(part, Refused):
            return part
    parts = tuple(part for part in (stable, canary, traffic_split) if isinstance(part, RoutePart))
    return route_of(replace(spec, canary_service=parts[1].name), side, parts)


def stable_name(spec: RouteSpec) -> str:
    """Name of the Service that leads to the old version for the time of the run."""
    return f"{spec.root_service}-stable"


def _split_part(spec: RouteSpec, namespace: str, known: KnownObjects) -> RoutePart | Refused:
    for found in known.of_kind(TRAFFIC_SPLIT, namespace):
        name = meta(found.document, "name")
        if name == spec.name and not is_helper(found.document):
            return found.part()
        if name != spec.name and dig(found.document, "spec", "service") == spec.root_service:
            return refused(
                f"{TRAFFIC_SPLIT} {name} splits Service {spec.root_service} already: name it in the deploy file"
            )
    served = known.served.get(TRAFFIC_SPLIT)
    if served is None:
        return refused("the cluster serves no TrafficSplit of split.smi-spec.io: is a mesh with SMI installed?")
    document = helper(served, TRAFFIC_SPLIT, spec.name, namespace, {"service": spec.root_service, "backends": []})
    return RoutePart(api_version=served, kind=TRAFFIC_SPLIT, name=spec.name, template=json.dumps(document))


def _noted(_route: Route, live: Parts) -> Parts:
    return live


def _shaped(route: Route, part: RoutePart, live: Document | None, wish: Wish) -> Shape:
    if part.kind == "Service":
        version = route.new if part.name == route.spec.canary_service else route.old
        return shaped_service(part, live, version, wish)
    if isinstance(wish, AsBefore):
        return _unsplit(part, live)
    if live is None and not part.template:
        return Misfit(message=f"{part} is gone: somebody else deleted it; create it again")
    if live is not None and part.template and not is_helper(live):
        return Misfit(message=f"somebody else made a {part} during the run: rename one of the two")
    shaped: dict[str, Any] = copy.deepcopy(dict(live or json.loads(part.template)))  # Any: JSON
    weights = {stable_name(route.spec): FULL - wish.percent, route.spec.canary_service: wish.percent}
    if _weights(shaped) != weights or dig(shaped, "spec", "service") != route.spec.root_service:
        shaped["spec"]["service"] = route.spec.root_service
        shaped["spec"]["backends"] = [{"service": name, "weight": weight} for name, weight in weights.items()]
    return shaped


def _unsplit(part: RoutePart, live: Document | None) -> Shape:
    if part.template:
        is_foreign = live is not None and not is_helper(live)
        return live if is_foreign else None
    if live is None:
        return None
    shaped: dict[str, Any] = copy.deepcopy(dict(live))  # Any: JSON
    before = json.loads(part.before)["spec"]
    shaped["spec"] = {**shaped["spec"], **{name: before[name] for name in ("service", "backends") if name in before}}
    return shaped


def _percent(route: Route, live: Parts) -> int | None:
    found = live.get((TRAFFIC_SPLIT, route.spec.name))
    if found is None:
        return None
    weights = _weights(found)
    total = sum(weights.values())
    return round(FULL * weights.get(route.spec.canary_service, 0) / total) if total else None


def _weights(document: Document) -> dict[str, int]:
    """Weights by Service; v1alpha1 writes them as quantities."""
    backends = dig(document, "spec", "backends") or []
    return {str(each["service"]): whole(each.get("weight")) for each in backends}


def whole(weight: object) -> int:
    """A weight as a whole number; thousandths of v1alpha1 as such."""
    text = str(weight or 0)
    if text.endswith("m"):
        return int(text.removesuffix("m"))
    return int(float(text))


PROVIDER: Final = Provider(
    kinds=(ServedKind(kind=TRAFFIC_SPLIT, api_versions=_API_VERSIONS),),
    plan=_plan,
    noted=_noted,
    shaped=_shaped,
    percent=_percent,
)
