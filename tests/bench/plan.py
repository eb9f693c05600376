"""Which cases are measured, in what order, and how: slices of all ways in turn, so that each sees the same machine."""

from __future__ import annotations

import os
import statistics
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

import psutil

from bench import cases
from bench.cases import Case, Numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bench.ways import Way

CALLERS: Final = (1, 16, 64, 100)
STALLED: Final = (0, 1, 8, 100)
_ALL_WAYS: Final = ("direct", "relay", "no batching", "no credit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one case gave: the numbers of each way, one entry for each round."""

    case: Case
    rounds: Mapping[str, list[Numbers]] = field(default_factory=dict)

    def median(self, way: str, name: str) -> float:
        """The median of a number over the rounds."""
        return statistics.median(one[name] for one in self.rounds[way])

    def ratios(self, way: str, to: str = "direct", name: str = "") -> list[float]:
        """A number of one way by that of another in each round."""
        name = name or self.case.main
        pairs = zip(self.rounds[way], self.rounds[to], strict=True)
        return [one[name] / other[name] for one, other in pairs if other[name]]


def plan(*, is_quick: bool) -> list[Case]:
    """The cases, plain ones first."""
    watches = 50 if is_quick else 1000
    return [
        *(
            Case(
                key=f"get-{callers}",
                title=f"GET of 1 KiB, {callers} caller{'s' if callers > 1 else ''}",
                main="calls_per_s",
                run=partial(cases.call_for, path="/api/1k", callers=callers),
                ways=_ALL_WAYS,
            )
            for callers in CALLERS
        ),
        Case(
            key="get-new-16",
            title="GET of 1 KiB, 16 callers, a new connection each time",
            main="calls_per_s",
            run=partial(cases.call_for, path="/api/1k", callers=16),
            ways=("direct, new connections", "relay"),
        ),
        *(
            Case(
                key=f"list-{size}",
                title=f"list of {words}, {callers} callers",
                main="mb_per_s",
                run=partial(cases.call_for, path=f"/api/{size}", callers=callers),
            )
            for size, words, callers in (("50k", "50 KiB", 16), ("5m", "5 MiB", 4))
        ),
        Case(key="down", title="bulk down, one stream", main="mb_per_s", run=cases.pour_down, ways=_ALL_WAYS),
        Case(key="up", title="bulk up, one stream", main="mb_per_s", run=cases.pour_up, ways=_ALL_WAYS),
        Case(
            key="watch",
            title=f"{watches} watches with 5 events a second",
            main="p99_ms",
            run=partial(cases.watch, watches=watches, events_per_s=5.0),
            seconds=2.0,
        ),
        Case(
            key="beside-bulk",
            title="GET of 1 KiB, 4 callers, beside 2 bulk answers",
            main="p99_ms",
            run=partial(cases.call_beside_bulk, bulk=2),
            shows_cpu=False,
        ),
        *(
            Case(
                key=f"stalled-{stalled}",
                title=f"GET of 1 KiB, 4 callers, beside {stalled} stalled reader{'' if stalled == 1 else 's'}",
                main="p99_ms",
                run=partial(cases.call_beside_stalled, stalled=stalled),
                shows_cpu=False,
            )
            for stalled in STALLED
        ),
    ]


async def compare(case: Case, ways: Mapping[str, Way], *, rounds: int, slice_s: float) -> Result:
    """Run a case on its ways in turn, the first way another one each round."""
    chosen = [ways[name] for name in case.ways if name in ways]
    for way in chosen:  # warm connections and code
        await case.run(way.relay, slice_s / 4)
    result = Result(case=case, rounds={way.name: [] for way in chosen})
    for number in range(rounds):
        first = number % len(chosen)
        for way in chosen[first:] + chosen[:first]:
            result.rounds[way.name].append(await _slice(case, way, slice_s * case.seconds))
    return result


async def compare_stalled(
    some: Iterable[Case], ways: Mapping[str, Way], *, rounds: int, slice_s: float
) -> list[Result]:
    """As `compare`, but the cases take turns too: they are compared with each other."""
    collected = {case.key: Result(case=case, rounds={name: [] for name in case.ways}) for case in some}
    for _ in range(rounds):
        for result in collected.values():
            for name in result.case.ways:
                result.rounds[name].append(await _slice(result.case, ways[name], slice_s))
    return list(collected.values())


async def _slice(case: Case, way: Way, seconds: float) -> Numbers:
    """One slice, with the processor time of each process per call (per megabyte for bulk)."""
    here, agent = psutil.Process(os.getpid()), psutil.Process(way.agent_pid) if way.agent_pid else None
    before = _cpu_s(here), _cpu_s(agent)
    numbers = await case.run(way.relay, seconds)
    after = _cpu_s(here), _cpu_s(agent)
    calls = max(1.0, numbers["calls"])
    hub_us, agent_us = ((one - other) / calls * 1e6 for one, other in zip(after, before, strict=True))
    return numbers | {"hub_cpu_us": hub_us, "agent_cpu_us": agent_us}


def _cpu_s(process: psutil.Process | None) -> float:
    if process is None:
        return 0.0
    times = process.cpu_times()
    return times.user + times.system


def only(some: Iterable[Case], wanted: str) -> list[Case]:
    """The cases whose key starts with `wanted`; all of them for an empty text."""
    return [replace(case) for case in some if case.key.startswith(wanted)]
