"""One tunnel: frames in, events and frames out. The same class on both sides; it never waits and knows no clock.

Owns the session (Hello, Welcome, tokens, pings, GoAway) and hands frames of streams to the stream modules. The caller
moves the frames: `receive` what came, then send what `take_batch` gives until it gives nothing.
"""

from __future__ import annotations

import functools
import operator
from enum import Enum, auto
from typing import TYPE_CHECKING

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_wire.errors import LocalProtocolError, RemoteProtocolError
from borealis_wire.events import (
    Event,
    GoAwayReceived,
    HelloReceived,
    PongReceived,
    SessionViolated,
    TokenAnswered,
    TokenOffered,
    WelcomeReceived,
)
from borealis_wire.limits import DEFAULT_CREDIT_BYTES, DEFAULT_MAX_STREAMS, DETAIL_BYTES, TOKEN_BYTES, Limits
from borealis_wire.outbox import Outbox
from borealis_wire.reception import StreamReception
from borealis_wire.registry import StreamRegistry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

VERSIONS = range(1, 2)
"""The versions of the protocol spoken here; of those that both sides speak, the highest is used."""


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

    def __init__(self, role: Role, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._role = role
        self._outbox = Outbox(self.limits)
        self._streams = StreamRegistry(self.limits, self._outbox)
        self._reception = StreamReception(self.limits, self._outbox, self._streams, accepts=role is Role.AGENT)
        self._is_greeted = False
        self._is_broken = False
        self._is_leaving = False
        self._mismatches = 0
        self._offered: frozenset[str] = frozenset()
        self.version = 0
        """Version of the protocol that both sides speak; 0 before the greeting."""
        self.features: frozenset[str] = frozenset()
        """What both sides can do; nothing before the greeting."""
        self.round_trip_s = 0.0
        """The shortest of the last round trips, in seconds; 0 while none was measured."""
        self._handlers: dict[str, Callable[[pb.Frame, list[Event]], None]] = {
            "hello": self._on_hello,
            "welcome": self._on_welcome,
            "token_refresh": self._on_token_refresh,
            "token_state": self._on_token_state,
            "ping": self._on_ping,
            "pong": self._on_pong,
            "go_away": self._on_go_away,
            "live_streams": self._on_live_streams,
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
    def queued_bytes(self) -> int:
        """Bytes of open streams that wait to be sent."""
        return self._streams.queued_bytes

    @property
    def is_leaving(self) -> bool:
        """Whether either side has said GoAway: no new streams."""
        return self._is_leaving

    @property
    def has_live_news(self) -> bool:
        """Whether it is worth telling the peer which streams are live: there are some, or the peer believes so."""
        return bool(self._streams.count or self._mismatches)

    @property
    def has_output(self) -> bool:
        """Whether `take_batch` may give something."""
        return not self._outbox.is_empty or self._streams.has_credit_due

    # Session

    def hello(self, hello: pb.Hello) -> None:
        """Agent: introduce this process and offer `hello.features`. Versions and limits of this side are filled in."""
        hello.version_min, hello.version_max = VERSIONS[0], VERSIONS[-1]
        self._offered = frozenset(hello.features)
        hello.initial_credit_bytes = self.limits.initial_credit_bytes
        hello.max_streams = self.limits.max_streams
        hello.max_data_bytes = self.limits.max_data_bytes
        self._outbox.put(pb.Frame(hello=hello))

    def welcome(self, welcome: pb.Welcome) -> None:
        """Server: take the session; of `welcome.features`, those that the agent offered are used.

        Versions and limits of this side are filled in.
        """
        self.features = self._offered.intersection(welcome.features)
        welcome.features[:] = sorted(self.features)
        welcome.version = self.version
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
        self._is_leaving = self._reception.is_refusing = True
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
        full = ids if self._mismatches > 1 else ()
        self._outbox.put(
            pb.Frame(live_streams=pb.LiveStreams(count=len(ids), xor_of_ids=_xor(ids), stream_ids=full)),
        )

    # Streams

    def open(self, request: pb.Open, body: bytes = b"", *, ends: bool = True) -> int:
        """Server: open a stream with `body` as the beginning, or all, of its data; says its id."""
        if self._role is not Role.SERVER:
            raise LocalProtocolError("only the server opens streams")
        if self._is_leaving or not self._is_greeted:
            raise LocalProtocolError("the session takes no new streams" if self._is_leaving else "no session yet")
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

    def receive(self, frames: Sequence[pb.Frame]) -> list[Event]:
        """What the frames of one batch mean. After SessionViolated nothing is received any more."""
        events: list[Event] = []
        if self._is_broken:
            return events
        try:
            self._check_batch(frames)
            for frame in frames:
                self._receive(frame, events)
            self._check_control()
        except RemoteProtocolError as error:
            self._is_broken = True
            self.go_away(pb.GoAway.CAUSE_PROTOCOL, detail=str(error))
            events.append(SessionViolated(detail=str(error)))
        return events

    def take_batch(self) -> list[pb.Frame]:
        """The frames of the next message to the peer; empty if nothing can go out now."""
        self._streams.put_credit()
        frames = self._outbox.take_batch()
        for frame in frames:
            if frame.stream_id:
                self._streams.remove_if_over(frame.stream_id)
        return frames

    def _receive(self, frame: pb.Frame, events: list[Event]) -> None:
        kind = frame.WhichOneof("kind")
        if kind is None:  # a kind of a later version
            return
        if not self._is_greeted and kind not in {"hello", "welcome", "go_away"}:
            raise RemoteProtocolError(f"the first frame is {kind}")
        if bool(frame.stream_id) != (frame.DESCRIPTOR.fields_by_name[kind].number >= pb.Frame.OPEN_FIELD_NUMBER):
            raise RemoteProtocolError(f"{kind} for stream {frame.stream_id}")
        self._handlers[kind](frame, events)

    def _check_batch(self, frames: Sequence[pb.Frame]) -> None:
        if len(frames) > self.limits.max_batch_frames:
            raise RemoteProtocolError(f"{len(frames)} frames in one batch, more than {self.limits.max_batch_frames}")

    def _check_control(self) -> None:
        if self._outbox.control_frames > self.limits.max_control_frames:
            raise RemoteProtocolError(f"{self._outbox.control_frames} answers wait and are not read")

    def _on_hello(self, frame: pb.Frame, events: list[Event]) -> None:
        hello = frame.hello
        if self._role is not Role.SERVER or self._is_greeted:
            raise RemoteProtocolError("hello was not expected")
        common = [one for one in VERSIONS if hello.version_min <= one <= hello.version_max]
        if not common:
            spoken = f"versions {hello.version_min} to {hello.version_max}"
            raise RemoteProtocolError(f"{spoken} of the protocol, this side speaks {_spoken()}")
        self.version = common[-1]
        self._offered = frozenset(hello.features)
        self._is_greeted = True
        self._streams.peer_max_streams = hello.max_streams or DEFAULT_MAX_STREAMS
        self._take_terms(hello.initial_credit_bytes, hello.max_data_bytes)
        events.append(HelloReceived(hello=hello))

    def _on_welcome(self, frame: pb.Frame, events: list[Event]) -> None:
        welcome = frame.welcome
        if self._role is not Role.AGENT or self._is_greeted:
            raise RemoteProtocolError("welcome was not expected")
        if welcome.version not in VERSIONS:
            raise RemoteProtocolError(f"version {welcome.version} of the protocol, this side speaks {_spoken()}")
        self.version = welcome.version
        self.features = self._offered.intersection(welcome.features)
        self._is_greeted = True
        self._take_terms(welcome.initial_credit_bytes, welcome.max_data_bytes)
        events.append(WelcomeReceived(welcome=welcome))

    def _take_terms(self, credit_bytes: int, max_data_bytes: int) -> None:
        self._streams.peer_credit_bytes = credit_bytes or DEFAULT_CREDIT_BYTES
        self._outbox.max_data_bytes = min(self.limits.max_data_bytes, max_data_bytes or self.limits.max_data_bytes)

    def _on_token_refresh(self, frame: pb.Frame, events: list[Event]) -> None:
        token = frame.token_refresh.token
        if self._role is not Role.SERVER or len(token) > TOKEN_BYTES:
            raise RemoteProtocolError("a token was not expected or is too long")
        events.append(TokenOffered(token=token))

    def _on_token_state(self, frame: pb.Frame, events: list[Event]) -> None:
        if self._role is not Role.AGENT:
            raise RemoteProtocolError("the state of a token was not expected")
        events.append(TokenAnswered(state=frame.token_state))

    def _on_ping(self, frame: pb.Frame, events: list[Event]) -> None:  # noqa: ARG002 - one signature for all kinds
        pong = pb.Pong(nonce=frame.ping.nonce, queued_bytes=self._streams.queued_bytes)
        self._outbox.put(pb.Frame(pong=pong))

    def _on_pong(self, frame: pb.Frame, events: list[Event]) -> None:
        events.append(PongReceived(nonce=frame.pong.nonce))

    def _on_go_away(self, frame: pb.Frame, events: list[Event]) -> None:
        self._is_leaving = True
        events.append(GoAwayReceived(go_away=frame.go_away))
        if self._role is Role.SERVER:
            self._reception.fail_above(frame.go_away.last_stream_id, events)

    def _on_live_streams(self, frame: pb.Frame, events: list[Event]) -> None:  # noqa: ARG002 - one signature for all kinds
        live = frame.live_streams
        ids = self._streams.ids
        same = live.count == len(ids) and live.xor_of_ids == _xor(ids)
        self._mismatches = 0 if same else self._mismatches + 1
        self._reception.on_live_streams(live)


def _spoken() -> str:
    return str(VERSIONS[0]) if len(VERSIONS) == 1 else f"{VERSIONS[0]} to {VERSIONS[-1]}"


def _xor(ids: Iterable[int]) -> int:
    return functools.reduce(operator.xor, ids, 0)


def _short(detail: str) -> str:
    return detail.encode()[:DETAIL_BYTES].decode(errors="ignore")
