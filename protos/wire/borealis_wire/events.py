"""What a tunnel reports after it has received frames. Data only; each event is reported once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from borealis.tunnel.v1 import tunnel_pb2 as pb


@dataclass(frozen=True, slots=True, kw_only=True)
class HelloReceived:
    """An agent introduced itself; answer with `Tunnel.welcome`."""

    hello: pb.Hello


@dataclass(frozen=True, slots=True, kw_only=True)
class WelcomeReceived:
    """The server took the session."""

    welcome: pb.Welcome


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOffered:
    """The agent sent a newer token; answer with `Tunnel.answer_token`."""

    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAnswered:
    """The server answered the token that was offered."""

    state: pb.TokenState


@dataclass(frozen=True, slots=True, kw_only=True)
class PongReceived:
    """The peer answered a ping."""

    nonce: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GoAwayReceived:
    """The peer takes no new streams any more."""

    go_away: pb.GoAway


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOpened:
    """The peer opened a stream. Data in `open.first` is reported by DataReceived, its end by HalfClosed."""

    stream_id: int
    open: pb.Open


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamAnswered:
    """The peer reached the target. Data in `opened.first` is reported by DataReceived, its end by HalfClosed."""

    stream_id: int
    opened: pb.Opened


@dataclass(frozen=True, slots=True, kw_only=True)
class DataReceived:
    """The peer sent data; credit returns to it with `Tunnel.consumed`."""

    stream_id: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfClosed:
    """The peer has sent all its data."""

    stream_id: int
    trailers: tuple[pb.HttpHeader, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamReset:
    """A stream ended early: by the peer, or by this side because the peer broke a rule of the stream."""

    stream_id: int
    code: pb.Reset.Code
    detail: str
    dispatched: bool
    """False only if surely nothing of the request reached the target."""
    by_peer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionViolated:
    """The peer broke a rule of the session. The last event; send the GoAway that waits, then end the lane."""

    detail: str


Event: TypeAlias = (
    HelloReceived
    | WelcomeReceived
    | TokenOffered
    | TokenAnswered
    | PongReceived
    | GoAwayReceived
    | StreamOpened
    | StreamAnswered
    | DataReceived
    | HalfClosed
    | StreamReset
    | SessionViolated
)
