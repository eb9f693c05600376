"""Routes of a deploy file: as a run keeps them, and, once the live objects are known, with every name found."""

from collections.abc import Sequence

from borealis_deployfile.model import DeployFile, GatewayTraffic, IstioTraffic, MeshRoute, SmiTraffic
from borealis_server.domain.effects import Refused
from borealis_server.domain.planning.services import Side
from borealis_server.domain.routes import Route, RouteProvider, RouteSpec
from borealis_server.domain.routing.provider import KnownObjects, refused
from borealis_server.domain.routing.registry import PROVIDERS


def plan_specs(file: DeployFile, target: str) -> tuple[RouteSpec, ...]:
    """The routes that the deploy file names for a target."""
    return tuple(_spec(route) for route in file.routes_of(target) if isinstance(route, MeshRoute))


def plan_routes(specs: Sequence[RouteSpec], sides: Sequence[Side], known: KnownObjects) -> tuple[Route, ...] | Refused:
    """Every route into a workload with an old version, or why one does not fit.

    Where nothing is live there is nothing to divide, but what is written must fit all the same.
    """
    routes: list[Route] = []
    for spec in specs:
        route = PROVIDERS[spec.provider].plan(spec, sides, known)
        if isinstance(route, Refused):
            return route
        if any(route.key == other.key for other in routes):
            return refused(f"two entries of the deploy file mean {route}: keep one of them")
        routes.append(route)
    live = {(side.load.namespace, side.load.name) for side in sides if side.load.old_name}
    return tuple(route for route in routes if (route.namespace, route.workload) in live)


def _spec(route: MeshRoute) -> RouteSpec:
    match route:
        case IstioTraffic():
            return RouteSpec(
                provider=RouteProvider.ISTIO,
                kind="VirtualService",
                name=route.virtual_service,
                rule=route.http_route or "",
                destination_rule=route.destination_rule or "",
                active_subset=route.active_subset or "",
                canary_subset=route.canary_subset or "",
            )
        case SmiTraffic():
            return RouteSpec(
                provider=RouteProvider.SMI,
                kind="TrafficSplit",
                name=route.traffic_split,
                root_service=route.root_service,
                canary_service=route.canary_service or "",
            )
        case GatewayTraffic():
            return RouteSpec(
                provider=RouteProvider.GATEWAY_API,
                kind=route.kind,
                name=route.route,
                rule=route.rule or "",
                root_service=route.root_service or "",
                canary_service=route.canary_service or "",
            )
