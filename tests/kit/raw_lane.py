"""An agent's lane without an agent: sends what a test says, byte by byte if need be, over real gRPC."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import grpc

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis.tunnel.v1.tunnel_service_pb2 import LaneRequest, LaneResponse
from kit.tunnel import trusting_channel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kit.tunnel import TunnelHub

_LANE = "/borealis.tunnel.v1.TunnelService/Lane"
ROGUE = "rogue"
"""Name of the agent whose credential is misused."""


def hello(**fields: Any) -> pb.Frame:  # Any: fields of Hello, by name
    """A good Hello, apart from `fields`."""
    given: dict[str, Any] = {
        "version_min": 1,
        "version_max": 1,
        "agent": ROGUE,
        "instance_id": "i",
        "features": ["http"],
        "max_streams": 100,
    }
    return pb.Frame(hello=pb.Hello(**(given | fields)))


async def token_of(hub: TunnelHub, agent: str = ROGUE) -> str:
    """A good token of an agent."""
    await hub.link_settings(agent)
    issued = hub.credentials[agent]
    return (await hub.identity.issue_token(issued.credential.client_id, issued.secret)).access_token


class RawLane:
    """One lane. What came is kept in `frames`."""

    def __init__(self, call: Any) -> None:  # Any: the published types of a call are incomplete
        self._call = call
        self.frames: list[pb.Frame] = []

    async def send(self, *frames: pb.Frame) -> None:
        """Send one batch."""
        await self.send_bytes(LaneRequest(frames=frames).SerializeToString())

    async def send_bytes(self, batch: bytes) -> None:
        """Send a message as it is; nothing happens if the lane has ended."""
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await self._call.write(batch)

    async def receive(self) -> bool:
        """Wait for one batch; False if the lane has ended."""
        try:
            message = await self._call.read()
        except grpc.aio.AioRpcError:
            return False
        if not isinstance(message, bytes):
            return False
        self.frames += LaneResponse.FromString(message).frames
        return True

    async def first(self, kind: str) -> pb.Frame:
        """The first frame of a kind, when it is there."""
        async with asyncio.timeout(10):
            while not (found := [frame for frame in self.frames if frame.WhichOneof("kind") == kind]):
                assert await self.receive(), f"the lane ended without {kind}"
        return found[0]

    async def end(self) -> tuple[grpc.StatusCode, str]:
        """Status and details with which the server ends the lane."""
        async with asyncio.timeout(20):
            while await self.receive():
                pass
            return await self._call.code(), await self._call.details()


@asynccontextmanager
async def open_raw_lane(
    hub: TunnelHub, *, token: str | None = None, metadata: tuple[tuple[str, str], ...] = ()
) -> AsyncIterator[RawLane]:
    """A lane to the hub, with a good token unless another is given."""
    bearer = await token_of(hub) if token is None else token
    async with trusting_channel(hub) as channel:
        call: Any = channel.stream_stream(_LANE)(  # type: ignore[call-arg]  # the types demand all arguments
            metadata=(("authorization", f"Bearer {bearer}"), *metadata)
        )
        try:
            yield RawLane(call)
        finally:
            call.cancel()
