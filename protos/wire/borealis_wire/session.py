"""The session of a tunnel: what frames that are about no stream mean, and what both sides have agreed on."""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Final

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_wire.errors import RemoteProtocolError
from borealis_wire.events import (
    Event,
    GoAwayReceived,
    HelloReceived,
    PongReceived,
    TokenAnswered,
    TokenOffered,
    WelcomeReceived,
)
from borealis_wire.limits import DEFAULT_CREDIT_BYTES, DEFAULT_MAX_STREAMS, TOKEN_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from borealis_wire.limits import Limits
    from borealis_wire.outbox import Outbox
    from borealis_wire.reception import StreamReception
    from borealis_wire.registry import StreamRegistry

VERSIONS: Final = range(1, 2)
"""The versions of the protocol spoken here; of those that both sides speak, the highest is used."""


class Session:
    """State of the session on one side.

    Errors: RemoteProtocolError from every frame that the peer may not send now.
    """

    def __init__(
        self,
        limits: Limits,
        outbox: Outbox,
        streams: StreamRegistry,
        reception: StreamReception,
        *,
        is_server: bool,
    ) -> None:
        self.limits = limits
        self._is_server = is_server
        self._outbox = outbox
        self._streams = streams
        self._reception = reception
        self.offered: frozenset[str] = frozenset()
        """What the agent can do, as it says."""
        self.version = 0
        """Version of the protocol that both sides speak; 0 before the greeting."""
        self.is_greeted = False
        """Whether the peer has greeted."""
        self.is_leaving = False
        """Whether either side has said GoAway."""
        self.mismatches = 0
        """How often in a row the peer believed other streams to be live than this side."""

    def agree(self, features: Iterable[str]) -> None:
        """Use those of `features` that the agent offers."""
        self._reception.features = self.offered.intersection(features)

    def on_hello(self, frame: pb.Frame, events: list[Event]) -> None:
        """An agent introduces itself."""
        hello = frame.hello
        if not self._is_server or self.is_greeted:
            raise RemoteProtocolError("hello was not expected")
        common = [one for one in VERSIONS if hello.version_min <= one <= hello.version_max]
        if not common:
            spoken = f"versions {hello.version_min} to {hello.version_max}"
            raise RemoteProtocolError(f"{spoken} of the protocol, this side speaks {_spoken()}")
        self.version = common[-1]
        self.offered = frozenset(hello.features)
        self.is_greeted = True
        self._streams.peer_max_streams = hello.max_streams or DEFAULT_MAX_STREAMS
        self._take_terms(hello.initial_credit_bytes, hello.max_data_bytes)
        events.append(HelloReceived(hello=hello))

    def on_welcome(self, frame: pb.Frame, events: list[Event]) -> None:
        """The server takes the session."""
        welcome = frame.welcome
        if self._is_server or self.is_greeted:
            raise RemoteProtocolError("welcome was not expected")
        if welcome.version not in VERSIONS:
            raise RemoteProtocolError(f"version {welcome.version} of the protocol, this side speaks {_spoken()}")
        self.version = welcome.version
        self.agree(welcome.features)
        self.is_greeted = True
        self._take_terms(welcome.initial_credit_bytes, welcome.max_data_bytes)
        events.append(WelcomeReceived(welcome=welcome))

    def _take_terms(self, credit_bytes: int, max_data_bytes: int) -> None:
        self._streams.peer_credit_bytes = credit_bytes or DEFAULT_CREDIT_BYTES
        self._outbox.max_data_bytes = min(self.limits.max_data_bytes, max_data_bytes or self.limits.max_data_bytes)

    def on_token_refresh(self, frame: pb.Frame, events: list[Event]) -> None:
        """The agent sends a newer token."""
        token = frame.token_refresh.token
        if not self._is_server or len(token) > TOKEN_BYTES:
            raise RemoteProtocolError("a token was not expected or is too long")
        events.append(TokenOffered(token=token))

    def on_token_state(self, frame: pb.Frame, events: list[Event]) -> None:
        """The server says what became of a token."""
        if self._is_server:
            raise RemoteProtocolError("the state of a token was not expected")
        events.append(TokenAnswered(state=frame.token_state))

    def on_ping(self, frame: pb.Frame, events: list[Event]) -> None:  # noqa: ARG002 - one signature for all kinds
        """The peer asks for a sign of life."""
        pong = pb.Pong(nonce=frame.ping.nonce, queued_bytes=self._streams.queued_bytes)
        self._outbox.put(pb.Frame(pong=pong))

    def on_pong(self, frame: pb.Frame, events: list[Event]) -> None:
        """The peer gives a sign of life."""
        events.append(PongReceived(nonce=frame.pong.nonce, queued_bytes=frame.pong.queued_bytes))

    def on_go_away(self, frame: pb.Frame, events: list[Event]) -> None:
        """The peer takes no new streams."""
        self.is_leaving = True
        events.append(GoAwayReceived(go_away=frame.go_away))
        if self._is_server:
            self._reception.fail_above(frame.go_away.last_stream_id, events)

    def on_live_streams(self, frame: pb.Frame, events: list[Event]) -> None:  # noqa: ARG002 - one signature for all kinds
        """The peer says which streams it believes to be live."""
        live = frame.live_streams
        ids = self._streams.ids
        same = live.count == len(ids) and live.xor_of_ids == xor_of(ids)
        self.mismatches = 0 if same else self.mismatches + 1
        self._reception.on_live_streams(live)


def xor_of(ids: Iterable[int]) -> int:
    """All ids combined by exclusive or."""
    return functools.reduce(operator.xor, ids, 0)


def _spoken() -> str:
    return str(VERSIONS[0]) if len(VERSIONS) == 1 else f"{VERSIONS[0]} to {VERSIONS[-1]}"
