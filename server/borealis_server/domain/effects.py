"""Changes in a cluster that a decision may ask for, and what can come of them.

Each is safe to repeat: it carries deterministic names, and a precondition where order matters.
"""

from dataclasses import dataclass

from borealis_server.domain.autoscaler import Autoscaler
from borealis_server.domain.deployment import RoutedService, SavedObject, Selector, ServicePair, Workload
from borealis_server.domain.routes import Labels, Route, RoutePart, RouteSpec
from borealis_server.domain.states import EndReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare:
    """Read what is live: old versions, and every object that the run is going to change. Changes nothing."""

    pairs: tuple[ServicePair, ...] = ()
    """Services of a blue/green run."""
    routes: tuple[RouteSpec, ...] = ()
    """Routes of a canary."""

    def __str__(self) -> str:
        return "read what is live"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyObject:
    """Apply object number `index` of the target, server-side."""

    index: int
    label: str
    selector: Selector = ()
    """In place of the selector that the manifest writes; for Services that must lead to one version alone."""

    def __str__(self) -> str:
        return f"apply {self.label}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanDeployment:
    """Delete a native Deployment, and no other of its name, and leave its ReplicaSets and pods running."""

    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        return f"take over Deployment {self.name}, its pods keep running"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveAutoscaler:
    """Delete a HorizontalPodAutoscaler of which a copy is kept, and no other: the number of pods stands still."""

    autoscaler: Autoscaler

    def __str__(self) -> str:
        return f"remove HorizontalPodAutoscaler {self.autoscaler.name} for the time of the run"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceAutoscaler:
    """Create a HorizontalPodAutoscaler anew, for a ReplicaSet, or for the Deployment where that is kept."""

    autoscaler: Autoscaler
    replica_set: str
    """Empty where it scales the Deployment."""

    def __str__(self) -> str:
        scaled = self.replica_set or f"Deployment {self.autoscaler.workload}"
        return f"let HorizontalPodAutoscaler {self.autoscaler.name} scale {scaled}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreAutoscaler:
    """Create a HorizontalPodAutoscaler again from its saved copy."""

    autoscaler: Autoscaler

    def __str__(self) -> str:
        return f"restore HorizontalPodAutoscaler {self.autoscaler.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PointService:
    """Give a Service another selector, in one patch, provided it still has one that leads to this application."""

    namespace: str
    name: str
    selector: Selector
    known: tuple[Selector, ...]
    """Selectors that the run knows it to have. Versions apart, it must still have one of these."""

    def __str__(self) -> str:
        return f"let Service {self.name} select {' '.join(f'{name}={value}' for name, value in self.selector)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeRoute:
    """Bring one object of a route into the shape in which the new version has a share, whatever it is now.

    Units: percent of the traffic of the workload.
    """

    route: Route
    part: RoutePart
    percent: int

    def __str__(self) -> str:
        if self.part.kind == self.route.spec.kind:
            return f"let {self.route} send {self.percent} % to the new version"
        return f"tie {self.part} to one version, for {self.route}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRoute:
    """Leave one object of a route as it was before the run, and give up its fields, once a version has no pods left."""

    route: Route
    part: RoutePart
    stays: Labels
    """The version that stays."""
    gone: Labels
    """The version of which no pod may be left; empty where it does not matter."""
    is_opening: bool = False
    """Whether it only leads to all pods again, and the rest follows later."""

    def __str__(self) -> str:
        if self.is_opening:
            return f"let {self.part} lead to all pods again"
        verb = "delete" if self.part.template else "leave"
        return f"{verb} {self.part}" + ("" if self.part.template else " as it was before")


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateReplicaSet:
    """Create the new version's ReplicaSet with no pods."""

    namespace: str
    workload: str
    name: str

    def __str__(self) -> str:
        return f"create ReplicaSet {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Set the pods of a ReplicaSet, provided it still wants as many as were seen."""

    namespace: str
    name: str
    uid: str
    from_pods: int
    to_pods: int

    def __str__(self) -> str:
        return f"scale {self.name} from {self.from_pods} to {self.to_pods}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkLive:
    """Mark the new version as the live one, which the next run will find as its old version."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"mark {self.name} as live"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReplicaSet:
    """Create the old version's ReplicaSet again, with no pods, from its saved copy; somebody else has deleted it."""

    namespace: str
    name: str
    document: str

    def __str__(self) -> str:
        return f"create ReplicaSet {self.name} again, which somebody else has deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepDeployment:
    """Create the native Deployment of a workload, and see that it owns the new version's ReplicaSet."""

    namespace: str
    name: str
    replica_set: str

    def __str__(self) -> str:
        return f"hand {self.replica_set} to Deployment {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteReplicaSet:
    """Delete a ReplicaSet and its pods."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"delete ReplicaSet {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreObject:
    """Bring one object back to what it was, or delete it when the run created it."""

    saved: SavedObject

    def __str__(self) -> str:
        verb = "restore" if self.saved.before else "delete"
        return f"{verb} {self.saved.kind} {self.saved.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreDeployment:
    """Create a native Deployment again from its saved copy, and see that it adopts its old ReplicaSet."""

    namespace: str
    name: str
    document: str
    replica_set: str = ""
    """The ReplicaSet that it must own again; empty when there was none."""

    def __str__(self) -> str:
        return f"restore Deployment {self.name}"


Effect = (
    Prepare
    | ApplyObject
    | OrphanDeployment
    | RemoveAutoscaler
    | PlaceAutoscaler
    | RestoreAutoscaler
    | RestoreReplicaSet
    | KeepDeployment
    | PointService
    | ShapeRoute
    | ReleaseRoute
    | CreateReplicaSet
    | Scale
    | MarkLive
    | DeleteReplicaSet
    | RestoreObject
    | RestoreDeployment
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The change is made, now or by an earlier try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What `Prepare` found."""

    workloads: tuple[Workload, ...]
    saved: tuple[SavedObject, ...]
    autoscalers: tuple[Autoscaler, ...] = ()
    services: tuple[RoutedService, ...] = ()
    routes: tuple[Route, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The change cannot be made, and trying again would not help."""

    reason: EndReason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outdated:
    """The cluster has changed since it was observed: look again at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """The cluster cannot do it now: try again in a moment. Units: seconds."""

    detail: str
    retry_after_s: float = 2.0
    may_arrive: bool = False
    """Whether the change may be on its way all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentAway:
    """The agent is not connected, or was lost on the way."""

    detail: str
    may_arrive: bool = False
    """Whether the change may have been made, or may be yet."""


Outcome = Done | Prepared | Refused | Outdated | Busy | AgentAway
