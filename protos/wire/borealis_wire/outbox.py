"""What goes out next: control frames first, then one turn for each stream that has data and credit. Never waits."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from borealis.tunnel.v1 import tunnel_pb2 as pb

if TYPE_CHECKING:
    from borealis_wire.limits import Limits
    from borealis_wire.stream import Stream

_FRAME_BYTES = 16
"""Rough size of a frame without its data; exact sizes are not worth their price."""


class Outbox:
    """Frames on their way out.

    Units: bytes.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._control: deque[pb.Frame] = deque()
        self._line: deque[Stream] = deque()
        self.max_data_bytes = limits.max_data_bytes

    @property
    def control_frames(self) -> int:
        """Control frames that wait."""
        return len(self._control)

    @property
    def is_empty(self) -> bool:
        """Whether nothing can go out now."""
        return not self._control and not self._line

    def put(self, frame: pb.Frame) -> None:
        """Queue a control frame: it goes before all data."""
        self._control.append(frame)

    def enqueue(self, stream: Stream) -> None:
        """Give `stream` a place in the line if it has something to send."""
        if stream.is_queued or not stream.has_turn:
            return
        stream.is_queued = True
        if stream.is_urgent:
            self._line.appendleft(stream)
        else:
            self._line.append(stream)

    def take_batch(self) -> list[pb.Frame]:
        """The frames of the next message; empty if there are none.

        Shape: at most `batch_frames`; full at `batch_bytes`, which only the last frame may cross.
        """
        frames: list[pb.Frame] = []
        size = 0
        while self._control and len(frames) < self._limits.batch_frames and size < self._limits.batch_bytes:
            frame = self._control.popleft()
            size += frame.ByteSize()
            frames.append(frame)
        while self._line and len(frames) < self._limits.batch_frames and size < self._limits.batch_bytes:
            size += self._take_turn(self._line.popleft(), frames, self._limits.batch_bytes - size)
        return frames

    def _take_turn(self, stream: Stream, frames: list[pb.Frame], space: int) -> int:
        stream.is_queued = False
        if not stream.has_turn:  # it was reset while it stood in the line
            return 0
        turn = self._limits.shared_data_bytes if self._line else self.max_data_bytes
        if stream.head is not None:
            size = self._take_head(stream, frames, turn)
        else:
            size = self._take_data(stream, frames, min(turn, space))
        if stream.has_turn:
            stream.is_queued = True
            self._line.append(stream)
        return size

    def _take_head(self, stream: Stream, frames: list[pb.Frame], turn: int) -> int:
        """Send the head, with the whole body in the same frame where it fits."""
        frame = stream.head
        assert frame is not None  # noqa: S101 - the caller looked
        stream.head = None
        fitting = min(stream.sending.available_bytes, self.max_data_bytes)
        whole = stream.is_ending and stream.pending_bytes <= fitting
        data = stream.take(stream.pending_bytes if whole else min(fitting, turn))
        ends = stream.is_ending and not stream.pending_bytes
        if frame.HasField("open"):
            frame.open.first = data
            frame.open.end_of_data = ends
        else:
            frame.opened.first = data
            frame.opened.end_of_data = ends
            if ends:
                frame.opened.trailers.extend(stream.trailers)
        stream.is_sent = ends
        frames.append(frame)
        return frame.ByteSize()

    def _take_data(self, stream: Stream, frames: list[pb.Frame], turn: int) -> int:
        data = stream.take(min(turn, stream.sending.available_bytes)) if stream.pending_bytes else b""
        if data:
            frames.append(pb.Frame(stream_id=stream.id, data=data))
        if stream.is_ending and not stream.pending_bytes:
            stream.is_sent = True
            frames.append(pb.Frame(stream_id=stream.id, half_close=pb.HalfClose(trailers=stream.trailers)))
        return len(data) + _FRAME_BYTES
