"""What goes out next: control frames first, then turns of the streams that have data and credit. Never waits.

Streams stand in one line for each rank. A round gives the lines turns by their weight, so that whoever somebody waits
for goes first and nobody waits for ever; within a line everybody gets the same bytes (deficit round robin).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_wire.encoding import data_frame, open_frame, opened_frame, session_frame

if TYPE_CHECKING:
    from borealis_wire.limits import Limits
    from borealis_wire.stream import Stream

_TURNS: Final = (8, 4, 1)
"""Turns of a round, by rank."""
_HEAD_ROOM: Final = 64
"""More than the tags and lengths around a head and its data."""


class Outbox:
    """Frames on their way out, as they stand in a batch.

    Units: bytes.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._control: deque[bytes] = deque()
        self._lines: tuple[deque[Stream], ...] = tuple(deque() for _ in _TURNS)
        self._turns = list(_TURNS)
        self._opening: deque[Stream] = deque()
        self._standing = 0
        self.max_data_bytes = limits.max_data_bytes
        """Largest data of a frame that the peer takes."""
        self.queued_bytes = 0
        """Data of all streams that waits to be sent. The registry adds, and takes off what is dropped."""
        self.frames_taken = 0
        """Frames of all batches so far."""

    @property
    def control_frames(self) -> int:
        """Control frames that wait."""
        return len(self._control)

    @property
    def is_empty(self) -> bool:
        """Whether nothing can go out now."""
        return not self._control and not self._standing

    def put(self, frame: pb.Frame) -> None:
        """Queue a control frame: it goes before all data."""
        self._control.append(session_frame(frame))

    def put_encoded(self, frame: bytes) -> None:
        """Queue a control frame that was written by `encoding`."""
        self._control.append(frame)

    def enqueue(self, stream: Stream) -> None:
        """Give `stream` a place in its line if it has something to send."""
        if not stream.is_queued and stream.has_turn:
            stream.is_queued = True
            self._lines[stream.rank].append(stream)
            self._standing += 1

    def open(self, stream: Stream) -> None:
        """Give a stream that this side opens its place. Comes in the order of ids."""
        self._opening.append(stream)
        self.enqueue(stream)

    def take_batch(self, ended: list[Stream]) -> bytes:
        """The next message; empty if there is none. Streams whose last frame is in it are added to `ended`.

        Shape: full at `batch_bytes`, which only the last frame may cross, and never above `max_batch_bytes`.
        """
        limits = self._limits
        frames: list[bytes] = []
        size = 0
        control = self._control
        while control and len(frames) < limits.batch_frames and size < limits.batch_bytes:
            frames.append(control.popleft())
            size += len(frames[-1])
        while self._standing and len(frames) < limits.batch_frames and size < limits.batch_bytes:
            line = self._next_line()
            stream = line[0]
            if stream.head is not None:
                if stream.is_opener and self._opening[0] is not stream:
                    size += self._open_earlier(stream, frames, size)
                if frames and not self._is_next(stream, size):
                    break
            line.popleft()
            self._standing -= 1
            stream.is_queued = False
            if stream.has_turn:  # it has none if it was reset while it stood in the line
                size += self._take_turn(stream, frames, limits.batch_bytes - size)
                if stream.is_sent:
                    ended.append(stream)
                self.enqueue(stream)
        self.frames_taken += len(frames)
        return b"".join(frames)

    def _open_earlier(self, stream: Stream, frames: list[bytes], size: int) -> int:
        """Send the bare heads of streams that were opened before: ids on the wire only grow, whoever goes first."""
        opening, limits = self._opening, self._limits
        added = 0
        while opening[0] is not stream:
            earlier = opening[0]
            if earlier.head is not None:  # else it was reset before anybody heard of it
                room = limits.max_batch_bytes - size - added - _HEAD_ROOM
                if frames and (len(earlier.head) > room or len(frames) >= limits.batch_frames):
                    break
                frames.append(open_frame(earlier.id, earlier.head, b"", ends=False))
                added += len(frames[-1])
                earlier.head = None
            opening.popleft()
        return added

    def _is_next(self, stream: Stream, size: int) -> bool:
        """Whether the head of a stream may go into a message that has this size already."""
        if stream.is_opener and self._opening[0] is not stream:
            return False
        return size + self._head_bytes(stream) <= self._limits.max_batch_bytes

    def _next_line(self) -> deque[Stream]:
        """The line whose turn it is; one of them is not empty."""
        turns = self._turns
        while True:
            for rank, line in enumerate(self._lines):
                if line and turns[rank]:
                    turns[rank] -= 1
                    return line
            turns[:] = _TURNS

    def _head_bytes(self, stream: Stream) -> int:
        return len(stream.head or b"") + min(stream.pending_bytes, self.max_data_bytes) + _HEAD_ROOM

    def _take_turn(self, stream: Stream, frames: list[bytes], space: int) -> int:
        if self._standing:  # others wait
            share = self._limits.shared_data_bytes
            stream.deficit_bytes = min(stream.deficit_bytes + share, share)
            if stream.deficit_bytes <= 0:
                return 0
            turn = min(stream.deficit_bytes, self.max_data_bytes)
        else:
            stream.deficit_bytes = 0
            turn = self.max_data_bytes
        before = stream.sending.sent_bytes
        first = len(frames)
        if stream.head is not None:
            self._take_head(stream, frames, turn)
        else:
            self._take_data(stream, frames, min(turn, space))
        sent = stream.sending.sent_bytes - before
        self.queued_bytes -= sent
        stream.deficit_bytes = stream.deficit_bytes - sent if stream.pending_bytes else 0
        return sum(map(len, frames[first:]))

    def _take_head(self, stream: Stream, frames: list[bytes], turn: int) -> None:
        """Send the head, with the whole body in the same frame where it fits."""
        head = stream.head
        assert head is not None  # noqa: S101 - the caller looked
        stream.head = None
        if stream.is_opener:
            self._opening.popleft()
        fitting = min(stream.sending.available_bytes, self.max_data_bytes)
        whole = stream.is_ending and stream.pending_bytes <= fitting
        first = stream.take(stream.pending_bytes if whole else min(fitting, turn))
        ends = stream.is_ending and not stream.pending_bytes
        if stream.is_opener:
            frames.append(open_frame(stream.id, head, first, ends=ends))
        else:
            frames.append(opened_frame(stream.id, head, first, ends=ends, trailers=stream.trailers))
        stream.is_sent = ends

    def _take_data(self, stream: Stream, frames: list[bytes], turn: int) -> None:
        data = stream.take(min(turn, stream.sending.available_bytes)) if stream.pending_bytes else b""
        if data:
            frames.append(data_frame(stream.id, data))
        if stream.is_ending and not stream.pending_bytes:
            stream.is_sent = True
            frames.append(
                session_frame(pb.Frame(stream_id=stream.id, half_close=pb.HalfClose(trailers=stream.trailers)))
            )
