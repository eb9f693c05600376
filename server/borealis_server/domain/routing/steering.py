"""The routes of a run against what is live: what to change next, what they really do, and how they are left."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from borealis_server.domain.deployment import TargetRun, Workload
from borealis_server.domain.effects import ReleaseRoute, ShapeRoute
from borealis_server.domain.kubernetes.json_types import Document, dig
from borealis_server.domain.observation import Observation
from borealis_server.domain.routes import Route
from borealis_server.domain.routing.provider import Misfit, Parts, Share
from borealis_server.domain.routing.registry import PROVIDERS

ENDPOINTS = "Endpoints"
MOST_ENDPOINTS = 1000
"""Kubernetes lists no more of a Service in one Endpoints object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What to change next, and whether it has to be since somebody else has changed it."""

    effect: ShapeRoute
    is_repair: bool


def is_noted(run: TargetRun) -> bool:
    """Whether the run has begun to change routes, or is about to."""
    return any(route.is_noted for route in run.routes)


def with_noted(run: TargetRun, seen: Observation) -> TargetRun | Misfit:
    """The run with every object of its routes as it is now, which is how it will be left at the end."""
    routes = []
    for route in run.routes:
        live = parts_of(route, seen)
        gone = [part for part in route.parts if not part.template and (part.kind, part.name) not in live]
        if gone:
            return Misfit(message=f"{gone[0]} is gone: somebody else deleted it; create it again")
        noted = PROVIDERS[route.spec.provider].noted(route, live)
        parts = tuple(
            part if part.template else replace(part, before=json.dumps(noted[part.kind, part.name]))
            for part in route.parts
        )
        routes.append(replace(route, parts=parts, is_noted=True))
    return replace(run, routes=tuple(routes))


def next_change(run: TargetRun, seen: Observation, percent: int, *, is_back: bool = False) -> Change | Misfit | None:
    """The first object that does not give the new version its share; None when all do.

    Parts of the same place in all routes come together: nothing leads to what is not there yet. On the way back an
    object that is not there leads nowhere, and is left alone.
    """
    for place in range(max((len(route.parts) for route in run.routes), default=0)):
        for route in run.routes:
            if place >= len(route.parts) or (is_back and not _has_pods(run, route, seen)):
                continue
            part = route.parts[place]
            live = parts_of(route, seen).get((part.kind, part.name))
            if live is None and is_back:
                continue
            shape = PROVIDERS[route.spec.provider].shaped(route, part, live, Share(percent=percent))
            if isinstance(shape, Misfit):
                return shape
            if shape != live:
                is_repair = route.asked_percent == percent and route.is_reached and not is_back
                return Change(effect=ShapeRoute(route=route, part=part, percent=percent), is_repair=is_repair)
    return None


def with_asked(run: TargetRun, effect: ShapeRoute) -> TargetRun:
    """The run with what is about to be asked of a route."""
    asked = replace(effect.route, asked_percent=effect.percent, is_reached=False)
    return replace(run, routes=tuple(asked if one.key == asked.key else one for one in run.routes))


def with_repair_told(run: TargetRun, change: Change) -> TargetRun:
    """The run that has told of a repair, and is about to make it."""
    key = change.effect.route.key
    return replace(run, routes=tuple(replace(one, is_reached=one.is_reached and one.key != key) for one in run.routes))


def with_shares(run: TargetRun, seen: Observation) -> TargetRun:
    """The run with the share that each route, and each workload by its routes, really gives the new version."""
    routes = tuple(replace(route, real_percent=percent_of(route, seen)) for route in run.routes)
    run = replace(run, routes=routes)
    for load in run.workloads:
        shares = [route.real_percent for route in routes if _is_into(route, load)]
        if shares:
            run = run.with_workload(replace(load, traffic_percent=max(share or 0 for share in shares)))
    return run


def at_rest(run: TargetRun, percent: int) -> TargetRun:
    """The run whose routes all have what was asked of them."""
    return replace(run, routes=tuple(replace(route, asked_percent=percent, is_reached=True) for route in run.routes))


def sends_to_new(run: TargetRun, seen: Observation) -> bool:
    """Whether any route may give the new version traffic."""
    return any(percent_of(route, seen) != 0 and _has_pods(run, route, seen) for route in run.routes)


def percent_of(route: Route, seen: Observation) -> int | None:
    """The share of the new version by the live objects of a route; None where they do not say."""
    return PROVIDERS[route.spec.provider].percent(route, parts_of(route, seen))


def unserved(run: TargetRun, seen: Observation) -> str:
    """What Services of the new version still miss among their endpoints; empty if nothing."""
    found = (_unserved(run, route, seen) for route in run.routes if route.spec.canary_service)
    return "; ".join(dict.fromkeys(filter(None, found)))


def let_go_first(run: TargetRun) -> Iterator[ReleaseRoute]:
    """What has to lead to all pods again before the old version goes, while weights still lead to the new one."""
    for route in run.routes:
        for part in route.parts:
            if route.is_noted and part.leads_past:
                yield ReleaseRoute(route=route, part=part, stays=route.new, gone=(), is_opening=True)


def let_go(run: TargetRun, *, is_back: bool) -> Iterator[ReleaseRoute]:
    """Every object as it was, what leads before what is led to: parts of the same place in all routes together."""
    most = max((len(route.parts) for route in run.routes), default=0)
    for place in range(1, most + 1):
        for route in run.routes:
            if not route.is_noted or route.is_left or place > len(route.parts):
                continue
            stays, gone = (route.old, route.new) if is_back else (route.new, route.old)
            yield ReleaseRoute(route=route, part=route.parts[-place], stays=stays, gone=gone)


def indices(run: TargetRun) -> frozenset[int]:
    """Places of the objects to apply that are parts of routes which the way back leaves."""
    return frozenset(
        part.index for route in run.routes if route.is_left for part in route.parts if part.index is not None
    )


def parts_of(route: Route, seen: Observation) -> Parts:
    """The live objects of a route."""
    return seen.routes.get(route.key, {})


def _unserved(run: TargetRun, route: Route, seen: Observation) -> str:
    load = next(one for one in run.workloads if _is_into(route, one))
    view = seen.workloads[load.namespace, load.name].new
    needed = min(view.available if view else 0, MOST_ENDPOINTS)
    name = route.spec.canary_service
    count = _addresses(parts_of(route, seen).get((ENDPOINTS, name)) or {})
    if count >= needed:
        return ""
    return f"Service {name}: {count} of {needed} pods of the new version among its endpoints"


def _addresses(endpoints: Document) -> int:
    subsets: list[Mapping[str, list[Document]]] = dig(endpoints, "subsets") or []
    addresses = [one for subset in subsets for one in subset.get("addresses") or []]
    # A pod with several ports may stand in several subsets.
    return len({str(dig(one, "targetRef", "uid") or one["ip"]) for one in addresses})


def _has_pods(run: TargetRun, route: Route, seen: Observation) -> bool:
    """Whether the new version behind a route has pods, or is to have some."""
    load = next(one for one in run.workloads if _is_into(route, one))
    view = seen.workloads[load.namespace, load.name].new
    return view is not None and max(view.desired, view.total) > 0


def _is_into(route: Route, load: Workload) -> bool:
    return (route.namespace, route.workload) == (load.namespace, load.name)
