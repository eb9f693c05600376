"""The hub: every agent's tunnels to this server, and which of them a call takes.

Owns the sessions; what happens inside one is its connection's.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import uuid
from typing import TYPE_CHECKING, Final

import structlog

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_server.adapters.relay.admission import Load
from borealis_server.adapters.relay.audit import NullAudit
from borealis_server.adapters.relay.call import RelayedCall
from borealis_server.adapters.relay.connection import AgentConnection, Authority, RelaySettings, Shared
from borealis_server.adapters.relay.metrics import RelayMetrics
from borealis_server.adapters.relay.response import TunnelDuplex, TunnelResponse
from borealis_server.adapters.relay.routing import AgentRoute
from borealis_server.adapters.relay.watchers import Watchers
from borealis_server.domain.errors import Exhausted, InvalidArgument, PermissionDenied, ServerUnavailable
from borealis_server.ports.relay import AgentChange, AgentChangeKind, AgentRef, TcpRequest
from borealis_wire.window import ReceiveBudget

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from borealis_server.domain.identity import Principal
    from borealis_server.ports.audit import RelayAudit
    from borealis_server.ports.clock import Clock
    from borealis_server.ports.relay import AgentSession, RelayRequest
    from borealis_wire.aio.lane import Lane

log = structlog.get_logger(__name__)

_END_LIMIT_S: Final = 5.0
"""How long tunnels may take to end after they were told to."""


class RelayHub:
    """A relay over the tunnels of agents that dialled this server. Implements `Relay` and `LaneHost`."""

    def __init__(
        self,
        clock: Clock,
        settings: RelaySettings | None = None,
        *,
        audit: RelayAudit | None = None,
        metrics: RelayMetrics | None = None,
    ) -> None:
        self._clock = clock
        self._settings = settings or RelaySettings()
        self._server_id = uuid.uuid4().hex
        self._connections: set[AgentConnection] = set()
        self._routes: dict[AgentRef, AgentRoute] = {}
        self._tenants: dict[str, Load] = {}
        self._audit = audit or NullAudit()
        self.metrics = metrics or RelayMetrics()
        self._shared = Shared(metrics=self.metrics, budget=ReceiveBudget(self._settings.budget_bytes))
        self._watchers = Watchers()
        self._epochs = itertools.count(1)
        self._is_draining = False
        self._all_ended = asyncio.Event()
        self._all_ended.set()
        self._show_load()

    # Relay

    def call(self, agent: AgentRef, request: RelayRequest) -> RelayedCall[TunnelResponse]:
        """Send a request through a replica of the agent; through a second one where that surely does no harm."""
        return RelayedCall(
            agent,
            request,
            mode="http",
            route=self._routes.get(agent),
            render=TunnelResponse,
            audit=self._audit,
            metrics=self.metrics,
        )

    def duplex(self, agent: AgentRef, request: RelayRequest | TcpRequest) -> RelayedCall[TunnelDuplex]:
        """Open bytes both ways through a replica of the agent."""
        return RelayedCall(
            agent,
            request,
            mode="tcp" if isinstance(request, TcpRequest) else "upgrade",
            route=self._routes.get(agent),
            render=TunnelDuplex,
            audit=self._audit,
            metrics=self.metrics,
        )

    def is_connected(self, agent: AgentRef) -> bool:
        """Whether a call could be sent now."""
        route = self._routes.get(agent)
        return route is not None and any(connection.is_taking_calls for connection in route.connections)

    def sessions(self, agent: AgentRef) -> tuple[AgentSession, ...]:
        """The live sessions of an agent, oldest first."""
        route = self._routes.get(agent)
        return tuple(connection.session() for connection in route.connections) if route is not None else ()

    def all_sessions(self, tenant: str) -> tuple[AgentSession, ...]:
        """The live sessions of all agents of a tenant, oldest first."""
        routes = [route for agent, route in self._routes.items() if agent.tenant == tenant]
        connections = [connection for route in routes for connection in route.connections]
        return tuple(one.session() for one in sorted(connections, key=lambda one: one.epoch))

    def watch_agents(self) -> AbstractAsyncContextManager[AsyncIterator[AgentChange]]:
        """Every session that begins or ends while the context is open."""
        return self._watchers.watch()

    # LaneHost

    async def serve(
        self,
        lane: Lane,
        *,
        lane_number: int,
        principal: Principal,
        token: str,
        verify: Callable[[str], Awaitable[Principal]],
    ) -> None:
        """Carry an agent's lane until it ends."""
        if lane_number != 0:
            raise InvalidArgument.of("borealis-lane", "must be 0: this server offers one lane")
        if not principal.agent_name:
            raise PermissionDenied("tunnel.connect (the credential is not bound to an agent)")
        if self._is_draining:
            raise ServerUnavailable("it is stopping")
        agent = AgentRef(tenant=principal.tenant, name=principal.agent_name)
        route = self._routes.get(agent)
        if route is not None and len(route.connections) >= self._settings.agent_tunnels:
            raise Exhausted(f"tunnels of agent {agent.name}", str(self._settings.agent_tunnels), retry_after_s=30.0)
        connection = AgentConnection(
            lane,
            authority=Authority(principal=principal, token=token, verify=verify),
            clock=self._clock,
            settings=self._settings,
            server_id=self._server_id,
            next_epoch=lambda: next(self._epochs),
            on_ready=self._add,
            shared=self._shared,
        )
        self._connections.add(connection)
        self._all_ended.clear()
        try:
            detail = await connection.run()
            log.info("tunnel.ended", agent=connection.agent.name, session=connection.session_id, detail=detail)
        finally:
            self._connections.discard(connection)
            if not self._connections:
                self._all_ended.set()
            self._remove(connection)

    async def drain(self, grace_s: float) -> None:
        """Send every agent elsewhere, wait at most `grace_s` for open calls, then end all tunnels."""
        self._is_draining = True
        for connection in tuple(self._connections):
            reconnect_after_s = random.uniform(0, self._settings.reconnect_spread_s)  # noqa: S311 - spreads load
            connection.leave(
                pb.GoAway.CAUSE_DRAIN, "the server is stopping", grace_s=grace_s, reconnect_after_s=reconnect_after_s
            )
        try:
            async with asyncio.timeout(grace_s + _END_LIMIT_S):
                await self._all_ended.wait()
        except TimeoutError:
            log.warning("hub.tunnels_left", count=len(self._connections))

    def _show_load(self) -> None:
        """Let whoever reads the metrics see how much there is now."""
        observe = self.metrics.observe
        observe("tunnels", "Tunnels of agents.", lambda: len(self._connections))
        observe("streams", "Streams in use in all tunnels.", lambda: sum(one.open_streams for one in self._connections))
        observe(
            "queued_bytes", "Bytes that wait to be sent.", lambda: sum(one.queued_bytes for one in self._connections)
        )

    def _add(self, connection: AgentConnection) -> None:
        route = self._route(connection.agent)
        for older in route.connections:
            if older.hello.instance_id == connection.hello.instance_id and older.is_taking_calls:
                older.leave(
                    pb.GoAway.CAUSE_SUPERSEDED,
                    "a newer session of the same instance took over",
                    grace_s=self._settings.supersede_grace_s,
                )
        route.connections.append(connection)
        route.left_at = None
        route.tell_waiters()
        log.info(
            "tunnel.connected",
            agent=connection.agent.name,
            session=connection.session_id,
            instance=connection.hello.instance_id,
            version=connection.hello.version,
        )
        self._watchers.tell(AgentChange(kind=AgentChangeKind.CONNECTED, session=connection.session()))

    def _remove(self, connection: AgentConnection) -> None:
        route = self._routes.get(connection.agent)
        if route is None or connection not in route.connections:
            return
        route.connections.remove(connection)
        if not route.connections:
            route.left_at = asyncio.get_running_loop().time()
        self._watchers.tell(AgentChange(kind=AgentChangeKind.DISCONNECTED, session=connection.session()))

    def _route(self, agent: AgentRef) -> AgentRoute:
        """What is known of an agent; a first session makes it known, and agents long gone are forgotten then."""
        if agent not in self._routes:
            now = asyncio.get_running_loop().time()
            for gone in [
                one for one, route in self._routes.items() if not route.load.open and not route.may_return(now)
            ]:
                del self._routes[gone]
            limits = self._settings.admission
            if agent.tenant not in self._tenants:
                name = "all agents of the tenant"
                self._tenants[agent.tenant] = Load(name, limits.tenant_calls, limits.tenant_calls_per_s)
            self._routes[agent] = AgentRoute(agent, self._tenants[agent.tenant], limits)
        return self._routes[agent]
