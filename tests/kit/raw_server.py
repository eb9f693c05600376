"""A server that says exactly the bytes a test tells it to, over TCP or TLS, and certificates for it: good and bad."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import warnings
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from borealis_sandbox.pki import Authority, KeyPair, private_key_pem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

HOSTS = ("localhost", "127.0.0.1", "::1")


class Peer:
    """One connection of the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    async def request(self) -> bytes:
        """The next request: its head and what Content-Length says of a body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        return head + (await self.reader.readexactly(length) if length else b"")

    async def read(self) -> bytes:
        """What comes; empty at the end."""
        return await self.reader.read(65536)

    async def send(self, data: bytes, *, piece: int = 0, pause_s: float = 0.0) -> None:
        """Send data; with `piece`, so many bytes at a time."""
        for start in range(0, len(data), piece or len(data) or 1):
            self._writer.write(data[start : start + (piece or len(data))])
            await self._writer.drain()
            if piece:
                await asyncio.sleep(pause_s)

    def end(self) -> None:
        """Say that nothing more comes."""
        self._writer.write_eof()

    def close(self) -> None:
        """Close the connection in order."""
        self._writer.close()

    def abort(self) -> None:
        """Reset the connection."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


@dataclass(slots=True, kw_only=True)
class RawServer:
    """The server, as tests see it."""

    port: int = 0
    connections: int = 0
    """Connections taken so far."""
    requests: list[bytes] = field(default_factory=list)
    """What `answering` received."""


@asynccontextmanager
async def open_raw_server(
    serve: Callable[[Peer], Awaitable[None]], *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[RawServer]:
    """Serve every connection with `serve` while the context is open; its connections end with it."""
    server = RawServer()
    open_peers: set[asyncio.StreamWriter] = set()
    tasks: set[asyncio.Task[None]] = set()

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        open_peers.add(writer)
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await serve(Peer(reader, writer))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            open_peers.discard(writer)
            writer.close()

    listening = await asyncio.start_server(on_connection, host, 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for writer in tuple(open_peers):
            writer.transport.abort()
        for task in tuple(tasks):
            task.cancel()
        while tasks:
            await asyncio.sleep(0)


def answering(
    *answers: bytes, piece: int = 0, received: list[bytes] | None = None
) -> Callable[[Peer], Awaitable[None]]:
    """Serves each connection with the same answers, one for each request, then waits for its end."""

    async def serve(peer: Peer) -> None:
        for answer in answers:
            request = await peer.request()
            if received is not None:
                received.append(request)
            await peer.send(answer, piece=piece)
        while await peer.read():
            pass

    return serve


def server_tls(folder: Path, pair: KeyPair, *, highest: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """TLS of a server with that certificate; with `highest`, no newer version."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "server.crt").write_bytes(pair.certificate_pem)
    (folder / "server.key").write_bytes(pair.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    if highest is not None:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns of versions that are out of use, which is the point
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.maximum_version = highest
    return context


def expired(authority: Authority, hosts: tuple[str, ...] = HOSTS) -> KeyPair:
    """A server certificate that was good until yesterday."""
    key = ec.generate_private_key(ec.SECP256R1())
    good = x509.load_pem_x509_certificate(authority.issue(hosts).certificate_pem)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(good.subject)
        .issuer_name(good.issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3))
        .not_valid_after(now - timedelta(days=1))
    )
    for extension in good.extensions:
        if not isinstance(extension.value, x509.SubjectKeyIdentifier):
            builder = builder.add_extension(extension.value, critical=extension.critical)
    certificate = builder.sign(authority._key, hashes.SHA256())
    return KeyPair(
        certificate_pem=certificate.public_bytes(serialization.Encoding.PEM),
        key_pem=private_key_pem(key),
    )


def trust(folder: Path, *authorities: Authority) -> Path:
    """A file with the certificates of authorities."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "ca.crt"
    path.write_bytes(b"".join(authority.certificate_pem for authority in authorities))
    return path
