"""A TCP proxy on the loopback that fails as networks and load balancers do, when a test says so.

async with FaultProxy(port) as proxy:  # dial proxy.port instead
    proxy.freeze()  # nobody hears anything any more, and no connection ends
    proxy.heal()  # what was held up arrives
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Self, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

_HELD_BYTES: Final = 256 * 1024
"""What one direction of a connection holds before it stops reading."""
_KERNEL_BYTES: Final = 64 * 1024
"""What the kernel may hold in each socket; by itself it takes megabytes, and a stalled reader is noticed late."""
_RST: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: closing sends RST."""

End: TypeAlias = Literal["eof", "lost"]
"""Instead of bytes: the sender has finished, or its connection broke."""


@dataclass(slots=True, eq=False)
class Way:
    """One direction of all connections of a proxy, and what happens to bytes in it now."""

    is_frozen: bool = False
    """Whether nothing passes."""
    is_dropping: bool = False
    """Whether bytes are lost without a word."""
    delay_s: float = 0.0
    """How much later bytes arrive; as many as before are under way at once."""
    bytes_per_s: float = 0.0
    """How many may pass; 0 for all."""
    piece_bytes: int = 0
    """Size of the pieces in which they leave; 0 as they came."""
    is_merging: bool = False
    """Whether everything that is due leaves as one piece."""
    corrupt_after_bytes: int | None = None
    """Flip a bit of the byte after so many more, once."""
    passed_bytes: int = 0
    """Bytes that left in this direction, ever."""

    def heal(self) -> None:
        """Let everything pass as it comes."""
        self.is_frozen = self.is_dropping = self.is_merging = False
        self.delay_s = self.bytes_per_s = 0.0
        self.piece_bytes = 0
        self.corrupt_after_bytes = None

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """`data` as it leaves."""
        self.passed_bytes += len(data)
        if self.is_dropping:
            return
        data = self._corrupted(data)
        size = self.piece_bytes or len(data)
        for start in range(0, len(data), size):
            yield data[start : start + size]

    def _corrupted(self, data: bytes) -> bytes:
        if self.corrupt_after_bytes is None:
            return data
        if self.corrupt_after_bytes >= len(data):
            self.corrupt_after_bytes -= len(data)
            return data
        changed = bytearray(data)
        changed[self.corrupt_after_bytes] ^= 0x20
        self.corrupt_after_bytes = None
        return bytes(changed)


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
        self._pairs: set[_Pair] = set()
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

    def forget(self, pair: _Pair) -> None:
        """Both ends are closed."""
        self._pairs.discard(pair)
        if not self._pairs:
            self._is_empty.set()

    def _pair(self, tasks: asyncio.TaskGroup) -> _Pair:
        self.accepted += 1
        pair = _Pair(self, tasks, is_refused=self._is_refusing)
        self._pairs.add(pair)
        return pair

    async def _close(self) -> None:
        self.reset()
        while self._pairs:
            self._is_empty.clear()
            await self._is_empty.wait()


class _Pair:
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
        self.near, self.far = _Side(self), _Side(self)
        self.near.out = _Pipe(self, proxy.up, self.near, self.far)
        self.far.out = _Pipe(self, proxy.down, self.far, self.near)

    def begin(self, side: _Side) -> None:
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

    def lost(self, side: _Side) -> None:
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


class _Side(asyncio.Protocol):
    """One end of a connection; `out` carries what its peer sends."""

    out: _Pipe

    def __init__(self, pair: _Pair) -> None:
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


class _Pipe:
    """One direction of one connection: what came and may not leave yet."""

    def __init__(self, pair: _Pair, way: Way, source: _Side, sink: _Side) -> None:
        self._pair = pair
        self._way = way
        self._source = source
        self._sink = sink
        self._held: deque[tuple[float, bytes | End]] = deque()
        self._held_bytes = 0
        self._free_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_stopped = False
        self.is_over = False
        """Whether the end of the source's bytes has left."""

    def feed(self, item: bytes | End) -> None:
        """Take what the source sent."""
        if self._is_stopped:
            return
        now = asyncio.get_running_loop().time()
        if isinstance(item, bytes):
            self._pair.moved_at = now
            self._held_bytes += len(item)
        self._held.append((now + self._way.delay_s, item))
        self.flow()

    def flow(self) -> None:
        """Let go what may leave now, and come back for the rest."""
        self._unset_timer()
        while self._held and not self._is_held_up():
            self._let_go(self._take())
        source = self._source.transport
        if source is not None and not self._source.is_lost and not self._is_stopped:
            pause = source.pause_reading if self._held_bytes > _HELD_BYTES else source.resume_reading
            pause()

    def stop(self) -> None:
        """Forget what is held; nothing leaves any more."""
        self._is_stopped = True
        self._held.clear()
        self._held_bytes = 0
        self._unset_timer()

    def _is_held_up(self) -> bool:
        if self._way.is_frozen or self._sink.is_full or (self._sink.transport is None and not self._pair.is_half_open):
            return True
        loop = asyncio.get_running_loop()
        wait_s = max(self._held[0][0], self._free_at) - loop.time()
        if wait_s <= 0:
            return False
        self._timer = loop.call_later(wait_s, self.flow)
        return True

    def _take(self) -> bytes | End:
        _, item = self._held.popleft()
        if not isinstance(item, bytes):
            return item
        while self._way.is_merging and self._held and isinstance(more := self._held[0][1], bytes):
            item += more
            self._held.popleft()
        if self._way.bytes_per_s:  # at most a tenth of a second's worth at once
            size = max(1, int(self._way.bytes_per_s / 10))
            if len(item) > size:
                self._held.appendleft((0.0, item[size:]))
                item = item[:size]
            self._free_at = asyncio.get_running_loop().time() + len(item) / self._way.bytes_per_s
        self._held_bytes -= len(item)
        return item

    def _let_go(self, item: bytes | End) -> None:
        sink = self._sink.transport
        if sink is None or self._sink.is_lost or sink.is_closing():
            return
        if isinstance(item, bytes):
            for piece in self._way.pieces(item):
                sink.write(piece)
        elif item == "eof":
            sink.write_eof()
            self.is_over = True
            self._pair.close_if_over()
        else:
            self._sink.reset()

    def _unset_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
