"""What a test of the tunnel must leave behind: nothing. Import `no_leaks` into a conftest to watch every test there."""

from __future__ import annotations

import asyncio
import gc
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import grpc
import psutil
import pytest

from borealis_wire.aio.stream import LiveStream
from borealis_wire.tunnel import Tunnel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable


@pytest.fixture(autouse=True)
async def no_leaks(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Fails a test that leaves tasks, descriptors, connections, streams or complaints of the event loop."""
    await _settle()
    with LeakWatch() as watch:
        yield
        request.node.funcargs.clear()  # pytest itself would keep what the test was given
        await watch.check()


def own_tasks() -> set[asyncio.Task[Any]]:  # Any: whatever tasks give
    """The tasks of this loop besides the one that asks."""
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


class LeakWatch:
    """Compares what there is at the end with what there was at the beginning. A context manager on a running loop."""

    def __init__(self) -> None:
        self._tasks = own_tasks()
        self._connections = _connections()
        self._descriptors = _descriptors()
        self._complaints: list[str] = []
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> Self:
        self._loop.set_exception_handler(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.set_exception_handler(None)

    async def check(self, *, limit_s: float = 5.0) -> None:
        """Fail if anything was left, after at most `limit_s` for sockets to close."""
        deadline = self._loop.time() + limit_s
        await asyncio.sleep(0)
        gc.collect()  # lets go of cycles, and makes tasks that nobody awaits complain
        while self.leftovers() and self._loop.time() < deadline:
            gc.collect()
            await asyncio.sleep(0.01)
        left = self.leftovers() + _tunnel_objects()
        if left:
            pytest.fail("left behind: " + "; ".join(left), pytrace=False)

    def leftovers(self) -> list[str]:
        """What is left now, in words."""
        tasks = [f"task {task.get_name()}: {_coroutine(task)}" for task in own_tasks() - self._tasks]
        sockets = [f"connection {one}" for one in _connections() - self._connections]
        descriptors = [f"{count} more {kind}" for kind, count in (_descriptors() - self._descriptors).items()]
        return tasks + sockets + descriptors + self._complaints

    def _note(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:  # Any: asyncio's own type
        """Such as "Task was destroyed but it is pending" and "Task exception was never retrieved"."""
        self._complaints.append(f"complaint: {context['message']} {context.get('exception', '')!s}".strip())
        loop.default_exception_handler(context)


def held_by_tunnels(tunnels: Iterable[Tunnel]) -> list[str]:
    """Streams and bytes that tunnels hold."""
    left = []
    for tunnel in tunnels:
        if tunnel.open_streams:
            left.append(f"streams {tunnel.live_streams}")
        if tunnel.buffered_bytes:
            left.append(f"{tunnel.buffered_bytes} bytes received and not consumed")
    return left


def _tunnel_objects() -> list[str]:
    """Streams and tunnels that something still refers to, though every hub and agent of the test is gone."""
    kinds = (LiveStream, Tunnel)
    kept = Counter(type(one).__name__ for one in gc.get_objects() if type(one) in kinds)
    return [f"{count} objects {kind}" for kind, count in kept.items()]


def _connections() -> set[tuple[object, object]]:
    connections = psutil.Process().net_connections(kind="tcp")
    return {(one.laddr, one.raddr) for one in connections if one.status == psutil.CONN_ESTABLISHED}


def _descriptors() -> Counter[str]:
    """Open descriptors by what they are: sockets and pipes are counted, files named."""
    found: Counter[str] = Counter()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = os.readlink(entry)  # noqa: PTH115 - most are no paths
        except FileNotFoundError:  # the one that listed the folder
            continue
        if target == os.devnull:  # libuv keeps one in reserve, from the first time that it listens
            continue
        found[target.split(":")[0] if target.startswith(("socket:", "pipe:")) else target] += 1
    return found


async def _settle() -> None:
    """Let gRPC and uvloop make what they keep for as long as they run, so that no test is blamed for it."""
    async with grpc.aio.insecure_channel("localhost:1"):
        await asyncio.sleep(0)
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)  # keeps /dev/null in reserve
    server.close()
    await server.wait_closed()


def _coroutine(task: asyncio.Task[Any]) -> str:  # Any: whatever tasks give
    coroutine = task.get_coro()
    return str(getattr(coroutine, "__qualname__", coroutine))
