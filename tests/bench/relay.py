"""What the relay costs and what it stands: calls through an agent beside direct ones, in one run, as ratios.

Prints the goals with what was reached; writes `bench-results/relay.json`, and the tables into `docs/benchmarks.md` when
everything was measured. `--quick` only shows that it runs: its numbers mean nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from bench import crowd, report, silence
from bench.cases import Case, call_for
from bench.plan import compare, compare_stalled, only, plan
from bench.ways import Origin, open_origin, open_ways, quiet
from kit.direct_relay import DirectCluster
from kit.kube import KubeCluster, KubernetesMissingError, find_programs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.plan import Result

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> None:
    """Measure, write the results and print them."""
    options = _options()
    load_before = os.getloadavg()[0]
    quiet()
    gc.freeze()  # as the server does
    with tempfile.TemporaryDirectory() as name, open_origin(Path(name)) as origin:
        folder = Path(name)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            results = runner.run(_measure(origin, folder, options))
            heard = None
            if options.has_sessions and not options.quick:
                heard = runner.run(silence.measure(origin, folder / "silence", pause_s=5.0))
        found = None
        if options.has_sessions:
            agents, idle_s = (5, 1.0) if options.quick else (options.agents, 30.0)
            found = crowd.measure(folder / "crowd", agents=agents, idle_s=idle_s)
    run = report.Run(
        results=results,
        crowd=found,
        silence=heard,
        rounds=options.rounds,
        slice_s=options.seconds,
        load_before=load_before,
    )
    is_whole = not (options.quick or options.case)
    file = ROOT / "bench-results" / ("relay-quick.json" if options.quick else "relay.json")
    report.write(run, file, ROOT / "docs" / "benchmarks.md" if is_whole else None)
    _print(run)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of one slice")
    parser.add_argument("--rounds", type=int, default=5, help="slices of each way")
    parser.add_argument("--case", default="", help="measure only cases whose key starts with this, and no sessions")
    parser.add_argument("--agents", type=int, default=1000, help="agents that do nothing")
    parser.add_argument("--quick", action="store_true", help="a moment of everything, to see that it runs")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.rounds = 0.1, 1
    options.has_sessions = not options.case or options.case == "sessions"
    return options


async def _measure(origin: Origin, folder: Path, options: argparse.Namespace) -> list[Result]:
    wanted = only(plan(is_quick=options.quick), options.case)
    stalled = [case for case in wanted if case.key.startswith("stalled")]
    results = []
    async with open_ways(origin, folder, lamed=any("no credit" in case.ways for case in wanted)) as ways:
        for case in wanted:
            if case not in stalled:
                _say(case.title)
                results.append(await compare(case, ways, rounds=options.rounds, slice_s=options.seconds))
        if stalled:
            _say("stalled readers")
            results += await compare_stalled(stalled, ways, rounds=options.rounds, slice_s=options.seconds)
    if not options.quick and "kube-16".startswith(options.case):
        results += await _measure_kube(folder, options)
    return results


async def _measure_kube(folder: Path, options: argparse.Namespace) -> list[Result]:
    """The same against a real API server, where its programs are present."""
    try:
        find_programs()
    except KubernetesMissingError as missing:
        _say(f"no row for kube-apiserver: {missing}")
        return []
    _say("kube-apiserver")
    with _kube() as origin:
        async with open_ways(origin, folder / "kube", lamed=False) as ways:
            case = Case(
                key="kube-16",
                title="GET of a namespace of kube-apiserver, 16 callers",
                main="calls_per_s",
                run=lambda relay, seconds: call_for(relay, seconds, path="/api/v1/namespaces/default", callers=16),
            )
            return [await compare(case, ways, rounds=options.rounds, slice_s=options.seconds)]


@contextmanager
def _kube() -> Iterator[Origin]:
    with KubeCluster() as kube:
        cluster = DirectCluster(url=kube.api.url, ca_pem=kube.api.ca_pem.decode(), token=kube.api.token)
        yield Origin(name="kube-apiserver", kubeconfig=kube.api.kubeconfig, cluster=cluster)


def _say(text: str) -> None:
    sys.stderr.write(f"… {text}\n")
    sys.stderr.flush()


def _print(run: report.Run) -> None:
    sys.stdout.write(report.page(run) + "\n")
    for goal in report.goals(run):
        sys.stdout.write(f"{'met   ' if goal.is_met else 'MISSED'}  {goal.text}: {goal.value}\n")


if __name__ == "__main__":
    main()
