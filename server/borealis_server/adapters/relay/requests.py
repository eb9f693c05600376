"""What a call says to the agent: the Open frame of its stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_server.domain.errors import RelayRefused
from borealis_server.ports.relay import Priority, RelayRequest, TcpRequest
from borealis_wire.heads import fault_of_open

if TYPE_CHECKING:
    from borealis_server.ports.relay import AgentRef
    from borealis_wire.limits import Limits

_PRIORITIES: Final = {
    Priority.INTERACTIVE: pb.Open.PRIORITY_INTERACTIVE,
    Priority.NORMAL: pb.Open.PRIORITY_NORMAL,
    Priority.BULK: pb.Open.PRIORITY_BULK,
}
_SURELY_SMALL_BYTES: Final = 250
_LARGEST_MS: Final = 2**32 - 1
_LARGEST_DEADLINE_MS: Final = 2**53


def to_open(agent: AgentRef, request: RelayRequest | TcpRequest, mode: str, limits: Limits) -> pb.Open:
    """The frame that opens a stream for `request`; `mode` is `http`, `upgrade` or `tcp`.

    Errors: RelayRefused if the request breaks a limit of the tunnel; nothing was sent then.
    """
    open_ = pb.Open(
        target=request.target,
        open_timeout_ms=_milliseconds(request.timeout_s, _LARGEST_MS),
        idle_timeout_ms=_milliseconds(request.idle_timeout_s, _LARGEST_MS),
        deadline_ms=_milliseconds(request.deadline_s, _LARGEST_DEADLINE_MS),
        priority=_PRIORITIES[request.priority],
        request_id=request.request_id,
        traceparent=request.traceparent,
        actor=request.actor,
        actor_groups=request.actor_groups,
    )
    if isinstance(request, TcpRequest):
        open_.tcp.host = request.host
        open_.tcp.port = request.port
    else:
        head = open_.http if mode == "http" else open_.upgrade
        head.method = request.method
        head.path = request.path
        for name, value in request.headers:
            head.headers.add(name=name, value=value.encode("latin-1"))
        open_.has_idempotency_key = request.idempotent
    if open_.ByteSize() > _SURELY_SMALL_BYTES:  # what is smaller breaks no limit of size; the agent judges the rest
        fault = fault_of_open(open_, limits)
        if fault is not None:
            code = pb.Reset.Code.Name(fault.code).removeprefix("CODE_")
            raise RelayRefused(agent.name, code, fault.detail, dispatched=False)
    return open_


def _milliseconds(limit_s: float, largest: int) -> int:
    """A limit as the frame has it: 0 for none, so that a limit above 0 is never less than 1."""
    return min(max(int(limit_s * 1000), 1), largest) if limit_s > 0 else 0
