"""A lane of the tunnel as the agent sees it: one gRPC call to the server."""

from __future__ import annotations

import asyncio
from typing import Final

import grpc

from borealis.tunnel.v1 import tunnel_service_pb2
from borealis_wire.aio.lane import LaneLost

_LANE: Final = f"/{tunnel_service_pb2.DESCRIPTOR.services_by_name['TunnelService'].full_name}/Lane"


class AgentLane:
    """One lane. `failure` keeps the status with which the server ended it, if that was one."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        metadata = (("authorization", f"Bearer {token}"), ("borealis-lane", "0"))
        # without serialisers, since batches are bytes here; without an iterator, so that the call is written to
        self._call = channel.stream_stream(_LANE)(metadata=metadata)  # type: ignore[call-arg]  # the types demand all
        self.failure: grpc.aio.AioRpcError | None = None

    async def read(self) -> bytes | None:
        """The next batch; None when the server ended the lane."""
        try:
            message = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise self._lost(error) from error
        except asyncio.CancelledError:
            _raise_if_cancelled()
            raise LaneLost("the call was cancelled") from None
        return message if isinstance(message, bytes) else None

    async def write(self, batch: bytes) -> None:
        """Send one batch."""
        try:
            await self._call.write(batch)
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
        if not self._call.cancel():
            # A failed write marks a call as done without ending it (grpc/grpc#36066); `cancel` then does nothing, and
            # the call would keep a task and its connection for ever.
            self._call._cython_call.cancel("given up")  # type: ignore[attr-defined]  # noqa: SLF001 - no public way

    def _lost(self, error: grpc.aio.AioRpcError) -> LaneLost:
        self.failure = error
        return LaneLost(error.details() or error.code().name)


def _raise_if_cancelled() -> None:
    """Raise again the cancellation of this task; gRPC also raises CancelledError where only the call has ended."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
