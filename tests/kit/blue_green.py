"""A model of a cluster with an active and a preview Service, whose endpoints follow a moment later."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from borealis_server.domain.deployment import RoutedService, Selector, ServicePair, StepRun, TargetRun
from borealis_server.domain.effects import (
    AgentAway,
    Done,
    Effect,
    Outcome,
    PointService,
    Prepared,
    Refused,
    RestoreReplicaSet,
)
from borealis_server.domain.kubernetes.service_selectors import without_version
from borealis_server.domain.observation import Observation, ServiceView
from borealis_server.domain.states import EndReason, ServiceRole, StepKind, StepPart
from kit.delivery import NEW, OLD, Drive, ModelCluster, ModelSet, a_deployment, a_target

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE: Selector = (("app", "shop"),)
TO_OLD: Selector = (*BASE, ("armory-pod-template-hash", "old"))
TO_NEW: Selector = (*BASE, ("armory-pod-template-hash", "new"))
ELSEWHERE: Selector = (("app", "maintenance"),)
DEPLOY = StepRun(ref="", kind=StepKind.DEPLOY_NEW_VERSION)
REDIRECT = StepRun(ref="", kind=StepKind.REDIRECT_TRAFFIC)
SHUT_DOWN = StepRun(ref="", kind=StepKind.SHUT_DOWN_OLD_VERSION)


@dataclass
class BlueGreenCluster(ModelCluster):
    """`selectors` are what Services select now, `followed` what their endpoints do."""

    selectors: dict[str, Selector] = field(default_factory=dict)
    followed: dict[str, Selector] = field(default_factory=dict)
    is_stuck: bool = False
    """Whether endpoints never follow."""

    @classmethod
    def serving(cls, pods: int) -> BlueGreenCluster:
        """The old version runs, and both Services lead to all pods of the application."""
        one = cls.running(pods)
        first = {"shop": BASE, "shop-next": BASE}
        return cls(
            replicas=pods, bounds=one.bounds, sets=one.sets, live=OLD, selectors=dict(first), followed=dict(first)
        )

    def advance(self) -> None:
        """Endpoints follow before pods move."""
        if not self.is_stuck:
            self.followed.update(self.selectors)
        super().advance()

    def endpoints(self, service: str) -> tuple[int, int]:
        """Ready pods of the new and of the old version behind a Service."""
        selector = self.followed.get(service)
        new = self._ready(NEW) if selector in (BASE, TO_NEW) else 0
        old = self._ready(OLD) if selector in (BASE, TO_OLD) else 0
        return new, old

    def observe(self) -> Observation | AgentAway:
        """Pods, Services and their endpoints."""
        seen = super().observe()
        if isinstance(seen, AgentAway):
            return seen
        views = {}
        for name in ("shop", "shop-next"):
            new, old = self.endpoints(name)
            views["shop", name] = ServiceView(selector=self.selectors.get(name), new=new, old=old)
        return replace(seen, services=views)

    def perform(self, effect: Effect) -> Outcome:
        """As the performer of effects would."""
        if isinstance(effect, PointService) and not self.is_away:
            return self._point(effect)
        if isinstance(effect, RestoreReplicaSet) and not self.is_away:
            self.sets.setdefault(effect.name, ModelSet(desired=0, available=0))
        result = super().perform(effect)
        if isinstance(result, Prepared):
            loads = tuple(replace(load, old_copy="{}" if load.old_name else "") for load in result.workloads)
            return replace(result, workloads=loads, services=tuple(self._routed(has_old=OLD in self.sets)))
        return result

    def _point(self, effect: PointService) -> Outcome:
        now = self.selectors.get(effect.name, ())
        if without_version(now) not in {without_version(one) for one in effect.known}:
            return Refused(reason=EndReason.APPLY_ERROR, message=f"Service {effect.name} is somebody else's now")
        if now != effect.selector:
            self.writes.append(effect)
            self.selectors[effect.name] = effect.selector
        return Done()

    def _routed(self, *, has_old: bool) -> Iterator[RoutedService]:
        for name, role in (("shop", ServiceRole.ACTIVE), ("shop-next", ServiceRole.PREVIEW)):
            yield RoutedService(
                namespace="shop",
                name=name,
                role=role,
                workload="shop",
                before=BASE,
                held=TO_OLD if has_old else BASE,
                wanted=TO_NEW,
            )

    def _ready(self, name: str) -> int:
        each = self.sets.get(name)
        return min(each.available, each.desired) if each else 0


def blue_green_steps(*, redirect: tuple[StepRun, ...], shut_down: tuple[StepRun, ...]) -> tuple[StepRun, ...]:
    """The steps of a blue/green strategy, with conditions before traffic is redirected and before the end."""
    stages = [stage for stage in ((DEPLOY,), redirect, (REDIRECT,), shut_down, (SHUT_DOWN,)) if stage]
    members = [(number, step) for number, stage in enumerate(stages, start=1) for step in stage]
    return tuple(
        replace(step, ref=f"step-{index}", stage=stage, part=StepPart.STRATEGY)
        for index, (stage, step) in enumerate(members, start=1)
    )


def blue_green_target(*, redirect: tuple[StepRun, ...] = (), shut_down: tuple[StepRun, ...] = ()) -> TargetRun:
    """A target with a blue/green strategy."""
    steps = blue_green_steps(redirect=redirect, shut_down=shut_down)
    return replace(a_target(), steps=steps, service_pairs=(ServicePair(active="shop", preview="shop-next"),))


@dataclass
class BlueGreenDrive(Drive):
    """A drive over such a cluster."""

    cluster: BlueGreenCluster


def blue_green_drive(pods: int = 3, **conditions: tuple[StepRun, ...]) -> BlueGreenDrive:
    """A deployment about to start over an old version of so many pods."""
    recorded = a_deployment(blue_green_target(**conditions))
    return BlueGreenDrive(recorded=recorded, cluster=BlueGreenCluster.serving(pods))
