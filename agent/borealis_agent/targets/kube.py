"""The target `kube`: the Kubernetes API of the cluster that the agent runs in, with the agent's own credentials."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import structlog

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.proxies import ProxyFault, parse_proxy
from borealis_agent.targets.dialer import Dialer
from borealis_agent.targets.http1.client import HttpClient
from borealis_agent.targets.kube_credentials import KubeCredentials, KubeUnconfigured
from borealis_agent.targets.target import TargetFailure, TargetRequest
from borealis_agent.targets.tls import TlsSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from borealis_agent.targets.http1.connection import HttpConnection

log = structlog.get_logger(__name__)

_UNAUTHORIZED: Final = 401
_VERSION_TIMEOUT_S: Final = 5.0
_HTTPS_PORT: Final = 443
_HTTP_PORT: Final = 80


class KubeTarget:
    """The Kubernetes API. Adds our credentials to every request and, where that is wanted, whose request it is."""

    private_fields: frozenset[bytes] = frozenset()
    """It is asked with the agent's credentials: what it says about them is nobody else's."""

    def __init__(
        self,
        client: HttpClient,
        credentials: KubeCredentials,
        tls: TlsSource | None = None,
        *,
        impersonates: bool = False,
    ) -> None:
        self._client = client
        self._credentials = credentials
        self._tls = tls
        self._impersonates = impersonates

    async def send(self, request: TargetRequest) -> HttpConnection:
        """Send a request; once more if the API refused credentials that were replaced since.

        Errors: TargetFailure.
        """
        field = await self._credentials.field()
        connection = await self._client.send(request, self._fields(request, field))
        if connection.status != _UNAUTHORIZED:
            return connection
        try:
            is_renewed = await self._renew(field)
        except BaseException:
            connection.release()
            raise
        if not is_renewed:
            return connection
        connection.release()
        return await self._client.send(request, self._fields(request, await self._credentials.field()))

    async def open(self, request: TargetRequest) -> HttpConnection:
        """Send the head of a request whose body follows.

        Errors: TargetFailure.
        """
        return await self._client.open(request, self._fields(request, await self._credentials.field()))

    async def version(self) -> str:
        """Version of the API server; empty, and logged, if it cannot be reached."""
        field = await self._credentials.field()
        request = TargetRequest(method="GET", path="/version", fields=field, limit_s=_VERSION_TIMEOUT_S)
        try:
            async with asyncio.timeout(_VERSION_TIMEOUT_S):
                connection = await self._client.send(request)
            try:
                return str(json.loads(connection.take())["gitVersion"])
            finally:
                connection.release()
        except (TargetFailure, TimeoutError, ValueError, KeyError, TypeError) as error:
            log.warning("kube.unreachable", cause=str(error) or "no answer in time", advice="check the kubeconfig")
            return ""

    def _fields(self, request: TargetRequest, field: bytes) -> bytes:
        return field + impersonation(request.actor, request.actor_groups) if self._impersonates else field

    async def _renew(self, refused: bytes) -> bool:
        is_renewed = await self._credentials.renew(refused)
        files = self._credentials.tls_files()
        if self._tls is not None and self._tls.files != files:
            self._tls.files = files
            return True
        return is_renewed


def impersonation(actor: str, groups: tuple[str, ...]) -> bytes:
    """The header fields that make a request in the name of `actor`.

    Errors: TargetFailure if there is nobody, or a name that stands for a part of Kubernetes or cannot be in a header.
    """
    if not actor:
        detail = "the agent impersonates the person behind each request, and this one names nobody"
        raise TargetFailure(pb.Reset.CODE_DENIED, detail, dispatched=False)
    for name in (actor, *groups):
        if name.startswith("system:") or not name.isprintable() or not name.strip():
            detail = f"the agent impersonates nobody called {name!a}"
            raise TargetFailure(pb.Reset.CODE_DENIED, detail, dispatched=False)
    lines = [f"Impersonate-User: {actor}\r\n", *(f"Impersonate-Group: {group}\r\n" for group in groups)]
    return "".join(lines).encode()


@asynccontextmanager
async def open_kube_target(
    *, kubeconfig: Path | None, context: str, impersonates: bool = False
) -> AsyncIterator[KubeTarget]:
    """The Kubernetes API that the configuration names; with `impersonates` in the name of whoever is behind a request.

    Errors: KubeUnconfigured.
    """
    credentials = KubeCredentials(kubeconfig, context)
    configuration = await credentials.load()
    parts = urlsplit(str(configuration.host))  # the library types it loosely; loading has set it
    if not parts.hostname or parts.path.strip("/"):
        raise KubeUnconfigured(f"the Kubernetes API is at {configuration.host}: give https://host:port without a path")
    tls = TlsSource(credentials.tls_files()) if parts.scheme == "https" else None
    try:
        proxy = parse_proxy(configuration.proxy or "")
    except ProxyFault as fault:
        raise KubeUnconfigured(f"proxy-url of the kubeconfig: {fault}") from fault
    dialer = Dialer(
        parts.hostname,
        parts.port or (_HTTPS_PORT if tls else _HTTP_PORT),
        tls=tls,
        proxy=proxy,
        allow_local=True,  # where the API is, its own configuration says; kind and k3s say 127.0.0.1
    )
    client = HttpClient(dialer)
    try:
        yield KubeTarget(client, credentials, tls, impersonates=impersonates)
    finally:
        client.close()
