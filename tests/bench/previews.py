"""What a preview costs: the same requests to an application directly and through web door, hub, tunnel and agent.

One process holds all of it, so that both ways share its processor: ratios are what counts. Needs a real API server, and
writes `bench-results/previews.json`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import uvloop

from kit.kube import KubeCluster
from kit.previews import make_service, open_app, open_preview_web, preview_policy, routable_address
from kit.rest import open_rest
from kit.tunnel import open_agent, open_hub

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import aiohttp

RESULTS = Path(__file__).resolve().parent.parent.parent / "bench-results" / "previews.json"
CALLERS = 16
ROUNDS = 5
PIECE = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """One kind of work, both ways; the median of the rounds."""

    title: str
    unit: str
    direct: float
    preview: float

    @property
    def ratio(self) -> float:
        """Through the preview, of what is reached directly."""
        return self.preview / self.direct


def main() -> None:
    """Measure, write the results and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one slice")
    parser.add_argument("--quick", action="store_true", help="a moment of everything, to see that it runs")
    options = parser.parse_args()
    seconds, rounds = (0.2, 1) if options.quick else (options.seconds, ROUNDS)
    logging.disable()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    load = os.getloadavg()[0]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        ratios = runner.run(_measure(seconds, rounds, mib=4 if options.quick else 100))
    RESULTS.parent.mkdir(exist_ok=True)
    document = {"load_before": load, "cores": os.cpu_count(), "ratios": [asdict(one) for one in ratios]}
    RESULTS.write_text(json.dumps(document, indent=2) + "\n")
    for one in ratios:
        figures = f"{one.direct:.0f} {one.unit} directly, {one.preview:.0f} through a preview"
        sys.stdout.write(f"{one.title}: {figures} ({one.ratio:.2f})\n")


async def _measure(seconds: float, rounds: int, *, mib: int) -> list[Ratio]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        kube = stack.enter_context(KubeCluster())
        namespace = kube.create_namespace()
        rest = await stack.enter_async_context(open_rest(kube.api))
        app = await stack.enter_async_context(open_app(routable_address()))
        await make_service(rest, namespace, "shop", app)
        hub = await stack.enter_async_context(open_hub(folder / "hub"))
        await stack.enter_async_context(open_agent(hub, kube.api.kubeconfig, policy=preview_policy(namespace)))
        door = await stack.enter_async_context(open_preview_web(hub, folder / "web", namespace))
        client = await stack.enter_async_context(door.visitor())
        ways = (f"http://{app.host}:{app.port}", await door.expose(ttl_s=3600))

        async def compare(title: str, unit: str, work: Callable[[str], Awaitable[float]]) -> Ratio:
            found: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(rounds):
                for way in ways:
                    found[way].append(await work(way))
                    app.received.clear()
            direct, preview = (sorted(found[way])[rounds // 2] for way in ways)
            return Ratio(title=title, unit=unit, direct=direct, preview=preview)

        return [
            await compare("small pages, one visitor", "pages/s", lambda way: _pages(client, way, seconds, 1)),
            await compare(
                f"small pages, {CALLERS} visitors", "pages/s", lambda way: _pages(client, way, seconds, CALLERS)
            ),
            await compare(f"download of {mib} MiB", "MB/s", lambda way: _download(client, way, mib)),
            await compare("WebSocket, one message at a time", "round trips/s", lambda way: _echo(client, way, seconds)),
        ]


async def _pages(client: aiohttp.ClientSession, way: str, seconds: float, callers: int) -> float:
    count = 0
    start = time.perf_counter()

    async def call() -> None:
        nonlocal count
        while time.perf_counter() - start < seconds:
            async with client.get(f"{way}/") as answer:
                assert answer.status == 200, await answer.text()
                await answer.read()
            count += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(call())
    return count / (time.perf_counter() - start)


async def _download(client: aiohttp.ClientSession, way: str, mib: int) -> float:
    start, size = time.perf_counter(), 0
    async with client.get(f"{way}/large?mib={mib}") as answer:
        async for piece in answer.content.iter_chunked(PIECE):
            size += len(piece)
    assert size == mib * 2**20, size
    return size / (time.perf_counter() - start) / 1e6


async def _echo(client: aiohttp.ClientSession, way: str, seconds: float) -> float:
    start, count = time.perf_counter(), 0
    async with client.ws_connect(f"{way}/socket") as websocket:
        while time.perf_counter() - start < seconds:
            await websocket.send_str("echo")
            assert await websocket.receive_str() == "ECHO"
            count += 1
    return count / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
