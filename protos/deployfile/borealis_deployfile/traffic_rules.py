"""Traffic: what a target's strategy allows, and that no two entries move the same traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_deployfile.faults import Code
from borealis_deployfile.model import (
    BlueGreen,
    Canary,
    GatewayTraffic,
    IstioTraffic,
    KubernetesTraffic,
    Route,
    SmiTraffic,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from borealis_deployfile.draft import Draft, TargetDraft
    from borealis_deployfile.reader import Reader
    from borealis_deployfile.traffic import TrafficDraft


_BLOCK_OF: Final[dict[type[Route], str]] = {SmiTraffic: "smi", IstioTraffic: "istio", GatewayTraffic: "gatewayApi"}


def check_routes(reader: Reader, draft: Draft) -> None:
    """Note every contradiction between the traffic entries and the targets that they are for."""
    told: set[tuple[object, str]] = set()
    for target in draft.targets:
        routes = [route for entry in draft.traffic if _is_for(entry, target) for route in entry.routes]
        if not routes:
            continue
        strategy = draft.strategies.get(target.strategy.text) if target.strategy else None
        for route, message, advice in (*_mesh_faults(routes, strategy), *_twice(routes)):
            # One fault for an entry, however many targets it is for.
            if (route.origin, message) not in told:
                told.add((route.origin, message))
                reader.fault_at(Code.INVALID_VALUE, route.origin, message, advice)
        _check_legacy(reader, target, routes, strategy)
    _warn_of_services_for_canaries(reader, draft)


def _is_for(entry: TrafficDraft, target: TargetDraft) -> bool:
    return entry.targets is None or any(word.text == target.name.text for word in entry.targets)


def _mesh_faults(routes: list[Route], strategy: object) -> Iterator[tuple[Route, str, str]]:
    meshes = [route for route in routes if not isinstance(route, KubernetesTraffic)]
    if isinstance(strategy, BlueGreen):
        for route in meshes:
            name = _BLOCK_OF[type(route)]
            yield route, f"`{name}` is for canaries, not for blueGreen", "write `kubernetes` with an activeService"
        return
    blocks = [block for kind, block in _BLOCK_OF.items() if any(type(route) is kind for route in meshes)]
    if len(blocks) > 1:
        named = " and ".join(f"`{block}`" for block in blocks)
        yield meshes[-1], f"{named} cannot both move the traffic of a target", "keep one of them"


def _twice(routes: list[Route]) -> Iterator[tuple[Route, str, str]]:
    seen: set[tuple[str, str]] = set()
    for route in routes:
        for key in _claims(route):
            if key in seen:
                yield route, f'two entries manage the {key[0]} "{key[1]}" for one target', "keep one of them"
            seen.add(key)


def _claims(route: Route) -> Iterator[tuple[str, str]]:
    """What an entry manages alone."""
    if isinstance(route, KubernetesTraffic):
        yield "Service", route.active_service
        if route.preview_service is not None:
            yield "Service", route.preview_service
    elif isinstance(route, SmiTraffic):
        yield "Service", route.root_service
    elif isinstance(route, IstioTraffic):
        yield "VirtualService", f"{route.virtual_service}/{route.http_route or ''}".rstrip("/")
    elif isinstance(route, GatewayTraffic):
        yield route.kind, f"{route.route}/{route.rule or ''}".rstrip("/")


def _check_legacy(reader: Reader, target: TargetDraft, routes: list[Route], strategy: object) -> None:
    """Services in the old place must not contradict those in the current one."""
    services = [route for route in routes if isinstance(route, KubernetesTraffic)]
    if not isinstance(strategy, BlueGreen) or strategy.active_service is None or not services:
        return
    if any(route.active_service == strategy.active_service for route in services):
        return
    message = (
        f'target "{target.name.text}": the strategy names the active Service "{strategy.active_service}", '
        f'trafficManagement "{services[0].active_service}"'
    )
    reader.fault_at(Code.INVALID_VALUE, services[0].origin, message, "keep the one in trafficManagement")


def _warn_of_services_for_canaries(reader: Reader, draft: Draft) -> None:
    for entry in draft.traffic:
        services = [route for route in entry.routes if isinstance(route, KubernetesTraffic)]
        targets = [target for target in draft.targets if _is_for(entry, target) and target.strategy]
        strategies = [draft.strategies.get(target.strategy.text) for target in targets if target.strategy]
        if services and strategies and all(isinstance(strategy, Canary) for strategy in strategies):
            message = "a canary does not switch Services, so `kubernetes` has no effect on its targets"
            reader.warn(Code.NO_EFFECT, entry.place, message, "it is for blueGreen; take it out")
