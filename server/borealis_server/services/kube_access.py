"""The Kubernetes API behind an agent, for people: may they, is it written down, and off it goes.

Owns authority over one exchange, from its beginning to its end. Which door it came through is the transport's business.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from borealis_server.domain.errors import (
    AgentNotFound,
    BorealisError,
    Denied,
    InvalidArgument,
    NotAuthenticated,
    PermissionDenied,
    RelayRefused,
    Unauthenticated,
)
from borealis_server.domain.kube_access import cluster_groups, needed_permission, relayed_headers
from borealis_server.domain.names import AgentName
from borealis_server.ports.audit import Decision, RelayEnd, RelayOutcome
from borealis_server.ports.relay import AgentRef, Priority, RelayRequest
from borealis_server.services.plain_answer import PlainAnswer

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
    from typing import TypeAlias

    from borealis_server.domain.identity import Principal
    from borealis_server.ports.audit import RelayAudit
    from borealis_server.ports.clock import Clock
    from borealis_server.ports.identity import CredentialStore
    from borealis_server.ports.relay import DuplexRelay, RelayDuplex

    Verify: TypeAlias = Callable[[str, str], Awaitable[Principal]]
    # Who sends a token, acting in that tenant; an empty one means the token's own.

HEAD_LIMIT_S: Final = 90.0
"""How long a cluster may take until the head of its answer; its own limit for a request is 60 seconds."""
AUTHORITY_GRACE_S: Final = 30.0
"""How long an exchange goes on after its token has expired."""
RECHECK_S: Final = 2.5
"""How often the authority behind a long exchange is checked again."""

_UNAUTHORIZED: Final = 401
_DENIED: Final = RelayEnd(
    outcome=RelayOutcome.NOT_DISPATCHED, code="DENIED", status=403, sent_bytes=0, received_bytes=0, duration_s=0.0
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeCall:
    """What somebody asks of a Kubernetes API."""

    agent: str
    """Name of the agent in the caller's tenant."""
    method: str
    """HTTP method."""
    path: str
    """Absolute path with query, percent-encoded."""
    headers: tuple[tuple[str, str], ...] = ()
    """Header fields as the caller sent them."""
    upgrade: str = ""
    """Protocol to switch to; empty for a plain request."""
    body: bytes | AsyncIterable[bytes] = b""
    """Body of a plain request."""
    request_id: str = ""
    """Identifies the request in logs."""


class KubeAccess:
    """Relays what people ask of Kubernetes APIs, if they may."""

    def __init__(
        self,
        relay: DuplexRelay,
        audit: RelayAudit,
        agents: CredentialStore,
        verify: Verify,
        clock: Clock,
    ) -> None:
        self._relay = relay
        self._audit = audit
        self._agents = agents
        self._verify = verify
        self._clock = clock

    async def authenticate(self, token: str, tenant: str = "") -> Principal:
        """Who sends `token`, acting in `tenant`; empty for the token's own. Errors: Unauthenticated, TenantDenied."""
        return await self._verify(token, tenant)

    @asynccontextmanager
    async def open(self, caller: Principal, asked: KubeCall) -> AsyncIterator[RelayDuplex]:
        """Send a request of `caller`; gives the exchange once the head of the answer is there. Leaving it ends it.

        Errors: InvalidArgument, also for an unknown agent; PermissionDenied; those of `Relay.call`; ServerUnavailable
        when it could not be written down.
        """
        permission = needed_permission(asked.method, asked.path, is_upgrade=bool(asked.upgrade))
        agent, request = AgentRef(tenant=caller.tenant, name=asked.agent), _request(caller, asked)
        if not AgentName.is_id(agent.name):
            raise InvalidArgument.of("agent", "must be the name of an agent: 1 to 63 letters, digits, `-` or `_`")
        if not caller.may(permission):
            self._audit.opened(agent, request, decision=Decision.DENIED, policy_digest="").closed(_DENIED)
            raise PermissionDenied(permission.value, tenant=caller.tenant)
        if not (self._relay.is_connected(agent) or await self._agents.has_agent(agent.tenant, agent.name)):
            # 404 would be the usual word, but clients take that for a cluster without the kind that they look for.
            raise InvalidArgument.of("agent", AgentNotFound(AgentName(agent.tenant, agent.name)).message)
        if asked.upgrade:
            async with self._relay.duplex(agent, request) as duplex:
                yield _checked(agent, duplex)
        else:
            async with self._relay.call(agent, request) as response:
                yield _checked(agent, PlainAnswer(response))

    def authority(self, caller: Principal, token: str, asked: KubeCall) -> Authority:
        """What tells when the authority behind an exchange ends."""
        permission = needed_permission(asked.method, asked.path, is_upgrade=bool(asked.upgrade))
        return Authority(caller, token, self._verify, self._clock, lambda principal: principal.may(permission))


class Authority:
    """By what right an exchange goes on. Newer tokens of the same caller prolong it."""

    def __init__(
        self,
        caller: Principal,
        token: str,
        verify: Verify,
        clock: Clock,
        is_allowed: Callable[[Principal], bool],
    ) -> None:
        self._caller = caller
        self._token = token
        self._verify = verify
        self._clock = clock
        self._is_allowed = is_allowed

    async def renew(self, token: str) -> None:
        """Go on by a newer token. Errors: Unauthenticated, also for a token of somebody else."""
        caller = await self._verify(token, self._caller.tenant)
        if (caller.tenant, caller.subject) != (self._caller.tenant, self._caller.subject):
            raise Unauthenticated("the newer token is somebody else's")
        self._caller, self._token = caller, token

    async def ended(self) -> None:
        """Return once the token has expired some time ago, was revoked, or no longer allows it."""
        while (left_s := self._left_s()) > -AUTHORITY_GRACE_S:
            await asyncio.sleep(min(RECHECK_S, left_s + AUTHORITY_GRACE_S))
            if self._left_s() > 0 and not await self._is_good():
                return

    async def _is_good(self) -> bool:
        try:
            return self._is_allowed(await self._verify(self._token, self._caller.tenant))
        except Denied:  # no role is left there
            return False
        except NotAuthenticated:
            return self._left_s() <= 0  # it expired just now, which has its own grace
        except BorealisError:  # the store is away: no reason to cut anybody off
            return True

    def _left_s(self) -> float:
        return (self._caller.expires_at - self._clock.now()) / timedelta(seconds=1)


def _checked(agent: AgentRef, answer: RelayDuplex) -> RelayDuplex:
    """The answer, unless it says 401: that is about the agent, and the caller would take it for their own token."""
    if answer.status == _UNAUTHORIZED:
        detail = "the cluster does not accept the agent's credentials"
        raise RelayRefused(agent.name, "TARGET_UNAUTHORIZED", detail, dispatched=True)
    return answer


def _request(caller: Principal, asked: KubeCall) -> RelayRequest:
    traceparent = next((value for name, value in asked.headers if name.lower() == "traceparent"), "")
    return RelayRequest(
        method=asked.method,
        path=asked.path,
        headers=relayed_headers(asked.headers, upgrade=asked.upgrade),
        body=asked.body,
        timeout_s=HEAD_LIMIT_S,
        idle_timeout_s=0.0,  # a quiet watch or log is in order, however long
        request_id=asked.request_id,
        traceparent=traceparent,
        actor=caller.actor,
        actor_groups=cluster_groups(caller.roles),
        priority=Priority.INTERACTIVE if asked.upgrade else Priority.NORMAL,
    )
