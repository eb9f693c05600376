"""What steps that reach outside cost while they wait: the processor time of a server with hundreds of them, at rest.

The server is a process of its own; the webhooks are in this one. Writes `bench-results/steps.json` and the table of
`docs/benchmarks-steps.md`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform as machine
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from borealis_client import Borealis, Integration, ManifestFile, Prometheus, StepRun, StepRunState, connect
from kit import hooks as kit
from kit.hooks import open_hooks
from kit.platform import Platform
from kit.webhook_files import BODY

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = Path("bench-results")
PAGE = Path("docs/benchmarks-steps.md")
MARK = "<!-- made by make bench ONLY=steps -->\n"
AT_ONCE = 16
LIMIT_S = 300.0
SETTLE_S = 5.0
MOST_PERCENT = 1.0
CONFIG = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: flags}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A server at rest."""

    waits: int
    """Steps that wait."""
    what: str
    """What they wait for, in the words of the table."""
    cpu_percent: float
    """Of one core."""
    memory_mb: float


def main() -> None:
    """Measure, and write down what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waits", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long a server is watched")
    parser.add_argument("--quick", action="store_true", help="few waits, and a short look")
    given = parser.parse_args()
    waits, seconds = (20, 5.0) if given.quick else (given.waits, given.seconds)
    load = os.getloadavg()[0]
    rests = asyncio.run(_measure(waits, seconds))
    _write(rests, load)


async def _measure(waits: int, seconds: float) -> list[Rest]:
    with tempfile.TemporaryDirectory(prefix="borealis-bench-") as folder:
        settings = {"BOREALIS_SERVER_ALLOW_PRIVATE_ADDRESSES": "true"}
        with Platform(Path(folder), server_settings=settings) as platform:
            client = platform.client
            async with (
                open_hooks() as hooks,
                connect(
                    client["server"],
                    ca_file=client["ca_file"],
                    client_id=client["client_id"],
                    client_secret=client["client_secret"],
                ) as borealis,
            ):
                hooks.says(kit.status(202))
                await borealis.identity.create_credential("c", role="agent", agent="c")
                provider = Integration(url=hooks.root, prometheus=Prometheus())
                await borealis.integrations.create("prom", provider)
                rests = [await _at_rest(platform, 0, "steps wait", seconds)]
                await _start_all(borealis, waits, partial(_calling, hooks.root), _is_called)
                rests.append(await _at_rest(platform, waits, "webhooks wait", seconds))
                await _start_all(borealis, waits, _judging, _is_judged)
                rests.append(await _at_rest(platform, waits, "analyses wait beside them", seconds))
                return rests


async def _start_all(
    borealis: Borealis, waits: int, file: Callable[[int], bytes], is_waiting: Callable[[StepRun], bool]
) -> None:
    """Bring so many steps to the point where they wait."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with slots:
            started = await borealis.deployments.start(
                file(number),
                manifests=[ManifestFile(path="flags.yaml", name="flags.yaml", content=CONFIG)],
            )
            deadline = time.monotonic() + LIMIT_S
            while time.monotonic() < deadline:
                step = (await borealis.deployments.get(started.deployment.name)).targets[0].steps[0]
                if step.state is StepRunState.RUNNING and is_waiting(step):
                    return
                await asyncio.sleep(0.1)
            raise SystemExit(f"{started.deployment.name} does not wait after {LIMIT_S:g} s")

    async with asyncio.TaskGroup() as group:
        for number in range(waits):
            group.create_task(one(number))


def _is_called(step: StepRun) -> bool:
    return step.run_webhook is not None and step.run_webhook.accept_time is not None


def _is_judged(step: StepRun) -> bool:
    return step.analysis is not None


def _judging(number: int) -> bytes:
    """An analysis of two judgements, an hour each."""
    step = "analysis: {interval: 1, units: hours, numberOfJudgmentRuns: 2, queries: [up]}"
    return f"""\
application: judged-{number}
manifests: [{{path: flags.yaml}}]
targets: {{qa: {{account: c, namespace: n, constraints: {{beforeDeployment: [{{{step}}}]}}}}}}
analysis: {{defaultMetricProviderName: prom, queries: [{{name: up, queryTemplate: up, lowerLimit: 1}}]}}
""".encode()


def _calling(root: str, number: int) -> bytes:
    return f"""\
application: app-{number}
manifests: [{{path: flags.yaml}}]
targets: {{qa: {{account: c, namespace: n, constraints: {{beforeDeployment: [{{runWebhook: {{name: job}}}}]}}}}}}
webhooks: [{{name: job, uriTemplate: "{root}/run", bodyTemplate: {{inline: '{BODY}'}}}}]
""".encode()


async def _at_rest(platform: Platform, waits: int, what: str, seconds: float) -> Rest:
    """What the server uses while nothing happens."""
    assert platform.server
    process = psutil.Process(platform.server.pid)
    await asyncio.sleep(SETTLE_S)
    before, began_at = process.cpu_times(), time.monotonic()
    await asyncio.sleep(seconds)
    after, took_s = process.cpu_times(), time.monotonic() - began_at
    used_s = after.user + after.system - before.user - before.system
    memory_mb = process.memory_info().rss / 2**20
    return Rest(waits=waits, what=what, cpu_percent=100 * used_s / took_s, memory_mb=memory_mb)


def _write(rests: list[Rest], load: float) -> None:
    RESULTS.mkdir(exist_ok=True)
    result = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": machine.python_version(),
        "cores": os.cpu_count(),
        "load_before": load,
        "rests": [asdict(one) for one in rests],
    }
    (RESULTS / "steps.json").write_text(json.dumps(result, indent=2) + "\n")
    table = _table(rests)
    if PAGE.exists():
        before, mark, _ = PAGE.read_text().partition(MARK)
        PAGE.write_text(before + mark + table)
    sys.stdout.write(table)


def _table(rests: list[Rest]) -> str:
    idle, *busy = rests
    lines = ["| server at rest | CPU of a core | memory |", "| --- | --- | --- |"]
    lines += [f"| {one.waits} {one.what} | {one.cpu_percent:.2f} % | {one.memory_mb:.0f} MiB |" for one in rests]
    lines += ["", "| goal | reached | |", "| --- | --- | --- |"]
    for one in busy:
        more = one.cpu_percent - idle.cpu_percent
        verdict = "met" if more < MOST_PERCENT else "**missed**"
        lines.append(f"| {one.waits} {one.what}: < {MOST_PERCENT:g} % of a core | {more:+.2f} % | {verdict} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
