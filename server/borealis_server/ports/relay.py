"""Calls to services inside a cluster through the agent that runs there, and the way in for agents' tunnels.

Owns what callers need of a relay; not how frames travel.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
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


class Priority(Enum):
    """Who goes first when a tunnel is full."""

    INTERACTIVE = auto()
    """A person waits for each byte."""
    NORMAL = auto()
    """Ordinary calls."""
    BULK = auto()
    """Much data that nobody waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayRequest:
    """An HTTP request to one of an agent's targets. The agent adds the target's credentials."""

    method: str
    """Such as `GET`."""
    path: str
    """Absolute path with query, percent-encoded, for example `/api/v1/pods?limit=1`."""
    headers: tuple[tuple[str, str], ...] = ()
    """Header fields, in order."""
    body: bytes | AsyncIterable[bytes] = b""
    """The whole body, or its pieces as they come. Empty where the request asks to switch protocols."""
    target: str = "kube"
    """Name of the target in the agent's own configuration."""
    timeout_s: float = 30.0
    """Limit until the head of the answer."""
    idle_timeout_s: float = 300.0
    """Limit between two chunks of the answer; 0 for none."""
    deadline_s: float = 0.0
    """Limit for the whole call; 0 for none."""
    request_id: str = ""
    """Identifies the request in logs and audit of both sides."""
    traceparent: str = ""
    """W3C trace context; empty if there is none."""
    actor: str = ""
    """On whose behalf, for audit and, where the agent allows it, impersonation. Empty: the server's own."""
    actor_groups: tuple[str, ...] = ()
    """Groups of the actor."""
    priority: Priority = Priority.NORMAL
    """Who goes first when the tunnel is full."""
    idempotent: bool = False
    """Whether the target recognises a repeated request, so that it may be sent again after an unknown outcome. Requests
    that only read need not say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpRequest:
    """A plain TCP connection to one of an agent's targets. Fields as in `RelayRequest`."""

    target: str
    """Name of the target in the agent's own configuration."""
    host: str = ""
    """Host below a target that covers several, such as a Service; empty for the target's own."""
    port: int = 0
    """Port; 0 for the target's own."""
    timeout_s: float = 30.0
    """Limit until the connection stands."""
    idle_timeout_s: float = 0.0
    """Limit between two pieces from the target; 0 for none."""
    deadline_s: float = 0.0
    """Limit for the whole connection; 0 for none."""
    request_id: str = ""
    """Identifies the request in logs and audit of both sides."""
    traceparent: str = ""
    """W3C trace context; empty if there is none."""
    actor: str = ""
    """On whose behalf, for audit. Empty: the server's own."""
    actor_groups: tuple[str, ...] = ()
    """Groups of the actor."""
    priority: Priority = Priority.NORMAL
    """Who goes first when the tunnel is full."""


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


class RelayDuplex(Protocol):
    """Bytes both ways through an agent. Valid inside the context that gave it.

    Shape: a target that does not switch protocols answers as to any request: `is_switched` is False, `read` gives the
    body of that answer, and nothing can be written.
    Errors: as RelayResponse, from everything that waits.
    """

    @property
    def is_switched(self) -> bool:
        """Whether bytes go both ways; always so over TCP."""
        ...

    @property
    def status(self) -> int:
        """HTTP status of the target's answer, 101 if it switched; 0 over TCP."""
        ...

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Header fields of the answer; names in lower case. None over TCP."""
        ...

    async def read(self) -> bytes:
        """The next bytes from the target; empty once it has sent all. One task reads at a time."""
        ...

    async def write(self, data: bytes) -> None:
        """Send bytes to the target; waits while the tunnel has no room for them. One task writes at a time.

        Errors: RelayRefused with code `PROTOCOL` if the target did not switch, or after `end`.
        """
        ...

    def end(self) -> None:
        """Send no more bytes; what the target still sends can be read."""
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
        cannot reach the target, or a time limit passes. Both say whether the request may have arrived. Exhausted when
        too many calls are open or opened; nothing was sent then.
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


class DuplexRelay(Relay, Protocol):
    """A relay that also carries bytes both ways."""

    def duplex(self, agent: AgentRef, request: RelayRequest | TcpRequest) -> AbstractAsyncContextManager[RelayDuplex]:
        """Open bytes both ways: by a request that asks to switch protocols, or as a TCP connection.

        Gives it once the target has answered. Leaving the context ends both directions at once.
        Errors: as `call`; RelayRefused with code `REFUSED` if the agent cannot do that.
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
