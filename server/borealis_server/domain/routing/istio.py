"""Istio: the weights of one http route of a VirtualService, and the subsets of a DestinationRule. Carries gRPC too.

The active subset is tied to the old version, a canary subset beside it to the new one. Other destinations of the route
keep their share; the two share what is left of 100.
"""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from borealis_server.domain.effects import Refused
from borealis_server.domain.kubernetes.json_types import Document, dig, meta
from borealis_server.domain.kubernetes.service_selectors import ordered, version_of, without_version
from borealis_server.domain.planning.services import Side
from borealis_server.domain.routes import Labels, Route, RoutePart, RouteSpec
from borealis_server.domain.routing.hosts import is_same_host, service_of
from borealis_server.domain.routing.matching import root_selector, route_of, side_of
from borealis_server.domain.routing.provider import (
    FULL,
    Found,
    KnownObjects,
    Misfit,
    Parts,
    Provider,
    ServedKind,
    Shape,
    Share,
    Wish,
    missing,
    refused,
    split,
)

VIRTUAL_SERVICE: Final = "VirtualService"
DESTINATION_RULE: Final = "DestinationRule"
_API_VERSIONS: Final = ("networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3")
_Json = dict[str, Any]  # Any: JSON of Kubernetes objects


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """A DestinationRule with the names of both subsets."""

    found: Found
    active: str
    canary: str

    @property
    def host(self) -> str:
        return str(dig(self.found.document, "spec", "host") or "")

    @property
    def labels(self) -> Labels:
        """What a person wants the active subset to select."""
        subset = _subset(self.found.document, self.active) or {}
        return without_version(ordered(subset.get("labels") or {}))


def _plan(spec: RouteSpec, sides: Sequence[Side], known: KnownObjects) -> Route | Refused:
    namespaces = [side.load.namespace for side in sides]
    service = next((found for each in namespaces if (found := known.named(spec.kind, each, spec.name))), None)
    if service is None:
        return missing(spec.kind, spec.name, namespaces)
    namespace = meta(service.document, "namespace")
    http = _http_of(service.document, spec.rule)
    if isinstance(http, Misfit):
        return refused(http.message)
    rule = _rule(spec, namespace, http, known)
    if isinstance(rule, Refused):
        return rule
    spec = replace(
        spec,
        destination_rule=meta(rule.found.document, "name"),
        active_subset=rule.active,
        canary_subset=rule.canary,
        host=rule.host,
    )
    fault = _destination_fault(spec, http, namespace)
    if fault:
        return refused(fault)
    root = known.named("Service", namespace, service_of(rule.host, namespace))
    selector = ordered({**dict(root_selector(root) if root else ()), **dict(rule.labels)})
    what = f"subset {rule.active} of {DESTINATION_RULE} {spec.destination_rule}"
    side = side_of(what, selector, [each for each in sides if each.load.namespace == namespace])
    return (
        side if isinstance(side, Refused) else route_of(spec, side, (rule.found.part(leads_past=True), service.part()))
    )


def _rule(spec: RouteSpec, namespace: str, http: _Json, known: KnownObjects) -> _Rule | Refused:
    """The DestinationRule that is named, or the only one for a host of the route."""
    hosts = [str(dig(each, "destination", "host") or "") for each in http["route"]]
    if spec.destination_rule:
        named = known.named(DESTINATION_RULE, namespace, spec.destination_rule)
        if named is None:
            return missing(DESTINATION_RULE, spec.destination_rule, [namespace])
        found = [named]
    else:
        found = [
            each
            for each in known.of_kind(DESTINATION_RULE, namespace)
            if any(is_same_host(host, str(dig(each.document, "spec", "host") or ""), namespace) for host in hosts)
        ]
    if len(found) != 1:
        count = "no DestinationRule is" if not found else f"{len(found)} DestinationRules are"
        return refused(f"{count} for a host of {spec}: name one in destinationRule.name")
    subsets = [each["name"] for each in _subsets(found[0].document) if each["name"] != spec.canary_subset]
    own = [name for name in subsets if not (name.endswith("-canary") and name.removesuffix("-canary") in subsets)]
    name = meta(found[0].document, "name")
    if spec.active_subset and spec.active_subset not in subsets:
        return refused(f"{DESTINATION_RULE} {name} has no subset {spec.active_subset}: add it, with its labels")
    if not spec.active_subset and len(own) != 1:
        count = "no subset" if not own else f"the subsets {', '.join(own)}"
        return refused(f"{DESTINATION_RULE} {name} has {count}: name one in destinationRule.activeSubsetName")
    active = spec.active_subset or own[0]
    return _Rule(found=found[0], active=active, canary=spec.canary_subset or f"{active}-canary")


def _destination_fault(spec: RouteSpec, http: _Json, namespace: str) -> str:
    """Why the weights of the http route cannot be divided; empty when they can."""
    host = spec.host
    mine = [each for each in http["route"] if _subset_in(each, host, namespace) == spec.active_subset]
    if len(mine) != 1:
        count = "no destination" if not mine else f"{len(mine)} destinations"
        return f"{spec} has {count} with host {host} and subset {spec.active_subset}: it needs exactly one"
    entries = [each for each in http["route"] if _subset_in(each, host, namespace) != spec.canary_subset]
    total = sum(_weight(each) for each in entries)
    canary = sum(_weight(each) for each in http["route"] if each not in entries)
    if len(entries) > 1 and total + canary != FULL:
        return f"the weights of {spec} add up to {total + canary}, not to {FULL}"
    if len(entries) > 1 and _weight(mine[0]) + canary == 0:
        return f"subset {spec.active_subset} has no traffic in {spec}: there is nothing to divide"
    return ""


def _noted(route: Route, live: Parts) -> Parts:
    """Without what a run that could not go back has left: its hashes, its canary subset, its share."""
    rule, service = (copy.deepcopy(dict(live[key])) for key in _keys(route))
    canary = _subset(rule, route.spec.canary_subset)
    if canary and version_of(ordered(canary.get("labels") or {})):
        rule["spec"]["subsets"] = [each for each in _subsets(rule) if each["name"] != route.spec.canary_subset]
        service = _without_canary(route, service)
    active = _subset(rule, route.spec.active_subset)
    if active and active.get("labels"):
        active["labels"] = dict(without_version(ordered(active["labels"])))
    return dict(zip(_keys(route), (rule, service), strict=True))


def _without_canary(route: Route, service: _Json) -> _Json:
    http = _http_of(service, route.spec.rule)
    if isinstance(http, dict):
        active, canary = _pair(route, http)
        http["route"] = [each for each in http["route"] if each is not canary]
        if active and canary:
            active["weight"] = _weight(active) + _weight(canary)
    return service


def _shaped(route: Route, part: RoutePart, live: Document | None, wish: Wish) -> Shape:
    if live is None:
        return Misfit(message=f"{part} is gone: somebody else deleted it; create it again")
    shaped = copy.deepcopy(dict(live))
    if part.kind == DESTINATION_RULE:
        return _with_subsets(route, part, shaped, wish)
    return _with_weights(route, part, shaped, wish)


def _with_subsets(route: Route, part: RoutePart, rule: _Json, wish: Wish) -> Shape:
    """Both subsets, each tied to a version; or those that were there before."""
    before = json.loads(part.before)
    active, canary = (_subset(before, name) for name in (route.spec.active_subset, route.spec.canary_subset))
    if active is None:
        return Misfit(message=f"{part} had no subset {route.spec.active_subset} when the run began")
    labels = dict(without_version(ordered(active.get("labels") or {})))
    own = {**active, **(canary or {}), "name": route.spec.canary_subset}
    to_old, to_new = ({"labels": {**labels, **dict(version)}} for version in (route.old, route.new))
    wanted: list[_Json | None] = [active, canary]
    if isinstance(wish, Share):
        wanted = [{**active, **to_old}, {**own, **to_new}]
    elif wish.keeps_canary:
        wanted = [active, {**own, **to_new}]
    names = (route.spec.active_subset, route.spec.canary_subset)
    rule["spec"]["subsets"] = list(_merged(_subsets(rule), dict(zip(names, wanted, strict=True))))
    return rule


def _merged(live: Sequence[_Json], wanted: Mapping[str, _Json | None]) -> Iterator[_Json]:
    """The live subsets in their order with ours among them, in their places or at the end."""
    written = set()
    for each in live:
        name = str(each["name"])
        ours = wanted.get(name)
        if name not in wanted:
            yield each
        elif ours:
            # What is not ours of it may have been changed meanwhile, and stays so.
            kept = {key: value for key, value in each.items() if key != "labels"}
            yield {**kept, **({"labels": ours["labels"]} if "labels" in ours else {})}
        written.add(name)
    for name, subset in wanted.items():
        if name not in written and subset:
            yield subset


def _with_weights(route: Route, part: RoutePart, service: _Json, wish: Wish) -> Shape:
    """Both destinations with their weights in the http route; or the one that was there before."""
    http = _http_of(service, route.spec.rule)
    if isinstance(http, Misfit):
        return Misfit(message=f"{http.message}: somebody else changed it during the run")
    before = _http_of(json.loads(part.before), route.spec.rule)
    if isinstance(before, Misfit):
        return before
    (active, canary), ours = _pair(route, before), _pair(route, http)
    if active is None:
        return Misfit(message=f"{route} had no destination of subset {route.spec.active_subset} when the run began")
    others = [each for each in http["route"] if not any(each is one for one in ours)]
    rest = FULL - sum(map(_weight, others)) if others else FULL
    if rest < 0:
        return Misfit(message=f"the weights of other destinations of {route} add up to more than {FULL}")
    if isinstance(wish, Share):
        old, new = split(rest, wish.percent)
        tied = {**active, "destination": {**active["destination"], "subset": route.spec.canary_subset}}
        wanted = [{**active, "weight": old}, {**(canary or tied), "weight": new}]
    else:
        beside = _weight(canary) if canary else 0
        is_alone = len(before["route"]) == 1 and not others
        # Weights of other destinations may have been changed meanwhile: all together they stay 100.
        is_as_before = is_alone or _weight(active) + beside == rest
        wanted = [
            active if is_as_before else {**active, "weight": max(rest - beside, 0)},
            *([canary] if canary else []),
        ]
    http["route"] = list(_placed(http["route"], wanted, ours))
    return service


def _placed(live: Sequence[_Json], wanted: Sequence[_Json], ours: tuple[_Json | None, _Json | None]) -> Iterator[_Json]:
    """The live destinations in their order, with ours in the place of the first of them."""
    is_written = False
    for each in live:
        if not any(each is one for one in ours):
            yield each
        elif not is_written:
            is_written = True
            yield from wanted
    if not is_written:
        yield from wanted


def _percent(route: Route, live: Parts) -> int | None:
    service = live.get((VIRTUAL_SERVICE, route.spec.name))
    http = _http_of(service, route.spec.rule) if service else None
    if not isinstance(http, dict):
        return None
    active, canary = _pair(route, http)
    if canary is None:
        return 0
    old, new = _weight(active) if active else 0, _weight(canary)
    return round(FULL * new / (old + new)) if old + new else None


def _pair(route: Route, http: _Json) -> tuple[_Json | None, _Json | None]:
    """The destinations of the active and the canary subset."""
    spec = route.spec
    active, canary = (
        next((one for one in http["route"] if _subset_in(one, spec.host, route.namespace) == subset), None)
        for subset in (spec.active_subset, spec.canary_subset)
    )
    return active, canary


def _keys(route: Route) -> list[tuple[str, str]]:
    return [(part.kind, part.name) for part in route.parts]


def _http_of(service: Document, name: str) -> _Json | Misfit:
    """The http route of that name, or the only one."""
    label = f"{VIRTUAL_SERVICE} {meta(service, 'name')}"
    routes: list[_Json] = dig(service, "spec", "http") or []
    found = [each for each in routes if each.get("name") == name] if name else routes
    if len(found) != 1:
        if name:
            return Misfit(
                message=f"{label} has no http route {name}" if not found else f"{label} has several routes {name}"
            )
        if not found:
            return Misfit(
                message=f"{label} has no http route: only http routes can be divided, and they carry gRPC too"
            )
        return Misfit(message=f"{label} has {len(found)} http routes: name one in virtualService.httpRouteName")
    if not found[0].get("route"):
        return Misfit(message=f"the http route of {label} has no destinations")
    return found[0]


def _subset_in(entry: _Json, host: str, namespace: str) -> str | None:
    """The subset of a destination of the host; None for a destination elsewhere."""
    if not is_same_host(str(dig(entry, "destination", "host") or ""), host, namespace):
        return None
    return str(dig(entry, "destination", "subset") or "")


def _weight(entry: _Json) -> int:
    """A weight that is not written is none; where there is one destination alone, nobody asks for it."""
    return int(entry.get("weight") or 0)


def _subsets(rule: Document) -> list[_Json]:
    return dig(rule, "spec", "subsets") or []


def _subset(rule: Document, name: str) -> _Json | None:
    return next((each for each in _subsets(rule) if each["name"] == name), None)


PROVIDER: Final = Provider(
    kinds=(
        ServedKind(kind=VIRTUAL_SERVICE, api_versions=_API_VERSIONS),
        ServedKind(kind=DESTINATION_RULE, api_versions=_API_VERSIONS),
    ),
    plan=_plan,
    noted=_noted,
    shaped=_shaped,
    percent=_percent,
)
