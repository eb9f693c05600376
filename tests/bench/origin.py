"""What is called in the benchmarks: a small, fast HTTPS server in a process of its own, so that it is never the limit.

Run as a program with a folder; it writes `kubeconfig` there when it answers.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, cast

import uvloop

from borealis_server.adapters.pki import open_own_certificate

TOKEN: Final = "token-of-the-origin"
PIECE: Final = b"e" * 65536
_TURN_CHUNKS: Final = 4
_CHUNK: Final = b"10000\r\n" + PIECE + b"\r\n"


def _answer(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


ANSWERS: Final = {
    b"/version": _answer(b'{"gitVersion": "v1.30.0+bench"}'),
    b"/api/1k": _answer(b"k" * 1024),
    b"/api/50k": _answer(b"l" * 50 * 1024),
    b"/api/5m": _answer(b"m" * 5 * 2**20),
}
_STREAM_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


class Connection(asyncio.Protocol):
    """One connection. Knows only what the benchmarks send."""

    def __init__(self) -> None:
        self._data = b""
        self._left = 0
        self._is_chunked = False
        self._timer: asyncio.TimerHandle | None = None
        self._is_endless = False
        self._is_full = False
        self._is_scheduled = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - any end is one
        self._is_endless = False
        if self._timer is not None:
            self._timer.cancel()

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._pour()

    def data_received(self, data: bytes) -> None:
        if self._left or self._is_chunked:
            data = self._swallow(data)
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head, self._data = self._data[:end], self._data[end + 4 :]
            self._take(head)

    def _take(self, head: bytes) -> None:
        path = head[head.index(b" ") + 1 : head.index(b" HTTP/1.1")]
        lower = head.lower()
        if b"\r\nauthorization: bearer " + TOKEN.encode() not in lower:
            self._transport.write(_answer(b"{}", "401 Unauthorized"))
        elif path in ANSWERS:
            self._transport.write(ANSWERS[path])
        elif path.startswith(b"/api/watch"):
            self._transport.write(_STREAM_HEAD)
            self._tick(float(path.rpartition(b"=")[2]))
        elif path == b"/api/endless":
            self._transport.write(_STREAM_HEAD)
            self._is_endless = True
            self._pour()
        elif path == b"/api/sink":
            self._sink(lower)
        else:
            self._transport.write(_answer(b"{}", "404 Not Found"))

    def _sink(self, head: bytes) -> None:
        start = head.find(b"\r\ncontent-length: ")
        if start >= 0:
            self._left = int(head[start + 18 :].split(b"\r\n", 1)[0])
        self._is_chunked = start < 0
        data, self._data = self._data, b""
        self._data = self._swallow(data)

    def _swallow(self, data: bytes) -> bytes:
        """Take what belongs to a body; answers at its end. Gives back what follows it."""
        if self._is_chunked:
            if not data.endswith(b"0\r\n\r\n"):  # nobody here sends more than one request at a time
                return b""
            self._is_chunked = False
            self._transport.write(_answer(b"{}"))
            return b""
        taken = min(self._left, len(data))
        self._left -= taken
        if not self._left:
            self._transport.write(_answer(b"{}"))
        return data[taken:]

    def _tick(self, every_s: float) -> None:
        line = b'{"at": %d}\n' % time.monotonic_ns()
        self._transport.write(b"%x\r\n%s\r\n" % (len(line), line))
        self._timer = asyncio.get_running_loop().call_later(every_s, self._tick, every_s)

    def _pour(self) -> None:
        if not self._is_scheduled:
            self._pour_some()

    def _pour_some(self) -> None:
        self._is_scheduled = False
        for _ in range(_TURN_CHUNKS):
            if not self._is_endless or self._is_full:
                return
            self._transport.write(_CHUNK)
        self._is_scheduled = True
        asyncio.get_running_loop().call_soon(self._pour_some)  # who said goodbye over TLS neither fills up nor fails


async def serve(folder: Path) -> None:
    """Serve until the process is ended."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate = open_own_certificate(folder, ["localhost", "127.0.0.1"], datetime.now(UTC))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.certificate_file, certificate.key_file)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, ssl=context, backlog=4096)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "bench",
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
        "clusters": [
            {"name": "bench", "cluster": {"server": url, "certificate-authority": str(certificate.authority_file)}}
        ],
        "users": [{"name": "bench", "user": {"token": TOKEN}}],
    }
    partial = folder / "kubeconfig.part"
    partial.write_text(json.dumps(config))
    partial.rename(folder / "kubeconfig")
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(Path(sys.argv[1])))
