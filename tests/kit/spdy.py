"""As much of SPDY/3.1 as exec and port-forward need, from the server's side: streams, headers, data, half-close."""

from __future__ import annotations

import asyncio
import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_VERSION = 3
_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _PING, _GOAWAY = 1, 2, 3, 6, 7
_FIN = 1
_DICTIONARY_BYTES, _DICTIONARY_ADLER = 1423, 0xE3C6A7C2


def dictionary_of(kubectl: Path) -> bytes:
    """The protocol's dictionary for header compression, as it stands in the client program."""
    program = kubectl.read_bytes()
    start = program.index(b"\0\0\0\x07options")
    dictionary = program[start : start + _DICTIONARY_BYTES]
    assert zlib.adler32(dictionary) == _DICTIONARY_ADLER
    return dictionary


@dataclass(slots=True)
class SpdyStream:
    """One stream that the client opened."""

    connection: SpdyConnection
    id: int
    headers: dict[str, str]
    _received: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)

    async def read(self) -> AsyncIterator[bytes]:
        """Data until the client half-closes."""
        while data := await self._received.get():
            yield data

    async def write(self, data: bytes, *, end: bool = False) -> None:
        """Send data; with `end` it is the last."""
        await self.connection.send(self.id.to_bytes(4, "big"), _FIN if end else 0, data)

    def take(self, data: bytes, *, is_last: bool) -> None:
        """Called by the connection."""
        if data:
            self._received.put_nowait(data)
        if is_last:
            self._received.put_nowait(b"")


class SpdyConnection:
    """The server's side of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, dictionary: bytes) -> None:
        self._reader = reader
        self._writer = writer
        self._inflate = zlib.decompressobj(zdict=dictionary)
        self._deflate = zlib.compressobj(zdict=dictionary)
        self._streams: dict[int, SpdyStream] = {}
        self.opened: asyncio.Queue[SpdyStream | None] = asyncio.Queue()
        """Streams as the client opens them; None when the connection has ended."""

    async def run(self) -> None:
        """Take in frames until the client is gone."""
        try:
            while True:
                head = await self._reader.readexactly(8)
                flags, length = head[4], int.from_bytes(head[5:], "big")
                body = await self._reader.readexactly(length)
                if head[0] & 0x80:
                    await self._control(int.from_bytes(head[2:4], "big"), flags, body)
                else:
                    self._data(int.from_bytes(head[:4], "big"), flags, body)
        except (asyncio.IncompleteReadError, ConnectionError):
            self._end()

    async def send(self, first: bytes, flags: int, body: bytes) -> None:
        """Send one frame."""
        self._writer.write(first + bytes([flags]) + len(body).to_bytes(3, "big") + body)
        await self._writer.drain()

    async def _control(self, kind: int, flags: int, body: bytes) -> None:
        if kind == _SYN_STREAM:
            number = int.from_bytes(body[:4], "big") & 0x7FFFFFFF
            stream = SpdyStream(self, number, self._headers(body[10:]))
            self._streams[number] = stream
            reply = number.to_bytes(4, "big") + self._block({})
            await self.send(struct.pack(">HH", 0x8000 | _VERSION, _SYN_REPLY), 0, reply)
            if flags & _FIN:
                stream.take(b"", is_last=True)
            self.opened.put_nowait(stream)
        elif kind == _PING:
            await self.send(struct.pack(">HH", 0x8000 | _VERSION, _PING), 0, body)
        elif kind == _RST_STREAM:
            self._data(int.from_bytes(body[:4], "big") & 0x7FFFFFFF, _FIN, b"")
        elif kind == _GOAWAY:
            self._end()

    def _data(self, number: int, flags: int, body: bytes) -> None:
        if number in self._streams:
            self._streams[number].take(body, is_last=bool(flags & _FIN))

    def _end(self) -> None:
        for stream in self._streams.values():
            stream.take(b"", is_last=True)
        self.opened.put_nowait(None)

    def _headers(self, block: bytes) -> dict[str, str]:
        data = self._inflate.decompress(block)
        texts, position = [], 4
        for _ in range(2 * int.from_bytes(data[:4], "big")):
            size = int.from_bytes(data[position : position + 4], "big")
            texts.append(data[position + 4 : position + 4 + size].decode())
            position += 4 + size
        return dict(zip((name.lower() for name in texts[::2]), texts[1::2], strict=True))

    def _block(self, headers: dict[str, str]) -> bytes:
        data = len(headers).to_bytes(4, "big")
        for name, value in headers.items():
            data += b"".join(len(text).to_bytes(4, "big") + text.encode() for text in (name, value))
        return self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
