"""One HTTP/1.1 connection to a target: a request out, its answer in, then the next request. The hot path of the agent.

Owns waiting and memory: an answer that nobody takes stops the target. Which connection serves which request is the
client's.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.targets.gate import WriteGate
from borealis_agent.targets.http1.reader import AnswerFault, AnswerReader
from borealis_agent.targets.pipe import Pipe, abort
from borealis_agent.targets.target import TargetFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_HIGH_BYTES: Final = 128 * 1024
"""Bytes of an answer received and not taken from which on the target has to wait."""
_SMALL_BYTES: Final = 64 * 1024
"""An answer known to be up to this size is waited for as a whole: it leaves as one frame."""


class HttpConnection(asyncio.Protocol):
    """One connection, used by one task at a time: `begin`, `answered`, `read` until empty, `release`.

    Errors: TargetFailure from everything that waits.
    """

    def __init__(self, on_free: Callable[[HttpConnection], None], on_lost: Callable[[HttpConnection], None]) -> None:
        self._on_free = on_free
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._reader = AnswerReader()
        self._is_busy = False
        self._is_paused = False
        self._is_sent = True
        self._wants_all = False
        self._waiter: asyncio.Future[None] | None = None
        self._gate = WriteGate()
        self._failure: TargetFailure | None = None
        self.was_used = False
        """Whether it served a request before: the target may close such a one at any time."""
        self.idle_since = 0.0
        """When it became free, by the clock of the loop."""

    @property
    def status(self) -> int:
        """HTTP status of the answer."""
        return self._reader.status

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        """Header fields of the answer; names in lower case."""
        return self._reader.headers

    @property
    def trailers(self) -> Sequence[tuple[bytes, bytes]]:
        """Trailer fields, once the answer is complete."""
        return self._reader.trailers

    @property
    def is_complete(self) -> bool:
        """Whether all of the answer came."""
        return self._reader.is_complete

    @property
    def is_switched(self) -> bool:
        """Whether the target switched protocols; `take_pipe` gives what follows."""
        return self._reader.is_switched

    @property
    def is_open(self) -> bool:
        """Whether a request can be written."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def broke_unanswered(self) -> bool:
        """Whether the target closed the connection before one byte of the answer."""
        failure = self._failure
        return failure is not None and failure.code == pb.Reset.CODE_TARGET_RESET and not self._reader.has_begun

    def begin(self, data: bytes, method: str, *, is_whole: bool, is_upgrade: bool = False) -> None:
        """Write the head of a request and what there is of its body; with `is_whole` nothing follows."""
        assert self._transport is not None  # noqa: S101 - the client hands out open connections only
        self._reader.expect(method, is_upgrade=is_upgrade)
        self._is_busy = True
        self._is_sent = is_whole
        self._transport.write(data)

    async def write(self, data: bytes) -> None:
        """Write more of the request's body; waits while enough of it is on its way."""
        if self._failure is None and self.is_open:
            assert self._transport is not None  # noqa: S101 - it is open
            self._transport.write(data)
            await self._gate.passed()

    def end(self, data: bytes = b"") -> None:
        """Write `data`, which ends the request's body."""
        if self._failure is None and self.is_open:
            assert self._transport is not None  # noqa: S101 - it is open
            self._transport.write(data)
        self._is_sent = True

    def fail(self, failure: TargetFailure) -> None:
        """Give the exchange up; whoever waits for its answer gets `failure`."""
        if self._failure is None:
            self._failure = failure
        if self._transport is not None:
            abort(self._transport)
        self._wake()

    async def answered(self, limit_s: float) -> None:
        """Wait for the head of the answer, and for all of an answer that is small."""
        self._wants_all = True
        if not self._has_answer() and self._failure is None:
            timer = self._loop.call_later(limit_s, self._at_limit, limit_s)
            try:
                await self._wait()
            finally:
                timer.cancel()
        if self._failure is not None and not self._reader.has_head:
            raise self._failure

    async def read(self) -> bytes:
        """The next of the answer's body; empty at its end."""
        while not self._reader.chunks:
            if self._reader.is_complete:
                return b""
            if self._failure is not None:
                raise self._failure
            self._wants_all = False
            await self._wait()
        return self.take()

    def take(self) -> bytes:
        """What there is of the answer's body now."""
        chunks = self._reader.chunks
        if not chunks:
            return b""
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self._reader.buffered_bytes = 0
        if self._is_paused and self._transport is not None and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()
        return data

    def take_pipe(self) -> Pipe:
        """The connection as plain bytes, after the target switched protocols. This object is of no use afterwards."""
        assert self._transport is not None  # noqa: S101 - it has switched
        pipe = Pipe(lambda _: self._on_lost(self))
        transport, self._transport, self._is_busy = self._transport, None, False
        pipe.take_over(transport, self._reader.rest)
        return pipe

    def release(self) -> None:
        """The exchange is over. The connection serves others if both sides are clean, else it is closed."""
        if not self._is_busy:
            return
        self._is_busy = False
        if self._is_sent and self._failure is None and self._reader.is_reusable and self.is_open:
            self.was_used = True
            self.take()  # what nobody took may have made the target wait, and the next answer with it
            self._on_free(self)
        else:
            self.close()

    def close(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            abort(self._transport)

    # Called by the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is a connection."""
        self._transport = cast("asyncio.Transport", transport)  # asyncio gives stream protocols one of these

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        reader = self._reader
        if not self._is_busy or self._failure is not None:
            self.close()  # nobody asked for it: it must not become somebody's answer
            return
        try:
            reader.feed(data)
        except AnswerFault as fault:
            code = pb.Reset.CODE_TOO_LARGE if fault.is_too_large else pb.Reset.CODE_TARGET_RESET
            self.fail(TargetFailure(code, str(fault), dispatched=True))
            return
        if reader.buffered_bytes >= _HIGH_BYTES and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()
        if reader.is_switched and self._transport is not None:
            self._transport.pause_reading()  # until the pipe takes over
        if not self._wants_all or self._has_answer():
            self._wake()

    def eof_received(self) -> bool:
        """The target writes no more."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """There is no connection any more."""
        self._transport = None
        if self._is_busy and not self._reader.feed_end() and self._failure is None:
            text = "the target closed the connection" if error is None else f"the target broke the connection: {error}"
            where = "in the middle of its answer" if self._reader.has_begun else "without an answer"
            self._failure = TargetFailure(pb.Reset.CODE_TARGET_RESET, f"{text} {where}", dispatched=True)
        self._gate.open()
        self._wake()
        self._on_lost(self)

    def pause_writing(self) -> None:
        """The transport has enough."""
        self._gate.shut()

    def resume_writing(self) -> None:
        """The transport takes more."""
        self._gate.open()

    def _has_answer(self) -> bool:
        """Whether enough came to answer with: all of a small body, else the head."""
        reader = self._reader
        return reader.has_head and (
            reader.is_complete or reader.is_switched or reader.length is None or reader.length > _SMALL_BYTES
        )

    def _at_limit(self, limit_s: float) -> None:
        if self._reader.has_head:
            self._wants_all = False  # the limit is for the head only
            self._wake()
        else:
            detail = f"the target did not answer within {limit_s:g} s"
            self.fail(TargetFailure(pb.Reset.CODE_DEADLINE, detail, dispatched=True))

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        await self._waiter

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
