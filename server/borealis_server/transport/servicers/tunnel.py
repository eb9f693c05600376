"""`TunnelService`: hands the lanes that agents open to whoever hosts them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc

from borealis.tunnel.v1 import tunnel_service_pb2 as pb
from borealis.tunnel.v1.tunnel_service_pb2_grpc import TunnelServiceServicer
from borealis_server.domain.errors import InvalidArgument
from borealis_server.transport.interceptors.auth import current_principal
from borealis_wire.aio.lane import LaneLost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from typing import TypeAlias

    from borealis_server.domain.identity import Principal
    from borealis_server.ports.relay import LaneHost

    Context: TypeAlias = grpc.aio.ServicerContext[bytes, bytes]

_BEARER = "bearer "


class TunnelServicer(TunnelServiceServicer):
    """The way in for agents. `verify` checks the tokens that agents send in band."""

    def __init__(self, host: LaneHost, verify: Callable[[str], Awaitable[Principal]]) -> None:
        self._host = host
        self._verify = verify

    async def Lane(  # type: ignore[override]  # noqa: N802 - the RPC's name; the stubs know handlers that yield; ours reads and writes the context
        self,
        request_iterator: AsyncIterator[bytes],  # noqa: ARG002 - read through the context, by one task
        context: Context,
    ) -> None:
        """Carry a lane until it ends."""
        metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        number = metadata.get("borealis-lane", "0")
        if not (number.isascii() and number.isdecimal() and len(number) <= 9):  # noqa: PLR2004 - fits 32 bits
            raise InvalidArgument.of("borealis-lane", "must be the number of the lane")
        await self._host.serve(
            ServerLane(context),
            lane_number=int(number),
            principal=current_principal(),
            token=metadata.get("authorization", "")[len(_BEARER) :],
            verify=self._verify,
        )


def add_tunnel_service(servicer: TunnelServicer, server: grpc.aio.Server) -> None:
    """Put the servicer behind a door, as the generated function does, but with batches as bytes.

    The tunnel bounds, reads and writes them itself: gRPC would end the call of a peer that sends rubbish wordlessly.
    """
    name = pb.DESCRIPTOR.services_by_name["TunnelService"].full_name
    handlers = {"Lane": grpc.stream_stream_rpc_method_handler(servicer.Lane)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, handlers),))


class ServerLane:
    """A lane as the handler of its RPC sees it."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def read(self) -> bytes | None:
        """The next batch; None when the agent ended the lane, or was lost: gRPC tells us no difference."""
        try:
            message = await self._context.read()
        except (grpc.RpcError, grpc.aio.BaseError) as error:
            raise LaneLost("the agent's connection broke") from error
        except asyncio.CancelledError:
            _raise_if_cancelled()
            raise LaneLost("the agent's connection broke") from None
        return message if isinstance(message, bytes) else None

    async def write(self, batch: bytes) -> None:
        """Send one batch."""
        try:
            await self._context.write(batch)
        except (grpc.RpcError, grpc.aio.BaseError, asyncio.InvalidStateError) as error:
            raise LaneLost("the agent's connection broke") from error
        except asyncio.CancelledError:
            _raise_if_cancelled()
            raise LaneLost("the agent's connection broke") from None

    async def finish(self) -> None:
        """The lane ends when its handler returns."""


def _raise_if_cancelled() -> None:
    """Raise again the cancellation of this task; gRPC also raises CancelledError where only the call has ended."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
