"""How many pods of each version: the goal for a weight, and the next safe step towards it.

Integers only, so two servers can never disagree by a rounding error. Decides nothing about time, traffic or readiness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

DEFAULT_MAX_SURGE: Final = "25%"
DEFAULT_MAX_UNAVAILABLE: Final = 0
_WHOLE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Pods of the new and of the old version."""

    new: int
    old: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Fence posts in whole pods: pods above the wanted number, and pods that may be missing from it."""

    max_surge: int
    max_unavailable: int

    @classmethod
    def of(
        cls,
        replicas: int,
        max_surge: int | str = DEFAULT_MAX_SURGE,
        max_unavailable: int | str = DEFAULT_MAX_UNAVAILABLE,
    ) -> Self:
        """Bounds for `replicas` from pods (`2`, `"2"`) or percents (`"25%"`): surge rounds up, unavailable down.

        Both at zero would forbid every step, so one pod may then be missing.
        Errors: ValueError for a negative number or any other text.
        """
        surge = _pods(max_surge, replicas, rounds_up=True)
        unavailable = _pods(max_unavailable, replicas, rounds_up=False)
        if surge == 0 and unavailable == 0:
            unavailable = 1
        return cls(max_surge=surge, max_unavailable=min(unavailable, replicas))


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What the cluster shows: asked and available pods of the new, the old and any other version."""

    new_spec: int
    new_available: int
    old_spec: int
    old_available: int
    other_spec: int = 0
    other_available: int = 0


def goal(replicas: int, weight_percent: int, max_surge: int) -> Counts:
    """The split closest to `weight_percent` that `replicas` pods allow, or one pod more where surge permits.

    Between 0 and 100 neither side is ever empty, except for a single pod without surge. On a tie the new version gets
    more.
    """
    if replicas == 0:
        return Counts(new=0, old=0)
    candidates = _candidates(replicas, weight_percent, max_surge)
    best_new, best_total = candidates[0]
    for new, total in candidates[1:]:
        if _is_closer(new, total, best_new, best_total, weight_percent):
            best_new, best_total = new, total
    return Counts(new=best_new, old=best_total - best_new)


def next_counts(goal: Counts, observed: Observed, bounds: Bounds, replicas: int) -> Counts:
    """The counts to ask for now: never above the surge, never draining below what must stay available.

    Looks only at what is observed, so it may be asked again at any time and by anyone. First it grows (the old version
    before the new one), then it drains one side. Pods of other versions are drained first, by the caller: while any are
    asked for, nothing is drained here.
    """
    limit = replicas + bounds.max_surge
    grown = _grow(goal, observed, limit)
    if observed.other_spec > 0:
        return grown
    return _drain(goal, grown, observed, limit=limit, floor=replicas - bounds.max_unavailable)


def is_reached(goal: Counts, observed: Observed, *, needs_old: bool = False) -> bool:
    """Whether `goal` stands: counts as asked, the new pods available, nothing left of other versions.

    The old pods count only if `needs_old` (a rollback): on the way up, a broken old version must not stop a good new
    one.
    """
    is_asked = observed.new_spec == goal.new and observed.old_spec == goal.old
    is_serving = observed.new_available >= goal.new and (not needs_old or observed.old_available >= goal.old)
    return is_asked and is_serving and observed.other_spec == 0 and observed.other_available == 0


def _pods(value: int | str, replicas: int, *, rounds_up: bool) -> int:
    text = str(value)
    number = text.removesuffix("%")
    if not (number.isascii() and number.isdigit()):
        raise ValueError(f"expected pods like 2 or a share like 25%, got {value!r}")
    if number == text:
        return int(number)
    scaled = replicas * int(number)
    return -(-scaled // _WHOLE) if rounds_up else scaled // _WHOLE


def _candidates(replicas: int, weight: int, max_surge: int) -> list[tuple[int, int]]:
    """Splits (new, total) to choose from, the preferred ones first."""
    high, low = -(-replicas * weight // _WHOLE), replicas * weight // _WHOLE
    may_be_empty = weight in {0, _WHOLE} or (replicas == 1 and max_surge == 0)
    may_use_low = low > 0 or may_be_empty
    found = []
    if high < replicas or may_be_empty:
        found.append((high, replicas))
    if may_use_low and not _is_half(replicas, weight):
        found.append((low, replicas))
    if max_surge > 0:
        found.append((high, replicas + 1))
        if may_use_low and not _is_half(replicas + 1, weight):
            found.append((low, replicas + 1))
    # Without surge, a tie just below all pods (2 pods at 75 %) leaves nothing; an empty old side is not an answer.
    return found or [(low, replicas)]


def _is_half(total: int, weight: int) -> bool:
    return total * weight % _WHOLE * 2 == _WHOLE


def _is_closer(new: int, total: int, best_new: int, best_total: int, weight: int) -> bool:
    error = abs(_WHOLE * new - weight * total)
    best_error = abs(_WHOLE * best_new - weight * best_total)
    return error * best_total < best_error * total


def _grow(goal: Counts, observed: Observed, limit: int) -> Counts:
    room = max(0, limit - observed.new_spec - observed.old_spec - observed.other_spec)
    more_old = min(room, max(0, goal.old - observed.old_spec))
    more_new = min(room - more_old, max(0, goal.new - observed.new_spec))
    return Counts(new=observed.new_spec + more_new, old=observed.old_spec + more_old)


def _drain(goal: Counts, grown: Counts, observed: Observed, *, limit: int, floor: int) -> Counts:
    drains_old = goal.new >= grown.new
    # The drained side counts by what was asked for: waiting for its broken pods to recover would wait for ever.
    new_safe = min(grown.new, observed.new_available) if drains_old else grown.new
    old_safe = grown.old if drains_old else min(grown.old, observed.old_available)
    spare = new_safe + old_safe - floor
    if spare <= 0:
        return grown
    if drains_old:
        old = max(goal.old, grown.old - spare) if grown.old > goal.old else grown.old
        old, new = _fit(old, grown.new, observed.old_available, observed.new_available, limit=limit, floor=floor)
    else:
        new = max(goal.new, grown.new - spare)
        new, old = _fit(new, grown.old, observed.new_available, observed.old_available, limit=limit, floor=floor)
    return Counts(new=new, old=old)


def _fit(drained: int, kept: int, drained_ready: int, kept_ready: int, *, limit: int, floor: int) -> tuple[int, int]:
    """Both counts within `limit`, which they exceed when the wanted number of pods has just fallen."""
    kept -= max(0, drained + kept - limit)
    missing = max(0, floor - min(drained_ready, drained) - min(kept_ready, kept))
    kept += min(max(0, kept_ready - kept), missing)
    drained -= max(0, drained + kept - limit)
    return drained, kept
