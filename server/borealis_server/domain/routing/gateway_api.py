"""Gateway API: weights of the backends of an HTTPRoute or GRPCRoute, between the root Service and a canary Service.

The root Service is tied to the old version for the time of the run, so that callers who take no notice of the route see
nothing of the new one.
"""

import copy
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any, Final

from borealis_server.domain.effects import Refused
from borealis_server.domain.kubernetes.json_types import Document, dig, meta
from borealis_server.domain.planning.services import Side
from borealis_server.domain.routes import Route, RoutePart, RouteSpec
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
from borealis_server.domain.routing.services import canary_part, shaped_service

_GROUP: Final = "gateway.networking.k8s.io"
_KINDS: Final = {
    "HTTPRoute": (f"{_GROUP}/v1", f"{_GROUP}/v1beta1"),
    "GRPCRoute": (f"{_GROUP}/v1", f"{_GROUP}/v1alpha2"),
}
_MOST: Final = 1_000_000
"""The largest weight that the API takes."""
_Json = dict[str, Any]  # Any: JSON of Kubernetes objects


def _plan(spec: RouteSpec, sides: Sequence[Side], known: KnownObjects) -> Route | Refused:
    namespaces = [side.load.namespace for side in sides]
    found = next((one for each in namespaces if (one := known.named(spec.kind, each, spec.name))), None)
    if found is None:
        return missing(spec.kind, spec.name, namespaces)
    namespace = meta(found.document, "namespace")
    root = _root(spec, found.document, known)
    if isinstance(root, Refused):
        return root
    spec = replace(spec, root_service=meta(root.document, "name"))
    here = [side for side in sides if side.load.namespace == namespace]
    side = side_of(f"Service {spec.root_service}", root_selector(root), here)
    if isinstance(side, Refused):
        return side
    canary = canary_part(root, spec.canary_service, known)
    if isinstance(canary, Refused):
        return canary
    parts = (canary, root.part(leads_past=True), found.part())
    return route_of(replace(spec, canary_service=canary.name), side, parts)


def _root(spec: RouteSpec, document: Document, known: KnownObjects) -> Found | Refused:
    """The Service whose share is divided: the one that is named, or the only one that the rules lead to."""
    namespace, rules = meta(document, "namespace"), _rules(document, spec.rule)
    if not rules:
        return refused(f"{spec.kind} {spec.name} has no rule" + (f" {spec.rule}" if spec.rule else ""))
    name = spec.root_service or _only_service(rules, namespace)
    if not name:
        return refused(f"{spec} leads to several Services, or to none: name one in rootServiceName")
    if not any(_entry(rule, name, namespace) for rule in rules):
        return refused(f"no rule of {spec} leads to Service {name}")
    return known.named("Service", namespace, name) or missing("Service", name, [namespace])


def _only_service(rules: Sequence[_Json], namespace: str) -> str:
    names = {str(each["name"]) for rule in rules for each in _refs(rule) if _is_service(each, namespace)}
    return names.pop() if len(names) == 1 else ""


def _noted(route: Route, live: Parts) -> Parts:
    """Without the canary Service that a run which could not go back has left in the rules."""
    noted = dict(live)
    key = (route.spec.kind, route.spec.name)
    is_made = any(part.template for part in route.parts)
    if is_made and key in noted:
        document = copy.deepcopy(dict(noted[key]))
        for rule in _rules(document, route.spec.rule):
            left = _entry(rule, route.spec.canary_service, route.namespace)
            root = _entry(rule, route.spec.root_service, route.namespace)
            if left and root:
                root["weight"] = _weight(root) + _weight(left)
                rule["backendRefs"] = [each for each in _refs(rule) if each is not left]
        noted[key] = document
    return noted


def _shaped(route: Route, part: RoutePart, live: Document | None, wish: Wish) -> Shape:
    if part.kind == "Service":
        version = route.new if part.name == route.spec.canary_service else route.old
        return shaped_service(part, live, version, wish)
    if live is None:
        return Misfit(message=f"{part} is gone: somebody else deleted it; create it again")
    shaped = copy.deepcopy(dict(live))
    rules = list(_ours(route, shaped))
    if not rules:
        return Misfit(
            message=f"no rule of {route} leads to Service {route.spec.root_service}: somebody else changed it"
        )
    if isinstance(wish, Share):
        for rule in rules:
            _divide(route, rule, wish.percent)
        return shaped
    saved = list(_ours(route, json.loads(part.before)))
    # Rules that came or went meanwhile are somebody else's: then weights tell what belongs together.
    is_same = len(saved) == len(rules)
    for rule, before in zip_longest(rules, saved if is_same else [None] * len(rules)):
        _restore(route, rule, before)
    return shaped


def _ours(route: Route, document: Document) -> Iterator[_Json]:
    """Rules that lead to the root Service or to the canary Service."""
    names = (route.spec.root_service, route.spec.canary_service)
    for rule in _rules(document, route.spec.rule):
        if any(_entry(rule, name, route.namespace) for name in names):
            yield rule


def _divide(route: Route, rule: _Json, percent: int) -> None:
    refs = _refs(rule)
    root, canary = (
        _entry(rule, name, route.namespace) for name in (route.spec.root_service, route.spec.canary_service)
    )
    others = [each for each in refs if each is not root and each is not canary]
    share = sum(_weight(each) for each in (root, canary) if each)
    if not others:
        share = FULL
    elif share % FULL and max(map(_weight, refs)) * FULL <= _MOST:
        # Finer weights for all, of the same proportions.
        share *= FULL
        for each in others:
            each["weight"] = _weight(each) * FULL
    old, new = split(share, percent)
    first = root or {**(canary or {}), "name": route.spec.root_service}
    second = canary or {**first, "name": route.spec.canary_service}
    _place(rule, [{**first, "weight": old}, {**second, "weight": new}], (root, canary))


def _restore(route: Route, rule: _Json, before: _Json | None) -> None:
    root, canary = (
        _entry(rule, name, route.namespace) for name in (route.spec.root_service, route.spec.canary_service)
    )
    if before is None:
        share = sum(_weight(each) for each in (root, canary) if each)
        first = root or {**(canary or {}), "name": route.spec.root_service}
        _place(rule, [{**first, "weight": share}], (root, canary))
        return
    saved = [_entry(before, name, route.namespace) for name in (route.spec.root_service, route.spec.canary_service)]
    _place(rule, [each for each in saved if each], (root, canary))
    for each in _refs(rule):
        was = next((one for one in _refs(before) if _identity(one) == _identity(each)), None)
        if was and _weight(each) == _weight(was) * FULL:
            each["weight"] = _weight(was)


def _place(rule: _Json, wanted: Sequence[_Json], ours: tuple[_Json | None, _Json | None]) -> None:
    """Ours in the place of the first of them, everything else where it is."""
    refs = _refs(rule)
    place = next((number for number, each in enumerate(refs) if any(each is one for one in ours)), len(refs))
    rest = [[each for each in part if not any(each is one for one in ours)] for part in (refs[:place], refs[place:])]
    rule["backendRefs"] = [*rest[0], *wanted, *rest[1]]


def _percent(route: Route, live: Parts) -> int | None:
    document = live.get((route.spec.kind, route.spec.name))
    if document is None:
        return None
    names = (route.spec.root_service, route.spec.canary_service)
    pairs = [[_entry(rule, name, route.namespace) for name in names] for rule in _ours(route, document)]
    old, new = (sum(_weight(pair[side]) for pair in pairs if pair[side]) for side in (0, 1))
    return round(FULL * new / (old + new)) if old + new else None


def _rules(document: Document, name: str) -> list[_Json]:
    rules: list[_Json] = dig(document, "spec", "rules") or []
    return [each for each in rules if each.get("name") == name] if name else rules


def _refs(rule: _Json) -> list[_Json]:
    return rule.get("backendRefs") or []


def _entry(rule: _Json, name: str, namespace: str) -> _Json | None:
    return next((each for each in _refs(rule) if each.get("name") == name and _is_service(each, namespace)), None)


def _is_service(ref: _Json, namespace: str) -> bool:
    is_core = (ref.get("group") or "", ref.get("kind") or "Service") == ("", "Service")
    return is_core and (ref.get("namespace") or namespace) == namespace


def _identity(ref: _Json) -> tuple[object, ...]:
    return tuple(ref.get(field) for field in ("group", "kind", "namespace", "name", "port"))


def _weight(ref: _Json | None) -> int:
    """A weight that is not written is 1."""
    weight = (ref or {}).get("weight")
    return 1 if weight is None else int(weight)


PROVIDER: Final = Provider(
    kinds=tuple(ServedKind(kind=kind, api_versions=versions) for kind, versions in _KINDS.items()),
    plan=_plan,
    noted=_noted,
    shaped=_shaped,
    percent=_percent,
)
