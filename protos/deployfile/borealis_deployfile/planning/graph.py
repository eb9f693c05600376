"""The order of targets: which of them may run at the same time, and which must wait for which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_deployfile.cycles import find_cycles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class CycleError(ValueError):
    """Targets wait for each other, so there is no order."""

    def __init__(self, cycles: tuple[tuple[str, ...], ...]) -> None:
        loops = "; ".join(" -> ".join((*cycle, cycle[0])) for cycle in cycles)
        super().__init__(f"targets wait for each other: {loops}")
        self.cycles = cycles
        """Each loop as the names in it: the first waits for the second, and the last for the first."""


def plan_order(names: Sequence[str], depends_on: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Waves of targets that may run at the same time, first to last.

    Shape: every name is in exactly one wave, the earliest possible one, in the order of `names`; what it depends on is
    in earlier waves. A name without an entry in `depends_on` waits for nothing.
    Errors: CycleError with every loop; ValueError if a dependency is not among `names`.
    """
    waits_for = {name: depends_on.get(name, ()) for name in names}
    unknown = sorted({other for others in waits_for.values() for other in others} - waits_for.keys())
    if unknown:
        raise ValueError(f"dependencies on unknown targets: {', '.join(unknown)}")
    cycles = find_cycles(waits_for)
    if cycles:
        raise CycleError(cycles)
    return _waves(waits_for)


def _waves(waits_for: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    waves: list[tuple[str, ...]] = []
    done: set[str] = set()
    left = list(waits_for)
    while left:
        wave = tuple(name for name in left if done.issuperset(waits_for[name]))
        waves.append(wave)
        done.update(wave)
        left = [name for name in left if name not in done]
    return tuple(waves)
