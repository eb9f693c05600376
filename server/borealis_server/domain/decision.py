"""The three things a decision can be."""

from dataclasses import dataclass
from datetime import datetime

from borealis_server.domain.deployment import TargetRun
from borealis_server.domain.effects import Effect
from borealis_server.domain.record import Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Make one change in the cluster. `run` is the record to keep first, with the intent in it."""

    effect: Effect
    run: TargetRun
    notes: tuple[Note, ...] = ()
    """What made it necessary, where people have to know that; told once, before the change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Become:
    """Keep `run`, then decide again."""

    run: TargetRun
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Nothing to do until something happens, or until `wake_at`. `run` carries the wait by name."""

    run: TargetRun
    wake_at: datetime | None = None
    is_spared: bool = False
    """Whether the cluster asked to be left alone until `wake_at`: nothing is watched meanwhile."""
    notes: tuple[Note, ...] = ()


Decision = Act | Become | Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a decision about a target needs beside its record. Units: seconds."""

    now: datetime
    readiness_timeout_s: float
    objects: tuple[str, ...]
    """Objects of the target to apply, other than Deployments, in order: `kind name` of each."""
    keeps_deployment_object: bool = False
    """Whether a native Deployment is left at the end."""
