"""What the numbers say: the goals with what was reached, the tables for people, and the JSON for machines."""

from __future__ import annotations

import json
import os
import platform
import statistics
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import grpc

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.crowd import Crowd
    from bench.plan import Result
    from bench.silence import Silence


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One goal and what was reached."""

    text: str
    value: str
    is_met: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything that one run of the benchmark gave."""

    results: Sequence[Result]
    crowd: Crowd | None
    silence: Silence | None
    rounds: int
    slice_s: float
    load_before: float

    def find(self, key: str) -> Result | None:
        """The result of a case; None if it was not measured."""
        return next((one for one in self.results if one.case.key == key), None)


def goals(run: Run) -> list[Goal]:
    """The goals for which there are numbers."""
    return [*_rate_goals(run), *_stream_goals(run), *_session_goals(run)]


def _rate_goals(run: Run) -> list[Goal]:
    found = []
    for callers in (16, 64):
        if result := run.find(f"get-{callers}"):
            ratio = statistics.median(result.ratios("relay"))
            found.append(_goal(f"calls/s at {callers} callers ≥ 0.9 of direct", f"{ratio:.2f}", ratio >= 0.9))
    if result := run.find("get-1"):
        for name, limit in (("p50_ms", 0.8), ("p99_ms", 3.0)):
            added = result.median("relay", name) - result.median("direct", name)
            text = f"added {name.split('_')[0]} of a lone caller ≤ {limit:g} ms"
            found.append(_goal(text, f"{added:.2f} ms", added <= limit))
    if (result := run.find("get-100")) and "no batching" in result.rounds:
        gain = statistics.median(result.ratios("relay", "no batching"))
        found.append(_goal("batching gains ≥ 3 times at 100 callers", f"{gain:.1f} times", gain >= 3))
    return found


def _stream_goals(run: Run) -> list[Goal]:
    found = []
    for key, words in (("down", "bulk down"), ("up", "bulk up")):
        if result := run.find(key):
            speed, ratio = result.median("relay", "mb_per_s"), statistics.median(result.ratios("relay"))
            text = f"{words} ≥ 300 MB/s or ≥ 0.3 of direct"
            found.append(_goal(text, f"{speed:.0f} MB/s, {ratio:.2f}", speed >= 300 or ratio >= 0.3))
    alone, crowded = run.find("stalled-0"), run.find("stalled-100")
    if alone and crowded:
        succeeded = min(one["succeeded"] for one in crowded.rounds["relay"])
        ratio = crowded.median("relay", "p99_ms") / alone.median("relay", "p99_ms")
        text = "beside 100 stalled readers all small calls succeed, p99 ≤ 1.5 of that with none"
        found.append(_goal(text, f"{succeeded:.0%}, {ratio:.2f}", succeeded == 1 and ratio <= 1.5))
    return found


def _session_goals(run: Run) -> list[Goal]:
    found = []
    if crowd := run.crowd:
        each = f"{crowd.agents_per_gib:,.0f} ({crowd.kib_each:.0f} KiB each)"
        found.append(_goal("≥ 8,000 idle agents in a GiB of the hub", each, crowd.agents_per_gib >= 8000))
    if silence := run.silence:
        both = max(silence.hub_s, silence.agent_s)
        times = f"hub {silence.hub_s:.1f} s, agent {silence.agent_s:.1f} s"
        found.append(_goal("a dead line is noticed by both sides in ≤ 30 s", times, both <= 30.0))
        text = f"no false alarm when an agent stands still for {silence.pause_s:g} s"
        found.append(_goal(text, str(silence.false_alarms), not silence.false_alarms))
    return found


def _goal(text: str, value: str, is_met: bool) -> Goal:  # noqa: FBT001 - the last column
    return Goal(text=text, value=value, is_met=is_met)


def page(run: Run) -> str:
    """The tables, as Markdown."""
    lines = ["| goal | reached | |", "| --- | --- | --- |"]
    lines += [f"| {one.text} | {one.value} | {'met' if one.is_met else '**missed**'} |" for one in goals(run)]
    lines += ["", "| case | way | result | of direct | p50 ms | p99 ms | CPU µs hub | CPU µs agent |"]
    lines += ["| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for result in run.results:
        lines += [_row(result, way) for way in result.rounds]
    if run.crowd:
        lines += ["", *_crowd_lines(run.crowd)]
    return "\n".join(lines) + "\n"


def _row(result: Result, way: str) -> str:
    first = next(iter(result.rounds))
    ratio = "1"
    if way != first:
        ratios = result.ratios(way, first)
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    numbers = result.rounds[way][0]
    unit = "MB/s" if result.case.main == "mb_per_s" else "events/s" if "events_per_s" in numbers else "calls/s"
    name = {"MB/s": "mb_per_s", "events/s": "events_per_s", "calls/s": "calls_per_s"}[unit]
    cells = [result.case.title if way == first else "", way, f"{result.median(way, name):,.0f} {unit}", ratio]
    cells += [f"{result.median(way, one):.2f}" if one in numbers else "" for one in ("p50_ms", "p99_ms")]
    cells += [f"{result.median(way, one):,.0f}" for one in ("hub_cpu_us", "agent_cpu_us")]
    if way.startswith("direct"):
        cells[-1] = ""
    if not result.case.shows_cpu:
        cells[-2:] = ["", ""]
    return f"| {' | '.join(cells)} |"


def _crowd_lines(crowd: Crowd) -> list[str]:
    return [
        f"| {crowd.agents:,} agents that do nothing | |",
        "| --- | ---: |",
        f"| memory of the hub for each | {crowd.kib_each:.0f} KiB |",
        f"| processor time of the hub | {crowd.hub_cpu_percent:.1f} % of a core |",
        f"| half of them back after the hub was killed and answered again | {crowd.half_back_s:.1f} s |",
        f"| all of them back | {crowd.all_back_s:.1f} s |",
    ]


def conditions(run: Run) -> str:
    """On what it was measured, in a sentence."""
    versions = f"Python {platform.python_version()}, grpcio {grpc.__version__}"
    busy = ""
    if run.load_before > (os.cpu_count() or 1) / 2:
        busy = " **Other work kept the machine busy: no goal is shown to be met or missed by these numbers.**"
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores for everything together, loopback, "
        f"{versions}; {run.rounds} rounds of {run.slice_s:g} s; "
        f"load average before the run {run.load_before:.1f}.{busy}"
    )


def to_json(run: Run) -> dict[str, Any]:  # Any: JSON
    """Every number of every round."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_before": run.load_before,
        "rounds": run.rounds,
        "slice_s": run.slice_s,
        "goals": [asdict(one) for one in goals(run)],
        "cases": {one.case.key: {"title": one.case.title, "ways": one.rounds} for one in run.results},
        "crowd": asdict(run.crowd) if run.crowd else None,
        "silence": asdict(run.silence) if run.silence else None,
    }


def write(run: Run, file: Path, docs_page: Path | None) -> None:
    """Keep the numbers, and put the tables into the page between its marks."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(to_json(run), indent=1) + "\n")
    if docs_page is not None:
        text = docs_page.read_text(encoding="utf-8")
        before, begin, rest = text.partition("<!-- relay: begin -->\n")
        _, end, after = rest.partition("<!-- relay: end -->")
        docs_page.write_text(f"{before}{begin}\n{conditions(run)}\n\n{page(run)}\n{end}{after}", encoding="utf-8")
