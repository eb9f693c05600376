"""A web server on this machine that answers as a test says: for whoever fetches from addresses."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final

from borealis_server.ports.fetcher import Fetched

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping, Sequence

Answer = Callable[[BaseHTTPRequestHandler], None]
_HURRY_S: Final = 0.02


@dataclass
class Web:
    """A running server: what it answers by path, and what it was asked."""

    root: str
    """Its address, without a slash behind it."""
    answers: dict[str, Answer]
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Host header and path of every request."""
    over: threading.Event = field(default_factory=threading.Event)
    """Set at the end, so that nobody stalls on."""


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Web]:
    """A server for as long as the block runs; over TLS where `tls` is given."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            web.asked.append((self.headers["Host"], self.path))
            web.answers.get(self.path, status(404))(self)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Clients of these tests hang up in the middle."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    web = Web(root=f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}", answers={})
    thread = threading.Thread(target=server.serve_forever, args=(_HURRY_S,))
    thread.start()
    try:
        yield web
    finally:
        web.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def text(body: bytes | str, *, kind: str = "application/yaml", **headers: str) -> Answer:
    """Answers with `body`."""
    content = body.encode() if isinstance(body, str) else body

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        for name, value in {"Content_Length": str(len(content)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def status(code: int) -> Answer:
    """Answers with a status and nothing else."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def redirect(to: str, code: int = 302) -> Answer:
    """Sends to another place."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        handler.send_header("Location", to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def endless(web: Web, part: bytes, *, wait_s: float = 0.0) -> Answer:
    """Answers without a length and never ends."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not web.over.wait(wait_s):
            handler.wfile.write(part)

    return answer


def silent(web: Web) -> Answer:
    """Says nothing at all."""

    def answer(_: BaseHTTPRequestHandler) -> None:
        web.over.wait()

    return answer


def raw(data: bytes) -> Answer:
    """Sends these bytes and hangs up."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(data)
        handler.close_connection = True

    return answer


class KnownAddresses:
    """A fetcher of the server's port without a network: it knows a few addresses, and counts who asks."""

    def __init__(self, contents: Mapping[str, bytes] | None = None) -> None:
        self.contents = dict(contents or {})
        self.asked: list[str] = []

    async def fetch(self, addresses: Sequence[str]) -> Fetched:
        """What is known; a failure for everything else."""
        self.asked += addresses
        return Fetched(
            contents={address: self.contents[address] for address in addresses if address in self.contents},
            failures={address: "it answers 404 Not Found" for address in addresses if address not in self.contents},
        )
