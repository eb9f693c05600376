"""Bytes both ways between a stream of the tunnel and a plain connection, each direction ending for itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.targets.target import TargetFailure
from borealis_wire.aio.stream import StreamError

if TYPE_CHECKING:
    from borealis_agent.targets.pipe import Pipe
    from borealis_wire.aio.stream import LiveStream

_LINGER_S: Final = 60.0
"""How long one side may be silent after the other has ended, where that cannot be told to the target (TLS)."""
_HALF_OPEN_S: Final = 3600.0
"""How long the caller may go on after the target has ended its side."""


async def carry(stream: LiveStream, pipe: Pipe, *, idle_s: float) -> None:
    """Carry bytes until both directions have ended.

    Units: `idle_s` is how long the target may be silent; 0 for ever.

    Errors: TargetFailure if the target broke the connection; StreamError if the stream ended early.
    """
    failure: TargetFailure | StreamError | None = None
    silence = _Silence(idle_s)
    async with asyncio.TaskGroup() as tasks:
        outward = tasks.create_task(_outward(stream, pipe, silence), name=f"stream.{stream.id}.outward")
        try:
            await _inward(stream, pipe, silence)
            await _end_of(outward, stream, _HALF_OPEN_S if pipe.is_open else _LINGER_S)
        except (TargetFailure, StreamError) as error:
            failure = error  # must not reach the group, which would wrap it
        finally:
            outward.cancel()
    if failure is not None:
        raise failure


async def _end_of(outward: asyncio.Task[None], stream: LiveStream, limit_s: float) -> None:
    """Let the caller end its side: a reset would take away what it has not received yet."""
    try:
        async with asyncio.timeout(limit_s):
            await outward
    except TimeoutError:
        stream.reset(pb.Reset.CODE_IDLE, "the target has ended, and the caller did not")


class _Silence:
    """How long the target may be silent. Changes while somebody waits: `limit` is the one that runs."""

    def __init__(self, idle_s: float) -> None:
        self._idle_s = idle_s
        self.limit: asyncio.Timeout | None = None

    def new(self) -> asyncio.Timeout:
        self.limit = asyncio.timeout(self._idle_s or None)
        return self.limit

    def shorten(self) -> None:
        """The caller says no more, and the target cannot be told."""
        if not self._idle_s or self._idle_s > _LINGER_S:
            self._idle_s = _LINGER_S
            if self.limit is not None and not self.limit.expired():
                self.limit.reschedule(asyncio.get_running_loop().time() + _LINGER_S)


async def _inward(stream: LiveStream, pipe: Pipe, silence: _Silence) -> None:
    """From the target to the caller."""
    while True:
        try:
            async with silence.new():
                data = await pipe.read()
        except TimeoutError as error:
            raise TargetFailure(
                pb.Reset.CODE_IDLE, "nothing came from the target for too long", dispatched=True
            ) from error
        except OSError as error:
            detail = f"the target broke the connection: {error.strerror or error}"
            raise TargetFailure(pb.Reset.CODE_TARGET_RESET, detail, dispatched=True) from error
        if not data:
            break
        await stream.send(data)
    stream.end()


async def _outward(stream: LiveStream, pipe: Pipe, silence: _Silence) -> None:
    """From the caller to the target. A target that is gone shows on the way inward; the rest is taken and dropped."""
    is_broken = False
    try:
        while data := await stream.read():
            try:
                if not is_broken:
                    await pipe.write(data)
            except OSError:
                is_broken = True
    except StreamError:
        return  # shows on the way inward too
    if not pipe.end():
        silence.shorten()
