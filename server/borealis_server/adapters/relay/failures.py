"""What became of a relayed call that did not end well, in the words of the domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_server.domain.errors import AgentUnavailable, RelayRefused
from borealis_wire.aio.stream import StreamError, StreamWasReset

if TYPE_CHECKING:
    from borealis_server.ports.relay import AgentRef

_AWAY: Final = frozenset({pb.Reset.CODE_REFUSED, pb.Reset.CODE_OVERLOAD, pb.Reset.CODE_AUTHORITY_ENDED})
_WORTH_ANOTHER_TRY: Final = frozenset({"DIAL_FAILED", "DIAL_TIMEOUT"})


def to_domain(agent: AgentRef, error: StreamError) -> AgentUnavailable | RelayRefused:
    """The domain's error for a stream that ended early."""
    if not isinstance(error, StreamWasReset):
        return AgentUnavailable(agent.name, dispatched=error.dispatched, detail=f"its tunnel was lost ({error.detail})")
    if error.code in _AWAY:
        return AgentUnavailable(agent.name, dispatched=error.dispatched, detail=error.detail or "it takes no calls now")
    code = pb.Reset.Code.Name(error.code).removeprefix("CODE_")
    return RelayRefused(agent.name, code, error.detail or "no more is known", dispatched=error.dispatched)


def is_worth_another_replica(error: AgentUnavailable | RelayRefused) -> bool:
    """Whether another replica of the agent may be asked: surely nothing arrived, and it may fare better."""
    if error.dispatched is not False:
        return False
    return isinstance(error, AgentUnavailable) or error.code in _WORTH_ANOTHER_TRY
