"""The streams of a tunnel and what this side does with them: open, answer, send, end, reset, consume.

Ids only grow, so an id that was opened and is not here has ended; those that were reset are remembered for a while.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_wire.encoding import credit_frame
from borealis_wire.ended import ResetMemory
from borealis_wire.errors import LocalProtocolError
from borealis_wire.limits import DEFAULT_CREDIT_BYTES, DEFAULT_MAX_STREAMS, DETAIL_BYTES, Limits
from borealis_wire.stream import Rank, Stream
from borealis_wire.window import ReceiveBudget, ReceiveWindow, SendWindow, grown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from borealis_wire.outbox import Outbox

_RANKS: Final = {
    pb.Open.PRIORITY_INTERACTIVE: Rank.INTERACTIVE,
    pb.Open.PRIORITY_BULK: Rank.BULK,
}
_LARGEST_ID: Final = 2**31 - 1
_FLOWING_S: Final = 0.05
"""Two grants of a stream within this time show that it flows: more than a megabyte in a second."""
_FLOWING_STREAMS: Final = 8
"""A window is widened while so many like it fit into the budget."""


class StreamRegistry:
    """Streams that are open on this side, whoever opened them.

    Errors: LocalProtocolError for everything that the state of the stream does not allow.
    """

    def __init__(self, limits: Limits, outbox: Outbox, budget: ReceiveBudget | None = None) -> None:
        self._limits = limits
        self._outbox = outbox
        self._budget = ReceiveBudget(limits.receive_budget_bytes, budget)
        self._streams: dict[int, Stream] = {}
        self._credit_due: dict[int, None] = {}
        self._buffered_bytes = 0
        self.resets = ResetMemory(limits.reset_memory_s)
        """Streams that were reset by either side a moment ago."""
        self.now = 0.0
        """The caller's clock, in seconds, as of the last time it told us."""
        self.round_trip_s = 0.0
        """The shortest of the last round trips; 0 while none was measured."""
        self.wants_round_trip = False
        """Whether a stream was held up by its window, so that it is worth knowing how long the way is."""
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
    def granted_bytes(self) -> int:
        """Bytes that the peer may make this side hold."""
        return self._budget.used_bytes

    @property
    def queued_bytes(self) -> int:
        """Bytes of open streams that wait to be sent."""
        return self._outbox.queued_bytes

    @property
    def has_credit_due(self) -> bool:
        """Whether a grant may have become due."""
        return bool(self._credit_due)

    @property
    def is_used_up(self) -> bool:
        """Whether no id is left for another stream."""
        return self.last_id >= _LARGEST_ID - 1

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
        if self.is_used_up:
            raise LocalProtocolError("this session has used up its streams")
        if not request.credit_bytes:
            request.credit_bytes = self._new_window_bytes()
        head = request.SerializeToString()
        self._check_size(head)
        stream = self._add(
            self.last_id + 2 if self.last_id else 1,
            request,
            is_opener=True,
            send_bytes=self.peer_credit_bytes,
            receive_bytes=request.credit_bytes,
        )
        stream.head = head
        if body:
            self._add_data(stream, body)
        stream.is_ending = ends
        self._outbox.open(stream)
        return stream.id

    def accept(self, stream_id: int, request: pb.Open) -> Stream:
        """Take a stream that the peer opened."""
        return self._add(
            stream_id,
            request,
            is_opener=False,
            send_bytes=request.credit_bytes or self.peer_credit_bytes,
            receive_bytes=self._limits.initial_credit_bytes,
        )

    def answer(self, stream_id: int, opened: pb.Opened) -> None:
        """Answer a stream that the peer opened."""
        stream = self._writable(stream_id)
        if stream.is_answered:
            raise LocalProtocolError(f"stream {stream_id} was answered before")
        head = opened.SerializeToString()
        self._check_size(head)
        stream.is_answered = True
        stream.head = head
        self._outbox.enqueue(stream)

    def send(self, stream_id: int, data: bytes) -> None:
        """Queue data. Whoever produces it bit by bit pauses while `room` says 0."""
        if data:
            stream = self._writable(stream_id)
            self._add_data(stream, data)
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
        self.resets.remember(stream_id, self.now)
        self._outbox.put(pb.Frame(stream_id=stream_id, reset=pb.Reset(code=code, dispatched=dispatched, detail=text)))

    def consumed(self, stream_id: int, size_bytes: int) -> None:
        """The sink has taken `size_bytes`: the peer may send as much again. Nothing happens if the stream has ended."""
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        window = stream.receiving
        window.consume(size_bytes)
        self._buffered_bytes -= size_bytes
        self._budget.add(-size_bytes)
        if not stream.is_received:
            self._credit_due[stream_id] = None
            if window.is_starved:
                self._grow(window)

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
        return stream is not None and stream.is_opener and stream.head is not None

    def put_credit(self) -> None:
        """Queue the grants that became due."""
        for stream_id in self._credit_due:
            window = self._streams[stream_id].receiving
            before = window.limit_bytes
            has_room = self._budget.has_room_for(window.window_bytes - window.open_bytes)
            limit = window.next_limit(window.window_bytes if has_room else self._limits.scarce_credit_bytes)
            if limit is not None:
                self._budget.add(limit - before)
                self._outbox.put_encoded(credit_frame(stream_id, limit))
                self._widen(window)
        self._credit_due.clear()

    def stalled(self) -> Iterator[Stream]:
        """The streams that wait for nothing but the peer's credit; since when stands in each of them."""
        for stream in tuple(self._streams.values()):
            if not stream.is_stalled:
                stream.stalled_at = None
                continue
            if stream.stalled_at is None:
                stream.stalled_at = self.now
            yield stream

    def remove_if_over(self, stream: Stream) -> None:
        """Forget a stream that has ended in both directions."""
        if stream.is_over and stream.id in self._streams:
            self.remove(stream)

    def remove(self, stream: Stream) -> None:
        """Forget a stream and all it holds."""
        del self._streams[stream.id]
        self._credit_due.pop(stream.id, None)
        self._buffered_bytes -= stream.receiving.waiting_bytes
        self._budget.add(-stream.receiving.open_bytes)
        self._outbox.queued_bytes -= stream.pending_bytes
        stream.drop()

    def clear(self) -> None:
        """Forget all streams."""
        for stream in tuple(self._streams.values()):
            self.remove(stream)

    def _add_data(self, stream: Stream, data: bytes) -> None:
        stream.add(data)
        self._outbox.queued_bytes += len(data)

    def _grow(self, window: ReceiveWindow) -> None:
        self.wants_round_trip = True
        size = grown(
            window.window_bytes,
            round_trip_s=self.round_trip_s,
            largest_bytes=self._limits.largest_credit_bytes,
            bytes_per_s=self._limits.largest_rate,
        )
        if self._budget.has_room_for(size):
            window.window_bytes = size

    def _widen(self, window: ReceiveWindow) -> None:
        """Let a stream that flows, to a reader that keeps up, need fewer grants from the next one on."""
        flows = self.now - window.granted_at < _FLOWING_S and not window.waiting_bytes
        window.granted_at = self.now
        wide = self._limits.flowing_credit_bytes
        if flows and window.window_bytes < wide and self._budget.has_room_for(_FLOWING_STREAMS * wide):
            window.window_bytes = wide

    def _new_window_bytes(self) -> int:
        """The credit of a new stream: small while the budget is used up."""
        wanted = self._limits.initial_credit_bytes
        return wanted if self._budget.has_room_for(wanted) else self._limits.scarce_credit_bytes

    def _check_size(self, head: bytes) -> None:
        largest = self._limits.max_batch_bytes - 2 * self._limits.max_data_bytes
        if len(head) > largest:
            raise LocalProtocolError(f"the head has {len(head)} bytes, more than {largest}")

    def _add(self, stream_id: int, request: pb.Open, *, is_opener: bool, send_bytes: int, receive_bytes: int) -> Stream:
        stream = Stream(
            stream_id,
            mode=request.WhichOneof("request") or "",
            rank=_RANKS.get(request.priority, Rank.NORMAL),
            is_opener=is_opener,
            sending=SendWindow(send_bytes),
            receiving=ReceiveWindow(receive_bytes, max(receive_bytes, self._limits.initial_credit_bytes)),
        )
        self._budget.add(receive_bytes)
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
