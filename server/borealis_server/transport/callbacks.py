"""Callbacks of webhooks at the web door: `POST /webhooks/TENANT/DEPLOYMENT/STEP/callback`, for any HTTP client.

Owns HTTP: sizes, statuses, and answers in JSON. Who may report, and what becomes of it, is `services/callbacks.py`.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import structlog

from borealis_server.domain.callback_tokens import PATH, CallbackAddress
from borealis_server.domain.callbacks import BODY_LIMIT_BYTES
from borealis_server.domain.errors import (
    AlreadyExists,
    BorealisError,
    Denied,
    Internal,
    Invalid,
    LimitReached,
    NotAuthenticated,
    NotFound,
    Refused,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping
    from typing import TypeAlias

    from borealis_server.services.callbacks import Callbacks

    # Any: messages of ASGI have as many shapes as there are types of them.
    Message: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]

log = structlog.get_logger(__name__)

PREFIX: Final = PATH.encode()
"""What paths of this door start with."""
_SUFFIX: Final = "/callback"
_BEARER: Final = "bearer "
_BODY_LIMIT_S: Final = 30.0
_STATUSES: Final[Mapping[type[BorealisError], HTTPStatus]] = {
    Invalid: HTTPStatus.BAD_REQUEST,
    NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    Denied: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    AlreadyExists: HTTPStatus.CONFLICT,
    Refused: HTTPStatus.GONE,
    LimitReached: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The status of each kind of error; a bug of ours is none of them."""


class _Answer(Exception):  # noqa: N818 - an answer that ends a request, not always a fault
    """What is sent back instead of a result."""

    def __init__(self, status: HTTPStatus, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"reason": reason, "message": message}


class CallbackDoor:
    """An ASGI application behind `/webhooks/`."""

    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks = callbacks

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        try:
            await self._take(scope, receive)
        except _Answer as answer:
            await _send(send, answer.status, answer.body)
        except BorealisError as error:
            status = next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), None)
            await _send(
                send,
                status or HTTPStatus.INTERNAL_SERVER_ERROR,
                {"reason": error.reason, "message": error.message} if status else _internal(),
            )
        except Exception:
            log.exception("callback.failed")
            await _send(send, HTTPStatus.INTERNAL_SERVER_ERROR, _internal())
        else:
            await _send(send, HTTPStatus.OK, {"message": "the callback counts"})

    async def _take(self, scope: Message, receive: Receive) -> None:
        path = scope["raw_path"].decode("latin-1")
        address = CallbackAddress.parse(path.removesuffix(_SUFFIX)) if path.endswith(_SUFFIX) else None
        if address is None:
            message = f"no callback has this address: it is {PATH}TENANT/DEPLOYMENT/STEP{_SUFFIX}"
            raise _Answer(HTTPStatus.NOT_FOUND, "NOT_FOUND", message)
        if scope["method"] != "POST":
            raise _Answer(HTTPStatus.METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "send a callback with POST")
        host, port = scope.get("client") or ("", 0)
        await self._callbacks.take(address, _token(scope), await _body(receive), source=f"{host}:{port}")


def _token(scope: Message) -> str:
    """The bearer token; empty where there is not exactly one."""
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]
    if len(values) != 1 or values[0][: len(_BEARER)].lower() != _BEARER:
        return ""
    return str(values[0][len(_BEARER) :].strip())


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_LIMIT_S):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise _Answer(HTTPStatus.BAD_REQUEST, "INVALID_ARGUMENT", "the body broke off")
                body += message.get("body", b"")
                if len(body) > BODY_LIMIT_BYTES:
                    text = f"a callback has at most {BODY_LIMIT_BYTES >> 10} KiB"
                    raise _Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "TOO_LARGE", text)
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError as error:
        text = f"the body did not come within {_BODY_LIMIT_S:g} s"
        raise _Answer(HTTPStatus.REQUEST_TIMEOUT, "TIMEOUT", text) from error


def _internal() -> dict[str, str]:
    error = Internal()
    return {"reason": error.reason, "message": error.message}


async def _send(send: Send, status: HTTPStatus, content: Mapping[str, str]) -> None:
    body = json.dumps(content).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if status is HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b'Bearer realm="borealis"'))
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
