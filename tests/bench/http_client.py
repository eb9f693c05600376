"""What one small GET costs the agent: our HTTP client beside aiohttp, same target, same TLS, slices that alternate.

The target runs in a process of its own, so that the CPU time of this one is the client's. Compare the ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import ssl
import statistics
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from borealis_agent.targets.dialer import Dialer
from borealis_agent.targets.http1.client import HttpClient
from borealis_agent.targets.target import TargetRequest
from borealis_agent.targets.tls import TlsFiles, TlsSource
from kit import target_api
from kit.programs import Program

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

_PATH = "/api/small"
_START_LIMIT_S = 30.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=3000, help="calls in one slice")
    parser.add_argument("--rounds", type=int, default=7, help="slices of each kind")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
        served = Path(folder) / "target"
        log = Path(folder) / "log"
        with Program([sys.executable, "-m", "kit.target_api", served], log=log, env=environment):
            runner.run(_measure(served, options.calls, options.rounds))


async def _measure(served: Path, calls: int, rounds: int) -> None:
    deadline = time.monotonic() + _START_LIMIT_S
    kubeconfig = served / "kubeconfig"
    while not kubeconfig.exists() or not kubeconfig.read_text():
        if time.monotonic() > deadline:
            raise SystemExit("the target did not start")
        await asyncio.sleep(0.05)
    url = json.loads(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    async with _aiohttp(url, served / "ca.pem") as theirs, _ours(url, served / "ca.pem") as ours:
        for callers in (1, 16):
            await _cpu_us(theirs, callers, calls // 4)
            await _cpu_us(ours, callers, calls // 4)
            pairs = [
                (await _cpu_us(theirs, callers, calls), await _cpu_us(ours, callers, calls)) for _ in range(rounds)
            ]
            ratios = [mine / other for other, mine in pairs]
            sys.stdout.write(
                f"{callers:>3} callers: aiohttp {statistics.median(p[0] for p in pairs):.0f} µs, ours "
                f"{statistics.median(p[1] for p in pairs):.0f} µs of CPU per GET; ours/aiohttp "
                f"{statistics.median(ratios):.2f} [{min(ratios):.2f}-{max(ratios):.2f}]\n",
            )


async def _cpu_us(call: Callable[[], Awaitable[None]], callers: int, calls: int) -> float:
    async def again() -> None:
        for _ in range(calls // callers):
            await call()

    began = time.process_time()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(callers):
            tasks.create_task(again())
    return (time.process_time() - began) / (calls // callers * callers) * 1e6


@asynccontextmanager
async def _aiohttp(url: str, ca_file: Path) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=ca_file), limit=0)
    headers = {"Authorization": f"Bearer {target_api.TOKEN}", "Accept": "application/json"}
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:

        async def call() -> None:
            async with session.get(url + _PATH, headers=headers) as response:
                await response.read()

        yield call


@asynccontextmanager
async def _ours(url: str, ca_file: Path) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    parts = urlsplit(url)
    tls = TlsSource(TlsFiles(ca_file=ca_file))
    client = HttpClient(Dialer(parts.hostname or "", parts.port or 0, tls=tls, allow_local=True))
    fields = f"Authorization: Bearer {target_api.TOKEN}\r\nAccept: application/json\r\n".encode()

    async def call() -> None:
        connection = await client.send(TargetRequest(method="GET", path=_PATH, fields=fields))
        connection.take()
        connection.release()

    try:
        yield call
    finally:
        client.close()


if __name__ == "__main__":
    main()
