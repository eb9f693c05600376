"""One agent's tunnel on the server: who it is, how long it may stay, and the calls that go through it.

Owns the session's authority and its streams; which session a call takes is the hub's choice.
"""

from __future__ import annotations

import asyncio
import math
import random
import uuid
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_server.adapters.relay.admission import AdmissionLimits
from borealis_server.domain.access import Permission
from borealis_server.domain.errors import (
    BorealisError,
    CredentialRevoked,
    NotAuthenticated,
    PermissionDenied,
    ServerUnavailable,
)
from borealis_server.ports.relay import AgentRef, AgentSession
from borealis_wire.aio.live import LiveTunnel, Timing
from borealis_wire.events import (
    Event,
    GoAwayReceived,
    HelloReceived,
    PongReceived,
    SessionViolated,
    TokenOffered,
)
from borealis_wire.limits import Limits
from borealis_wire.tunnel import Role, Tunnel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from borealis_server.adapters.relay.metrics import RelayMetrics
    from borealis_server.domain.identity import Principal
    from borealis_server.ports.clock import Clock
    from borealis_wire.aio.lane import Lane
    from borealis_wire.aio.stream import LiveStream
    from borealis_wire.window import ReceiveBudget

log = structlog.get_logger(__name__)

_FEATURES: Final = ("http", "tcp", "upgrade")
"""What this server can do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """How the server treats agents' tunnels.

    Units: seconds.
    """

    limits: Limits = field(default_factory=Limits)
    """What the protocol may hold and accept."""
    timing: Timing = field(default_factory=Timing)
    """When a silent agent is asked, and given up."""
    admission: AdmissionLimits = field(default_factory=AdmissionLimits)
    """How many calls agents and tenants may have."""
    hello_timeout_s: float = 10.0
    """How long an agent may take to introduce itself."""
    authority_grace_s: float = 30.0
    """How long a session goes on after its token has expired."""
    recheck_s: float = 2.5
    """How often the token in force is checked for revocation."""
    verify_timeout_s: float = 10.0
    """How long checking a token may take."""
    reconnect_spread_s: float = 5.0
    """Agents that we send away come back within this time, not all at once."""
    max_age_s: float = 12 * 3600.0
    """How long a tunnel lives, a tenth more or less; the agent makes the next one first."""
    age_grace_s: float = 900.0
    """How long streams of a tunnel that is too old may go on."""
    supersede_grace_s: float = 30.0
    """How long streams of a tunnel may go on after a newer one of the same instance took over."""
    agent_tunnels: int = 16
    """Tunnels that one agent may have, counting all its replicas. No unit."""
    budget_bytes: int = 512 * 2**20
    """Bytes that all agents together may make this server hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """By what right an agent is here, and how to check it again."""

    principal: Principal
    """Who it is."""
    token: str
    """The token that says so."""
    verify: Callable[[str], Awaitable[Principal]]
    """Who sends a token, if it is good now. Errors: Unauthenticated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all tunnels of a server share."""

    metrics: RelayMetrics
    """Counts what happens."""
    budget: ReceiveBudget
    """Bounds what agents may make the server hold."""


class AgentConnection:
    """One session of an agent.

    Shape: `on_ready` is called once, when Hello was accepted; before that no calls go through.
    """

    def __init__(
        self,
        lane: Lane,
        *,
        authority: Authority,
        clock: Clock,
        settings: RelaySettings,
        server_id: str,
        next_epoch: Callable[[], int],
        on_ready: Callable[[AgentConnection], None],
        shared: Shared,
    ) -> None:
        self.agent = AgentRef(tenant=authority.principal.tenant, name=authority.principal.agent_name)
        self.session_id = uuid.uuid4().hex
        self.hello = pb.Hello()
        self.epoch = 0
        """Fencing number, given when the agent has introduced itself; 0 before."""
        self._next_epoch = next_epoch
        self._authority = authority
        self._clock = clock
        self._settings = settings
        self._server_id = server_id
        self._on_ready = on_ready
        self._expires_at = self._expiry(authority.principal)
        self._connected_at = clock.now()
        self._cause = "lost"
        self._greeted = asyncio.Event()
        self._offers: asyncio.Queue[str] = asyncio.Queue(1)
        self._refusal: BorealisError | None = None
        self._has_expired = False
        self._metrics = shared.metrics
        self._tasks = asyncio.TaskGroup()
        self._guards: list[asyncio.Task[None]] = []
        self._live = LiveTunnel(
            Tunnel(Role.SERVER, settings.limits, budget=shared.budget),
            lane,
            on_event=self._on_event,
            timing=settings.timing,
            stats=shared.metrics.tunnels,
        )

    @property
    def open_streams(self) -> int:
        """Calls that go through it now."""
        return self._live.streams

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait to be sent to the agent."""
        return self._live.core.queued_bytes

    @property
    def round_trip_s(self) -> float:
        """How long a frame there and back takes."""
        return self._live.core.round_trip_s

    @property
    def features(self) -> frozenset[str]:
        """What both sides can do: `http`, `upgrade`, `tcp`."""
        return self._live.core.features

    @property
    def limits(self) -> Limits:
        """What the protocol holds and accepts."""
        return self._settings.limits

    @property
    def is_taking_calls(self) -> bool:
        """Whether new calls may go through it."""
        return not (
            self._has_expired or self._live.core.is_leaving or self._live.is_ending or not self._greeted.is_set()
        )

    def session(self) -> AgentSession:
        """The session, as it is now."""
        silent_s = asyncio.get_running_loop().time() - self._live.last_received_at
        return AgentSession(
            agent=self.agent,
            session_id=self.session_id,
            instance_id=self.hello.instance_id,
            version=self.hello.version,
            connected_at=self._connected_at,
            last_seen_at=self._clock.now() - timedelta(seconds=silent_s),
            open_streams=self.open_streams,
            kubernetes_version=self.hello.kubernetes_version,
        )

    async def run(self) -> str:
        """Carry the tunnel until it ends; says why it did.

        Errors: the refusal, if the session was refused.
        """
        async with self._tasks:
            self._guard(self._hold_authority(), "tunnel.authority")
            detail = await self._live.run()
            for guard in self._guards:
                guard.cancel()
        self._metrics.tunnels_ended.labels(self._cause).inc()
        if self._refusal is not None:
            raise self._refusal
        return detail

    def leave(
        self, cause: pb.GoAway.Cause, detail: str, *, grace_s: float = 0.0, reconnect_after_s: float = 0.0
    ) -> None:
        """Tell the agent that no new calls come. The tunnel ends with its last call, or when the grace is over.

        Units: seconds. Without grace it ends as soon as the agent was told.
        """
        if not self._live.core.is_leaving:
            self._cause = pb.GoAway.Cause.Name(cause).removeprefix("CAUSE_").lower()
            self._live.core.go_away(
                cause,
                grace_ms=int(grace_s * 1000),
                reconnect_after_ms=int(reconnect_after_s * 1000),
                detail=detail,
            )
            self._live.flush()
        if grace_s and not self._live.is_ending:
            self._guard(self._close_when_idle(grace_s, detail), "tunnel.leave")
        else:
            self._live.close(detail)

    async def _close_when_idle(self, grace_s: float, detail: str) -> None:
        try:
            async with asyncio.timeout(grace_s):
                await self._live.idle()
        except TimeoutError:
            log.info("tunnel.cut", agent=self.agent.name, session=self.session_id, open_streams=self.open_streams)
        self._live.close(detail)

    def _guard(self, work: Coroutine[None, None, None], name: str) -> None:
        """Do something beside the tunnel, for as long as it lives."""
        self._guards.append(self._tasks.create_task(work, name=name))

    def open(self, request: pb.Open, body: bytes, *, ends: bool) -> LiveStream:
        """Open a stream and send `body` on it; `ends` says whether that is all.

        Errors: LocalProtocolError if the session takes no new streams now.
        """
        return self._live.open(request, body, ends=ends)

    def is_unsent(self, stream: LiveStream) -> bool:
        """Whether surely nothing of a stream has left."""
        return self._live.core.is_unsent(stream.id)

    def _on_event(self, event: Event) -> None:
        match event:
            case HelloReceived():
                self._on_hello(event.hello)
            case TokenOffered() if self._offers.full():
                self._answer_token("another token is being checked")
            case TokenOffered():
                self._offers.put_nowait(event.token)
            case GoAwayReceived():
                self._cause = "agent_left"
                log.info(
                    "tunnel.leaving",
                    agent=self.agent.name,
                    session=self.session_id,
                    cause=event.go_away.cause,
                    detail=event.go_away.detail,
                )
            case PongReceived():
                self._metrics.round_trip.observe(self._live.last_round_trip_s)
            case SessionViolated():
                self._cause = "protocol"
            case _:
                pass

    def _on_hello(self, hello: pb.Hello) -> None:
        if self._live.core.is_leaving:  # it broke the protocol in the same breath, or the server is stopping
            return
        if hello.agent != self.agent.name:
            wanted = f"tunnel.connect as agent {hello.agent[:64]!r} (the credential is bound to {self.agent.name!r})"
            self._refuse(PermissionDenied(wanted), pb.GoAway.CAUSE_AUTHORITY_ENDED)
            return
        self.hello = hello
        self.epoch = self._next_epoch()
        self._greeted.set()
        self._live.core.welcome(
            pb.Welcome(
                features=_FEATURES,
                session_id=self.session_id,
                epoch=self.epoch,
                server_id=self._server_id,
                ping_interval_ms=int(self._settings.timing.ping_interval_s * 1000),
                dead_after_ms=int(self._settings.timing.dead_after_s * 1000),
                want_tunnels=1,
                token_expires_in_ms=self._expires_in_ms(),
            ),
        )
        self._live.flush()
        self._on_ready(self)

    def _refuse(self, refusal: BorealisError, cause: pb.GoAway.Cause) -> None:
        self._refusal = refusal
        self.leave(cause, refusal.message)

    async def _hold_authority(self) -> None:
        """End the session when the agent does not introduce itself, or its authority ends."""
        try:
            async with asyncio.timeout(self._settings.hello_timeout_s):
                await self._greeted.wait()
        except TimeoutError:
            detail = f"the agent did not introduce itself within {self._settings.hello_timeout_s:g} s"
            self._refuse(ServerUnavailable(detail), pb.GoAway.CAUSE_PROTOCOL)
            return
        now = asyncio.get_running_loop().time
        old_at = now() + self._settings.max_age_s * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load
        while (left_s := self._left_s()) > -self._settings.authority_grace_s:
            self._has_expired = left_s <= 0
            wait_s = min(self._settings.recheck_s, left_s if left_s > 0 else left_s + self._settings.authority_grace_s)
            if now() >= old_at:
                self.leave(pb.GoAway.CAUSE_REBALANCE, "this tunnel is old", grace_s=self._settings.age_grace_s)
                old_at = math.inf
            try:
                async with asyncio.timeout(wait_s):
                    token = await self._offers.get()
            except TimeoutError:
                if self._left_s() > 0 and await self._is_revoked():
                    break
            else:
                await self._take_token(token)
        detail = "the agent's token has expired or its credential was revoked"
        self._live.abort_all(pb.Reset.CODE_AUTHORITY_ENDED, detail)
        self.leave(pb.GoAway.CAUSE_AUTHORITY_ENDED, detail)

    async def _is_revoked(self) -> bool:
        try:
            async with asyncio.timeout(self._settings.verify_timeout_s):
                principal = await self._authority.verify(self._authority.token)
            return not principal.may(Permission.TUNNEL_CONNECT)
        except CredentialRevoked:
            return True
        except NotAuthenticated:  # its times, by the wall clock; how long it holds was settled when it came
            return False
        except (BorealisError, TimeoutError) as error:  # the store is away: no reason to cut agents off
            log.warning("tunnel.recheck_failed", agent=self.agent.name, error=str(error))
        return False

    async def _take_token(self, token: str) -> None:
        try:
            async with asyncio.timeout(self._settings.verify_timeout_s):
                principal = await self._authority.verify(token)
        except BorealisError as error:
            self._answer_token(error.message)
        except TimeoutError:
            self._answer_token("the token could not be checked in time")
        else:
            if (principal.tenant, principal.agent_name) == (self.agent.tenant, self.agent.name):
                self._authority = replace(self._authority, principal=principal, token=token)
                self._expires_at = self._expiry(principal)
                self._answer_token()
            else:
                self._answer_token("the token is bound to another agent")

    def _answer_token(self, fault: str = "") -> None:
        self._metrics.token_refreshes.labels("false" if fault else "true").inc()
        self._live.core.answer_token(accepted=not fault, expires_in_ms=self._expires_in_ms(), detail=fault)
        self._live.flush()

    def _left_s(self) -> float:
        """How long the token in force is good. By the loop's clock, since the wall clock may jump."""
        return self._expires_at - asyncio.get_running_loop().time()

    def _expiry(self, principal: Principal) -> float:
        """When the token of `principal`, which was found good just now, expires by the loop's clock."""
        return asyncio.get_running_loop().time() + (principal.expires_at - self._clock.now()).total_seconds()

    def _expires_in_ms(self) -> int:
        return max(1, int(self._left_s() * 1000))
