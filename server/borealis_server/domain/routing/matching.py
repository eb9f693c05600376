"""Which workload a route leads to, and the labels that tell its versions apart."""

from collections.abc import Sequence

from borealis_server.domain.effects import Refused
from borealis_server.domain.kubernetes.service_selectors import selector_of, version_in, without_version
from borealis_server.domain.planning.services import Side
from borealis_server.domain.routes import Labels, Route, RoutePart, RouteSpec
from borealis_server.domain.routing.provider import Found, refused


def root_selector(root: Found) -> Labels:
    """What a person wants a Service to select."""
    return without_version(selector_of(root.document))


def side_of(what: str, selector: Labels, sides: Sequence[Side]) -> Side | Refused:
    """The workload whose pods `what` leads to. An empty selector leads to the only one there is."""
    found = [side for side in sides if all(side.new_labels.get(name) == value for name, value in selector)]
    if len(found) == 1:
        return found[0]
    if not found:
        wanted = " or ".join(side.load.name for side in sides)
        return refused(
            f"{what} does not lead to the pods of Deployment {wanted}: its labels must be part of those of the pods"
        )
    named = " and ".join(side.load.name for side in found)
    return refused(f"{what} leads to the pods of {named}: each Deployment needs a route of its own")


def route_of(spec: RouteSpec, side: Side, parts: tuple[RoutePart, ...]) -> Route | Refused:
    """The route into a workload, or why its versions cannot be told apart."""
    old = version_in(side.old_labels)
    if side.load.old_name and not old:
        name = side.load.name
        return refused(
            f"the live pods of Deployment {name} carry no label that tells them from the new ones: "
            f"run `kubectl rollout restart deployment {name}` once, then start again"
        )
    return Route(
        spec=spec,
        namespace=side.load.namespace,
        workload=side.load.name,
        old=old,
        new=side.new_version,
        parts=parts,
    )
