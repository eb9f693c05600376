"""What a moment of the model is made of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from borealis_server.domain.effects import AgentAway, Busy, Refused
from borealis_server.domain.states import EndReason

if TYPE_CHECKING:
    from borealis_server.domain.deployment import Deployment, TargetRun

T = TypeVar("T")
LOOKED, INTENDED, PERFORMED = 1, 2, 3
AWAY = AgentAway(detail="its tunnel was lost")
BUSY = Busy(detail="429 slow down")
REFUSED = Refused(reason=EndReason.APPLY_ERROR, message="the cluster said no")
PODS_FAILED, SCALED_OUTSIDE, ARRIVED_LATE, DELETED, EDITED = 1, 2, 4, 8, 16
READINESS_S = 600
ROLES, STRANGER = ("release",), "a stranger"


class Violated(Exception):  # noqa: N818 - named by what happened
    """An invariant does not hold."""


class Drive(NamedTuple):
    """What a server has in its memory about a target, between two steps."""

    stage: int
    is_fresh: bool
    """Whether the record is still the one that this was decided on."""
    number: int
    """Which deployment, counted from 1."""
    run: int
    what: int
    """A decision when LOOKED, else an effect."""
    outcome: int = 0
    age_s: float = 0
    """How long ago it was intended."""


class State(NamedTuple):
    """One moment. Numbers stand for values in the tables of the world."""

    number: int
    deployment: int
    clusters: tuple[int, ...]
    away: tuple[bool, ...]
    drives: tuple[Drive | None, ...]
    ghosts: tuple[Drive | None, ...]
    """What a server that is thought dead may still do."""
    faults: int
    excuses: int


class Table(Generic[T]):
    """Numbers for values, in the order in which they came."""

    def __init__(self) -> None:
        self._numbers: dict[T, int] = {}
        self._values: list[T] = []

    def __getitem__(self, number: int) -> T:
        return self._values[number]

    def __len__(self) -> int:
        return len(self._values)

    def of(self, value: T) -> int:
        """The number of `value`."""
        number = self._numbers.get(value)
        if number is None:
            number = self._numbers[value] = len(self._values)
            self._values.append(value)
        return number


def with_drive(state: State, who: str, target: int, drive: Drive | None) -> State:
    """The moment with another memory of one server about one target."""
    if who == "drives":
        return state._replace(drives=with_at(state.drives, target, drive))
    return state._replace(ghosts=with_at(state.ghosts, target, drive))


def on(state: State, target: int, cluster: int) -> State:
    """The moment with another cluster behind one target."""
    return state._replace(clusters=with_at(state.clusters, target, cluster))


def with_at(values: tuple[T, ...], index: int, value: T) -> tuple[T, ...]:
    """The values with another one at `index`."""
    return (*values[:index], value, *values[index + 1 :])


def aged(drive: Drive | None, is_changed: bool) -> Drive | None:  # noqa: FBT001 - one of two columns
    """What is remembered, marked as out of date when the record has changed."""
    return drive._replace(is_fresh=False) if drive and is_changed and drive.is_fresh else drive


def holding(holder: Deployment, run: TargetRun) -> Deployment:
    """A deployment around a run, for functions that take whole ones."""
    return replace(holder, targets=(run,))
