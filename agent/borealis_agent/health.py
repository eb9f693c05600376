"""Pages about the agent for its cluster: liveness, readiness, metrics. Off unless an address is configured."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from borealis_agent.link import Link
    from borealis_agent.telemetry import AgentMetrics

_DEAD_AFTER_S: Final = 300.0
"""Without a tunnel for this long the agent asks to be restarted."""
_REQUEST_LIMIT_S: Final = 5.0
_MAX_REQUEST_BYTES: Final = 16 * 1024
_TEXT: Final = "text/plain; charset=utf-8"


class HealthPages:
    """What the pages say. Shape: a page is its status, its media type and its text."""

    def __init__(self, link: Link, metrics: AgentMetrics) -> None:
        self._link = link
        self._metrics = metrics
        self._pages = {"/healthz": self._liveness, "/readyz": self._readiness, "/metrics": self._metrics_page}

    def page(self, path: str) -> tuple[str, str, bytes]:
        """The page at a path."""
        page = self._pages.get(path)
        return page() if page else ("404 Not Found", _TEXT, f"one of {', '.join(self._pages)}\n".encode())

    def _liveness(self) -> tuple[str, str, bytes]:
        down_s = asyncio.get_running_loop().time() - self._link.down_since
        if self._link.is_up or down_s < _DEAD_AFTER_S:
            return "200 OK", _TEXT, b"alive\n"
        return "503 Service Unavailable", _TEXT, f"no tunnel for {down_s:.0f} s\n".encode()

    def _readiness(self) -> tuple[str, str, bytes]:
        if self._link.is_up:
            return "200 OK", _TEXT, b"ready\n"
        return "503 Service Unavailable", _TEXT, b"no tunnel to the server\n"

    def _metrics_page(self) -> tuple[str, str, bytes]:
        return "200 OK", CONTENT_TYPE_LATEST, generate_latest(self._metrics.registry)


@asynccontextmanager
async def open_health_pages(pages: HealthPages, address: str) -> AsyncIterator[str]:
    """Serve the pages at `address` while the context is open; gives the address with the real port, empty if off.

    Errors: OSError if the address cannot be used.
    """
    if not address:
        yield ""
        return

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_REQUEST_LIMIT_S):
                await _answer(pages, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, UnicodeDecodeError):
            pass  # whoever asks so learns nothing; TimeoutError is an OSError
        finally:
            writer.close()

    host, _, port = address.rpartition(":")
    server = await asyncio.start_server(serve, host.strip("[]") or None, int(port), limit=_MAX_REQUEST_BYTES)
    async with server:
        yield f"{host}:{server.sockets[0].getsockname()[1]}"


async def _answer(pages: HealthPages, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one request and close: probes and scrapers come seldom."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    words = head.split("\r\n", 1)[0].split(" ")
    if len(words) != 3 or words[0] not in {"GET", "HEAD"}:  # noqa: PLR2004 - method, path, version
        status, kind, body = "405 Method Not Allowed", _TEXT, b"GET only\n"
    else:
        status, kind, body = pages.page(words[1].partition("?")[0])
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close"]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + (b"" if words[0] == "HEAD" else body))
    await writer.drain()
