"""Kubernetes APIs at the web door: `/kube/AGENT/...` is the API of that agent's cluster, for any client with a token.

Owns HTTP on the caller's side. WebSockets are `websocket.py`'s.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import structlog
from h2.exceptions import ProtocolError

from borealis_server.domain.errors import BorealisError, Internal, InvalidArgument, Unauthenticated
from borealis_server.services.kube_access import KubeCall
from borealis_server.transport.kube.status import failure_of
from borealis_server.transport.kube.websocket import serve_websocket

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
    from typing import TypeAlias

    from borealis_server.domain.identity import Principal
    from borealis_server.services.kube_access import KubeAccess

    # Any: messages of ASGI have as many shapes as there are types of them.
    Message: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]

log = structlog.get_logger(__name__)

PREFIX: Final = b"/kube/"
"""What paths of this door start with."""

TENANT_HEADER: Final = b"borealis-tenant"
"""Header field by which a client may name the tenant to act in, by id or name; else it is the token's."""

_BEARER: Final = "bearer "
_SMALL_BYTES: Final = 64 * 1024
"""A body up to this size goes to the agent as a whole, in one frame with its request."""
_DRAIN_LIMIT_S: Final = 5.0
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NOT_PASSED: Final = frozenset({"date", "connection", "upgrade", "transfer-encoding"})
"""Header fields of answers that this door writes itself."""


class KubeDoor:
    """An ASGI application behind `/kube/`."""

    def __init__(self, access: KubeAccess) -> None:
        self._access = access

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "websocket":
            call = call_of(scope, upgrade="websocket")
            await serve_websocket(self._access, call, lambda: (token_of(scope), tenant_of(scope)), receive, send)
            return
        call = call_of(scope)
        incoming, outgoing = _Incoming(receive), _Outgoing(send, call.request_id)
        async with asyncio.TaskGroup() as group:
            serving = self._serve(scope, call, incoming, outgoing, group)
            exchange = group.create_task(serving, name="kube.exchange")
            pump = group.create_task(incoming.pump(exchange), name="kube.incoming")
            exchange.add_done_callback(lambda _: pump.cancel())

    async def _serve(
        self, scope: Message, call: KubeCall, incoming: _Incoming, outgoing: _Outgoing, group: asyncio.TaskGroup
    ) -> None:
        try:
            token = token_of(scope)
            caller = await self._access.authenticate(token, tenant_of(scope))
            check_switch(call)
            body = await incoming.body(_length(scope))
            await self._relay(caller, token, replace(call, body=body), outgoing, group)
        except BorealisError as error:
            await incoming.drain()
            await outgoing.fail(error)
        except Exception:  # the top of a request: a bug costs this one, and says so in the log
            log.exception("kube.failed", path=scope["path"])
            await incoming.drain()
            await outgoing.fail(Internal())
        finally:
            await outgoing.close()

    async def _relay(
        self, caller: Principal, token: str, call: KubeCall, outgoing: _Outgoing, group: asyncio.TaskGroup
    ) -> None:
        async with self._access.open(caller, call) as answer:
            guard = group.create_task(self._guard(caller, token, call, asyncio.current_task()), name="kube.authority")
            try:
                await outgoing.begin(answer.status, answer.headers)
                while data := await answer.read():
                    await outgoing.data(data)
            finally:
                guard.cancel()
        await outgoing.end()

    async def _guard(self, caller: Principal, token: str, call: KubeCall, exchange: asyncio.Task[None] | None) -> None:
        """Cut the exchange when its authority ends."""
        await self._access.authority(caller, token, call).ended()
        if exchange is not None:
            exchange.cancel()


class _Incoming:
    """What the client sends: its body, and that it is gone."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue(1)
        self._is_ended = False

    async def pump(self, exchange: asyncio.Task[None]) -> None:
        """Take in what comes; cancels the exchange when the client is gone."""
        while (message := await self._receive())["type"] == "http.request":
            if data := message.get("body", b""):
                await self._pieces.put(data)
            if not message.get("more_body", False):
                await self._pieces.put(b"")
        exchange.cancel()

    async def body(self, length: int | None) -> bytes | AsyncIterator[bytes]:
        """The whole body if it is small, else its pieces; `length` is None where nobody said it."""
        if length is None or length > _SMALL_BYTES:
            return self._stream()
        return b"".join([piece async for piece in self._stream()])

    async def drain(self) -> None:
        """Take the rest, within limits: an answer before the end of the request breaks the connection."""
        try:
            async with asyncio.timeout(_DRAIN_LIMIT_S):
                async for _ in self._stream():
                    pass
        except TimeoutError:
            log.info("kube.body_left", limit_s=_DRAIN_LIMIT_S)

    async def _stream(self) -> AsyncIterator[bytes]:
        while not self._is_ended:
            piece = await self._pieces.get()
            self._is_ended = not piece
            if piece:
                yield piece


class _Outgoing:
    """The answer to the client."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self._has_begun = False
        self._has_ended = False

    async def begin(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        """Send the head."""
        self._has_begun = True
        fields = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in headers if name not in _NOT_PASSED
        ]
        fields.append((b"x-request-id", self._request_id.encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": fields})
        # An empty piece makes the server send the head of a watch before its first event.
        await self._send({"type": "http.response.body", "body": b"", "more_body": True})

    async def data(self, data: bytes) -> None:
        """Send a piece of the body; waits while the client takes no more."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        """All was sent."""
        self._has_ended = True
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def fail(self, error: BorealisError) -> None:
        """Answer with an error, if nothing was sent yet."""
        if self._has_begun:
            log.info("kube.broken", reason=error.reason, error=error.message)
            return
        failure = failure_of(error)
        await self.begin(failure.status, failure.headers)
        await self.data(failure.body)
        await self.end()

    async def close(self) -> None:
        """Break off an answer that has begun and not ended, so that the client sees that something is missing."""
        if self._has_begun and not self._has_ended:
            await _reset(self._send)


async def _reset(send: Send) -> None:
    """End the stream of an HTTP/2 answer with RST_STREAM. Over HTTP/1.1 the server closes the connection by itself.

    ASGI has no word for it, and without one hypercorn forgets the stream and leaves the client waiting for ever.
    """
    # Any: hypercorn's own objects, which it does not show to applications.
    stream: Any = getattr(send, "__self__", None)
    protocol: Any = getattr(getattr(stream, "send", None), "__self__", None)
    connection: Any = getattr(protocol, "connection", None)
    if hasattr(connection, "reset_stream"):
        try:
            connection.reset_stream(stream.stream_id, error_code=2)  # INTERNAL_ERROR
        except ProtocolError:
            return  # the client has reset it already, or is gone
        await protocol._flush()  # noqa: SLF001 - as above


def token_of(scope: Message) -> str:
    """The bearer token of a request. Errors: Unauthenticated."""
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]
    if len(values) != 1 or values[0][: len(_BEARER)].lower() != _BEARER:
        raise Unauthenticated("the request has not one bearer token")
    return str(values[0][len(_BEARER) :].strip())


def tenant_of(scope: Message) -> str:
    """The tenant that a request is to act in; empty for the token's own."""
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == TENANT_HEADER]
    return str(values[0]) if values else ""


def call_of(scope: Message, *, upgrade: str = "") -> KubeCall:
    """What a request asks for, without its body."""
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    named = dict(headers)
    agent, slash, path = scope["raw_path"].removeprefix(PREFIX).decode("latin-1").partition("/")
    query = scope["query_string"].decode("latin-1")
    wanted = named.get("x-request-id", "")
    return KubeCall(
        agent=agent,
        method=scope.get("method", "GET"),
        path=f"/{path if slash else ''}{'?' if query else ''}{query}",
        headers=headers,
        upgrade=upgrade or named.get("upgrade", ""),
        request_id=wanted if _REQUEST_ID.fullmatch(wanted) else secrets.token_hex(8),
    )


def _length(scope: Message) -> int | None:
    """How long the body is; 0 where there is none, None where it comes in chunks of unknown number."""
    named = dict(scope["headers"])
    length = named.get(b"content-length", b"")
    if length.isdigit():
        return int(length)
    is_known = scope["http_version"] == "1.1" and b"transfer-encoding" not in named
    return 0 if is_known or scope["method"] in {"GET", "HEAD", "OPTIONS"} else None


def check_switch(call: KubeCall) -> None:
    """Errors: InvalidArgument where a switch of protocols is asked for that this door does not know."""
    if call.upgrade:
        raise InvalidArgument.of(
            "upgrade",
            f"{call.upgrade[:40]} cannot pass this door, only WebSocket can: use "
            f"`borealis kube proxy --agent {call.agent}`, or a kubectl of 1.31 or newer",
        )
