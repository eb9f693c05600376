"""A TCP proxy on the loopback that fails as networks and load balancers do, when a test says so.

async with FaultProxy(port) as proxy:  # dial proxy.port instead
    proxy.freeze()  # nobody hears anything any more, and no connection ends
    proxy.heal()  # what was held up arrives
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import AsyncExitStack
from typing import Final, Self, cast

from kit.fault_pipe import Pipe, Way

_KERNEL_BYTES: Final = 64 * 1024
"""What the kernel may hold in each socket; by itself it takes megabytes, and a stalled reader is noticed late."""
_RST: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: closing sends RST."""


class FaultProxy:
    """Passes connections on to a port on this machine. A context manager: leaving it ends all of them.

    Shape: `up` leads from who dials to the port behind, `down` comes back; a fault takes the ways it is for, both if
    none are named. Faults that last also strike connections that come later.
    """

    def __init__(self, upstream_port: int) -> None:
        self.upstream_port = upstream_port
        """Where connections lead. May change: later ones go there."""
        self.port = 0
        """Where to dial."""
        self.up = Way()
        self.down = Way()
        self.accepted = 0
        """Connections that ever came."""
        self.cut = 0
        """Connections that were cut because they were idle."""
        self.idle_limit_s: float | None = None
        """See `cut_idle`."""
        self._pairs: set[Pair] = set()
        self._is_refusing = False
        self._is_empty = asyncio.Event()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        self._stack.push_async_callback(self._close)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: self._pair(tasks).near, "127.0.0.1", 0, backlog=1024)
        self._stack.callback(server.close)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):  # accepted sockets inherit them
            server.sockets[0].setsockopt(socket.SOL_SOCKET, option, _KERNEL_BYTES)
        self.port = server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        return len(self._pairs)

    # Faults that last

    def freeze(self, *ways: Way) -> None:
        """Hold everything up: no byte, no end and no error passes. New connections are taken and hear nothing."""
        for way in ways or (self.up, self.down):
            way.is_frozen = True

    def drop(self, *ways: Way) -> None:
        """Lose every byte without a word."""
        for way in ways or (self.up, self.down):
            way.is_dropping = True

    def delay(self, seconds: float, *ways: Way) -> None:
        """Let bytes arrive later."""
        for way in ways or (self.up, self.down):
            way.delay_s = seconds

    def throttle(self, bytes_per_s: float, *ways: Way) -> None:
        """Let only so much pass on each connection."""
        for way in ways or (self.up, self.down):
            way.bytes_per_s = bytes_per_s

    def split(self, piece_bytes: int, *ways: Way) -> None:
        """Let bytes leave in small pieces, each a write of its own."""
        for way in ways or (self.up, self.down):
            way.piece_bytes = piece_bytes

    def merge(self, gather_s: float, *ways: Way) -> None:
        """Let bytes wait for others and leave together."""
        for way in ways or (self.up, self.down):
            way.delay_s = gather_s
            way.is_merging = True

    def corrupt(self, *ways: Way, after_bytes: int = 0) -> None:
        """Flip one bit, once in each way, after so many more bytes."""
        for way in ways or (self.up, self.down):
            way.corrupt_after_bytes = after_bytes

    def cut_idle(self, after_s: float) -> None:
        """Break connections on which nothing moved for so long, as load balancers do."""
        self.idle_limit_s = after_s
        for pair in self._pairs:
            pair.check_idle()

    def refuse(self) -> None:
        """Reset new connections at once."""
        self._is_refusing = True

    def heal(self) -> None:
        """End all faults that last; what was held up arrives."""
        self.up.heal()
        self.down.heal()
        self.idle_limit_s = None
        self._is_refusing = False
        for pair in tuple(self._pairs):
            pair.flow()

    # Faults that strike the connections of this moment

    def reset(self) -> None:
        """Break all with RST to both ends."""
        for pair in tuple(self._pairs):
            pair.reset()

    def close(self) -> None:
        """End all in order, with FIN to both ends; what was held up is lost."""
        for pair in tuple(self._pairs):
            pair.close()

    def half_open(self) -> None:
        """Break all towards the port behind; who dialled hears nothing of it, as when a router forgot it."""
        for pair in tuple(self._pairs):
            pair.lose_far_end()

    # For pairs

    def forget(self, pair: Pair) -> None:
        """Both ends are closed."""
        self._pairs.discard(pair)
        if not self._pairs:
            self._is_empty.set()

    def _pair(self, tasks: asyncio.TaskGroup) -> Pair:
        self.accepted += 1
        pair = Pair(self, tasks, is_refused=self._is_refusing)
        self._pairs.add(pair)
        return pair

    async def _close(self) -> None:
        self.reset()
        while self._pairs:
            self._is_empty.clear()
            await self._is_empty.wait()


class Pair:
    """One connection that passes through, from accepting it to the end of both its ends."""

    def __init__(self, proxy: FaultProxy, tasks: asyncio.TaskGroup, *, is_refused: bool) -> None:
        self.proxy = proxy
        self.is_half_open = False
        self.moved_at = asyncio.get_running_loop().time()
        self._tasks = tasks
        self._is_refused = is_refused
        self._is_over = False
        self._dialling: asyncio.Task[None] | None = None
        self._idle_timer: asyncio.TimerHandle | None = None
        self.near, self.far = Side(self), Side(self)
        self.near.out = Pipe(self, proxy.up, self.near, self.far)
        self.far.out = Pipe(self, proxy.down, self.far, self.near)

    def begin(self, side: Side) -> None:
        """One end is connected."""
        if side is self.near and self._is_refused:
            self.reset()
        elif side is self.near:
            self._dialling = self._tasks.create_task(self._dial(), name="fault_proxy.dial")
            self.check_idle()
        else:
            self.flow()

    def flow(self) -> None:
        """Move what may move now."""
        self.near.out.flow()
        self.far.out.flow()

    def reset(self) -> None:
        """Break both ends."""
        self.near.reset()
        self.far.reset()
        self._finish()

    def close(self) -> None:
        """End both ends in order."""
        for side in (self.near, self.far):
            if side.transport is not None:
                side.transport.close()
        self._finish()

    def close_if_over(self) -> None:
        """End the connection once both ends have finished."""
        if self.near.out.is_over and self.far.out.is_over:
            self.close()

    def lose_far_end(self) -> None:
        """Break the far end alone, without the near one hearing of it."""
        self.is_half_open = True
        self.far.reset()

    def check_idle(self) -> None:
        """Break the connection if nothing moved for too long; else look again when that could be."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        limit_s = self.proxy.idle_limit_s
        if limit_s is None or self._is_over:
            return
        loop = asyncio.get_running_loop()
        left_s = self.moved_at + limit_s - loop.time()
        if left_s <= 0:
            self.proxy.cut += 1
            self.reset()
        else:
            self._idle_timer = loop.call_later(left_s, self.check_idle)

    def lost(self, side: Side) -> None:
        """One end is closed, by its peer or by us."""
        if not (self._is_over or self.is_half_open):
            side.out.feed("lost")
        if self.near.is_lost and (self.far.is_lost or self.far.transport is None):
            self._finish()
            self.proxy.forget(self)

    async def _dial(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: self.far, "127.0.0.1", self.proxy.upstream_port)
        except OSError:
            self.reset()

    def _finish(self) -> None:
        self._is_over = True
        if self._dialling is not None:
            self._dialling.cancel()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        self.near.out.stop()
        self.far.out.stop()


class Side(asyncio.Protocol):
    """One end of a connection; `out` carries what its peer sends."""

    out: Pipe

    def __init__(self, pair: Pair) -> None:
        self.transport: asyncio.Transport | None = None
        self.is_lost = False
        self.is_full = False
        self._pair = pair

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # what TCP connections have
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, option, _KERNEL_BYTES)
        self._pair.begin(self)

    def data_received(self, data: bytes) -> None:
        self.out.feed(data)

    def eof_received(self) -> bool:
        self.out.feed("eof")
        return True  # the other direction goes on

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - how it ended makes no difference
        self.is_lost = True
        self._pair.lost(self)

    def pause_writing(self) -> None:
        self.is_full = True

    def resume_writing(self) -> None:
        self.is_full = False
        self._pair.flow()

    def reset(self) -> None:
        """Close with RST."""
        if self.transport is not None and not self.is_lost:
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
            self.transport.abort()
