"""A real HTTP proxy for tests: CONNECT only, with basic auth if wanted, and the ways in which proxies fail."""

from __future__ import annotations

import asyncio
import base64
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_PIECE = 65536


@dataclass(slots=True, kw_only=True)
class ConnectProxy:
    """The proxy, as tests see it. Fields may be changed while it runs."""

    port: int = 0
    credentials: str = ""
    """`user:password` that it wants; empty wants none."""
    hangs: bool = False
    """Takes connections and says nothing."""
    answer: bytes = b""
    """Says this to every CONNECT instead of opening the way."""
    detours: dict[str, str] = field(default_factory=dict)
    """Where it leads instead of where clients want to go, both `host:port`."""
    asked: list[str] = field(default_factory=list)
    """Where clients wanted to go."""
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut(self) -> None:
        """Break every connection, as a proxy that dies."""
        for writer in tuple(self.writers):
            writer.transport.abort()


@asynccontextmanager
async def open_connect_proxy() -> AsyncIterator[ConnectProxy]:
    """Run a proxy while the context is open."""
    proxy = ConnectProxy()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        proxy.writers.add(writer)
        try:
            await _serve(proxy, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            proxy.writers.discard(writer)
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.port = listening.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listening.close()
        proxy.cut()
        for task in tuple(tasks):
            task.cancel()
        while tasks:
            await asyncio.sleep(0)


async def _serve(proxy: ConnectProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    method, target, _ = head.split(" ", 2)
    proxy.asked.append(target)
    wanted = base64.b64encode(proxy.credentials.encode()).decode()
    if proxy.hangs:
        await reader.read()
    elif proxy.answer or method != "CONNECT":
        writer.write(proxy.answer or b"HTTP/1.1 405 Method Not Allowed\r\n\r\n")
    elif proxy.credentials and f"basic {wanted}".lower() not in head.lower():
        writer.write(b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n')
    else:
        await _join(target, proxy, reader, writer)
    if not writer.is_closing():
        await writer.drain()


async def _join(target: str, proxy: ConnectProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    host, _, port = proxy.detours.get(target, target).rpartition(":")
    far_reader, far_writer = await asyncio.open_connection(host.strip("[]"), int(port))
    proxy.writers.add(far_writer)
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_copy(reader, far_writer))
            tasks.create_task(_copy(far_reader, writer))
    finally:
        proxy.writers.discard(far_writer)
        far_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(_PIECE):
            writer.write(data)
            await writer.drain()
        if not writer.is_closing():
            writer.write_eof()
    except (OSError, RuntimeError):  # uvloop says the latter of a connection that was closed meanwhile
        writer.transport.abort()
