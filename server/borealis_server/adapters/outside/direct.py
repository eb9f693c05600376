"""HTTP from this machine to public ones, within limits of size and time.

What a name resolves to is judged once, and the connection goes to exactly that; the address of every socket is judged
once more. A name that changes its mind, a number in another spelling and a redirect change nothing. Proxies of the
environment are not used: they would choose the machine.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from borealis_fetch.addresses import Address, refusal
from borealis_fetch.errors import FetchError
from borealis_server.adapters.outside.fields import fault_of_fields, sendable
from borealis_server.ports.outside import OutsideAnswer, OutsideFailure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.abc import ResolveResult

    from borealis_server.ports.outside import OutsideRequest

_CHUNK_BYTES: Final = 16 * 2**10
_HEAD_BYTES: Final = 32 * 2**10
ADVICE: Final = "the server's setting allow_private_addresses allows it"


class NotPublicError(Exception):
    """The address leads to a machine that is not public."""


class DirectOutside:
    """Sends requests from this machine. Use `open_direct`."""

    def __init__(self, session: aiohttp.ClientSession, *, allows_private: bool) -> None:
        self._session = session
        self._allows_private = allows_private

    async def send(self, request: OutsideRequest) -> OutsideAnswer | OutsideFailure:
        """The answer, or why there is none."""
        try:
            address = Address.parse(request.url)
        except FetchError as error:
            return OutsideFailure(detail=f"the address cannot be called: {error}", is_refused=True)
        fault = fault_of_fields(request.headers)
        if fault:
            return OutsideFailure(detail=fault, is_refused=True)
        sent = _Sent()
        limit = asyncio.timeout(request.time_limit_s)
        try:
            async with limit:
                return await self._exchange(request, address, sent)
        except TimeoutError:
            detail = f"it did not answer wholly within {request.time_limit_s:g} s"
            return OutsideFailure(detail=detail, may_have_arrived=sent.is_begun)
        except NotPublicError as error:
            detail = f"{address.host} leads to a machine that is not public ({error}); {ADVICE}"
            return OutsideFailure(detail=detail, is_refused=True)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _failure(error, sent)

    async def _exchange(self, request: OutsideRequest, address: Address, sent: _Sent) -> OutsideAnswer:
        problem = None if self._allows_private else _problem(address.host)
        if problem:
            raise NotPublicError(problem)
        async with self._session.request(
            request.method,
            URL(str(address), encoded=True),
            headers=sendable(request.headers),
            data=request.body or None,
            allow_redirects=False,
            trace_request_ctx=sent,
        ) as response:
            body, is_cut = await _prefix(response, request.size_limit_bytes)
            return OutsideAnswer(
                status=response.status,
                reason=response.reason or "",
                headers=tuple((name.lower(), value) for name, value in response.headers.items()),
                body=body,
                is_cut=is_cut,
            )


class _Sent:
    """Whether anything of a request has left this machine."""

    def __init__(self) -> None:
        self.is_begun = False


@asynccontextmanager
async def open_direct(
    *,
    allows_private: bool = False,
    tls: ssl.SSLContext | None = None,
    resolver: AbstractResolver | None = None,
) -> AsyncIterator[DirectOutside]:
    """A sender while the context is open. `tls` trusts other authorities than the system's, `resolver` asks others."""
    chosen = resolver or aiohttp.ThreadedResolver()
    tracing = aiohttp.TraceConfig()
    tracing.on_request_headers_sent.append(_note_sent)
    connector = aiohttp.TCPConnector(
        limit=0,
        ssl=tls or ssl.create_default_context(),
        use_dns_cache=False,
        resolver=chosen if allows_private else _PublicResolver(chosen),
        force_close=True,
        socket_factory=_any_socket if allows_private else _public_socket,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=None),
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type"),
        headers={"User-Agent": "borealis"},
        max_line_size=_HEAD_BYTES,
        max_field_size=_HEAD_BYTES,
        trace_configs=[tracing],
    ) as session:
        # It would send GET, PUT and DELETE again by itself; whether a call is repeated is for the caller to decide.
        session._retry_connection = False  # noqa: SLF001 - there is no other switch
        yield DirectOutside(session, allows_private=allows_private)


async def _note_sent(
    _session: aiohttp.ClientSession, context: object, _params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    sent = getattr(context, "trace_request_ctx", None)
    if isinstance(sent, _Sent):
        sent.is_begun = True


def _any_socket(place: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = place
    return socket.socket(family, kind, protocol)


def _public_socket(place: aiohttp.AddrInfoType) -> socket.socket:
    problem = _problem(str(place[4][0]))
    if problem:
        raise PermissionError(problem)  # whoever tries several addresses goes on with the next one
    return _any_socket(place)


def _problem(address: str) -> str | None:
    """Why a machine may not be called; None for a public one, and for a name."""
    try:
        return refusal(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return None


class _PublicResolver(AbstractResolver):
    """Resolves names, unless one of their addresses is not public."""

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        problems = [problem for one in found if (problem := _problem(one["host"]))]
        if problems:
            raise NotPublicError(problems[0])
        return found

    async def close(self) -> None:
        await self._inner.close()


async def _prefix(response: aiohttp.ClientResponse, limit_bytes: int) -> tuple[bytes, bool]:
    """The first bytes of the body, and whether there are more. An answer that breaks off behind them is not noticed."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > limit_bytes:
            return bytes(body[:limit_bytes]), True
    return bytes(body), False


def _failure(error: Exception, sent: _Sent) -> OutsideFailure:
    # An error of certificates is a ValueError too, and none of the request's making.
    is_ours = isinstance(error, ValueError) and not isinstance(error, aiohttp.ClientConnectorCertificateError)
    detail = "the request cannot be sent: it is malformed" if is_ours else _words(error)
    return OutsideFailure(detail=detail, is_refused=is_ours, may_have_arrived=sent.is_begun)


def _words(error: Exception) -> str:
    """The error in the middle of a sentence, without anything that the request holds."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(error.certificate_error, "verify_message", "") or "it does not fit the name"
            words = f"its certificate is not trusted: {reason}"
        case aiohttp.ClientConnectorDNSError():
            words = f"there is no machine of the name {error.host}"
        case aiohttp.ClientSSLError():
            words = "it does not speak TLS as it should"
        case aiohttp.ClientResponseError():
            words = "it does not speak HTTP as it should"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError():
            words = "it closed the connection before its answer was whole"
        case _:
            reason = getattr(error, "strerror", None) or type(error).__name__
            words = f"the connection failed: {reason.lower()}"
    return words
