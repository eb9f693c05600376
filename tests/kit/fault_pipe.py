"""One direction of connections through the fault proxy: what is held up, lost, delayed, cut into pieces and changed."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.fault_proxy import Pair, Side

_HELD_BYTES: Final = 256 * 1024
"""What one direction of a connection holds before it stops reading."""

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


class Pipe:
    """One direction of one connection: what came and may not leave yet."""

    def __init__(self, pair: Pair, way: Way, source: Side, sink: Side) -> None:
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
