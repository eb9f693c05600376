"""Requests and answers of the web door's applications, as they come and go: bodies in pieces, with back pressure.

Owns the words of ASGI. What is in a request is its application's business.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import structlog
from h2.exceptions import ProtocolError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
    from typing import TypeAlias

    # Any: messages of ASGI have as many shapes as there are types of them.
    Message: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]

log = structlog.get_logger(__name__)

_SMALL_BYTES: Final = 64 * 1024
"""A body up to this size goes to the agent as a whole, in one frame with its request."""
_DRAIN_LIMIT_S: Final = 5.0
_NOT_PASSED: Final = frozenset({"date", "connection", "upgrade", "transfer-encoding"})
"""Header fields of answers that the server in front writes itself."""


class Incoming:
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
            log.info("web.body_left", limit_s=_DRAIN_LIMIT_S)

    async def _stream(self) -> AsyncIterator[bytes]:
        while not self._is_ended:
            piece = await self._pieces.get()
            self._is_ended = not piece
            if piece:
                yield piece


class Outgoing:
    """The answer to the client."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._has_begun = False
        self._has_ended = False

    @property
    def has_begun(self) -> bool:
        """Whether the head was sent: the answer can be broken off then, not replaced."""
        return self._has_begun

    async def begin(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        """Send the head."""
        self._has_begun = True
        fields = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in headers if name not in _NOT_PASSED
        ]
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


def length_of(scope: Message) -> int | None:
    """How long the body is; 0 where there is none, None where it comes in chunks of unknown number."""
    named = dict(scope["headers"])
    length = named.get(b"content-length", b"")
    if length.isdigit():
        return int(length)
    is_known = scope["http_version"] == "1.1" and b"transfer-encoding" not in named
    return 0 if is_known or scope["method"] in {"GET", "HEAD", "OPTIONS"} else None
