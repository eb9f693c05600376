"""What a tunnel reports after it has received frames. Data only; each event is reported once.

Tuples, since several are made for every call: they cost a fifth of frozen dataclasses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from borealis.tunnel.v1 import tunnel_pb2 as pb


class HelloReceived(NamedTuple):
    """An agent introduced itself; answer with `Tunnel.welcome`."""

    hello: pb.Hello


class WelcomeReceived(NamedTuple):
    """The server took the session."""

    welcome: pb.Welcome


class TokenOffered(NamedTuple):
    """The agent sent a newer token; answer with `Tunnel.answer_token`."""

    token: str


class TokenAnswered(NamedTuple):
    """The server answered the token that was offered."""

    state: pb.TokenState


class PongReceived(NamedTuple):
    """The peer answered a ping."""

    nonce: int
    queued_bytes: int = 0
    """Bytes that wait at the peer to be sent."""


class GoAwayReceived(NamedTuple):
    """The peer takes no new streams any more."""

    go_away: pb.GoAway


class StreamOpened(NamedTuple):
    """The peer opened a stream. Data in `open.first` is reported by DataReceived, its end by HalfClosed."""

    stream_id: int
    open: pb.Open


class StreamAnswered(NamedTuple):
    """The peer reached the target. Data in `opened.first` is reported by DataReceived, its end by HalfClosed."""

    stream_id: int
    opened: pb.Opened


class DataReceived(NamedTuple):
    """The peer sent data; credit returns to it with `Tunnel.consumed`."""

    stream_id: int
    data: bytes


class HalfClosed(NamedTuple):
    """The peer has sent all its data."""

    stream_id: int
    trailers: tuple[pb.HttpHeader, ...] = ()


class StreamReset(NamedTuple):
    """A stream ended early: by the peer, or by this side because the peer broke a rule of the stream."""

    stream_id: int
    code: pb.Reset.Code
    detail: str
    dispatched: bool
    """False only if surely nothing of the request reached the target."""
    by_peer: bool


class StreamLost(NamedTuple):
    """The tunnel ended under an open stream."""

    stream_id: int
    dispatched: bool | None
    """False if surely nothing of the request has left this side; None if nobody knows."""


class SessionViolated(NamedTuple):
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
    | StreamLost
    | SessionViolated
)
