"""One stream of a running tunnel, for the task that uses it: wait for the answer, read, send, end, close.

Owns what was received and not read yet. One task reads and one task sends; they may be the same.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from borealis.tunnel.v1 import tunnel_pb2 as pb
    from borealis_wire.aio.live import LiveTunnel


class StreamError(Exception):
    """A stream ended early.

    Shape: `dispatched` is False when surely nothing of the request reached the target, True when it did, None when
    nobody knows.
    """

    def __init__(self, detail: str, *, dispatched: bool | None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.dispatched = dispatched


class StreamWasReset(StreamError):  # noqa: N818 - it is an outcome
    """The stream was reset: by the peer, or by this side."""

    def __init__(self, code: pb.Reset.Code, detail: str, *, dispatched: bool | None, by_peer: bool = True) -> None:
        super().__init__(detail, dispatched=dispatched)
        self.code = code
        self.by_peer = by_peer


class TunnelLost(StreamError):  # noqa: N818 - it is an outcome
    """The tunnel ended under the stream."""


class LiveStream:
    """One stream of a running tunnel. A context manager: leaving it frees the stream on both sides.

    Errors: StreamWasReset or TunnelLost from everything that waits.
    """

    __slots__ = (
        "_chunks",
        "_failure",
        "_is_ended",
        "_reader",
        "_sender",
        "_tunnel",
        "id",
        "on_failure",
        "opened",
        "received_bytes",
        "sent_bytes",
        "trailers",
    )

    def __init__(self, tunnel: LiveTunnel, stream_id: int) -> None:
        self.id = stream_id
        self.opened: pb.Opened | None = None
        self.trailers: tuple[pb.HttpHeader, ...] = ()
        self.sent_bytes = 0
        """Bytes given to be sent."""
        self.received_bytes = 0
        """Bytes received."""
        self.on_failure: Callable[[], object] | None = None
        """Called once when the stream ends early, for a task that waits for something else."""
        self._tunnel = tunnel
        self._chunks: deque[bytes] = deque()
        self._is_ended = False
        self._failure: StreamError | None = None
        self._reader: asyncio.Future[None] | None = None
        self._sender: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def failure(self) -> StreamError | None:
        """Why the stream ended early; None if it did not."""
        return self._failure

    @property
    def is_readable(self) -> bool:
        """Whether `read` gives something without waiting."""
        return bool(self._chunks) or self._is_ended

    @property
    def is_finished(self) -> bool:
        """Whether the peer has sent all its data."""
        return self._is_ended

    @property
    def unread_bytes(self) -> int:
        """Bytes received and not read yet."""
        return sum(map(len, self._chunks))

    async def answered(self, limit_s: float | None = None) -> pb.Opened:
        """The peer's answer, once it is there.

        Errors: TimeoutError if it is not there within `limit_s`.
        """
        while self.opened is None:
            await self._wait_for_peer(limit_s)
        return self.opened

    async def read(self, limit_s: float | None = None) -> bytes:
        """The next piece of the peer's data; empty at its end. Credit returns to the peer with each piece taken.

        Errors: TimeoutError if nothing came within `limit_s`.
        """
        while not self._chunks:
            if self._is_ended:
                return b""
            await self._wait_for_peer(limit_s)
        data = self._chunks.popleft()
        self._tunnel.consumed(self.id, len(data))
        return data

    async def send(self, data: bytes) -> None:
        """Send data; waits while enough of it is on its way."""
        while not self._tunnel.room(self.id):
            self._check()
            self._sender = self._tunnel.loop.create_future()
            self._tunnel.pause(self)
            await self._sender
        self._check()
        self.sent_bytes += len(data)
        self._tunnel.send(self.id, data)

    def answer(self, opened: pb.Opened) -> None:
        """Answer a stream that the peer opened."""
        self._check()
        self._tunnel.answer(self.id, opened)

    def end(self, trailers: Iterable[pb.HttpHeader] = ()) -> None:
        """Say that all data was given."""
        self._check()
        self._tunnel.half_close(self.id, trailers)

    def end_if_open(self) -> None:
        """Say that all data was given. Nothing happens if that was said, or the stream has ended."""
        if self._failure is None:
            self._tunnel.end_if_open(self.id)

    def reset(self, code: pb.Reset.Code, detail: str = "", *, dispatched: bool = True) -> None:
        """End the stream at once. Nothing happens if it has ended."""
        self._tunnel.reset(self.id, code, detail, dispatched=dispatched)

    def abort(self, code: pb.Reset.Code, detail: str) -> None:
        """End the stream at once, for whoever waits on this side too. Nothing happens if it has ended."""
        if self._failure is None and self._tunnel.abort(self.id, code, detail):
            self.on_error(StreamWasReset(code, detail, dispatched=None, by_peer=False))

    def close(self) -> None:
        """Nobody uses the stream any more. It is cancelled, unless both sides have given all their data."""
        self._chunks.clear()
        self.on_failure = None
        self._tunnel.forget(self.id)

    # Called by the tunnel

    def on_answer(self, opened: pb.Opened) -> None:
        """The peer answered."""
        self.opened = opened
        _wake(self._reader)

    def on_data(self, data: bytes) -> None:
        """The peer sent data."""
        self.received_bytes += len(data)
        self._chunks.append(data)
        _wake(self._reader)

    def on_end(self, trailers: tuple[pb.HttpHeader, ...]) -> None:
        """The peer has sent all its data."""
        self._is_ended = True
        self.trailers = trailers
        _wake(self._reader)

    def on_error(self, failure: StreamError) -> None:
        """The stream ended early. Comes once."""
        self._failure = failure
        _wake(self._reader)
        _wake(self._sender)
        if self.on_failure is not None:
            self.on_failure()

    def on_room(self) -> None:
        """There is room to send again."""
        _wake(self._sender)

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def _wait_for_peer(self, limit_s: float | None) -> None:
        self._check()
        loop = self._tunnel.loop
        waiter = self._reader = loop.create_future()
        if limit_s is None:
            await waiter
            return
        timer = loop.call_later(limit_s, _time_out, waiter)  # a time limit of asyncio costs several times as much
        try:
            await waiter
        finally:
            timer.cancel()


def _time_out(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
