"""Previews at the web door: host names below the previews' domain lead to Services in clusters.

Owns HTTP on the visitor's side. Who may visit, and what passes, is `services/preview_access.py`'s.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from borealis_server.domain.errors import BorealisError
from borealis_server.services.preview_access import NotServed, Visit
from borealis_server.transport.previews.pages import page_of
from borealis_server.transport.streaming import Incoming, Outgoing, length_of
from borealis_server.transport.websocket import WebSocketBridge, own_handshake, refuse, rest_of

if TYPE_CHECKING:
    from borealis_server.ports.relay import RelayDuplex
    from borealis_server.services.preview_access import PreviewAccess
    from borealis_server.services.previews import LivePreview
    from borealis_server.transport.streaming import Message, Receive, Send

log = structlog.get_logger(__name__)

_BROKEN = NotServed(500, "Something went wrong", "The fault is on this server, and it is in its log.")


class PreviewDoor:
    """An ASGI application for every host name that `covers` knows."""

    def __init__(self, access: PreviewAccess) -> None:
        self._access = access

    def covers(self, scope: Message) -> bool:
        """Whether a request is for a preview, an unknown one included."""
        return any(self._access.covers(host) for host in _hosts(scope))

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "websocket":
            await self._websocket(visit_of(scope, is_upgrade=True), receive, send)
            return
        visit = visit_of(scope)
        incoming, outgoing = Incoming(receive), Outgoing(send)
        async with asyncio.TaskGroup() as group:
            serving = self._serve(scope, visit, incoming, outgoing, group)
            exchange = group.create_task(serving, name="preview.exchange")
            pump = group.create_task(incoming.pump(exchange), name="preview.incoming")
            exchange.add_done_callback(lambda _: pump.cancel())

    async def _serve(
        self, scope: Message, visit: Visit, incoming: Incoming, outgoing: Outgoing, group: asyncio.TaskGroup
    ) -> None:
        try:
            live = await self._access.admit(visit)
            body = await incoming.body(length_of(scope))
            async with self._access.open(live, visit, body) as answer:
                await self._answer(live, visit, answer, outgoing, group)
        except NotServed as outcome:
            await _say(outcome, incoming, outgoing)
        except BorealisError as error:
            log.info("preview.broken", reason=error.reason, error=error.message)
        except Exception:  # the top of a request: a bug costs this one, and says so in the log
            log.exception("preview.failed", request_id=visit.request_id)
            await _say(_BROKEN, incoming, outgoing)
        finally:
            await outgoing.close()

    async def _answer(
        self, live: LivePreview, visit: Visit, answer: RelayDuplex, outgoing: Outgoing, group: asyncio.TaskGroup
    ) -> None:
        guarding = self._guard(live, asyncio.current_task())
        guard = group.create_task(guarding, name="preview.guard")
        try:
            await outgoing.begin(answer.status, self._access.returned(live, answer.headers))
            while data := await answer.read():
                await outgoing.data(data)
        finally:
            guard.cancel()
        await outgoing.end()
        log.debug("preview.served", request_id=visit.request_id, status=answer.status)

    async def _guard(self, live: LivePreview, exchange: asyncio.Task[None] | None) -> None:
        """Cut the exchange when the preview ends."""
        await self._access.ended(live)
        if exchange is not None:
            exchange.cancel()

    async def _websocket(self, visit: Visit, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        try:
            live = await self._access.admit(visit)
            asked = replace(visit, headers=own_handshake(visit.headers))
            async with self._access.open(live, asked) as duplex:
                fields = self._access.returned(live, duplex.headers)
                if not duplex.is_switched:
                    await refuse(send, duplex.status, fields, await rest_of(duplex))
                    return
                kept = [(name, value) for name, value in fields if not name.startswith("sec-websocket-")]
                headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in kept]
                protocol = dict(duplex.headers).get("sec-websocket-protocol")
                await send({"type": "websocket.accept", "subprotocol": protocol, "headers": headers})
                bridge = WebSocketBridge(duplex, receive, send)
                await bridge.run(lambda: self._access.ended(live), "the preview has ended")
        except NotServed as outcome:
            headers_of_page, body = page_of(outcome)
            await refuse(send, outcome.status, headers_of_page, body)
        except BorealisError as error:
            log.info("preview.broken", reason=error.reason, error=error.message)


async def _say(outcome: NotServed, incoming: Incoming, outgoing: Outgoing) -> None:
    """Answer with a page, if nothing was sent yet."""
    if outgoing.has_begun:
        return
    await incoming.drain()
    headers, body = page_of(outcome)
    await outgoing.begin(outcome.status, headers)
    await outgoing.data(body)
    await outgoing.end()


def visit_of(scope: Message, *, is_upgrade: bool = False) -> Visit:
    """What a request asks for, without its body."""
    headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"])
    query = scope["query_string"].decode("latin-1")
    path = scope["raw_path"].decode("latin-1")
    client = scope.get("client")
    return Visit(
        hosts=_hosts(scope),
        method=scope.get("method", "GET"),
        path=f"{path}?{query}" if query else path,
        headers=headers,
        visitor=client[0] if client else "",
        is_upgrade=is_upgrade,
        request_id=secrets.token_hex(8),
    )


def _hosts(scope: Message) -> tuple[str, ...]:
    return tuple(value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"host")
