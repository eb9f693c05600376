"""A version's pods as a ReplicaSet controller keeps them, for simulations of the pod arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from borealis_server.domain.planning.pod_ratio import Bounds, Counts, Observed, next_counts


@dataclass
class SimulatedCluster:
    """Pods of the new and the old version: asked for, and available. Starting pods are the first to be deleted."""

    replicas: int
    bounds: Bounds
    new: int = 0
    new_ready: int = 0
    old: int = 0
    old_ready: int = 0

    @property
    def counts(self) -> Counts:
        return Counts(new=self.new, old=self.old)

    @property
    def observed(self) -> Observed:
        return Observed(
            new_spec=self.new,
            new_available=self.new_ready,
            old_spec=self.old,
            old_available=self.old_ready,
        )

    def write(self, counts: Counts, *, only_new: bool = False, only_old: bool = False) -> None:
        if not only_old:
            self.new, self.new_ready = counts.new, min(self.new_ready, counts.new)
        if not only_new:
            self.old, self.old_ready = counts.old, min(self.old_ready, counts.old)

    def step(self, goal: Counts) -> Counts:
        counts = next_counts(goal, self.observed, self.bounds, self.replicas)
        self.write(counts)
        return counts

    def become_ready(self, new: int, old: int) -> None:
        self.new_ready = min(self.new, self.new_ready + new)
        self.old_ready = min(self.old, self.old_ready + old)

    def assert_within_bounds(self) -> None:
        assert self.new >= 0
        assert self.old >= 0
        assert self.new + self.old <= self.replicas + self.bounds.max_surge
        assert self.new_ready + self.old_ready >= self.replicas - self.bounds.max_unavailable


@pytest.fixture
def cluster_of():
    """Builds a cluster with all pods of the old version ready."""

    def build(replicas: int, bounds: Bounds) -> SimulatedCluster:
        return SimulatedCluster(replicas=replicas, bounds=bounds, old=replicas, old_ready=replicas)

    return build
