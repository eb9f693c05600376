"""A lane of the tunnel as the agent sees it: one gRPC call to the server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc

from borealis.tunnel.v1.tunnel_service_pb2 import LaneRequest, LaneResponse
from borealis.tunnel.v1.tunnel_service_pb2_grpc import TunnelServiceStub
from borealis_wire.aio.lane import LaneLost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from borealis.tunnel.v1 import tunnel_pb2


class AgentLane:
    """One lane. `failure` keeps the status with which the server ended it, if that was one."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        metadata = (("authorization", f"Bearer {token}"), ("borealis-lane", "0"))
        stub = TunnelServiceStub(channel)
        self._call = stub.Lane(metadata=metadata)  # type: ignore[call-arg]  # without an iterator the call is written to
        self.failure: grpc.aio.AioRpcError | None = None

    async def read(self) -> Sequence[tunnel_pb2.Frame] | None:
        """The next batch; None when the server ended the lane."""
        try:
            message = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise self._lost(error) from error
        except asyncio.CancelledError:
            _raise_if_cancelled()
            raise LaneLost("the call was cancelled") from None
        return message.frames if isinstance(message, LaneResponse) else None

    async def write(self, frames: Sequence[tunnel_pb2.Frame]) -> None:
        """Send one batch."""
        try:
            await self._call.write(LaneRequest(frames=frames))
        except grpc.aio.AioRpcError as error:
            raise self._lost(error) from error
        except asyncio.InvalidStateError as error:
            raise LaneLost("the server ended the lane") from error
        except asyncio.CancelledError:
            _raise_if_cancelled()
            raise LaneLost("the call was cancelled") from None

    async def finish(self) -> None:
        """Say that no more batches follow."""
        try:
            await self._call.done_writing()
        except grpc.aio.AioRpcError as error:
            raise self._lost(error) from error
        except asyncio.InvalidStateError as error:
            raise LaneLost("the server ended the lane") from error

    def cancel(self) -> None:
        """Give the call up."""
        self._call.cancel()

    def _lost(self, error: grpc.aio.AioRpcError) -> LaneLost:
        self.failure = error
        return LaneLost(error.details() or error.code().name)


def _raise_if_cancelled() -> None:
    """Raise again the cancellation of this task; gRPC also raises CancelledError where only the call has ended."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
