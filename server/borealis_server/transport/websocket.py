"""WebSockets of the web door's applications, joined to those of services behind agents.

The server in front speaks the protocol with the client, so that this speaks it again with the service: message by
message, in order, both ways, without looking into them.
"""

from __future__ import annotations

import asyncio
import base64
import os
from typing import TYPE_CHECKING, Any, Final

from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from borealis_server.domain.errors import BorealisError, RelayRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from borealis_server.ports.relay import RelayDuplex
    from borealis_server.transport.streaming import Receive, Send

_MESSAGE_BYTES: Final = 16 * 2**20
"""Largest message from a service; the server in front has the same limit for clients."""
_NORMAL: Final = 1000
_FAILED: Final = 1011
"""Close code: the server met something that it did not expect."""
_UNSENDABLE: Final = frozenset({1004, 1005, 1006, 1015})
"""Close codes that only say that none came; RFC 6455, section 7.4."""
_CODES_END: Final = 5000
_REASON_BYTES: Final = 120


class WebSocketBridge:
    """One open WebSocket on each side."""

    def __init__(self, duplex: RelayDuplex, receive: Receive, send: Send) -> None:
        self._duplex = duplex
        self._receive = receive
        self._send = send
        self._service = Connection(ConnectionType.CLIENT)
        self._writing = asyncio.Lock()
        self._parts: list[Any] = []  # Any: bytes in one message, text in another
        self._size = 0

    async def run(self, authority_ended: Callable[[], Awaitable[None]], why: str) -> None:
        """Carry messages until a side closes, or the authority ends, which `why` tells."""
        async with asyncio.TaskGroup() as group:
            ways = [
                group.create_task(self._to_service(), name="websocket.to_service"),
                group.create_task(self._to_client(), name="websocket.to_client"),
                group.create_task(self._until(authority_ended, why), name="websocket.authority"),
            ]
            for way in ways:
                way.add_done_callback(lambda _: [other.cancel() for other in ways])

    async def _until(self, authority_ended: Callable[[], Awaitable[None]], why: str) -> None:
        await authority_ended()
        await self._close(_FAILED, why)

    async def _to_service(self) -> None:
        try:
            while (message := await self._receive())["type"] == "websocket.receive":
                data = message.get("bytes")
                await self._write(TextMessage(data=message["text"]) if data is None else BytesMessage(data=data))
            code = message.get("code") or _NORMAL
            await self._write(CloseConnection(code=_NORMAL if code in _UNSENDABLE else code))
            self._duplex.end()
        except BorealisError as error:
            await self._close(_FAILED, error.message)

    async def _to_client(self) -> None:
        try:
            while data := await self._duplex.read():
                self._service.receive_data(data)
                for event in self._service.events():
                    if await self._handle(event):
                        return
        except (BorealisError, RemoteProtocolError) as error:
            await self._close(_FAILED, str(error))
        else:
            await self._close(_FAILED, "the other side ended the connection")

    async def _handle(self, event: object) -> bool:
        """Pass one event on; whether it was the last."""
        match event:
            case Ping():
                await self._write(event.response())
            case BytesMessage() | TextMessage():
                await self._take(event)
            case CloseConnection():
                await self._write(event.response())
                await self._close(int(event.code), event.reason or "")
                return True
            case _:
                pass
        return False

    async def _take(self, message: BytesMessage | TextMessage) -> None:
        """Keep the parts of a message until it is whole: its first byte says for which channel all of it is."""
        self._parts.append(message.data)
        self._size += len(message.data)
        if self._size > _MESSAGE_BYTES:
            raise RelayRefused("", "TOO_LARGE", f"a message of more than {_MESSAGE_BYTES} bytes", dispatched=True)
        if message.message_finished:
            is_text = isinstance(message, TextMessage)
            whole = ("" if is_text else b"").join(self._parts)
            self._parts, self._size = [], 0
            await self._send({"type": "websocket.send", "text" if is_text else "bytes": whole})

    async def _write(self, event: Event) -> None:
        """Send to the service; nothing if either side has closed."""
        async with self._writing:
            try:
                data = self._service.send(event)
            except LocalProtocolError:
                return
            await self._duplex.write(data)

    async def _close(self, code: int, reason: str) -> None:
        sendable = code if _NORMAL <= code < _CODES_END and code not in _UNSENDABLE else _NORMAL
        cut = reason.encode()[:_REASON_BYTES].decode(errors="ignore")
        await self._send({"type": "websocket.close", "code": sendable, "reason": cut})


def own_handshake(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The fields of a request with a handshake of our own.

    Extensions are between neighbours, and the key is ours to check.
    """
    given = tuple(headers)
    kept = [(name, value) for name, value in given if not name.startswith("sec-websocket-")]
    protocols = [value for name, value in given if name == "sec-websocket-protocol"]
    kept.append(("sec-websocket-version", "13"))
    kept.append(("sec-websocket-key", base64.b64encode(os.urandom(16)).decode()))
    if protocols:
        kept.append(("sec-websocket-protocol", ", ".join(protocols)))
    return tuple(kept)


async def rest_of(duplex: RelayDuplex) -> bytes:
    """The body of an answer that did not switch."""
    parts = []
    while data := await duplex.read():
        parts.append(data)
    return b"".join(parts)


async def refuse(send: Send, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
    """Answer the handshake with something else than a WebSocket."""
    fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers if name != "content-length"]
    fields.append((b"content-length", str(len(body)).encode()))
    await send({"type": "websocket.http.response.start", "status": status, "headers": fields})
    await send({"type": "websocket.http.response.body", "body": body, "more_body": False})
