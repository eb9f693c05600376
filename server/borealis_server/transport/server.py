"""The gRPC door: a grpc.aio server with TLS, limits, health and reflection.

Owns options and lifetime of the door. Which services stand behind it is `main.py`'s choice.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from borealis_server.domain.startup import StartRefusedError
from borealis_server.transport.interceptors.audit import action_interceptor, refusal_interceptor
from borealis_server.transport.interceptors.auth import Verifier, auth_interceptor
from borealis_server.transport.interceptors.closing import closing_interceptor
from borealis_server.transport.interceptors.context import context_interceptor
from borealis_server.transport.interceptors.failures import failure_interceptor
from borealis_server.transport.interceptors.limits import size_interceptor
from borealis_server.transport.interceptors.metrics import metrics_interceptor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
    from typing import TypeAlias

    from borealis_server.services.audit_actions import ActionAudit
    from borealis_server.telemetry import ServerMetrics

    Drain: TypeAlias = Callable[[float], Coroutine[None, None, None]]
    # Ends what goes on for ever, within so many seconds.

_ROOM_FOR_OUR_OWN_ANSWER_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service behind the door."""

    name: str
    """Full name, for example `borealis.agent.v1.AgentService`."""
    add: Callable[[grpc.aio.Server], None]
    """Adds the servicer to a server: the generated function with its servicer bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorOptions:
    """How the door stands."""

    address: str
    """`host:port`; port 0 takes a free one."""
    certificate_pem: bytes
    """The server's certificate chain."""
    key_pem: bytes
    """Its private key."""
    max_request_bytes: int
    """Largest request."""
    grace_s: float
    """How long calls in progress may go on when the door closes."""


@asynccontextmanager
async def open_grpc_door(
    options: DoorOptions,
    services: Sequence[Service],
    *,
    verifier: Verifier,
    audit: ActionAudit,
    metrics: ServerMetrics,
    drains: Sequence[Drain] = (),
) -> AsyncIterator[int]:
    """Serve `services` while the context is open; gives the port. Leaving it gives calls in progress their grace.

    `drains` are told when the door closes, so that what would go on for ever ends within the grace.

    Errors: StartRefusedError when the address cannot be listened on.
    """
    closing = asyncio.Event()
    server = grpc.aio.server(
        interceptors=[
            metrics_interceptor(metrics),
            failure_interceptor(),
            context_interceptor(),
            closing_interceptor(closing),
            size_interceptor(options.max_request_bytes),
            refusal_interceptor(audit, verifier),
            auth_interceptor(verifier),
            action_interceptor(audit),
        ],
        options=_channel_options(options.max_request_bytes),
    )
    servicer = health.aio.HealthServicer()  # type: ignore[attr-defined]  # missing in the published types
    for service in services:
        service.add(server)
        await servicer.set(service.name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    names = [service.name for service in services]
    reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    port = _listen(server, options)
    await server.start()
    try:
        yield port
    finally:
        await servicer.enter_graceful_shutdown()
        closing.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(server.stop(options.grace_s), name="grpc.stop")
            for drain in drains:
                group.create_task(drain(options.grace_s), name="grpc.drain")


def _listen(server: grpc.aio.Server, options: DoorOptions) -> int:
    # TLS 1.2 is the least that this stack speaks; a test holds it to that.
    credentials = grpc.ssl_server_credentials([(options.key_pem, options.certificate_pem)])
    try:
        return server.add_secure_port(options.address, credentials)
    except RuntimeError as error:
        raise StartRefusedError(
            f"cannot listen on {options.address} (gRPC): stop what uses it, or set BOREALIS_SERVER_GRPC_ADDRESS"
        ) from error


def _channel_options(max_request_bytes: int) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", 0),  # else a second server on the port would start and take half of the calls
        ("grpc.max_receive_message_length", max_request_bytes + _ROOM_FOR_OUR_OWN_ANSWER_BYTES),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ]
