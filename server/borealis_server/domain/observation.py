"""What a cluster shows of a target's pods, at one moment, in the words that decisions need."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from borealis_server.domain.deployment import Selector
from borealis_server.domain.kubernetes.json_types import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaSetView:
    """A live ReplicaSet. Counts are pods."""

    name: str
    uid: str
    desired: int
    """`spec.replicas`."""
    total: int
    """Pods that exist, as last reported."""
    available: int
    """Pods that are available, never more than desired: pods about to go no longer count."""
    is_settled: bool
    """Whether the reported counts belong to the desired ones (observedGeneration is current)."""
    failure: str = ""
    """Why pods cannot be created, from the ReplicaFailure condition; empty when they can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodProblem:
    """A pod that is not ready, and why."""

    pod: str
    reason: str
    """Kubernetes' word: `ImagePullBackOff`, `CrashLoopBackOff`, `Unschedulable` …"""
    detail: str = ""

    def __str__(self) -> str:
        return f"pod {self.pod}: {self.reason}" + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadView:
    """New and old version of one workload; None where the ReplicaSet does not exist."""

    new: ReplicaSetView | None
    old: ReplicaSetView | None
    problems: tuple[PodProblem, ...] = ()
    """Pods of the new version that are not ready, by name."""
    is_making_room: bool = False
    """Whether any pod of the namespace is about to go, while pods of the new version cannot be created."""


class Progress(StrEnum):
    """How far an object is."""

    READY = "READY"
    PENDING = "PENDING"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether an object is ready, and if not, why."""

    progress: Progress = Progress.READY
    detail: str = ""

    @classmethod
    def pending(cls, detail: str) -> Self:
        """Not ready yet: waiting may help."""
        return cls(progress=Progress.PENDING, detail=detail)

    @classmethod
    def failed(cls, detail: str) -> Self:
        """It will never be ready."""
        return cls(progress=Progress.FAILED, detail=detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectView:
    """An object that was applied, and whether it is ready."""

    label: str
    """Its kind and name."""
    readiness: Readiness
    problem: PodProblem | None = None
    """The first of its pods that is not ready."""

    def __str__(self) -> str:
        return f"{self.label}: {self.readiness.detail}" + (f"; {self.problem}" if self.problem else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceView:
    """A live Service, and whose pods its endpoints are. Counts are endpoints that are ready."""

    selector: Selector | None
    """None where the Service does not exist."""
    new: int = 0
    old: int = 0
    others: int = 0
    """Of neither version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What was looked at: workloads by namespace and name, or objects that were applied."""

    workloads: Mapping[tuple[str, str], WorkloadView]
    objects: tuple[ObjectView, ...] = ()
    services: Mapping[tuple[str, str], ServiceView] = field(default_factory=dict)
    """By namespace and name; only those that a blue/green run points at versions."""
    routes: Mapping[tuple[str, str, str, str], Mapping[tuple[str, str], Document]] = field(default_factory=dict)
    """By the key of the route: its live objects by kind and name, and Endpoints of its Services. Any: JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Objects whose changes may end a wait: all of a kind in a namespace (empty for kinds that have none)."""

    api_version: str
    kind: str
    namespace: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.kind}" if self.namespace else self.kind
