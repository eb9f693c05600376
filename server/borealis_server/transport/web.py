"""The web door, over HTTP/1.1 and HTTP/2 with TLS: the issuer for programs and people, `/kube`, health and metrics.

Owns HTTP and who answers where.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.logging import Logger
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from borealis_server.domain.startup import StartRefusedError
from borealis_server.transport.callbacks import PREFIX as CALLBACKS_PREFIX
from borealis_server.transport.kube.door import PREFIX as KUBE_PREFIX
from borealis_server.transport.oauth.endpoints import OAuthEndpoints
from borealis_server.transport.pages.account import AccountPages
from borealis_server.transport.pages.consent import ConsentPages
from borealis_server.transport.pages.login import LoginPages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from borealis_server.telemetry import ServerMetrics
    from borealis_server.transport.oauth.endpoints import OAuthParts
    from borealis_server.transport.pages.parts import PageParts
    from borealis_server.transport.previews.door import PreviewDoor

_BACKLOG = 256
_KEEPALIVE_S = 60
_REQUESTS_PER_CONNECTION = 2**31 - 1  # the default of 1000 drops sessions of HTTP/2 in the middle of their streams


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """How the web door stands."""

    certificate_file: Path
    """PEM of the server's certificate chain."""
    key_file: Path
    """PEM of its private key."""
    grace_s: float
    """How long requests in progress may go on when the door closes."""


def listen(address: tuple[str, int]) -> socket.socket:
    """A socket that listens on `address`; made before the door opens, because the issuer's name holds its port.

    Errors: StartRefusedError when the address cannot be listened on.
    """
    host, port = address
    try:
        listener = socket.create_server(
            address, family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=_BACKLOG, reuse_port=False
        )
    except OSError as error:
        raise StartRefusedError(
            f"cannot listen on {host}:{port} (web): {error.strerror}; stop what uses it, or set "
            "BOREALIS_SERVER_WEB_ADDRESS"
        ) from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # connections inherit it
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_S)
    return listener


@asynccontextmanager
async def open_web_door(listener: socket.socket, options: WebOptions, app: ASGIApp) -> AsyncIterator[None]:
    """Serve `app` while the context is open; requests in progress get their grace."""
    closing = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        # hypercorn closes the socket that it is given
        config = _config(options, listener.detach())
        group.create_task(serve(app, config, shutdown_trigger=closing.wait), name="web.door")  # type: ignore[arg-type]  # Starlette's types and hypercorn's differ in name only
        try:
            yield
        finally:
            closing.set()


def issuer_routes(oauth: OAuthParts, pages: PageParts) -> list[Route]:
    """Where the issuer answers programs and people."""
    served = (OAuthEndpoints(oauth), LoginPages(pages), ConsentPages(pages), AccountPages(pages))
    return [route for one in served for route in one.routes()]


def web_app(
    *,
    metrics: ServerMetrics,
    is_ready: Callable[[], bool],
    issuer: Sequence[Route],
    kube: ASGIApp,
    callbacks: ASGIApp,
    previews: PreviewDoor | None = None,
) -> ASGIApp:
    """Everything behind the web door.

    `kube` serves what is below `/kube/`, by paths as they were encoded, and `callbacks` what is below `/webhooks/`.
    `previews` serves the hosts of previews and nothing else does: each is an origin of its own.
    """
    probes = _Probes(metrics, is_ready)
    routes = [
        *issuer,
        Route("/healthz", probes.healthz, methods=["GET"]),
        Route("/readyz", probes.readyz, methods=["GET"]),
        Route("/metrics", probes.metrics, methods=["GET"]),
    ]
    others = Starlette(routes=routes)

    doors = {KUBE_PREFIX: kube, CALLBACKS_PREFIX: callbacks}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("raw_path", b"")
        chosen = next((door for prefix, door in doors.items() if path.startswith(prefix)), others)
        if previews is not None and previews.covers(scope):
            chosen = previews
        await chosen(scope, receive, send)

    return app


class _Probes:
    """What machines ask about this process."""

    def __init__(self, metrics: ServerMetrics, is_ready: Callable[[], bool]) -> None:
        self._metrics = metrics
        self._is_ready = is_ready

    async def healthz(self, _request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(self, _request: Request) -> Response:
        if self._is_ready():
            return PlainTextResponse("ready\n")
        return PlainTextResponse("not ready\n", HTTPStatus.SERVICE_UNAVAILABLE)

    async def metrics(self, _request: Request) -> Response:
        return Response(self._metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _config(options: WebOptions, descriptor: int) -> Config:
    config = Config()
    config.bind = [f"fd://{descriptor}"]
    config.certfile = str(options.certificate_file)
    config.keyfile = str(options.key_file)
    config.alpn_protocols = ["h2", "http/1.1"]
    config.backlog = _BACKLOG
    config.graceful_timeout = options.grace_s
    config.keep_alive_max_requests = _REQUESTS_PER_CONNECTION
    # None: a client that follows a watch says nothing for hours. Idle connections end by themselves.
    config.read_timeout = None
    config.include_server_header = False
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    config.logger_class = Logger
    return config
