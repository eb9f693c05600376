"""What the checker explores: manifests, steps, what may go wrong, and how often."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from borealis_server.domain.deployment import ServicePair
from borealis_server.domain.states import DeploymentState, StepPart
from kit.blue_green import blue_green_steps
from kit.checker.cluster import Workload
from kit.checker.moment import ROLES
from kit.checker.services import PINNED, PREVIEW, SHARED
from kit.delivery import approval, numbered, set_weight, timed_pause

if TYPE_CHECKING:
    from borealis_server.domain.deployment import StepRun

FAULTS = frozenset({"crash", "lost", "away", "busy", "refuse", "pod", "outside", "blind", "deleted", "edited"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPlan:
    """A target: its place in the order, its steps, its part of a cluster."""

    name: str = "prod"
    depends_on: tuple[str, ...] = ()
    steps: tuple[StepRun, ...] = ()
    workloads: tuple[Workload, ...] = (Workload("shop", 2, 2),)
    objects: int = 0
    broken: tuple[str, ...] = ()
    """Workloads whose new version never gets ready."""
    quota: int = 1_000
    """Pods that the namespace admits."""
    keeps: bool = False
    """Whether a Kubernetes Deployment owns the new version at the end."""
    pairs: tuple[ServicePair, ...] = ()
    """Services of a blue/green strategy."""
    services_at_first: str = ""
    """Whether there are Services before the run: empty where there are none, `shared` where they lead to every version,
    `pinned` where they lead to the old version alone."""
    applies_services: bool = False
    """Whether the Services are among the manifests."""

    applies_scalers: bool = False
    """Whether an autoscaler for each workload is among the manifests."""

    @property
    def service_names(self) -> tuple[str, ...]:
        """Active and preview Services, of each workload where the strategy names none."""
        named = tuple(name for pair in self.pairs for name in (pair.active, pair.preview) if name)
        return named or tuple(load.name for load in self.workloads)

    @property
    def applied_services(self) -> tuple[str, ...]:
        """The Services among the manifests: behind every other object."""
        return self.service_names if self.applies_services else ()

    @property
    def live_services(self) -> tuple[str, ...]:
        """The Services that are there before the run."""
        return self.service_names if self.services_at_first else ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Every object to apply, as a start would name it."""
        settings = tuple(f"ConfigMap {index}" for index in range(self.objects))
        services = tuple(f"Service {name}" for name in self.applied_services)
        return (*settings, *services, *(f"HorizontalPodAutoscaler {name}" for name in self.applied_scalers))

    @property
    def applied_scalers(self) -> tuple[str, ...]:
        """The autoscalers among the manifests, named as their workloads: behind every other object."""
        return tuple(load.name for load in self.workloads) if self.applies_scalers else ()

    def place_of(self, label: str) -> int:
        """The place of an object among those to apply; negative for those that are only in the cluster."""
        return self.labels.index(label) if label in self.labels else -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One configuration of the model. `faults`: at most so many things of `kinds` go wrong on one path."""

    name: str
    targets: tuple[TargetPlan, ...] = (TargetPlan(),)
    faults: int = 1
    kinds: frozenset[str] = FAULTS
    can_abort: bool = True
    starts: int = 1
    """Deployments of the application, one after the other."""
    ends: DeploymentState = DeploymentState.SUCCEEDED
    """How it ends when nothing disturbs it."""
    is_late: bool = False
    """Whether a write of a dead server may arrive after its target has turned round or ended."""

    def with_faults(self, faults: int) -> Scenario:
        """The same with other bounds."""
        return replace(self, faults=faults)

    def late(self) -> Scenario:
        """The same, and requests of dead servers take as long as the API server lets them."""
        return replace(self, name=f"{self.name}, late", is_late=True, faults=1, kinds=frozenset({"crash"}))


def canary(
    name: str,
    *steps: StepRun,
    pods: int = 2,
    old: int | None = None,
    surge: int | str = "25%",
    unavailable: int | str = 0,
    native: bool = False,
    autoscaled: bool = False,
    **plan: object,
) -> Scenario:
    """One workload of one target."""
    load = Workload("shop", pods, pods if old is None else old, surge, unavailable, native, autoscaled)
    target = replace(TargetPlan(steps=numbered(*steps) or numbered(set_weight(100)), workloads=(load,)), **plan)  # type: ignore[arg-type]
    return Scenario(name=name, targets=(target,))


def blue_green(
    name: str,
    *,
    redirect: tuple[StepRun, ...] = (),
    shut_down: tuple[StepRun, ...] = (),
    workloads: tuple[Workload, ...] = (Workload("shop", 1, 1),),
    has_previews: bool = True,
    **plan: object,
) -> Scenario:
    """Active and preview Services for each workload of one target."""
    end = PREVIEW if has_previews else None
    target = TargetPlan(
        steps=blue_green_steps(redirect=redirect, shut_down=shut_down),
        workloads=workloads,
        pairs=tuple(ServicePair(active=load.name, preview=f"{load.name}{end}" if end else "") for load in workloads),
        services_at_first=SHARED,
    )
    return Scenario(name=name, targets=(replace(target, **plan),))  # type: ignore[arg-type]


HALF, ALL = set_weight(50), set_weight(100)
APPROVAL, EXPIRING, PAUSE = approval(), replace(approval(expires_after_s=100), requires_roles=ROLES), timed_pause(10)

_two_workloads = TargetPlan(
    steps=numbered(HALF, ALL), workloads=(Workload("shop", 2, 2), Workload("cart", 1, 1)), objects=0
)
_chain = (
    TargetPlan(name="staging", steps=numbered(ALL), workloads=(Workload("shop", 1, 1),)),
    TargetPlan(name="prod", depends_on=("staging",), steps=numbered(ALL), workloads=(Workload("shop", 1, 1),)),
)

_constrained = TargetPlan(
    steps=(
        replace(EXPIRING, ref="before-1", part=StepPart.BEFORE),
        replace(PAUSE, ref="before-2", part=StepPart.BEFORE),
        replace(ALL, ref="step-1"),
        replace(EXPIRING, ref="after-1", part=StepPart.AFTER),
        replace(PAUSE, ref="after-2", part=StepPart.AFTER),
    ),
    workloads=(Workload("shop", 1, 1),),
)

SCENARIOS: tuple[Scenario, ...] = (
    canary("one-pod", ALL, pods=1, objects=1),
    canary("one-pod-no-surge", ALL, pods=1, surge=0, objects=1),
    canary("two-pods-half", HALF, ALL),
    canary("two-pods-approval", HALF, EXPIRING, ALL),
    canary("two-pods-surge-all", HALF, ALL, surge="100%"),
    canary("two-pods-unavailable", HALF, ALL, surge=0, unavailable=1),
    canary("three-pods", set_weight(34), ALL, pods=3),
    canary("three-pods-pause", set_weight(34), PAUSE, ALL, pods=3, surge=1, unavailable=1),
    canary("grows", ALL, pods=3, old=1),
    canary("shrinks", ALL, pods=1, old=3),
    canary("first-deployment", HALF, APPROVAL, ALL, pods=2, old=0, objects=1),
    canary("native", HALF, ALL, native=True, objects=1),
    replace(canary("never-ready", HALF, ALL, broken=("shop",), objects=1), ends=DeploymentState.FAILED),
    replace(canary("quota", HALF, ALL, quota=2), ends=DeploymentState.FAILED),
    Scenario(name="two-workloads", targets=(_two_workloads,)),
    Scenario(name="two-targets", targets=_chain),
    replace(canary("started-twice", ALL, pods=1, objects=1), starts=2),
    canary("autoscaled", ALL, pods=1, autoscaled=True),
    canary("keeps", HALF, ALL, native=True, autoscaled=True, keeps=True),
    replace(canary("keeps-twice", ALL, pods=1, keeps=True), starts=2),
    canary("approval-forever", APPROVAL, ALL, pods=1, surge=0),
    replace(canary("constraints", pods=1), targets=(_constrained,)),
    blue_green("blue-green", objects=1),
    blue_green("blue-green-active-only", has_previews=False),
    blue_green("blue-green-waits", redirect=(EXPIRING, PAUSE), shut_down=(APPROVAL,)),
    blue_green("blue-green-two-pods", shut_down=(PAUSE,), workloads=(Workload("shop", 2, 2),)),
    blue_green("blue-green-grows", workloads=(Workload("shop", 2, 1),)),
    blue_green("blue-green-shrinks", workloads=(Workload("shop", 1, 2),)),
    blue_green("blue-green-applied", services_at_first=PINNED, applies_services=True),
    blue_green("blue-green-first", workloads=(Workload("shop", 1, 0),), services_at_first="", applies_services=True),
    replace(blue_green("blue-green-broken", broken=("shop",)), ends=DeploymentState.FAILED),
    blue_green("blue-green-native", workloads=(Workload("shop", 1, 1, is_native=True),)),
    blue_green("blue-green-keeps", workloads=(Workload("shop", 1, 1, is_native=True, is_autoscaled=True),), keeps=True),
    blue_green("blue-green-two-workloads", workloads=(Workload("shop", 1, 1), Workload("cart", 1, 1))),
    replace(blue_green("blue-green-twice", applies_services=True), starts=2),
    canary("canary-after-blue-green", ALL, pods=1, services_at_first=PINNED, applies_services=True),
)
