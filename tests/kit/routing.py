"""Routes as domain tests need them: planned against given objects, noted, and shaped in memory."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field, replace
from typing import Any

from borealis_server.domain.deployment import Workload
from borealis_server.domain.effects import Refused
from borealis_server.domain.planning.pod_ratio import Bounds
from borealis_server.domain.planning.routes import plan_routes
from borealis_server.domain.planning.services import Side
from borealis_server.domain.routes import Route, RoutePart, RouteProvider, RouteSpec
from borealis_server.domain.routing.provider import AsBefore, KnownObjects, Misfit, Share, Wish
from borealis_server.domain.routing.registry import PROVIDERS

# Any throughout: JSON of Kubernetes objects.
OLD = {"app": "shop", "armory-pod-template-hash": "old"}
SERVED = {"TrafficSplit": "split.smi-spec.io/v1alpha2"}
ISTIO = RouteSpec(provider=RouteProvider.ISTIO, kind="VirtualService", name="shop")
SMI = RouteSpec(provider=RouteProvider.SMI, kind="TrafficSplit", name="shop", root_service="shop")
GATEWAY = RouteSpec(provider=RouteProvider.GATEWAY_API, kind="HTTPRoute", name="shop")


def side(name: str = "shop", *, old: dict[str, str] | None = None, is_live: bool = True) -> Side:
    """A workload with an old version, unless it is not live."""
    labels = {**OLD, "app": name} if old is None else old
    copied = json.dumps({"spec": {"template": {"metadata": {"labels": labels}}}}) if is_live else ""
    load = Workload(
        name=name,
        namespace="ns",
        replicas=2,
        bounds=Bounds.of(2),
        new_name=f"{name}-new",
        old_name=f"{name}-old" if is_live else "",
        old_copy=copied,
    )
    return Side(load=load, new_labels={"app": name})


def placed(*documents: dict[str, Any]) -> list[dict[str, Any]]:
    """Objects in the namespace of the workload."""
    return [{**each, "metadata": {**each["metadata"], "namespace": "ns"}} for each in documents]


def planned(spec: RouteSpec, *live: dict[str, Any], sides: tuple[Side, ...] = (), **options: Any) -> Any:
    """The only route of `spec`, or why there is none."""
    known = KnownObjects.of(placed(*options.get("applied", ())), placed(*live), options.get("served", SERVED))
    found = plan_routes([spec], sides or (side(),), known)
    return found if isinstance(found, Refused) else found[0]


@dataclass
class RouteLab:
    """The objects of one route, changed as the engine would."""

    route: Route
    live: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, spec: RouteSpec, *live: dict[str, Any]) -> RouteLab:
        """A route over these objects, as they are before its run."""
        route = planned(spec, *live)
        assert isinstance(route, Route), route
        objects = {(each["kind"], each["metadata"]["name"]): each for each in copy.deepcopy(placed(*live))}
        noted = PROVIDERS[spec.provider].noted(route, objects)
        parts = tuple(
            part if part.template else replace(part, before=json.dumps(noted[part.kind, part.name]))
            for part in route.parts
        )
        return cls(route=replace(route, parts=parts, is_noted=True), live=objects)

    def share(self, percent: int) -> RouteLab:
        """Give the new version a share."""
        for part in self.route.parts:
            self._wish(part, Share(percent=percent))
        return self

    def release(self, *, is_back: bool = False) -> RouteLab:
        """Leave everything as it was."""
        stays = self.route.old if is_back else self.route.new
        for part in reversed(self.route.parts):
            self._wish(part, AsBefore(stays=stays))
        return self

    def remember(self, *documents: dict[str, Any]) -> None:
        """Have these objects as what was there before the run, one for each part that was."""
        parts = tuple(
            replace(part, before=json.dumps(each)) for part, each in zip(self.route.parts, documents, strict=True)
        )
        self.route = replace(self.route, parts=parts)

    def misfit(self, kind: str, name: str = "shop", *, percent: int = 50) -> str:
        """Why an object cannot be brought into shape."""
        part = next(one for one in self.route.parts if (one.kind, one.name) == (kind, name))
        shape = PROVIDERS[self.route.spec.provider].shaped(
            self.route, part, self.live.get((kind, name)), Share(percent=percent)
        )
        assert isinstance(shape, Misfit), shape
        return shape.message

    @property
    def percent(self) -> int | None:
        """The share that the objects really give the new version."""
        return PROVIDERS[self.route.spec.provider].percent(self.route, self.live)

    def spec(self, kind: str, name: str = "shop") -> Any:
        """The specification of an object."""
        return self.live[kind, name]["spec"]

    def _wish(self, part: RoutePart, wish: Wish) -> None:
        key = part.kind, part.name
        provider = PROVIDERS[self.route.spec.provider]
        shape = provider.shaped(self.route, part, self.live.get(key), wish)
        assert not isinstance(shape, Misfit), shape
        if shape is None:
            self.live.pop(key, None)
            return
        self.live[key] = dict(shape)
        again = provider.shaped(self.route, part, self.live[key], wish)
        assert again == shape, "what is in shape stays as it is"
