"""What a test of the tunnel must leave behind: nothing."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from borealis_wire.tunnel import Tunnel

_SETTLE_LIMIT_S = 5.0


def own_tasks() -> set[asyncio.Task[Any]]:  # Any: whatever tasks give
    """The tasks of this loop besides the one that asks."""
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


class LeakWatch:
    """Compares what there is at the end with what there was at the beginning."""

    def __init__(self) -> None:
        self._tasks = own_tasks()
        self._connections = _connections()

    async def check(self) -> None:
        """Fail if anything was left, after a moment for sockets to close."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _SETTLE_LIMIT_S
        while self.leftovers() and loop.time() < deadline:
            gc.collect()
            await asyncio.sleep(0.01)
        left = self.leftovers()
        if left:
            pytest.fail("left behind: " + "; ".join(left), pytrace=False)

    def leftovers(self) -> list[str]:
        """What is left now, in words."""
        tasks = [f"task {task.get_name()}: {task.get_coro()}" for task in own_tasks() - self._tasks]
        sockets = [f"connection {one}" for one in _connections() - self._connections]
        return tasks + sockets


def held_by_tunnels(tunnels: Iterable[Tunnel]) -> list[str]:
    """Streams and bytes that tunnels hold."""
    left = []
    for tunnel in tunnels:
        if tunnel.open_streams:
            left.append(f"streams {tunnel.live_streams}")
        if tunnel.buffered_bytes:
            left.append(f"{tunnel.buffered_bytes} bytes received and not consumed")
    return left


def _connections() -> set[tuple[object, object]]:
    connections = psutil.Process().net_connections(kind="tcp")
    return {(one.laddr, one.raddr) for one in connections if one.status == psutil.CONN_ESTABLISHED}
