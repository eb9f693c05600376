"""How fast calls through an agent are, beside direct calls of the same client code to the same API server.

Hub in this process, agent and API server in their own. Direct and relayed slices alternate, so that both see the same
machine; compare ratios, not absolute numbers. Writes `bench-results/relay.json` and a table.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import platform
import statistics
import sys
import tempfile
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from borealis_server.adapters.clock import SystemClock
from borealis_server.ports.relay import AgentRef, RelayRequest
from kit import target_api
from kit.direct_relay import DirectCluster, DirectRelay
from kit.kube import KubeCluster, KubernetesMissingError, find_programs
from kit.programs import Program
from kit.tunnel import TENANT, open_hub, wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from borealis_server.ports.relay import Relay
    from kit.tunnel import TunnelHub

AGENT = AgentRef(tenant=TENANT, name="bench")
CALLERS = (1, 16, 64)
RESULTS = Path("bench-results")
START_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is called."""

    name: str
    path: str
    kubeconfig: Path
    cluster: DirectCluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What one way of calling did for a moment."""

    calls_per_s: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Direct and relayed calls at one number of callers; medians over the rounds."""

    callers: int
    direct: Slice
    relayed: Slice
    ratio: float
    """Relayed calls per second by direct ones, median over the rounds."""
    lowest_ratio: float
    highest_ratio: float


def main() -> None:
    """Measure, write the results and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one slice")
    parser.add_argument("--rounds", type=int, default=5, help="slices of each kind")
    parser.add_argument("--target", choices=("auto", "kube", "stub"), default="auto", help="API server to call")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with (
        tempfile.TemporaryDirectory() as folder,
        _target(options.target, Path(folder)) as target,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        comparisons = runner.run(_measure(target, Path(folder), options.seconds, options.rounds))
    _write(target, comparisons, options.seconds, options.rounds)
    _print(target, comparisons)


@contextmanager
def _target(kind: str, folder: Path) -> Iterator[Target]:
    """The real API server where its programs are present, else a small server of ours."""
    if kind != "stub":
        try:
            find_programs()
        except KubernetesMissingError as missing:
            if kind == "kube":
                raise SystemExit(str(missing)) from missing
        else:
            with KubeCluster() as kube:
                cluster = DirectCluster(url=kube.api.url, ca_pem=kube.api.ca_pem.decode(), token=kube.api.token)
                path = "/api/v1/namespaces/default"
                yield Target(name="kube-apiserver", path=path, kubeconfig=kube.api.kubeconfig, cluster=cluster)
            return
    served, log = folder / "target", folder / "target.log"
    with Program([sys.executable, "-m", "kit.target_api", served], log=log, env=_environment()):
        kubeconfig = served / "kubeconfig"
        deadline = time.monotonic() + START_LIMIT_S
        while not kubeconfig.exists() or not kubeconfig.read_text():
            if time.monotonic() > deadline:
                raise SystemExit(f"the target did not start:\n{log.read_text()}")
            time.sleep(0.05)
        url = json.loads(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
        cluster = DirectCluster(url=url, ca_pem=(served / "ca.pem").read_text(), token=target_api.TOKEN)
        yield Target(name="stub (aiohttp)", path="/api/small", kubeconfig=kubeconfig, cluster=cluster)


async def _measure(target: Target, folder: Path, slice_s: float, rounds: int) -> list[Comparison]:
    async with (
        open_hub(folder / "hub") as bed,
        _agent(bed, target, folder),
        DirectRelay({AGENT: target.cluster}, SystemClock()) as direct,
    ):
        return [await _compare(direct, bed.hub, target.path, callers, slice_s, rounds) for callers in CALLERS]


@asynccontextmanager
async def _agent(bed: TunnelHub, target: Target, folder: Path) -> AsyncIterator[None]:
    """An agent in its own process, connected."""
    settings = await bed.link_settings(AGENT.name)
    credentials = folder / "agent.json"
    credentials.write_text(
        json.dumps(
            {
                "server": settings.server,
                "ca_pem": bed.ca_pem.decode(),
                "agent": settings.agent,
                "client_id": settings.client_id,
                "client_secret": settings.client_secret.get_secret_value(),
            },
        ),
    )
    command: list[str | Path] = [sys.executable, "-m", "borealis_agent", "--credentials-file", credentials]
    with Program([*command, "--kubeconfig", target.kubeconfig], log=folder / "agent.log", env=_environment()):
        try:
            await wait_until(lambda: bed.hub.is_connected(AGENT), START_LIMIT_S)
        except TimeoutError:
            raise SystemExit(f"the agent did not connect:\n{(folder / 'agent.log').read_text()}") from None
        yield


async def _compare(
    direct: Relay,
    relayed: Relay,
    path: str,
    callers: int,
    slice_s: float,
    rounds: int,
) -> Comparison:
    await _run(direct, path, callers, slice_s / 4)  # warm connections and code on both ways
    await _run(relayed, path, callers, slice_s / 4)
    pairs = []
    for number in range(rounds):
        if number % 2:
            relayed_slice = await _run(relayed, path, callers, slice_s)
            direct_slice = await _run(direct, path, callers, slice_s)
        else:
            direct_slice = await _run(direct, path, callers, slice_s)
            relayed_slice = await _run(relayed, path, callers, slice_s)
        pairs.append((direct_slice, relayed_slice))
    ratios = [one.calls_per_s / other.calls_per_s for other, one in pairs]
    return Comparison(
        callers=callers,
        direct=_median([pair[0] for pair in pairs]),
        relayed=_median([pair[1] for pair in pairs]),
        ratio=statistics.median(ratios),
        lowest_ratio=min(ratios),
        highest_ratio=max(ratios),
    )


async def _run(relay: Relay, path: str, callers: int, limit_s: float) -> Slice:
    """Call as fast as answers come, with so many callers, for `limit_s`."""
    took_s: list[float] = []
    end_at = time.perf_counter() + limit_s
    request = RelayRequest(method="GET", path=path, headers=(("Accept", "application/json"),))

    async def call_again_and_again() -> None:
        while (began_at := time.perf_counter()) < end_at:
            async with relay.call(AGENT, request) as response:
                body = await response.read()
            if response.status != 200 or not body:
                raise SystemExit(f"the target answered {response.status}: {body[:200]!r}")
            took_s.append(time.perf_counter() - began_at)

    began_at = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(callers):
            tasks.create_task(call_again_and_again())
    elapsed_s = time.perf_counter() - began_at
    cuts = statistics.quantiles(took_s, n=100) if len(took_s) > 1 else took_s * 99
    return Slice(calls_per_s=len(took_s) / elapsed_s, p50_ms=cuts[49] * 1000, p99_ms=cuts[98] * 1000)


def _median(slices: list[Slice]) -> Slice:
    return Slice(
        calls_per_s=statistics.median(one.calls_per_s for one in slices),
        p50_ms=statistics.median(one.p50_ms for one in slices),
        p99_ms=statistics.median(one.p99_ms for one in slices),
    )


def _write(target: Target, comparisons: list[Comparison], slice_s: float, rounds: int) -> None:
    RESULTS.mkdir(exist_ok=True)
    result = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "target": target.name,
        "path": target.path,
        "slice_s": slice_s,
        "rounds": rounds,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[2],
        "comparisons": [asdict(one) for one in comparisons],
    }
    (RESULTS / "relay.json").write_text(json.dumps(result, indent=2) + "\n")


def _print(target: Target, comparisons: list[Comparison]) -> None:
    lines = [f"GET {target.path} of {target.name}; medians of the rounds, ratio with its range"]
    columns = f"{'calls/s':>9} {'p50 ms':>7} {'p99 ms':>7}"
    lines += [f"{'':7} {'direct':^25} {'relayed':^25}", f"{'callers':>7} {columns} {columns}  relayed/direct"]
    for one in comparisons:
        ratio = f"{one.ratio:.2f} [{one.lowest_ratio:.2f}-{one.highest_ratio:.2f}]"
        lines.append(f"{one.callers:>7} {_columns(one.direct)} {_columns(one.relayed)}  {ratio}")
    sys.stdout.write("\n".join(lines) + "\n")


def _columns(one: Slice) -> str:
    return f"{one.calls_per_s:>9.0f} {one.p50_ms:>7.2f} {one.p99_ms:>7.2f}"


def _environment() -> dict[str, str]:
    """Of the programs that are started: the test tools are importable, nothing else of ours is set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BOREALIS_")}
    return kept | {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)}


if __name__ == "__main__":
    main()
