"""WebSockets at the web door: exec, attach and port-forward of newer clients.

The server in front speaks the protocol with the client, so that this speaks it again with the cluster: message by
message, in order, both ways, without looking into them.
"""

from __future__ import annotations

import asyncio
import base64
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import structlog
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from borealis_server.domain.errors import BorealisError, RelayRefused
from borealis_server.transport.kube.status import failure_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from typing import TypeAlias

    from borealis_server.ports.relay import RelayDuplex
    from borealis_server.services.kube_access import KubeAccess, KubeCall

    # Any: messages of ASGI have as many shapes as there are types of them.
    AsgiMessage: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[AsgiMessage]]
    Send: TypeAlias = Callable[[AsgiMessage], Awaitable[None]]

log = structlog.get_logger(__name__)

_MESSAGE_BYTES: Final = 16 * 2**20
"""Largest message from a cluster; the server in front has the same limit for clients."""
_NORMAL: Final = 1000
_FAILED: Final = 1011
"""Close code: the server met something that it did not expect."""
_UNSENDABLE: Final = frozenset({1004, 1005, 1006, 1015})
"""Close codes that only say that none came; RFC 6455, section 7.4."""
_CODES_END: Final = 5000
_REASON_BYTES: Final = 120


async def serve_websocket(
    access: KubeAccess, call: KubeCall, identify: Callable[[], tuple[str, str]], receive: Receive, send: Send
) -> None:
    """Carry one WebSocket between a client and a cluster until either side ends it."""
    await receive()  # websocket.connect
    try:
        token, tenant = identify()
        caller = await access.authenticate(token, tenant)
        async with access.open(caller, _outgoing(call)) as duplex:
            if not duplex.is_switched:
                await _refuse(send, duplex.status, duplex.headers, await _whole(duplex))
                return
            named = dict(duplex.headers)
            await send({"type": "websocket.accept", "subprotocol": named.get("sec-websocket-protocol")})
            bridge = _Bridge(duplex, receive, send)
            authority = access.authority(caller, token, call)
            await bridge.run(authority.ended)
    except BorealisError as error:
        failure = failure_of(error)
        await _refuse(send, failure.status, failure.headers, failure.body)


class _Bridge:
    """One open WebSocket on each side."""

    def __init__(self, duplex: RelayDuplex, receive: Receive, send: Send) -> None:
        self._duplex = duplex
        self._receive = receive
        self._send = send
        self._cluster = Connection(ConnectionType.CLIENT)
        self._writing = asyncio.Lock()
        self._parts: list[Any] = []  # Any: bytes in one message, text in another
        self._size = 0

    async def run(self, authority_ended: Callable[[], Awaitable[None]]) -> None:
        """Carry messages until a side closes, or the authority ends."""
        async with asyncio.TaskGroup() as group:
            ways = [
                group.create_task(self._to_cluster(), name="kube.to_cluster"),
                group.create_task(self._to_client(), name="kube.to_client"),
                group.create_task(self._until(authority_ended), name="kube.authority"),
            ]
            for way in ways:
                way.add_done_callback(lambda _: [other.cancel() for other in ways])

    async def _until(self, authority_ended: Callable[[], Awaitable[None]]) -> None:
        await authority_ended()
        await self._close(_FAILED, "the access token has expired")

    async def _to_cluster(self) -> None:
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
                self._cluster.receive_data(data)
                for event in self._cluster.events():
                    if await self._handle(event):
                        return
        except (BorealisError, RemoteProtocolError) as error:
            await self._close(_FAILED, str(error))
        else:
            await self._close(_FAILED, "the cluster ended the connection")

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
        """Send to the cluster; nothing if either side has closed."""
        async with self._writing:
            try:
                data = self._cluster.send(event)
            except LocalProtocolError:
                return
            await self._duplex.write(data)

    async def _close(self, code: int, reason: str) -> None:
        sendable = code if _NORMAL <= code < _CODES_END and code not in _UNSENDABLE else _NORMAL
        cut = reason.encode()[:_REASON_BYTES].decode(errors="ignore")
        await self._send({"type": "websocket.close", "code": sendable, "reason": cut})


def _outgoing(call: KubeCall) -> KubeCall:
    """The request with a handshake of our own: extensions are between neighbours, and the key is ours to check."""
    headers = [(name, value) for name, value in call.headers if not name.startswith("sec-websocket-")]
    protocols = [value for name, value in call.headers if name == "sec-websocket-protocol"]
    headers.append(("sec-websocket-version", "13"))
    headers.append(("sec-websocket-key", base64.b64encode(os.urandom(16)).decode()))
    if protocols:
        headers.append(("sec-websocket-protocol", ", ".join(protocols)))
    return replace(call, headers=tuple(headers))


async def _whole(duplex: RelayDuplex) -> bytes:
    parts = []
    while data := await duplex.read():
        parts.append(data)
    return b"".join(parts)


async def _refuse(send: Send, status: int, headers: tuple[tuple[str, str], ...], body: bytes) -> None:
    kept = ("content-type", "retry-after", "www-authenticate", "x-relay-outcome")
    fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers if name in kept]
    fields.append((b"content-length", str(len(body)).encode()))
    await send({"type": "websocket.http.response.start", "status": status, "headers": fields})
    await send({"type": "websocket.http.response.body", "body": body, "more_body": False})
