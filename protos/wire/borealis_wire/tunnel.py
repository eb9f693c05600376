"""One tunnel: frames in, events and frames out. The same class on both sides; it never waits and knows no clock.

Owns the session (Hello, Welcome, tokens, pings, GoAway) and hands frames of streams to the stream modules. The caller
moves the frames: `receive` what came, then send what `take_batch` gives until it gives nothing.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis.tunnel.v1.tunnel_service_pb2 import LaneRequest
from borealis_wire.errors import LocalProtocolError, RemoteProtocolError
from borealis_wire.events import Event, SessionViolated, StreamLost
from borealis_wire.limits import DETAIL_BYTES, Limits
from borealis_wire.outbox import Outbox
from borealis_wire.reception import StreamReception
from borealis_wire.registry import StreamRegistry
from borealis_wire.session import VERSIONS, Session, xor_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from borealis_wire.stream import Stream
    from borealis_wire.window import ReceiveBudget

_SESSION_KINDS: Final = frozenset(
    field.name for field in pb.Frame.DESCRIPTOR.fields if 1 < field.number < pb.Frame.OPEN_FIELD_NUMBER
)
_FIRST_KINDS: Final = frozenset({"hello", "welcome", "go_away"})
_ROUND_TRIPS: Final = 8


class Role(Enum):
    """Which side of the tunnel this is."""

    SERVER = auto()
    """Answers Hello and opens streams."""
    AGENT = auto()
    """Says Hello and serves streams."""


class Tunnel:
    """State of one tunnel on one side.

    Shape: `receive` never raises and reports every fault of the peer as an event.
    Errors: the other methods raise LocalProtocolError where the state does not allow them.
    """

    def __init__(self, role: Role, limits: Limits | None = None, *, budget: ReceiveBudget | None = None) -> None:
        self.limits = limits or Limits()
        self._role = role
        self._outbox = Outbox(self.limits)
        self._streams = StreamRegistry(self.limits, self._outbox, budget)
        self._reception = StreamReception(self.limits, self._outbox, self._streams, accepts=role is Role.AGENT)
        self._session = Session(
            self.limits, self._outbox, self._streams, self._reception, is_server=role is Role.SERVER
        )
        self._is_broken = False
        self._answers = 0  # at most so many of the control frames that wait are answers to the peer's frames
        self._round_trips: deque[float] = deque(maxlen=_ROUND_TRIPS)
        self._handlers: dict[str, Callable[[pb.Frame, list[Event]], None]] = {
            "hello": self._session.on_hello,
            "welcome": self._session.on_welcome,
            "token_refresh": self._session.on_token_refresh,
            "token_state": self._session.on_token_state,
            "ping": self._session.on_ping,
            "pong": self._session.on_pong,
            "go_away": self._session.on_go_away,
            "live_streams": self._session.on_live_streams,
            "open": self._reception.on_open,
            "opened": self._reception.on_opened,
            "data": self._reception.on_data,
            "credit": self._reception.on_credit,
            "half_close": self._reception.on_half_close,
            "reset": self._reception.on_reset,
        }

    # Facts

    @property
    def live_streams(self) -> tuple[int, ...]:
        """Ids of the streams that are open."""
        return self._streams.ids

    @property
    def open_streams(self) -> int:
        """How many streams are open."""
        return self._streams.count

    @property
    def buffered_bytes(self) -> int:
        """Bytes received on open streams and not consumed yet."""
        return self._streams.buffered_bytes

    @property
    def version(self) -> int:
        """Version of the protocol that both sides speak; 0 before the greeting."""
        return self._session.version

    @property
    def features(self) -> frozenset[str]:
        """What both sides can do; nothing before the greeting."""
        return self._reception.features

    @property
    def round_trip_s(self) -> float:
        """The shortest of the last round trips, in seconds; 0 while none was measured."""
        return self._streams.round_trip_s

    @property
    def wants_round_trip(self) -> bool:
        """Whether it is worth measuring a round trip: credit held a stream up."""
        return self._streams.wants_round_trip

    @property
    def granted_bytes(self) -> int:
        """Bytes that the peer may make this side hold: credit granted and not consumed."""
        return self._streams.granted_bytes

    @property
    def forgotten_streams(self) -> int:
        """Streams that the peer believed to be live and that were not: each is a fault of somebody."""
        return self._reception.forgotten

    @property
    def stalled_streams(self) -> int:
        """Streams that wait for nothing but the peer's credit, as of the last `tick`."""
        return self._reception.stalled

    @property
    def frames_taken(self) -> int:
        """Frames of all batches that were taken."""
        return self._outbox.frames_taken

    @property
    def queued_bytes(self) -> int:
        """Bytes of open streams that wait to be sent."""
        return self._streams.queued_bytes

    @property
    def is_leaving(self) -> bool:
        """Whether either side has said GoAway: no new streams."""
        return self._session.is_leaving

    @property
    def has_live_news(self) -> bool:
        """Whether it is worth telling the peer which streams are live: there are some, or the peer believes so."""
        return bool(self._streams.count or self._session.mismatches)

    @property
    def has_output(self) -> bool:
        """Whether `take_batch` may give something."""
        return not self._outbox.is_empty or self._streams.has_credit_due

    # Session

    def hello(self, hello: pb.Hello) -> None:
        """Agent: introduce this process and offer `hello.features`. Versions and limits of this side are filled in."""
        hello.version_min, hello.version_max = VERSIONS[0], VERSIONS[-1]
        self._session.offered = frozenset(hello.features)
        hello.initial_credit_bytes = self.limits.initial_credit_bytes
        hello.max_streams = self.limits.max_streams
        hello.max_data_bytes = self.limits.max_data_bytes
        self._outbox.put(pb.Frame(hello=hello))

    def welcome(self, welcome: pb.Welcome) -> None:
        """Server: take the session; of `welcome.features`, those that the agent offered are used.

        Versions and limits of this side are filled in.
        """
        self._session.agree(welcome.features)
        welcome.features[:] = sorted(self.features)
        welcome.version = self._session.version
        welcome.initial_credit_bytes = self.limits.initial_credit_bytes
        welcome.max_data_bytes = self.limits.max_data_bytes
        self._outbox.put(pb.Frame(welcome=welcome))

    def offer_token(self, token: str) -> None:
        """Agent: send a newer token."""
        self._outbox.put(pb.Frame(token_refresh=pb.TokenRefresh(token=token)))

    def answer_token(self, *, accepted: bool, expires_in_ms: int, detail: str = "") -> None:
        """Server: say what became of the token that was offered."""
        state = pb.TokenState(accepted=accepted, expires_in_ms=expires_in_ms, detail=_short(detail))
        self._outbox.put(pb.Frame(token_state=state))

    def ping(self, nonce: int) -> None:
        """Ask the peer for a sign of life."""
        self._outbox.put(pb.Frame(ping=pb.Ping(nonce=nonce, queued_bytes=self._streams.queued_bytes)))

    def go_away(
        self, cause: pb.GoAway.Cause, *, grace_ms: int = 0, reconnect_after_ms: int = 0, detail: str = ""
    ) -> None:
        """Say that this side takes no new streams; those that are open go on."""
        self._session.is_leaving = self._reception.is_refusing = True
        go_away = pb.GoAway(
            cause=cause,
            last_stream_id=self._streams.last_id,
            grace_ms=grace_ms,
            reconnect_after_ms=reconnect_after_ms,
            detail=_short(detail),
        )
        self._outbox.put(pb.Frame(go_away=go_away))

    def announce_live(self) -> None:
        """Tell the peer which streams are open here; in full once the sums differed twice in a row."""
        ids = self._streams.ids
        full = ids if self._session.mismatches > 1 else ()
        self._outbox.put(
            pb.Frame(live_streams=pb.LiveStreams(count=len(ids), xor_of_ids=xor_of(ids), stream_ids=full)),
        )

    # Streams

    def open(self, request: pb.Open, body: bytes = b"", *, ends: bool = True) -> int:
        """Server: open a stream with `body` as the beginning, or all, of its data; says its id."""
        if self._role is not Role.SERVER:
            raise LocalProtocolError("only the server opens streams")
        if self._session.is_leaving or not self._session.is_greeted:
            raise LocalProtocolError(
                "the session takes no new streams" if self._session.is_leaving else "no session yet"
            )
        mode = request.WhichOneof("request")
        if mode not in self.features:
            raise LocalProtocolError(f"the agent does not offer {mode}")
        return self._streams.open(request, body, ends=ends)

    def answer(self, stream_id: int, opened: pb.Opened) -> None:
        """Agent: answer a stream."""
        if self._role is not Role.AGENT:
            raise LocalProtocolError("only the agent answers streams")
        self._streams.answer(stream_id, opened)

    def send(self, stream_id: int, data: bytes) -> None:
        """Queue data of a stream; it goes out as the peer's credit allows."""
        self._streams.send(stream_id, data)

    def half_close(self, stream_id: int, trailers: Iterable[pb.HttpHeader] = ()) -> None:
        """Queue the end of this side's data."""
        self._streams.end(stream_id, trailers)

    def reset(self, stream_id: int, code: pb.Reset.Code, detail: str = "", *, dispatched: bool = True) -> bool:
        """End a stream at once; says whether it was open. Nothing happens if it has ended already."""
        return self._streams.reset(stream_id, code, detail, dispatched=dispatched)

    def release(self, stream_id: int) -> None:
        """Nobody uses a stream any more: cancel it, unless only its last data must still go out."""
        self._streams.release(stream_id)

    def consumed(self, stream_id: int, size_bytes: int) -> None:
        """Return credit to the peer after the sink has taken `size_bytes` of the data reported."""
        self._streams.consumed(stream_id, size_bytes)

    def room(self, stream_id: int) -> int:
        """Bytes that the sender of a stream should add now; 0 while it should pause, or when the stream has ended."""
        return self._streams.room(stream_id)

    def is_writable(self, stream_id: int) -> bool:
        """Whether a stream is open and this side may still send on it."""
        return self._streams.is_writable(stream_id)

    def is_unsent(self, stream_id: int) -> bool:
        """Whether the peer surely has not heard of a stream that this side opened."""
        return self._streams.is_unsent(stream_id)

    # Frames

    def tick(self, now: float) -> list[Event]:
        """Tell the time, in seconds of any clock that does not go back; now and then, and before `receive`.

        Gives the ends of streams of low priority that the peer has not let go on for too long.
        """
        self._streams.now = now
        events: list[Event] = []
        self._reception.end_stalled(events)
        return events

    def measured(self, round_trip_s: float) -> None:
        """Tell how long a ping and its answer took."""
        self._round_trips.append(round_trip_s)
        self._streams.round_trip_s = min(self._round_trips)
        self._streams.wants_round_trip = False

    def receive_batch(self, batch: bytes, now: float) -> list[Event]:
        """What a batch means, as it came from the lane at `now`. After SessionViolated nothing is received any more."""
        self._streams.now = now
        if len(batch) > self.limits.max_batch_bytes:
            return self._violated(f"a batch of {len(batch)} bytes, more than {self.limits.max_batch_bytes}")
        try:
            message = LaneRequest.FromString(batch)
        except DecodeError:
            return self._violated("a batch that cannot be read")
        return self.receive(message.frames)

    def receive(self, frames: Sequence[pb.Frame]) -> list[Event]:
        """What the frames of one batch mean. After SessionViolated nothing is received any more."""
        events: list[Event] = []
        if self._is_broken:
            return events
        if not 0 < len(frames) <= self.limits.max_batch_frames:
            return self._violated(f"{len(frames)} frames in one batch, not 1 to {self.limits.max_batch_frames}")
        waiting = self._outbox.control_frames
        try:
            for frame in frames:
                self._receive(frame, events)
            self._check_answers(waiting)
        except RemoteProtocolError as error:
            events += self._violated(str(error))
        return events

    def take_batch(self) -> bytes:
        """The next message to the peer; empty if nothing can go out now."""
        streams = self._streams
        if streams.has_credit_due:
            streams.put_credit()
        ended: list[Stream] = []
        batch = self._outbox.take_batch(ended)
        for stream in ended:
            streams.remove_if_over(stream)
        return batch

    def end(self) -> list[StreamLost]:
        """The tunnel has ended: forget all streams and what they hold; says which were open."""
        self._is_broken = self._session.is_leaving = True
        streams = self._streams
        lost = [StreamLost(one, False if streams.is_unsent(one) else None) for one in streams.ids]
        streams.clear()
        return lost

    def _violated(self, detail: str) -> list[Event]:
        if self._is_broken:
            return []
        self._is_broken = True
        self.go_away(pb.GoAway.CAUSE_PROTOCOL, detail=detail)
        return [SessionViolated(detail=detail)]

    def _receive(self, frame: pb.Frame, events: list[Event]) -> None:
        kind = frame.WhichOneof("kind")
        if kind is None:  # a kind of a later version
            return
        if not self._session.is_greeted and kind not in _FIRST_KINDS:
            raise RemoteProtocolError(f"the first frame is {kind}")
        if bool(frame.stream_id) is (kind in _SESSION_KINDS):
            raise RemoteProtocolError(f"{kind} for stream {frame.stream_id}")
        self._handlers[kind](frame, events)

    def _check_answers(self, waiting: int) -> None:
        """Bound what a peer that does not read can make this side hold; `waiting` control frames were there before.

        What this side says of its own accord is not the peer's doing: a thousand calls may be cancelled at once. Nor is
        it a flood if all streams that the peer may open are refused at once.
        """
        self._answers = min(self._answers, waiting) + self._outbox.control_frames - waiting
        if self._answers > self.limits.max_control_frames + self.limits.max_streams:
            raise RemoteProtocolError(f"{self._answers} answers wait and are not read")


def _short(detail: str) -> str:
    return detail.encode()[:DETAIL_BYTES].decode(errors="ignore")
