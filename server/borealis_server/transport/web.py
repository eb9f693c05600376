"""The web door: tokens for standard OAuth clients, discovery, health and metrics, over HTTP/1.1 and HTTP/2 with TLS.

Owns HTTP. The same identity service answers here and at the gRPC door.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote_plus

from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.logging import Logger
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from borealis_server.domain.errors import CredentialRefused, ServerUnavailable
from borealis_server.domain.startup import StartRefusedError
from borealis_server.transport.callbacks import PREFIX as CALLBACKS_PREFIX
from borealis_server.transport.kube.door import PREFIX as KUBE_PREFIX

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from borealis_server.services.identity import IdentityService
    from borealis_server.telemetry import ServerMetrics
    from borealis_server.transport.previews.door import PreviewDoor

TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
KEYS_PATH = "/oauth/jwks"
DISCOVERY_PATH = "/.well-known/openid-configuration"

_GRANT = "client_credentials"
_FORM = "application/x-www-form-urlencoded"
_MAX_FORM_BYTES = 16 * 1024
_MAX_FORM_FIELDS = 32
_BACKLOG = 256
_KEEPALIVE_S = 60
_FORM_LIMIT_S = 60
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_KEYS_CACHE = {"Cache-Control": "public, max-age=300"}
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


class OAuthError(Exception):
    """A refusal in the words of RFC 6749, section 5.2."""

    def __init__(self, error: str, description: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


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


def web_app(
    *,
    identity: IdentityService,
    metrics: ServerMetrics,
    issuer: str,
    is_ready: Callable[[], bool],
    kube: ASGIApp,
    callbacks: ASGIApp,
    previews: PreviewDoor | None = None,
) -> ASGIApp:
    """Everything behind the web door.

    `kube` serves what is below `/kube/`, by paths as they were encoded, and `callbacks` what is below `/webhooks/`.
    `previews` serves the hosts of previews and nothing else does: each is an origin of its own.
    """
    door = _WebDoor(identity, metrics, issuer, is_ready)
    pages = Starlette(
        routes=[
            Route(DISCOVERY_PATH, door.discovery, methods=["GET"]),
            Route(KEYS_PATH, door.keys, methods=["GET"]),
            Route(TOKEN_PATH, door.token, methods=["POST"]),
            Route("/healthz", door.healthz, methods=["GET"]),
            Route("/readyz", door.readyz, methods=["GET"]),
            Route("/metrics", door.metrics, methods=["GET"]),
        ]
    )

    doors = {KUBE_PREFIX: kube, CALLBACKS_PREFIX: callbacks}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("raw_path", b"")
        chosen = next((door for prefix, door in doors.items() if path.startswith(prefix)), pages)
        if previews is not None and previews.covers(scope):
            chosen = previews
        await chosen(scope, receive, send)

    return app


class _WebDoor:
    def __init__(
        self, identity: IdentityService, metrics: ServerMetrics, issuer: str, is_ready: Callable[[], bool]
    ) -> None:
        self._identity = identity
        self._metrics = metrics
        self._issuer = issuer
        self._is_ready = is_ready

    async def discovery(self, _request: Request) -> Response:
        document = {
            "issuer": self._issuer,
            "jwks_uri": self._issuer + KEYS_PATH,
            "token_endpoint": self._issuer + TOKEN_PATH,
            "grant_types_supported": [_GRANT],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "response_types_supported": [],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        }
        return JSONResponse(document, headers=_KEYS_CACHE)

    async def keys(self, _request: Request) -> Response:
        return JSONResponse(self._identity.public_keys(), headers=_KEYS_CACHE)

    async def token(self, request: Request) -> Response:
        try:
            client_id, client_secret = _credential(request, await _form(request))
            issued = await self._identity.issue_token(client_id, client_secret)
        except OAuthError as error:
            return _refusal(error)
        except CredentialRefused as error:
            return _refusal(OAuthError("invalid_client", error.message, HTTPStatus.UNAUTHORIZED))
        except ServerUnavailable as error:
            return _refusal(OAuthError("temporarily_unavailable", error.message, HTTPStatus.SERVICE_UNAVAILABLE))
        body = {"access_token": issued.access_token, "token_type": "Bearer", "expires_in": issued.expires_in_s}
        return JSONResponse(body, headers=_NO_STORE)

    async def healthz(self, _request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(self, _request: Request) -> Response:
        if self._is_ready():
            return PlainTextResponse("ready\n")
        return PlainTextResponse("not ready\n", HTTPStatus.SERVICE_UNAVAILABLE)

    async def metrics(self, _request: Request) -> Response:
        return Response(self._metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")


async def _form(request: Request) -> dict[str, str]:
    """Fields of the form in the body. Errors: OAuthError."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise OAuthError("invalid_request", f"the content type must be {_FORM}")
    try:
        async with asyncio.timeout(_FORM_LIMIT_S):
            body = await _body(request)
    except TimeoutError as error:
        raise OAuthError("invalid_request", f"the form did not come within {_FORM_LIMIT_S} s") from error
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FORM_FIELDS
        )
    except ValueError as error:
        raise OAuthError("invalid_request", "the form is malformed") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise OAuthError("invalid_request", "a field of the form is repeated")
    if fields.get("grant_type") != _GRANT:
        known = "grant_type" in fields
        raise OAuthError("unsupported_grant_type" if known else "invalid_request", f"grant_type must be `{_GRANT}`")
    return fields


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM_BYTES:
            raise OAuthError(
                "invalid_request",
                f"the form is larger than {_MAX_FORM_BYTES} bytes",
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            )
    return body


def _credential(request: Request, form: dict[str, str]) -> tuple[str, str]:
    """Client id and secret, from the header or the form but not from both. Errors: OAuthError."""
    header = request.headers.get("authorization")
    in_form = "client_secret" in form
    if header is None:
        if "client_id" not in form or not in_form:
            raise OAuthError("invalid_client", "client_id and client_secret are needed", HTTPStatus.UNAUTHORIZED)
        return form["client_id"], form["client_secret"]
    if in_form:
        raise OAuthError("invalid_request", "send the secret in the header or in the form, not in both")
    scheme, _, encoded = header.partition(" ")
    try:
        client_id, colon, secret = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        colon = client_id = secret = ""
    if scheme.lower() != "basic" or not colon:
        raise OAuthError("invalid_client", "the authorization header is not Basic", HTTPStatus.UNAUTHORIZED)
    return unquote_plus(client_id), unquote_plus(secret)


def _refusal(error: OAuthError) -> Response:
    headers = dict(_NO_STORE)
    if error.status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Basic realm="borealis"'
    return JSONResponse(
        {"error": error.error, "error_description": error.description}, status_code=error.status, headers=headers
    )


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
