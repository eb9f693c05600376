"""A model of a cluster whose traffic a route divides, in memory, for every provider."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from borealis_server.domain.effects import (
    AgentAway,
    Done,
    Effect,
    Outcome,
    Prepared,
    Refused,
    ReleaseRoute,
    RestoreReplicaSet,
    ShapeRoute,
)
from borealis_server.domain.routing.provider import AsBefore, Misfit, Share
from borealis_server.domain.routing.registry import PROVIDERS
from borealis_server.domain.states import EndReason
from kit.delivery import NEW, OLD, Drive, ModelCluster, ModelSet, a_deployment, a_target
from kit.lab import service
from kit.meshes import destination_rule, route, virtual_service
from kit.routing import GATEWAY, ISTIO, SMI, placed, planned

if TYPE_CHECKING:
    from borealis_server.domain.deployment import StepRun
    from borealis_server.domain.observation import Observation
    from borealis_server.domain.routes import RouteSpec

# Any throughout: JSON of Kubernetes objects.
VERSION = "armory-pod-template-hash"
ROUTES: dict[str, tuple[RouteSpec, tuple[dict[str, Any], ...]]] = {
    "istio": (ISTIO, (service("shop"), destination_rule(), virtual_service())),
    "smi": (SMI, (service("shop"),)),
    "gateway-api": (GATEWAY, (service("shop"), route())),
}


@dataclass
class RoutedCluster(ModelCluster):
    """`objects` are the live ones by kind and name; endpoints follow Services at once unless `is_stuck`."""

    spec: RouteSpec = ISTIO
    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    before: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    is_stuck: bool = False

    @classmethod
    def serving(cls, kind: str, pods: int) -> RoutedCluster:
        """The old version runs behind a route."""
        one = cls.running(pods)
        spec, live = ROUTES[kind]
        objects = {(each["kind"], each["metadata"]["name"]): each for each in copy.deepcopy(placed(*live))}
        return cls(
            replicas=pods,
            bounds=one.bounds,
            sets=one.sets,
            live=OLD,
            spec=spec,
            objects=objects,
            before=copy.deepcopy(objects),
        )

    def observe(self) -> Observation | AgentAway:
        """Pods, and the objects of the route."""
        seen = super().observe()
        if isinstance(seen, AgentAway):
            return seen
        route = self._route()
        parts = {(part.kind, part.name) for part in route.parts}
        found = {key: copy.deepcopy(each) for key, each in self.objects.items() if key in parts}
        name = route.spec.canary_service
        if name and ("Service", name) in self.objects:
            count = 0 if self.is_stuck else self._ready(NEW)
            addresses = [{"ip": f"192.0.2.{number}"} for number in range(count)]
            found["Endpoints", name] = {"kind": "Endpoints", "subsets": [{"addresses": addresses}]}
        return replace(seen, routes={route.key: found})

    def perform(self, effect: Effect) -> Outcome:
        """As the performer of effects would."""
        if isinstance(effect, ShapeRoute | ReleaseRoute) and not self.is_away:
            return self._write(effect)
        if isinstance(effect, RestoreReplicaSet) and not self.is_away:
            self.sets.setdefault(effect.name, ModelSet(desired=0, available=0))
        result = super().perform(effect)
        if not isinstance(result, Prepared):
            return result
        has_old = OLD in self.sets
        loads = tuple(
            replace(load, is_routed=has_old, old_copy="{}" if load.old_name else "") for load in result.workloads
        )
        return replace(result, workloads=loads, routes=(self._route(),) if has_old else ())

    def share(self) -> int:
        """Percent of the traffic of the workload that the new version gets by the route; all where it is open."""
        return PROVIDERS[self.spec.provider].percent(self._route(), self.objects) or 0

    def _write(self, effect: ShapeRoute | ReleaseRoute) -> Outcome:
        if self.refuses is not None and isinstance(effect, self.refuses):
            return Refused(reason=EndReason.APPLY_ERROR, message="the cluster said no")
        key = effect.part.kind, effect.part.name
        wish: Share | AsBefore = (
            Share(percent=effect.percent)
            if isinstance(effect, ShapeRoute)
            else AsBefore(stays=effect.stays, keeps_canary=effect.is_opening)
        )
        live = self.objects.get(key)
        if live is None and isinstance(effect, ReleaseRoute):
            return Done()
        shape = PROVIDERS[self.spec.provider].shaped(effect.route, effect.part, live, wish)
        if isinstance(shape, Misfit):
            return Refused(reason=EndReason.APPLY_ERROR, message=shape.message)
        if shape is None:
            self.objects.pop(key, None)
        else:
            self.objects[key] = dict(shape)
        self.writes.append(effect)
        return Done()

    def _route(self) -> Any:
        route = planned(self.spec, *self.before.values())
        return replace(route, namespace="shop")

    def _ready(self, name: str) -> int:
        each = self.sets.get(name)
        return min(each.available, each.desired) if each else 0

    def ready(self, name: str) -> int:
        """Ready pods of a version."""
        return self._ready(name)


@dataclass
class RoutedDrive(Drive):
    """A drive over such a cluster."""

    cluster: RoutedCluster

    def rest(self) -> Self:
        """Decide and let the cluster work until nothing changes any more."""
        self.until_rest()
        return self


def routed_drive(kind: str, *steps: StepRun, pods: int = 3) -> RoutedDrive:
    """A deployment about to start over an old version of so many pods."""
    return RoutedDrive(recorded=a_deployment(a_target("prod", *steps)), cluster=RoutedCluster.serving(kind, pods))
