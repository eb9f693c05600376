"""Calls to services inside a cluster through the agent that runs there, and the way in for agents' tunnels.

Owns what callers need of a relay; not how frames travel.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from borealis_server.domain.identity import Principal
    from borealis_wire.aio.lane import Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRef:
    """Which agent: its tenant and its name there."""

    tenant: str
    """Tenant that the agent belongs to."""
    name: str
    """Name of the agent; what deploy files call `account`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayRequest:
    """An HTTP request to one of an agent's targets. The agent adds the target's credentials."""

    method: str
    """Such as `GET`."""
    path: str
    """Absolute path with query, percent-encoded, for example `/api/v1/pods?limit=1`."""
    headers: tuple[tuple[str, str], ...] = ()
    """Header fields, in order."""
    body: bytes = b""
    """The whole body."""
    target: str = "kube"
    """Name of the target in the agent's own configuration."""
    timeout_s: float = 30.0
    """Limit until the head of the answer."""
    idle_timeout_s: float = 300.0
    """Limit between two chunks of the answer."""
    request_id: str = ""
    """Identifies the request in logs of both sides."""
    actor: str = ""
    """On whose behalf, for audit."""


class RelayResponse(Protocol):
    """The answer to a relayed request. Valid inside the context that gave it.

    Errors: reading raises AgentUnavailable when the tunnel is lost, RelayRefused when the answer broke off.
    """

    @property
    def status(self) -> int:
        """HTTP status of the target's answer."""
        ...

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Header fields of the answer; names in lower case."""
        ...

    async def read(self, limit_bytes: int = 64 * 2**20) -> bytes:
        """The whole body.

        Errors: RelayRefused with code `TOO_LARGE` if it has more than `limit_bytes`.
        """
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSession:
    """One live tunnel of an agent. An agent has one for each of its replicas."""

    agent: AgentRef
    """Whose tunnel it is."""
    session_id: str
    """Identifies the session in logs of both sides."""
    instance_id: str
    """Identifies the replica."""
    version: str
    """Version of the agent's program."""
    connected_at: datetime
    """When the session began, in UTC."""
    last_seen_at: datetime
    """When the last frame came, in UTC."""
    open_streams: int
    """Requests being relayed now."""
    kubernetes_version: str
    """Version that the agent's API server reported; empty if it is not known."""


class AgentChangeKind(Enum):
    """What happened to a session."""

    CONNECTED = auto()
    """It began."""
    DISCONNECTED = auto()
    """It ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentChange:
    """A session began or ended."""

    kind: AgentChangeKind
    """Which of the two."""
    session: AgentSession
    """The session, as it was then."""


class Relay(Protocol):
    """Reaches targets through agents."""

    def call(self, agent: AgentRef, request: RelayRequest) -> AbstractAsyncContextManager[RelayResponse]:
        """Send a request; gives its answer once the head is there. Leaving the context frees everything, also midway.

        Errors: AgentUnavailable without a session or when the tunnel is lost; RelayRefused when the agent refuses,
        cannot reach the target, or a time limit passes. Both say whether the request may have arrived.
        """
        ...

    def is_connected(self, agent: AgentRef) -> bool:
        """Whether a call could be sent now."""
        ...

    def sessions(self, agent: AgentRef) -> tuple[AgentSession, ...]:
        """The live sessions of an agent, oldest first."""
        ...

    def all_sessions(self, tenant: str) -> tuple[AgentSession, ...]:
        """The live sessions of all agents of a tenant, oldest first."""
        ...

    def watch_agents(self) -> AbstractAsyncContextManager[AsyncIterator[AgentChange]]:
        """Every session that begins or ends while the context is open, of all tenants.

        Shape: a watcher that does not keep up loses its oldest changes; read `all_sessions` for the truth.
        """
        ...


class LaneHost(Protocol):
    """Takes the lanes that agents open."""

    async def serve(
        self,
        lane: Lane,
        *,
        lane_number: int,
        principal: Principal,
        token: str,
        verify: Callable[[str], Awaitable[Principal]],
    ) -> None:
        """Carry the lane until it ends. `verify` checks `token` again from time to time, and newer ones sent in band.

        Errors: InvalidArgument for a lane number other than 0; PermissionDenied if the credential is not an agent's or
        Hello names another agent than it is bound to.
        """
        ...

    async def drain(self, grace_s: float) -> None:
        """Tell every agent to go elsewhere, wait at most `grace_s` for open streams, then end all lanes."""
        ...
