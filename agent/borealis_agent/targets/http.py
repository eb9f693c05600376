"""HTTP to one server with aiohttp. Behind `HttpClient`, so that a leaner client can take its place."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import aiohttp
from yarl import URL

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.targets.hygiene import response_headers
from borealis_agent.targets.target import TargetFailure

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from borealis_agent.targets.target import TargetAnswer, TargetRequest

_CONNECT_TIMEOUT_S: Final = 10.0
_CHUNK_BYTES: Final = 64 * 1024
_SKIPPED_HEADERS: Final = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")
"""aiohttp must not add what the caller did not ask for."""


class AiohttpClient:
    """Sends HTTP requests to the server at `base_url`. A context manager: leaving it closes all connections."""

    def __init__(self, base_url: str, *, tls: ssl.SSLContext | None, proxy: str | None = None) -> None:
        self._base_url = base_url.rstrip("/")
        self._proxy = proxy
        self._session = aiohttp.ClientSession(
            # no limit: a pool that is full of watches would hold up small calls; the tunnel bounds its streams
            connector=aiohttp.TCPConnector(ssl=tls if tls is not None else True, limit=0, ttl_dns_cache=30),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S),
            auto_decompress=False,
            skip_auto_headers=_SKIPPED_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    @asynccontextmanager
    async def request(self, request: TargetRequest) -> AsyncIterator[TargetAnswer]:
        """Send a request; its answer once the head is there."""
        async with _failures():
            context = self._session.request(
                request.method,
                URL(self._base_url + request.path, encoded=True),
                headers=request.headers,
                data=request.body,
                allow_redirects=False,
                proxy=self._proxy,
            )
            response = await context.__aenter__()
        try:
            yield AiohttpAnswer(response)
        finally:
            if not response.content.is_eof():
                response.close()  # gives the connection up: the rest of the answer may be endless
            response.release()


class AiohttpAnswer:
    """An answer as aiohttp gives it."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.length = response.content_length
        self.headers = response_headers(response.raw_headers)

    async def read(self) -> bytes:
        """The whole body."""
        async with _failures():
            return await self._response.read()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes; at most 64 KiB each."""
        while True:
            async with _failures():
                data = await self._response.content.readany()
            if not data:
                return
            for start in range(0, len(data), _CHUNK_BYTES):
                yield data[start : start + _CHUNK_BYTES]


@asynccontextmanager
async def _failures() -> AsyncIterator[None]:
    """Turn aiohttp's errors into ours."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise TargetFailure(
            pb.Reset.CODE_DIAL_TIMEOUT, "the target could not be reached in time", dispatched=False
        ) from error
    except (aiohttp.ClientSSLError, aiohttp.ClientConnectorError) as error:
        raise TargetFailure(pb.Reset.CODE_DIAL_FAILED, f"cannot reach the target: {error}", dispatched=False) from error
    except aiohttp.InvalidURL as error:
        raise TargetFailure(pb.Reset.CODE_DENIED, "the path is not a valid URL", dispatched=False) from error
    except (aiohttp.ClientError, ConnectionError, asyncio.IncompleteReadError) as error:
        text = str(error) or type(error).__name__
        raise TargetFailure(
            pb.Reset.CODE_TARGET_RESET, f"the target broke the connection: {text}", dispatched=True
        ) from error
