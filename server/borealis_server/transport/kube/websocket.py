"""WebSockets to Kubernetes APIs: exec, attach and port-forward of newer clients."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from borealis_server.domain.errors import BorealisError
from borealis_server.transport.kube.status import failure_of
from borealis_server.transport.websocket import WebSocketBridge, own_handshake, refuse, rest_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from borealis_server.services.kube_access import KubeAccess, KubeCall
    from borealis_server.transport.streaming import Receive, Send

_KEPT: Final = ("content-type", "retry-after", "www-authenticate", "x-relay-outcome")
"""Fields of an answer that is no switch."""


async def serve_websocket(
    access: KubeAccess, call: KubeCall, identify: Callable[[], tuple[str, str]], receive: Receive, send: Send
) -> None:
    """Carry one WebSocket between a client and a cluster until either side ends it."""
    await receive()  # websocket.connect
    try:
        token, tenant = identify()
        caller = await access.authenticate(token, tenant)
        async with access.open(caller, replace(call, headers=own_handshake(call.headers))) as duplex:
            if not duplex.is_switched:
                await refuse(send, duplex.status, _kept(duplex.headers), await rest_of(duplex))
                return
            named = dict(duplex.headers)
            await send({"type": "websocket.accept", "subprotocol": named.get("sec-websocket-protocol")})
            authority = access.authority(caller, token, call)
            await WebSocketBridge(duplex, receive, send).run(authority.ended, "the access token has expired")
    except BorealisError as error:
        failure = failure_of(error)
        await refuse(send, failure.status, _kept(failure.headers), failure.body)


def _kept(headers: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name in _KEPT]
