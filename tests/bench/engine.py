"""What the engine costs: how fast it reacts with hundreds of deployments in flight, restarts, remembers and rests.

The server is a process of its own; agents and light clusters are in this one and share the machine with it. Times are
taken at the clusters: they include the commit of the intent and the way through the tunnel. Writes
`bench-results/engine.json` and the table of `docs/benchmarks-engine.md`. Size it down with --deployments. `--quick`
only shows that it runs: its numbers mean nothing, and the page stays as it is.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import platform as machine
import random
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.stored import Commits, Stored, at_rest, commits, memory_mb
from bench.swarm import LightCluster, Swarm, open_swarm
from borealis_client import Borealis, ManifestFile, connect
from kit.platform import Platform
from kit.shop import APPROVAL, SET_50, deploy_file, manifests

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

RESULTS = Path("bench-results")
PAGE = Path("docs/benchmarks-engine.md")
AT_ONCE = 32
LIMIT_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One goal and what was reached."""

    text: str
    value: str
    is_met: bool


@dataclass(slots=True, kw_only=True)
class Measured:
    """Everything that one run of the benchmark gave."""

    deployments: int
    agents: int
    reaction_p50_ms: float = 0.0
    reaction_p99_ms: float = 0.0
    rollback_p50_ms: float = 0.0
    rollback_p99_ms: float = 0.0
    restart_s: float = 0.0
    starts_per_s: float = 0.0
    memory_mb_in_flight: float = 0.0
    commits: list[Commits] = field(default_factory=list)
    stored: list[Stored] = field(default_factory=list)

    def goals(self) -> list[Goal]:
        """The goals with what was reached."""
        few, many = self.stored
        grown_kb = (many.memory_mb - few.memory_mb) * 1024 / (many.deployments - few.deployments)
        flight = f"{self.deployments} in flight"
        return [
            _goal(
                f"event → write p99 ≤ 250 ms with {flight}",
                f"{self.reaction_p99_ms:.0f} ms",
                self.reaction_p99_ms <= 250,
            ),
            _goal(
                f"rollback → first write p99 ≤ 1 s with {flight}",
                f"{self.rollback_p99_ms:.0f} ms",
                self.rollback_p99_ms <= 1000,
            ),
            _goal(
                f"kill -9 and restart: {flight} are looked at again in < 10 s",
                f"{self.restart_s:.1f} s",
                self.restart_s < 10,
            ),
            _goal(
                "event transactions/s on SQLite (FULL), 64 writers ≥ 5,000",
                f"{self.commits[0].per_s:,.0f} ({self.commits[0].cpu_us:.0f} µs of CPU each)",
                self.commits[0].per_s >= 5000,
            ),
            _goal("memory of a stored finished deployment ≤ 1 KiB", f"{grown_kb:.2f} KiB", grown_kb <= 1),
            _goal(
                f"idle CPU with {many.deployments:,} stored as with {few.deployments:,} (± 1 % of a core)",
                f"{many.cpu_percent:.1f} % against {few.cpu_percent:.1f} %",
                many.cpu_percent - few.cpu_percent <= 1,
            ),
        ]


def _goal(text: str, value: str, is_met: bool) -> Goal:  # noqa: FBT001 - the last column
    return Goal(text=text, value=value, is_met=is_met)


def main() -> None:
    """Measure, write the results and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deployments", type=int, default=500)
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--stored", type=int, default=10_000)
    parser.add_argument(
        "--rate", type=float, default=15.0, help="deployments that get pods, or are rolled back, a second"
    )
    parser.add_argument("--quick", action="store_true", help="a moment of everything, to see that it runs")
    options = parser.parse_args()
    if options.quick:
        options.deployments, options.agents, options.stored = 20, 4, 200
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    gc.freeze()  # as the server does
    with (
        tempfile.TemporaryDirectory() as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        measured = Measured(deployments=options.deployments, agents=options.agents)
        load = os.getloadavg()[0]
        seconds = 1 if options.quick else 10
        runner.run(_measure(measured, Path(folder), options.rate, options.stored, seconds))
    _write(measured, options.rate, load, is_whole=not options.quick)


async def _measure(measured: Measured, folder: Path, rate: float, stored: int, seconds: int) -> None:
    """`seconds`: how long a stored server is looked at; commits are counted for half as long."""
    measured.commits = [
        await commits(folder / f"of-{targets}", targets=targets, seconds=seconds / 2) for targets in (1, 20)
    ]
    measured.stored = [await at_rest(folder / f"stored-{count}", count, seconds=seconds) for count in (100, stored)]
    with Platform(folder / "flight") as platform:
        os.environ["BOREALIS_CONTEXT_FILE"] = str(platform.folder / "server" / "client.json")
        async with connect(timeout_s=60) as borealis, open_swarm(borealis, measured.agents) as swarm:
            await _Flight(platform, borealis, swarm, measured, rate).run()


@dataclass(slots=True)
class _Flight:
    """Deployments in flight, and what is measured on them."""

    platform: Platform
    borealis: Borealis
    swarm: Swarm
    measured: Measured
    rate: float
    names: dict[int, str] = field(default_factory=dict)

    async def run(self) -> None:
        """All phases, one after the other."""
        began_at = time.monotonic()
        await self._each(lambda number: self._start(number, "1"))
        await self._each(lambda number: self._until(number, "SUCCEEDED"))
        self.measured.starts_per_s = self.measured.deployments / (time.monotonic() - began_at)
        self._say("first versions run")
        for number in range(self.measured.deployments):
            self._cluster(number).stalled.add(_namespace(number))
        await self._each(lambda number: self._start(number, "2", SET_50, APPROVAL))
        await self._wait(lambda: all(self._is_scaled(number) for number in range(self.measured.deployments)))
        self._say("all wait for pods")
        await self._restart()
        await self._release()
        await self._roll_back()

    async def _restart(self) -> None:
        assert self.platform.server
        self.measured.memory_mb_in_flight = memory_mb(self.platform.server.pid)
        self.platform.kill_server()
        looked_at = self.swarm.notes.looked_at
        looked_at.clear()
        began_at = time.monotonic()
        await asyncio.to_thread(self.platform.start_server)
        await self._wait(lambda: len(looked_at) == self.measured.deployments)
        self.measured.restart_s = max(looked_at.values()) - began_at
        self._say("restarted")

    async def _release(self) -> None:
        """Pods get ready, so many deployments a second; each then drains its old version and reaches its approval."""
        self.swarm.notes.reactions_s.clear()
        self.swarm.notes.told_at.clear()
        order = random.sample(range(self.measured.deployments), self.measured.deployments)
        for number in order:
            self._cluster(number).stalled.discard(_namespace(number))
            await asyncio.sleep(1 / self.rate)
        await self._each(lambda number: self._until(number, "AWAITING_APPROVAL"))
        reactions = self.swarm.notes.reactions_s
        self.measured.reaction_p50_ms, self.measured.reaction_p99_ms = _percentiles_ms(reactions)
        self._say(f"{len(reactions)} reactions")

    async def _roll_back(self) -> None:
        """So many a second, all others waiting for approval meanwhile."""
        took_s: list[float] = []
        self.swarm.notes.told_at.clear()
        async with asyncio.TaskGroup() as group:
            for number in range(self.measured.deployments):
                group.create_task(self._roll_back_one(number, took_s))
                await asyncio.sleep(1 / self.rate)
        self.measured.rollback_p50_ms, self.measured.rollback_p99_ms = _percentiles_ms(took_s)
        await self._each(lambda number: self._until(number, "CANCELLED"))
        self._say("all rolled back")

    async def _roll_back_one(self, number: int, took_s: list[float]) -> None:
        wrote_at = self.swarm.notes.wrote_at[_namespace(number)]
        known = len(wrote_at)
        began_at = time.monotonic()
        await self.borealis.deployments.roll_back(self.names[number])
        await self._wait(lambda: len(wrote_at) > known)
        took_s.append(wrote_at[known] - began_at)

    async def _start(self, number: int, version: str, *steps: str) -> None:
        text = deploy_file(_namespace(number), *steps, account=f"agent-{number % self.measured.agents}")
        text = text.replace("duration: 60, unit: seconds", "duration: 60, unit: minutes")
        content = manifests(version, replicas=2).encode()
        started = await self.borealis.deployments.start(
            text.encode(),
            manifests=[ManifestFile(path="shop.yaml", name="shop.yaml", content=content)],
            application=f"app-{number}",
        )
        self.names[number] = started.deployment.name

    async def _until(self, number: int, state: str) -> None:
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            deployment = await self.borealis.deployments.get(self.names[number])
            if str(deployment.state.name).endswith(state):
                return
            if str(deployment.state.name).endswith(("FAILED", "SUCCEEDED", "CANCELLED")):
                raise SystemExit(f"{self.names[number]} is {deployment.state.name}: {deployment.message}")
            await asyncio.sleep(0.5)
        raise SystemExit(f"{self.names[number]} is not {state} after {LIMIT_S:g} s: {deployment.message}")

    async def _each(self, act: Callable[[int], Awaitable[None]]) -> None:
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> None:
            async with slots:
                await act(number)

        async with asyncio.TaskGroup() as group:
            for number in range(self.measured.deployments):
                group.create_task(one(number))

    async def _wait(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not holds():
                await asyncio.sleep(0.01)

    def _is_scaled(self, number: int) -> bool:
        sets = [
            each
            for ref, each in self._cluster(number).kube.objects.items()
            if ref.kind == "ReplicaSet" and ref.namespace == _namespace(number)
        ]
        return len(sets) == 2 and all(each["spec"]["replicas"] for each in sets)

    def _cluster(self, number: int) -> LightCluster:
        return self.swarm.clusters[number % self.measured.agents]

    def _say(self, what: str) -> None:
        sys.stdout.write(f"{datetime.now(UTC):%H:%M:%S} {what}; {self.swarm.notes.requests:,} requests so far\n")
        sys.stdout.flush()


def _namespace(number: int) -> str:
    return f"ns-{number}"


def _percentiles_ms(samples_s: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(samples_s, n=100)
    return cuts[49] * 1000, cuts[98] * 1000


def _write(measured: Measured, rate: float, load: float, *, is_whole: bool) -> None:
    RESULTS.mkdir(exist_ok=True)
    result = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": machine.python_version(),
        "cores": os.cpu_count(),
        "load_before": load,
        "rate_per_s": rate,
        **asdict(measured),
        "goals": [asdict(goal) for goal in measured.goals()],
    }
    file = RESULTS / ("engine.json" if is_whole else "engine-quick.json")
    file.write_text(json.dumps(result, indent=2) + "\n")
    table = _table(measured)
    if is_whole and PAGE.exists():
        before, mark, _ = PAGE.read_text().partition("<!-- made by make bench ONLY=engine -->\n")
        PAGE.write_text(before + mark + table)
    sys.stdout.write(table)


def _table(measured: Measured) -> str:
    lines = ["| goal | reached | |", "| --- | --- | --- |"]
    lines += [f"| {one.text} | {one.value} | {'met' if one.is_met else '**missed**'} |" for one in measured.goals()]
    lines += ["", "| also | |", "| --- | --- |"]
    lines += [
        f"| event → write p50 | {measured.reaction_p50_ms:.0f} ms |",
        f"| rollback → first write p50 | {measured.rollback_p50_ms:.0f} ms |",
        f"| first deployments, start to end | {measured.starts_per_s:.1f} a second |",
        f"| memory of the server with all in flight | {measured.memory_mb_in_flight:.0f} MiB |",
    ]
    lines += [
        f"| events/s of deployments with {one.targets} targets | {one.per_s:,.0f}, {one.cpu_us:.0f} µs of CPU each |"
        for one in measured.commits
    ]
    lines += [
        f"| server with {one.deployments:,} finished deployments | {one.memory_mb:.0f} MiB, up in {one.start_s:.1f} s |"
        for one in measured.stored
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
