"""Kubernetes APIs at the web door: `/kube/AGENT/...` is the API of that agent's cluster, for any client with a token.

Owns HTTP on the caller's side. WebSockets are `websocket.py`'s.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog

from borealis_server.domain.errors import BorealisError, Internal, InvalidArgument, Unauthenticated
from borealis_server.services.kube_access import KubeCall
from borealis_server.transport.kube.status import failure_of
from borealis_server.transport.kube.websocket import serve_websocket
from borealis_server.transport.streaming import Incoming, Outgoing, length_of

if TYPE_CHECKING:
    from borealis_server.domain.identity import Principal
    from borealis_server.services.kube_access import KubeAccess
    from borealis_server.transport.streaming import Message, Receive, Send

log = structlog.get_logger(__name__)

PREFIX: Final = b"/kube/"
"""What paths of this door start with."""

TENANT_HEADER: Final = b"borealis-tenant"
"""Header field by which a client may name the tenant to act in, by id or name; else it is the token's."""

_BEARER: Final = "bearer "
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


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
        incoming, outgoing = Incoming(receive), Outgoing(send)
        async with asyncio.TaskGroup() as group:
            serving = self._serve(scope, call, incoming, outgoing, group)
            exchange = group.create_task(serving, name="kube.exchange")
            pump = group.create_task(incoming.pump(exchange), name="kube.incoming")
            exchange.add_done_callback(lambda _: pump.cancel())

    async def _serve(
        self, scope: Message, call: KubeCall, incoming: Incoming, outgoing: Outgoing, group: asyncio.TaskGroup
    ) -> None:
        try:
            token = token_of(scope)
            caller = await self._access.authenticate(token, tenant_of(scope))
            check_switch(call)
            body = await incoming.body(length_of(scope))
            await self._relay(caller, token, replace(call, body=body), outgoing, group)
        except BorealisError as error:
            await incoming.drain()
            await _fail(outgoing, call, error)
        except Exception:  # the top of a request: a bug costs this one, and says so in the log
            log.exception("kube.failed", path=scope["path"])
            await incoming.drain()
            await _fail(outgoing, call, Internal())
        finally:
            await outgoing.close()

    async def _relay(
        self, caller: Principal, token: str, call: KubeCall, outgoing: Outgoing, group: asyncio.TaskGroup
    ) -> None:
        async with self._access.open(caller, call) as answer:
            guard = group.create_task(self._guard(caller, token, call, asyncio.current_task()), name="kube.authority")
            try:
                await outgoing.begin(answer.status, (*answer.headers, ("x-request-id", call.request_id)))
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


async def _fail(outgoing: Outgoing, call: KubeCall, error: BorealisError) -> None:
    """Answer with an error, if nothing was sent yet."""
    if outgoing.has_begun:
        log.info("kube.broken", reason=error.reason, error=error.message)
        return
    failure = failure_of(error)
    await outgoing.begin(failure.status, (*failure.headers, ("x-request-id", call.request_id)))
    await outgoing.data(failure.body)
    await outgoing.end()


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


def check_switch(call: KubeCall) -> None:
    """Errors: InvalidArgument where a switch of protocols is asked for that this door does not know."""
    if call.upgrade:
        raise InvalidArgument.of(
            "upgrade",
            f"{call.upgrade[:40]} cannot pass this door, only WebSocket can: use "
            f"`borealis kube proxy --agent {call.agent}`, or a kubectl of 1.31 or newer",
        )
