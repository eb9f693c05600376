"""A way through an HTTP proxy: CONNECT, its answer, then the connection belongs to somebody else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar, cast

from borealis_agent.targets.pipe import Pipe

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    from borealis_agent.proxies import Proxy

_MAX_ANSWER_BYTES: Final = 16 * 1024
_OK: Final = range(200, 300)
_WANTS_CREDENTIALS: Final = 407

P = TypeVar("P", bound=asyncio.Protocol)


class ProxyRefused(OSError):  # noqa: N818 - it is an outcome
    """The proxy did not open the way. The text says why."""


async def open_through_proxy(
    proxy: Proxy,
    host: str,
    port: int,
    *,
    connect: Callable[[Callable[[], asyncio.Protocol]], Awaitable[None]],
    factory: Callable[[], P],
    tls: ssl.SSLContext | None,
    server_name: str,
) -> P:
    """A connection to `host`:`port` through `proxy`, with a protocol that `factory` makes.

    Errors: OSError; ProxyRefused if the proxy answered otherwise.
    """
    pipe = Pipe()
    await connect(lambda: pipe)
    try:
        rest = await _ask(pipe, proxy, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        return await _hand_over(pipe, rest, factory(), tls, server_name)
    except BaseException:
        pipe.close()
        raise


async def _ask(pipe: Pipe, proxy: Proxy, authority: str) -> bytes:
    """Send CONNECT and take the answer; what came behind it."""
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    await pipe.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        data = await pipe.read()
        if not data or len(answer) > _MAX_ANSWER_BYTES:
            raise ProxyRefused(f"proxy {proxy.host}:{proxy.port} did not answer CONNECT")
        answer += data
    head, _, rest = answer.partition(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].split(b" ", 2)
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    if status == _WANTS_CREDENTIALS:
        raise ProxyRefused(f"proxy {proxy.host}:{proxy.port} wants other credentials (407)")
    if status not in _OK:
        raise ProxyRefused(f"proxy {proxy.host}:{proxy.port} answered {status or 'something else than HTTP'}")
    return rest


async def _hand_over(pipe: Pipe, rest: bytes, protocol: P, tls: ssl.SSLContext | None, server_name: str) -> P:
    transport: asyncio.BaseTransport = pipe.transport
    if tls is not None:
        if rest:
            raise ProxyRefused("the proxy sent more than its answer to CONNECT")
        loop = asyncio.get_running_loop()
        plain = cast("asyncio.WriteTransport", transport)
        started = await loop.start_tls(plain, protocol, tls, server_hostname=server_name)
        if started is None:
            raise ConnectionResetError("the connection was closed during TLS")
        transport = started
    else:
        cast("asyncio.Transport", transport).set_protocol(protocol)
    protocol.connection_made(transport)
    if rest:
        protocol.data_received(rest)
    return protocol
