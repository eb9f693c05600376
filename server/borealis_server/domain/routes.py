"""What a run remembers of the routes by which it moves traffic; the records alone. `routing` has their rules.

A route is one way into one workload: the objects of a mesh or a gateway that say which version gets which share.
"""

from dataclasses import dataclass
from enum import StrEnum

Labels = tuple[tuple[str, str], ...]
"""Labels of pods, in the order of their names."""


class RouteProvider(StrEnum):
    """Whose objects divide the traffic; `routing/registry.py` says how."""

    ISTIO = "ISTIO"
    SMI = "SMI"
    GATEWAY_API = "GATEWAY_API"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSpec:
    """A route as the deploy file names it; what is empty is found where only one can be meant."""

    provider: RouteProvider
    kind: str
    """`VirtualService`, `TrafficSplit`, `HTTPRoute` or `GRPCRoute`."""
    name: str
    rule: str = ""
    """Name of the http route, or of the rule, within it."""
    root_service: str = ""
    canary_service: str = ""
    destination_rule: str = ""
    active_subset: str = ""
    canary_subset: str = ""
    host: str = ""
    """What the subsets are of; found, never written."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" ({self.rule})" if self.rule else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePart:
    """One object of a route: one that is there, and that the run changes, or one that the run makes."""

    api_version: str
    kind: str
    name: str
    index: int | None = None
    """Its place among the objects to apply; None when the manifests do not bring it."""
    before: str = ""
    """JSON of the object right before the first change of the run; empty before that, and where the run makes it."""
    template: str = ""
    """JSON of the object that the run makes, and takes away at the end; empty for one that was there."""
    leads_past: bool = False
    """Whether traffic that takes no notice of the weights follows it: it leads to all pods before the old ones go."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One way into one workload, whose traffic the run divides. Units: percent of the traffic of the workload."""

    spec: RouteSpec
    """With every name found."""
    namespace: str
    workload: str
    """Name of the workload whose pods it leads to."""
    old: Labels
    """What tells pods of the old version from all others."""
    new: Labels
    parts: tuple[RoutePart, ...]
    """In the order in which they are changed on the way forward."""
    is_noted: bool = False
    """Whether `before` is known: the run has begun to change them, or is about to."""
    asked_percent: int = 0
    """Share that was last asked for the new version."""
    is_reached: bool = False
    """Whether its objects were seen to give that share: a change since then is somebody else's."""
    real_percent: int | None = None
    """Share that its objects gave the new version when they were last seen; None before that."""
    is_left: bool = False
    """Whether the way back leaves it as it is, since pods of both versions stay."""

    def __str__(self) -> str:
        return str(self.spec)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it from the other routes of a run."""
        return self.namespace, self.spec.kind, self.spec.name, self.spec.rule
