"""One page on this machine for a browser to come back to (RFC 8252, section 7.3)."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from borealis_client.errors import LoginFailedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATH: Final = "/callback"

_READ_S: Final = 10.0
_MAX_LINE: Final = 8192
_PAGE: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Borealis</title>'
    "<p>{text}</p><p>You can close this page.</p></html>"
)


class Loopback:
    """A listener for one answer."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
        self.redirect_uri = ""

    async def answer(self, limit_s: float) -> dict[str, str]:
        """The fields that a browser brought. Errors: LoginFailedError when none came in time."""
        try:
            async with asyncio.timeout(limit_s):
                return await self._answer
        except TimeoutError:
            raise LoginFailedError("nobody logged in with the browser in time. Please try again.") from None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request and answer it."""
        try:
            async with asyncio.timeout(_READ_S):
                await self._reply(await reader.readline(), reader, writer)
        except (TimeoutError, OSError, ValueError):
            pass  # whoever that was, it was no browser with an answer
        finally:
            writer.close()

    async def _reply(self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, _, rest = first.decode("ascii", "replace").partition(" ")
        target = urlsplit(rest.partition(" ")[0])
        while (await reader.readline()).strip():
            pass
        fields = dict(parse_qsl(target.query))
        is_answer = method == "GET" and target.path == PATH and ("code" in fields or "error" in fields)
        text = "Go back to your terminal." if is_answer else "There is nothing here."
        page = _PAGE.format(text=text).encode()
        status = "200 OK" if is_answer else "404 Not Found"
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(page)}\r\n"
            "Cache-Control: no-store\r\nContent-Security-Policy: default-src 'none'\r\n"
            "Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + page)
        await writer.drain()
        if is_answer and not self._answer.done():
            self._answer.set_result(fields)


@asynccontextmanager
async def open_loopback() -> AsyncIterator[Loopback]:
    """Listen on a free port of loopback while the context is open."""
    loopback = Loopback()
    server = await asyncio.start_server(loopback.serve, "127.0.0.1", 0, limit=_MAX_LINE)
    async with server:
        loopback.redirect_uri = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{PATH}"
        yield loopback
