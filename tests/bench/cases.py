"""What is done in a benchmark: each case works on one relay for some seconds and says in numbers how it went.

Units: calls and megabytes (10^6 bytes) per second; milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from bench.origin import PIECE
from bench.ways import AGENT
from borealis_server.domain.errors import AgentUnavailable, RelayRefused
from borealis_server.ports.relay import RelayRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from borealis_server.ports.relay import Relay, RelayResponse

Numbers: TypeAlias = dict[str, float]
_IDLE_S: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One kind of work. Shape: `run` takes a relay and a number of seconds."""

    key: str
    title: str
    main: str
    """Name of the number that is compared."""
    run: Callable[[Relay, float], Awaitable[Numbers]]
    ways: tuple[str, ...] = ("direct", "relay")
    seconds: float = 1.0
    """Length of one slice, beside that of a plain case."""
    shows_cpu: bool = True
    """Whether processor time per call means something: not where there is other work beside the calls."""


def get(path: str) -> RelayRequest:
    """A request of the benchmarks."""
    return RelayRequest(method="GET", path=path, headers=(("Accept", "application/json"),), idle_timeout_s=_IDLE_S)


def quantiles(took_s: list[float]) -> Numbers:
    """Median and 99th percentile in milliseconds."""
    cuts = statistics.quantiles(took_s, n=100) if len(took_s) > 1 else (took_s or [0.0]) * 99
    return {"p50_ms": cuts[49] * 1000, "p99_ms": cuts[98] * 1000}


async def call_for(relay: Relay, seconds: float, *, path: str, callers: int) -> Numbers:
    """Call as fast as answers come, with so many callers."""
    took_s: list[float] = []
    failures = size = 0
    request = get(path)
    end_at = time.perf_counter() + seconds

    async def call_again_and_again() -> None:
        nonlocal failures, size
        while (began_at := time.perf_counter()) < end_at:
            try:
                async with asyncio.timeout(5.0), relay.call(AGENT, request) as response:
                    body = await response.read()
            except (AgentUnavailable, RelayRefused, TimeoutError):
                failures += 1
                continue
            if response.status != 200 or not body:
                raise SystemExit(f"{path} was answered with {response.status}: {body[:200]!r}")
            size += len(body)
            took_s.append(time.perf_counter() - began_at)

    began_at = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(callers):
            tasks.create_task(call_again_and_again())
    elapsed_s = time.perf_counter() - began_at
    return {
        "calls": len(took_s),
        "calls_per_s": len(took_s) / elapsed_s,
        "mb_per_s": size / elapsed_s / 1e6,
        "failures": failures,
        **quantiles(took_s),
    }


async def pour_down(relay: Relay, seconds: float) -> Numbers:
    """Read an answer that never ends."""
    size = 0
    async with relay.call(AGENT, get("/api/endless")) as response:
        chunks = response.chunks()
        await anext(chunks)
        began_at = time.perf_counter()
        while time.perf_counter() - began_at < seconds:
            size += len(await anext(chunks))
        elapsed_s = time.perf_counter() - began_at
    return {"mb_per_s": size / elapsed_s / 1e6, "calls": size / 1e6}


async def pour_up(relay: Relay, seconds: float) -> Numbers:
    """Send a body for so long; counted until the target has confirmed it."""
    size = 0
    end_at = time.perf_counter() + seconds

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal size
        while time.perf_counter() < end_at:
            size += len(PIECE)
            yield PIECE

    began_at = time.perf_counter()
    async with relay.call(AGENT, RelayRequest(method="POST", path="/api/sink", body=pieces())) as response:
        await response.read()
    return {"mb_per_s": size / (time.perf_counter() - began_at) / 1e6, "calls": size / 1e6}


async def watch(relay: Relay, seconds: float, *, watches: int, events_per_s: float) -> Numbers:
    """How late events of many watches come."""
    late_s: list[float] = []
    counts_from = time.monotonic_ns() + 10**18  # until all watches stand

    async def follow(began: asyncio.Semaphore) -> None:
        async with relay.call(AGENT, get(f"/api/watch?every={1 / events_per_s}")) as response:
            began.release()
            async for chunk in response.chunks():
                now = time.monotonic_ns()
                for line in chunk.splitlines():
                    at = json.loads(line)["at"]
                    if at > counts_from:
                        late_s.append((now - at) / 1e9)

    began = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as tasks:
        followers = []
        for number in range(watches):
            followers.append(tasks.create_task(follow(began)))
            if number % 20 == 0:
                await asyncio.sleep(0.01)  # spread, as watches are in life
        for _ in range(watches):
            await began.acquire()
        await asyncio.sleep(0.5)
        counts_from = time.monotonic_ns()
        await asyncio.sleep(seconds)
        for follower in followers:
            follower.cancel()
    return {"calls": len(late_s), "events_per_s": len(late_s) / seconds, **quantiles(late_s)}


async def call_beside_bulk(relay: Relay, seconds: float, *, bulk: int) -> Numbers:
    """Small calls of four callers while answers pour down."""

    async def drain(response: RelayResponse) -> None:
        async for _ in response.chunks():
            pass

    async with AsyncExitStack() as stack:
        pouring = [await stack.enter_async_context(relay.call(AGENT, get("/api/endless"))) for _ in range(bulk)]
        async with asyncio.TaskGroup() as tasks:
            drains = [tasks.create_task(drain(response)) for response in pouring]
            await asyncio.sleep(0.1)
            numbers = await call_for(relay, seconds, path="/api/1k", callers=4)
            for one in drains:
                one.cancel()
    return numbers


async def call_beside_stalled(relay: Relay, seconds: float, *, stalled: int) -> Numbers:
    """Small calls of four callers while readers of endless answers take nothing."""
    async with _stalled(relay, stalled):
        await asyncio.sleep(0.2 + 0.02 * stalled)  # until all have run out of credit
        numbers = await call_for(relay, seconds, path="/api/1k", callers=4)
    total = numbers["calls"] + numbers["failures"]
    return numbers | {"succeeded": numbers["calls"] / total if total else 0.0}


@asynccontextmanager
async def _stalled(relay: Relay, count: int) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for _ in range(count):
            await stack.enter_async_context(relay.call(AGENT, get("/api/endless")))
        yield
