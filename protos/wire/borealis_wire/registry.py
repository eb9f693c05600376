"""The streams of a tunnel and what this side does with them: open, answer, send, end, reset, consume.

Remembers finished streams at no cost: ids only grow, so an id that was opened and is not here has ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_wire.errors import LocalProtocolError
from borealis_wire.limits import DEFAULT_CREDIT_BYTES, DEFAULT_MAX_STREAMS, DETAIL_BYTES, Limits
from borealis_wire.stream import Stream
from borealis_wire.window import ReceiveWindow, SendWindow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from borealis_wire.outbox import Outbox


class StreamRegistry:
    """Streams that are open on this side, whoever opened them.

    Errors: LocalProtocolError for everything that the state of the stream does not allow.
    """

    def __init__(self, limits: Limits, outbox: Outbox) -> None:
        self._limits = limits
        self._outbox = outbox
        self._streams: dict[int, Stream] = {}
        self._credit_due: dict[int, None] = {}
        self._buffered_bytes = 0
        self.last_id = 0
        """Highest stream id opened so far, by either side."""
        self.peer_credit_bytes = DEFAULT_CREDIT_BYTES
        """What the peer lets every stream send at first."""
        self.peer_max_streams = DEFAULT_MAX_STREAMS
        """Streams that the peer accepts at once."""

    @property
    def count(self) -> int:
        """Streams that are open."""
        return len(self._streams)

    @property
    def ids(self) -> tuple[int, ...]:
        """Ids of the streams that are open, in the order of opening."""
        return tuple(self._streams)

    @property
    def buffered_bytes(self) -> int:
        """Bytes received on open streams and not consumed yet."""
        return self._buffered_bytes

    @property
    def queued_bytes(self) -> int:
        """Bytes of open streams that wait to be sent."""
        return sum(stream.pending_bytes for stream in self._streams.values())

    @property
    def has_credit_due(self) -> bool:
        """Whether a grant may have become due."""
        return bool(self._credit_due)

    def find(self, stream_id: int) -> Stream | None:
        """The open stream of that id; None if it has ended or never was."""
        return self._streams.get(stream_id)

    def above(self, stream_id: int) -> tuple[Stream, ...]:
        """The open streams with ids above `stream_id`."""
        return tuple(stream for stream in self._streams.values() if stream.id > stream_id)

    def open(self, request: pb.Open, body: bytes, *, ends: bool) -> int:
        """Open a stream to the peer and queue its request; says its id."""
        if len(self._streams) >= self.peer_max_streams:
            raise LocalProtocolError(f"the peer accepts {self.peer_max_streams} streams at once and all are open")
        stream_id = self.last_id + 2 if self.last_id else 1
        request.credit_bytes = request.credit_bytes or self.window_bytes()
        stream = self._add(stream_id, send_bytes=self.peer_credit_bytes, receive_bytes=request.credit_bytes)
        stream.is_urgent = request.priority == pb.Open.PRIORITY_INTERACTIVE
        stream.head = pb.Frame(stream_id=stream_id, open=request)
        stream.add(body)
        stream.is_ending = ends
        self._outbox.enqueue(stream)
        return stream_id

    def accept(self, stream_id: int, request: pb.Open) -> Stream:
        """Take a stream that the peer opened."""
        send_bytes = request.credit_bytes or self.peer_credit_bytes
        stream = self._add(stream_id, send_bytes=send_bytes, receive_bytes=self._limits.initial_credit_bytes)
        stream.is_urgent = request.priority == pb.Open.PRIORITY_INTERACTIVE
        return stream

    def answer(self, stream_id: int, opened: pb.Opened) -> None:
        """Answer a stream that the peer opened."""
        stream = self._writable(stream_id)
        if stream.is_answered:
            raise LocalProtocolError(f"stream {stream_id} was answered before")
        stream.is_answered = True
        stream.head = pb.Frame(stream_id=stream_id, opened=opened)
        self._outbox.enqueue(stream)

    def send(self, stream_id: int, data: bytes) -> None:
        """Queue data. Whoever produces it bit by bit pauses while `room` says 0."""
        if data:
            stream = self._writable(stream_id)
            stream.add(data)
            self._outbox.enqueue(stream)

    def end(self, stream_id: int, trailers: Iterable[pb.HttpHeader] = ()) -> None:
        """Queue the end of this side's data."""
        stream = self._writable(stream_id)
        stream.trailers = tuple(trailers)
        stream.is_ending = True
        self._outbox.enqueue(stream)

    def reset(self, stream_id: int, code: pb.Reset.Code, detail: str = "", *, dispatched: bool = True) -> bool:
        """End a stream at once; says whether it was open. The peer hears of it only if it heard of the stream."""
        stream = self._streams.get(stream_id)
        if stream is None:
            return False
        if not self.is_unsent(stream_id):
            self.refuse(stream_id, code, detail, dispatched=dispatched)
        self.remove(stream)
        return True

    def release(self, stream_id: int) -> None:
        """Nobody uses a stream any more: cancel it, unless only its last data must still go out."""
        stream = self._streams.get(stream_id)
        if stream is not None and not (stream.is_ending and stream.is_received):
            self.reset(stream_id, pb.Reset.CODE_CANCELLED)

    def refuse(self, stream_id: int, code: pb.Reset.Code, detail: str, *, dispatched: bool = False) -> None:
        """Tell the peer that a stream is not, or no longer, open here."""
        text = detail.encode()[:DETAIL_BYTES].decode(errors="ignore")
        self._outbox.put(pb.Frame(stream_id=stream_id, reset=pb.Reset(code=code, dispatched=dispatched, detail=text)))

    def consumed(self, stream_id: int, size_bytes: int) -> None:
        """The sink has taken `size_bytes`: the peer may send as much again. Nothing happens if the stream has ended."""
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        stream.receiving.consume(size_bytes)
        self._buffered_bytes -= size_bytes
        if not stream.is_received:
            self._credit_due[stream_id] = None

    def received(self, stream: Stream, size_bytes: int) -> bool:
        """Count data that arrived; False if it was beyond the credit."""
        if not stream.receiving.accept(size_bytes):
            return False
        self._buffered_bytes += size_bytes
        return True

    def room(self, stream_id: int) -> int:
        """Bytes that a stream's sender should add now; 0 while enough of it waits, or it has ended."""
        stream = self._streams.get(stream_id)
        return max(0, self._limits.send_buffer_bytes - stream.pending_bytes) if stream else 0

    def is_writable(self, stream_id: int) -> bool:
        """Whether a stream is open and this side may still send on it."""
        stream = self._streams.get(stream_id)
        return stream is not None and not stream.is_ending

    def is_unsent(self, stream_id: int) -> bool:
        """Whether the peer surely has not heard of a stream that this side opened."""
        stream = self._streams.get(stream_id)
        return stream is not None and stream.head is not None and stream.head.HasField("open")

    def window_bytes(self) -> int:
        """The credit to grant now: small while too much waits to be consumed."""
        scarce = self._buffered_bytes > self._limits.receive_budget_bytes
        return self._limits.scarce_credit_bytes if scarce else self._limits.initial_credit_bytes

    def put_credit(self) -> None:
        """Queue the grants that became due."""
        window_bytes = self.window_bytes()
        for stream_id in self._credit_due:
            limit = self._streams[stream_id].receiving.next_limit(window_bytes)
            if limit is not None:
                self._outbox.put(pb.Frame(stream_id=stream_id, credit=pb.Credit(limit_bytes=limit)))
        self._credit_due.clear()

    def remove_if_over(self, stream_id: int) -> None:
        """Forget a stream that has ended in both directions."""
        stream = self._streams.get(stream_id)
        if stream is not None and stream.is_over:
            self.remove(stream)

    def remove(self, stream: Stream) -> None:
        """Forget a stream and all it holds."""
        del self._streams[stream.id]
        self._credit_due.pop(stream.id, None)
        self._buffered_bytes -= stream.receiving.waiting_bytes
        stream.drop()
        stream.is_ending = False  # so that it has no turn any more

    def _add(self, stream_id: int, *, send_bytes: int, receive_bytes: int) -> Stream:
        stream = Stream(
            id=stream_id,
            sending=SendWindow(limit_bytes=send_bytes),
            receiving=ReceiveWindow(limit_bytes=receive_bytes),
        )
        self._streams[stream_id] = stream
        self.last_id = stream_id
        return stream

    def _writable(self, stream_id: int) -> Stream:
        stream = self._streams.get(stream_id)
        if stream is None:
            raise LocalProtocolError(f"stream {stream_id} is not open")
        if stream.is_ending:
            raise LocalProtocolError(f"stream {stream_id} has ended on this side")
        return stream
