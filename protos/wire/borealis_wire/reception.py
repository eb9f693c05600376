"""What frames of a stream mean when they arrive: the order of messages, checked on both sides.

A peer that breaks a rule of one stream loses that stream; the others never notice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_wire.errors import RemoteProtocolError
from borealis_wire.events import DataReceived, Event, HalfClosed, StreamAnswered, StreamOpened, StreamReset
from borealis_wire.heads import fault_of_headers, fault_of_open, fault_of_opened
from borealis_wire.stream import Rank

if TYPE_CHECKING:
    from borealis_wire.limits import Limits
    from borealis_wire.outbox import Outbox
    from borealis_wire.registry import StreamRegistry
    from borealis_wire.stream import Stream


class StreamReception:
    """Turns frames of streams into events.

    Errors: RemoteProtocolError where the peer broke a rule that is not about one stream.
    """

    def __init__(self, limits: Limits, outbox: Outbox, streams: StreamRegistry, *, accepts: bool) -> None:
        self._limits = limits
        self._outbox = outbox
        self._streams = streams
        self._accepts = accepts
        self.is_refusing = False
        """Whether streams that the peer opens are refused: this side has said GoAway."""
        self.features: frozenset[str] = frozenset()
        """Kinds of requests that both sides know."""
        self.stalled = 0
        """Streams that waited for the peer's credit when somebody looked last."""
        self.forgotten = 0
        """Streams that the peer believed to be live and that are not: each is a fault of somebody."""

    def on_open(self, frame: pb.Frame, events: list[Event]) -> None:
        """The peer opens a stream."""
        if not self._accepts or not frame.stream_id % 2:
            raise RemoteProtocolError(f"stream {frame.stream_id} may not be opened by this peer")
        if frame.stream_id <= self._streams.last_id:
            raise RemoteProtocolError(f"stream {frame.stream_id} was opened after stream {self._streams.last_id}")
        request = frame.open
        mode = request.WhichOneof("request")
        refusal = ""
        if self.is_refusing:
            refusal = "shutting down"
        elif self._streams.count >= self._limits.max_streams:
            refusal = f"{self._limits.max_streams} streams are open"
        elif mode not in self.features:
            refusal = f"{mode or 'a request of an unknown kind'} is not offered in this session"
        if refusal:
            self._streams.last_id = frame.stream_id
            self._streams.refuse(frame.stream_id, pb.Reset.CODE_REFUSED, refusal)
            return
        stream = self._streams.accept(frame.stream_id, request)
        fault = fault_of_open(request, self._limits)
        if fault is not None:
            self._streams.reset(stream.id, fault.code, fault.detail, dispatched=False)
            return
        events.append(StreamOpened(stream.id, request))
        self._on_first(stream, request.first, events, ends=request.end_of_data)

    def on_opened(self, frame: pb.Frame, events: list[Event]) -> None:
        """The peer answers a stream that this side opened."""
        stream = self._find_or_tell(frame)
        if stream is None:
            return
        opened = frame.opened
        if not stream.is_opener or stream.is_answered:
            self._fail(stream, pb.Reset.CODE_PROTOCOL, "an answer was not expected", events)
        elif (fault := fault_of_opened(opened, stream.mode, self._limits)) is not None:
            self._fail(stream, fault.code, fault.detail, events)
        else:
            stream.is_answered = True
            events.append(StreamAnswered(stream.id, opened))
            self._on_first(stream, opened.first, events, ends=opened.end_of_data, trailers=tuple(opened.trailers))

    def on_data(self, frame: pb.Frame, events: list[Event]) -> None:
        """The peer sends data."""
        stream = self._find_or_tell(frame)
        if stream is None or not self._may_send(stream, events):
            return
        data = frame.data
        if not data:
            self._fail(stream, pb.Reset.CODE_PROTOCOL, "data without a byte", events)
        elif len(data) > self._limits.max_data_bytes:
            detail = f"{len(data)} bytes of data in one frame, more than {self._limits.max_data_bytes}"
            self._fail(stream, pb.Reset.CODE_TOO_LARGE, detail, events)
        else:
            self._take(stream, data, events)

    def on_credit(self, frame: pb.Frame, events: list[Event]) -> None:  # noqa: ARG002 - one signature for all kinds
        """The peer grants credit."""
        stream = self._find(frame)
        if stream is not None and stream.sending.raise_to(frame.credit.limit_bytes):
            self._outbox.enqueue(stream)

    def on_half_close(self, frame: pb.Frame, events: list[Event]) -> None:
        """The peer has sent all its data."""
        stream = self._find(frame)
        if stream is None or not self._may_send(stream, events):
            return
        fault = fault_of_headers(frame.half_close.trailers, self._limits)
        if fault is not None:
            self._fail(stream, fault.code, fault.detail, events)
        else:
            self._end(stream, tuple(frame.half_close.trailers), events)

    def on_reset(self, frame: pb.Frame, events: list[Event]) -> None:
        """The peer ends a stream at once."""
        stream = self._find(frame)
        if stream is None:
            return
        self._streams.remove(stream)
        self._streams.resets.remember(stream.id, self._streams.now)
        reset = frame.reset
        known = reset.code in pb.Reset.Code.values()
        events.append(
            StreamReset(
                stream_id=stream.id,
                code=reset.code if known else pb.Reset.CODE_UNSPECIFIED,
                detail=reset.detail,
                dispatched=reset.dispatched,
                by_peer=True,
            ),
        )

    def on_live_streams(self, live: pb.LiveStreams) -> None:
        """The peer says which streams it believes to be live: end those that ended here."""
        if len(live.stream_ids) > self._limits.max_streams + self._streams.peer_max_streams:
            raise RemoteProtocolError(f"{len(live.stream_ids)} live streams")
        for stream_id in live.stream_ids:
            if self._streams.find(stream_id) is None:
                self.forgotten += 1
                self._streams.refuse(stream_id, pb.Reset.CODE_NO_SUCH_STREAM, "this stream has ended", dispatched=True)

    def fail_above(self, last_id: int, events: list[Event]) -> None:
        """End the streams above `last_id` that this side opened: the peer never looked at them."""
        for stream in self._streams.above(last_id):
            if not stream.is_answered:
                self._streams.remove(stream)
                events.append(
                    StreamReset(
                        stream_id=stream.id,
                        code=pb.Reset.CODE_REFUSED,
                        detail="the peer takes no new streams",
                        dispatched=False,
                        by_peer=True,
                    ),
                )

    def _find(self, frame: pb.Frame) -> Stream | None:
        """The open stream of the frame; None if it has ended, so that a late frame does no harm."""
        stream = self._streams.find(frame.stream_id)
        if stream is None and frame.stream_id > self._streams.last_id:
            raise RemoteProtocolError(f"a frame for stream {frame.stream_id}, which was never opened")
        return stream

    def _find_or_tell(self, frame: pb.Frame) -> Stream | None:
        """As `_find`; a peer that still uses a stream which ended long ago, or properly, is told so once."""
        stream = self._find(frame)
        if stream is None and not self._streams.resets.expects(frame.stream_id, self._streams.now):
            self._streams.refuse(
                frame.stream_id, pb.Reset.CODE_NO_SUCH_STREAM, "this stream has ended", dispatched=True
            )
        return stream

    def end_stalled(self, events: list[Event]) -> None:
        """Give up streams of low priority whose data waits too long for the peer's credit."""
        self.stalled = 0
        for stream in self._streams.stalled():
            self.stalled += 1
            waited_s = self._streams.now - (stream.stalled_at or 0.0)
            if stream.rank is Rank.BULK and waited_s >= self._limits.stall_limit_s:
                self._fail(stream, pb.Reset.CODE_FLOW_CONTROL, f"no credit for {waited_s:.0f} s", events)

    def _may_send(self, stream: Stream, events: list[Event]) -> bool:
        """Whether the peer may send data or its end now; ends the stream if not."""
        if stream.is_received:
            self._fail(stream, pb.Reset.CODE_PROTOCOL, "data after the end of data", events)
            return False
        if stream.is_opener and not stream.is_answered:
            self._fail(stream, pb.Reset.CODE_PROTOCOL, "data before the answer", events)
            return False
        return True

    def _on_first(
        self,
        stream: Stream,
        first: bytes,
        events: list[Event],
        *,
        ends: bool,
        trailers: tuple[pb.HttpHeader, ...] = (),
    ) -> None:
        if first and not self._take(stream, first, events):
            return
        if ends:
            self._end(stream, trailers, events)

    def _take(self, stream: Stream, data: bytes, events: list[Event]) -> bool:
        if not self._streams.received(stream, len(data)):
            self._fail(stream, pb.Reset.CODE_FLOW_CONTROL, "more data than the credit allowed", events)
            return False
        events.append(DataReceived(stream.id, data))
        return True

    def _end(self, stream: Stream, trailers: tuple[pb.HttpHeader, ...], events: list[Event]) -> None:
        stream.is_received = True
        events.append(HalfClosed(stream.id, trailers))
        self._streams.remove_if_over(stream)

    def _fail(self, stream: Stream, code: pb.Reset.Code, detail: str, events: list[Event]) -> None:
        self._streams.reset(stream.id, code, detail)
        events.append(StreamReset(stream_id=stream.id, code=code, detail=detail, dispatched=True, by_peer=False))
