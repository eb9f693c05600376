"""The `trafficManagement` of a deploy file: Services and mesh objects by which traffic is moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from borealis_deployfile.faults import Code
from borealis_deployfile.language.traffic import (
    DESTINATION_RULE,
    GATEWAY_API,
    ISTIO,
    KUBERNETES,
    ROUTE,
    ROUTE_KINDS,
    SMI,
    TRAFFIC,
    VIRTUAL_SERVICE,
)
from borealis_deployfile.model import GatewayTraffic, IstioTraffic, KubernetesTraffic, Route, SmiTraffic
from borealis_deployfile.nodes import Mapping
from borealis_deployfile.reader import is_blank

if TYPE_CHECKING:
    from borealis_deployfile.reader import Place, Reader, Word

_BLOCKS: Final = ("kubernetes", "smi", "istio", "gatewayApi")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficDraft:
    """An entry of `trafficManagement` as far as it could be read."""

    routes: tuple[Route, ...]
    targets: tuple[Word, ...] | None
    place: Place


def read_traffic(reader: Reader, place: Place) -> list[TrafficDraft]:
    """The entries in the order of the file."""
    if isinstance(place.node, Mapping):
        message = "`trafficManagement` is read as a list of one entry"
        reader.warn(Code.DEPRECATED, place, message, "put a dash before it")
        places: tuple[Place, ...] = (place,)
    else:
        places = reader.items(place, "trafficManagement", "put a dash before each entry")
    drafts = [_entry(reader, here) for here in places]
    return [draft for draft in drafts if draft is not None]


def _entry(reader: Reader, place: Place) -> TrafficDraft | None:
    fields = reader.fields(place, TRAFFIC)
    if fields is None:
        return None
    if not any(name in fields for name in _BLOCKS):
        message = f"a trafficManagement entry needs one of {', '.join(_BLOCKS)}"
        reader.fault(Code.MISSING_FIELD, place, message, "say how traffic is moved")
    targets = None
    if "targets" in fields:
        targets = reader.words(fields["targets"], "the targets of a trafficManagement entry")
        if is_blank(fields["targets"].node):
            message = "an empty list of targets would manage no traffic"
            reader.fault(Code.INVALID_VALUE, fields["targets"], message, "omit it for all targets, or name some")
    routes: list[Route | None] = []
    for name, read in zip(_BLOCKS, (_kubernetes, _smi, _istio, _gateway), strict=True):
        if name not in fields:
            continue
        if is_blank(fields[name].node):
            reader.fault(Code.MISSING_FIELD, fields[name], f"`{name}` needs at least one entry", "or take it out")
        places = reader.items(fields[name], f"`{name}`", "put a dash before each entry")
        routes += [read(reader, here) for here in places]
    return TrafficDraft(routes=tuple(route for route in routes if route), targets=targets, place=place)


def _kubernetes(reader: Reader, place: Place) -> Route | None:
    fields = reader.fields(place, KUBERNETES)
    if fields is None:
        return None
    active = _text(reader, fields, "activeService")
    preview = _text(reader, fields, "previewService")
    if "activeService" not in fields:
        advice = "put both names into one entry of the list" if "previewService" in fields else ""
        reader.missing(place, "activeService", "a kubernetes entry", advice)
    if active is not None and active == preview:
        message = f'the active and the preview Service are both "{active}"'
        reader.fault(Code.INVALID_VALUE, fields["previewService"], message, "name two different Services")
        preview = None
    if active is None:
        return None
    return KubernetesTraffic(active_service=active, preview_service=preview, origin=reader.origin(place))


def _smi(reader: Reader, place: Place) -> Route | None:
    fields = reader.fields(place, SMI)
    if fields is None:
        return None
    reader.require(place, fields, SMI, "an smi entry")
    root = _text(reader, fields, "rootServiceName")
    canary, split = _text(reader, fields, "canaryServiceName"), _text(reader, fields, "trafficSplitName")
    if root is not None and root == canary:
        message = f'the root and the canary Service are both "{root}"'
        reader.fault(Code.INVALID_VALUE, fields["canaryServiceName"], message, "name two different Services")
    if root is None:
        return None
    message = "SMI is no longer developed, and meshes drop it"
    advice = "write `gatewayApi`; `borealis convert trafficsplit` translates a TrafficSplit"
    reader.warn(Code.DEPRECATED, place, message, advice)
    return SmiTraffic(
        root_service=root, canary_service=canary, traffic_split=split or root, origin=reader.origin(place)
    )


def _istio(reader: Reader, place: Place) -> Route | None:
    fields = reader.fields(place, ISTIO)
    if fields is None:
        return None
    reader.require(place, fields, ISTIO, "an istio entry")
    service = reader.fields(fields["virtualService"], VIRTUAL_SERVICE) if "virtualService" in fields else None
    rule = reader.fields(fields["destinationRule"], DESTINATION_RULE) if "destinationRule" in fields else None
    if service is None:
        return None
    reader.require(fields["virtualService"], service, VIRTUAL_SERVICE, "virtualService")
    name, route = _text(reader, service, "name"), _text(reader, service, "httpRouteName")
    active, canary = _text(reader, rule or {}, "activeSubsetName"), _text(reader, rule or {}, "canarySubsetName")
    if rule is not None and active is not None and active == canary:
        message = f'the active and the canary subset are both "{active}"'
        reader.fault(Code.INVALID_VALUE, rule["canarySubsetName"], message, "name two different subsets")
    if name is None:
        return None
    return IstioTraffic(
        virtual_service=name,
        http_route=route,
        destination_rule=_text(reader, rule or {}, "name"),
        active_subset=active,
        canary_subset=canary,
        origin=reader.origin(place),
    )


def _gateway(reader: Reader, place: Place) -> Route | None:
    fields = reader.fields(place, GATEWAY_API)
    if fields is None:
        return None
    reader.require(place, fields, GATEWAY_API, "a gatewayApi entry")
    route = reader.fields(fields["route"], ROUTE) if "route" in fields else None
    if route is None:
        return None
    reader.require(fields["route"], route, ROUTE, "route")
    name, rule = _text(reader, route, "name"), _text(reader, route, "ruleName")
    kind = reader.choice(route["kind"], ROUTE_KINDS, "`kind`") if "kind" in route else "HTTPRoute"
    root, canary = _text(reader, fields, "rootServiceName"), _text(reader, fields, "canaryServiceName")
    if root is not None and root == canary:
        message = f'the root and the canary Service are both "{root}"'
        reader.fault(Code.INVALID_VALUE, fields["canaryServiceName"], message, "name two different Services")
    if name is None or kind is None:
        return None
    return GatewayTraffic(
        route=name, kind=kind, rule=rule, root_service=root, canary_service=canary, origin=reader.origin(place)
    )


def _text(reader: Reader, fields: dict[str, Place], name: str) -> str | None:
    return reader.text(fields[name], f"`{name}`") if name in fields else None
