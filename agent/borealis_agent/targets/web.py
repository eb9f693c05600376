"""Web targets: one server that is reached over HTTP, with what the operator wrote down for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.proxies import is_direct, parse_proxy
from borealis_agent.targets.dialer import Dialer
from borealis_agent.targets.http1.client import HttpClient
from borealis_agent.targets.policy import WEB_PORTS
from borealis_agent.targets.target import TargetFailure
from borealis_agent.targets.tls import TlsFiles, TlsSource

if TYPE_CHECKING:
    from pathlib import Path

    from borealis_agent.proxies import Proxy
    from borealis_agent.targets.http1.connection import HttpConnection
    from borealis_agent.targets.policy import WebTarget
    from borealis_agent.targets.target import TargetRequest

_PRIVATE: Final = {
    (False, False): frozenset[bytes](),
    (True, False): frozenset({b"set-cookie"}),
    (False, True): frozenset({b"www-authenticate"}),
    (True, True): frozenset({b"set-cookie", b"www-authenticate"}),
}
"""By whether cookies and whether questions for credentials come back."""


class WebServer:
    """One server. Puts the path of its URL in front of every request's, and adds its authorization."""

    def __init__(
        self,
        client: HttpClient,
        *,
        path: str = "",
        authorization_file: Path | None = None,
        passes_authorization: bool = False,
        passes_cookies: bool = False,
        asks_for_credentials: bool = False,
    ) -> None:
        self._client = client
        self._path = path.rstrip("/")
        self._authorization_file = authorization_file
        self._passes_authorization = passes_authorization
        self._passes_cookies = passes_cookies
        self.private_fields = _PRIVATE[passes_cookies, asks_for_credentials]

    def at_root(self) -> WebServer:
        """The same server over the same connections, called by whole paths."""
        return WebServer(
            self._client,
            authorization_file=self._authorization_file,
            passes_authorization=self._passes_authorization,
        )

    async def send(self, request: TargetRequest) -> HttpConnection:
        """Send a request with all of its body.

        Errors: TargetFailure.
        """
        return await self._client.send(self._addressed(request), self._fields(request))

    async def open(self, request: TargetRequest) -> HttpConnection:
        """Send the head of a request whose body follows.

        Errors: TargetFailure.
        """
        return await self._client.open(self._addressed(request), self._fields(request))

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def retire(self) -> None:
        """Keep no connection any more; requests that go on are not disturbed."""
        self._client.retire()

    def _addressed(self, request: TargetRequest) -> TargetRequest:
        return request._replace(path=self._path + request.path) if self._path else request

    def _fields(self, request: TargetRequest) -> bytes:
        value = request.authorization if self._passes_authorization else b""
        if self._authorization_file:
            value = _secret(self._authorization_file)
        fields = b"Authorization: " + value + b"\r\n" if value else b""
        if self._passes_cookies and request.cookies:
            fields += b"Cookie: " + request.cookies + b"\r\n"
        return fields


def web_server(target: WebTarget, *, https_proxy: str, no_proxy: str) -> WebServer:
    """The server that a web target names."""
    parts = urlsplit(target.url)
    host, port = parts.hostname or "", parts.port or WEB_PORTS[parts.scheme]
    files = TlsFiles(
        ca_file=target.ca_file,
        certificate_file=target.certificate_file,
        key_file=target.key_file,
        server_name=target.server_name,
    )
    is_tls = parts.scheme == "https"
    dialer = Dialer(
        host,
        port,
        tls=TlsSource(files) if is_tls else None,
        proxy=proxy_for(target.proxy, host, port, https_proxy=https_proxy if is_tls else "", no_proxy=no_proxy),
        allow_local=target.allow_local,
    )
    return WebServer(
        HttpClient(dialer),
        path=parts.path,
        authorization_file=target.authorization_file,
        passes_authorization=target.pass_authorization,
    )


def proxy_for(wanted: str, host: str, port: int, *, https_proxy: str, no_proxy: str) -> Proxy | None:
    """The proxy on the way to a host: the target's own, else the environment's, unless NO_PROXY covers the host."""
    if wanted == "direct":
        return None
    if wanted:
        return parse_proxy(wanted)
    return None if is_direct(host, port, no_proxy) else parse_proxy(https_proxy)


def _secret(path: Path) -> bytes:
    try:
        value = path.read_bytes().strip()
    except OSError as error:
        detail = f"the authorization of the target cannot be read: {error.strerror}"
        raise TargetFailure(pb.Reset.CODE_INTERNAL, detail, dispatched=False) from error
    if not value or b"\n" in value or b"\r" in value or b"\0" in value:
        detail = "the authorization file of the target does not have exactly one line"
        raise TargetFailure(pb.Reset.CODE_INTERNAL, detail, dispatched=False)
    return value
