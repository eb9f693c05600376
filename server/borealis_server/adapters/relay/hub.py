"""The hub: every agent's tunnels to this server, and which of them a call takes.

Owns the sessions; what happens inside one is its connection's.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

import structlog

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_server.adapters.relay.connection import AgentConnection, Authority, RelaySettings
from borealis_server.adapters.relay.failures import is_worth_another_replica
from borealis_server.adapters.relay.watchers import Watchers
from borealis_server.domain.errors import (
    AgentUnavailable,
    InvalidArgument,
    PermissionDenied,
    RelayRefused,
    ServerUnavailable,
)
from borealis_server.ports.relay import AgentChange, AgentChangeKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from borealis_server.domain.identity import Principal
    from borealis_server.ports.clock import Clock
    from borealis_server.ports.relay import AgentRef, AgentSession, RelayRequest, RelayResponse
    from borealis_wire.aio.lane import Lane

log = structlog.get_logger(__name__)

_END_LIMIT_S: Final = 5.0
"""How long tunnels may take to end after they were told to."""
_SHORTEST_GRACE_S: Final = 0.001


class RelayHub:
    """A relay over the tunnels of agents that dialled this server. Implements `Relay` and `LaneHost`."""

    def __init__(self, clock: Clock, settings: RelaySettings | None = None) -> None:
        self._clock = clock
        self._settings = settings or RelaySettings()
        self._server_id = uuid.uuid4().hex
        self._connections: set[AgentConnection] = set()
        self._ready: dict[AgentRef, list[AgentConnection]] = {}
        self._watchers = Watchers()
        self._epoch = 0
        self._is_draining = False
        self._all_ended = asyncio.Event()
        self._all_ended.set()

    # Relay

    @asynccontextmanager
    async def call(self, agent: AgentRef, request: RelayRequest) -> AsyncIterator[RelayResponse]:
        """Send a request through a replica of the agent; through a second if surely nothing arrived by the first."""
        async with AsyncExitStack() as stack:
            connection = self._pick(agent, besides=None)
            try:
                response = await stack.enter_async_context(connection.exchange(request))
            except (AgentUnavailable, RelayRefused) as error:
                if not is_worth_another_replica(error):
                    raise
                try:
                    other = self._pick(agent, besides=connection)
                except AgentUnavailable:
                    raise error from None
                response = await stack.enter_async_context(other.exchange(request))
            yield response

    def is_connected(self, agent: AgentRef) -> bool:
        """Whether a call could be sent now."""
        return any(connection.is_taking_calls for connection in self._ready.get(agent, ()))

    def sessions(self, agent: AgentRef) -> tuple[AgentSession, ...]:
        """The live sessions of an agent, oldest first."""
        return tuple(connection.session() for connection in self._ready.get(agent, ()))

    def all_sessions(self, tenant: str) -> tuple[AgentSession, ...]:
        """The live sessions of all agents of a tenant, oldest first."""
        connections = [one for agent, some in self._ready.items() if agent.tenant == tenant for one in some]
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
        self._epoch += 1
        connection = AgentConnection(
            lane,
            authority=Authority(principal=principal, token=token, verify=verify),
            clock=self._clock,
            settings=self._settings,
            server_id=self._server_id,
            epoch=self._epoch,
            on_ready=self._add,
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
        async with asyncio.TaskGroup() as tasks:
            for connection in tuple(self._connections):
                reconnect_after_s = random.uniform(0, self._settings.reconnect_spread_s)  # noqa: S311 - spreads load
                tasks.create_task(_drain(connection, grace_s, reconnect_after_s), name="hub.drain")
        try:
            async with asyncio.timeout(_END_LIMIT_S):
                await self._all_ended.wait()
        except TimeoutError:
            log.warning("hub.tunnels_left", count=len(self._connections))

    def _pick(self, agent: AgentRef, *, besides: AgentConnection | None) -> AgentConnection:
        """The replica with the fewest open calls."""
        usable = [one for one in self._ready.get(agent, ()) if one.is_taking_calls and one is not besides]
        if not usable:
            raise AgentUnavailable(agent.name, dispatched=False)
        return usable[0] if len(usable) == 1 else min(usable, key=lambda one: one.open_streams)

    def _add(self, connection: AgentConnection) -> None:
        replicas = self._ready.setdefault(connection.agent, [])
        for older in replicas:
            if older.hello.instance_id == connection.hello.instance_id:
                older.leave(pb.GoAway.CAUSE_SUPERSEDED, "a newer session of the same instance took over")
        replicas.append(connection)
        log.info(
            "tunnel.connected",
            agent=connection.agent.name,
            session=connection.session_id,
            instance=connection.hello.instance_id,
            version=connection.hello.version,
        )
        self._watchers.tell(AgentChange(kind=AgentChangeKind.CONNECTED, session=connection.session()))

    def _remove(self, connection: AgentConnection) -> None:
        replicas = self._ready.get(connection.agent, [])
        if connection not in replicas:
            return
        replicas.remove(connection)
        if not replicas:
            del self._ready[connection.agent]
        self._watchers.tell(AgentChange(kind=AgentChangeKind.DISCONNECTED, session=connection.session()))


async def _drain(connection: AgentConnection, grace_s: float, reconnect_after_s: float) -> None:
    """Let the open calls of one tunnel finish, then end it."""
    detail = "the server is stopping"
    connection.leave(
        pb.GoAway.CAUSE_DRAIN,
        detail,
        grace_s=max(grace_s, _SHORTEST_GRACE_S),
        reconnect_after_s=reconnect_after_s,
    )
    try:
        async with asyncio.timeout(grace_s):
            await connection.idle()
    except TimeoutError:
        log.info("tunnel.cut", agent=connection.agent.name, open_streams=connection.open_streams)
    connection.leave(pb.GoAway.CAUSE_DRAIN, detail)
