"""Plain bytes both ways over one connection, in bounded memory: TCP, and what follows a switch of protocols."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from borealis_agent.targets.gate import WriteGate

if TYPE_CHECKING:
    from collections.abc import Callable

_HIGH_BYTES: Final = 128 * 1024
"""Bytes received and not read from which on the peer has to wait."""


class Pipe(asyncio.Protocol):
    """One connection. One task reads and one writes; they may be the same.

    Errors: OSError from `read` and `write` once the connection is broken; what came before is read first.
    """

    def __init__(self, on_lost: Callable[[Pipe], None] | None = None) -> None:
        self._transport: asyncio.Transport | None = None
        self._on_lost = on_lost
        self._chunks: list[bytes] = []
        self._buffered_bytes = 0
        self._is_paused = False
        self._is_ended = False
        self._failure: OSError | None = None
        self._reader: asyncio.Future[None] | None = None
        self._gate = WriteGate()

    def take_over(self, transport: asyncio.Transport, received: bytes) -> None:
        """Carry on with a connection that spoke another protocol until now; `received` came behind the last of it."""
        transport.set_protocol(self)
        self.connection_made(transport)
        if received:
            self.data_received(received)
        transport.resume_reading()

    async def read(self) -> bytes:
        """What came, at least one byte of it; empty at the peer's end."""
        while not self._chunks:
            if self._failure is not None:
                raise self._failure
            if self._is_ended:
                return b""
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._buffered_bytes = 0
        if self._is_paused and self._transport is not None and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        """Send data; waits while enough of it is on its way."""
        if self._transport is None or self._transport.is_closing():
            raise self._failure or BrokenPipeError("the connection is closed")
        self._transport.write(data)
        await self._gate.passed()

    def end(self) -> bool:
        """Say that no more is written; False if this kind of connection (TLS) can only be closed in both directions."""
        if self._transport is None or not self._transport.can_write_eof():
            return False
        if not self._transport.is_closing():
            self._transport.write_eof()
        return True

    @property
    def transport(self) -> asyncio.Transport:
        """The connection itself, for whoever takes it over."""
        if self._transport is None:
            raise ConnectionResetError("the connection is closed")
        return self._transport

    @property
    def is_open(self) -> bool:
        """Whether something can still be written."""
        return self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        """Give the connection up."""
        if self._transport is not None:
            abort(self._transport)

    # Called by the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is a connection."""
        self._transport = cast("asyncio.Transport", transport)  # asyncio gives stream protocols one of these

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self._chunks.append(data)
        self._buffered_bytes += len(data)
        if self._buffered_bytes >= _HIGH_BYTES and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """The peer writes no more; the other direction stays open where that is possible."""
        self._is_ended = True
        self._wake()
        return self._transport is not None and self._transport.can_write_eof()

    def connection_lost(self, error: Exception | None) -> None:
        """There is no connection any more."""
        if error is not None and self._failure is None:
            self._failure = error if isinstance(error, OSError) else ConnectionResetError(str(error))
        self._is_ended = True
        self._gate.open()
        self._wake()
        if self._on_lost is not None:
            self._on_lost(self)

    def pause_writing(self) -> None:
        """The transport has enough."""
        self._gate.shut()

    def resume_writing(self) -> None:
        """The transport takes more."""
        self._gate.open()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


def abort(transport: asyncio.BaseTransport) -> None:
    """Close a transport at once. On a TLS connection that is closed already, Python 3.11.2 raises AttributeError."""
    try:
        cast("asyncio.Transport", transport).abort()
    except AttributeError:
        transport.close()
