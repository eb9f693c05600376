"""What a cluster shows of a target's pods, at one moment, in the words that decisions need."""

from collections.abc import Mapping
from dataclasses import dataclass


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """All workloads of a target, by namespace and name."""

    workloads: Mapping[tuple[str, str], WorkloadView]
