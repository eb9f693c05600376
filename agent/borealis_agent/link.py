"""The link to the server: makes a tunnel, keeps it, and makes the next one, for ever.

Owns when to try again and what to tell people; what happens inside a tunnel is the session's.
"""

from __future__ import annotations

import asyncio
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
import structlog

from borealis_agent.backoff import Backoff
from borealis_agent.failures import Cause, LinkFailure, explain
from borealis_agent.identity import TokenSource
from borealis_agent.lane import AgentLane
from borealis_agent.session import Introduction, Session, SessionEnd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from borealis.tunnel.v1 import tunnel_pb2 as pb
    from borealis_agent.settings import LinkSettings
    from borealis_agent.streams import StreamServer
    from borealis_agent.telemetry import AgentMetrics

log = structlog.get_logger(__name__)

_MESSAGE_BYTES = 1024 * 1024
_CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", _MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.use_local_subchannel_pool", 1),  # each attempt dials anew: no backoff inherited from the one before
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the agent offers to servers."""

    targets: tuple[str, ...]
    """Names of its targets."""
    policy_digest: str
    """Digest of its allow-list."""
    kubernetes_version: Callable[[], Awaitable[str]]
    """Asks its API server for its version; empty if there is no answer."""


class Link:
    """Keeps a tunnel to the server.

    Shape: `is_up` says whether one is up now; `down_since` when the last one went down, by the loop's clock.
    """

    def __init__(
        self,
        settings: LinkSettings,
        server: StreamServer,
        metrics: AgentMetrics,
        *,
        max_streams: int,
        offer: Offer,
        chance: Callable[[], float],
        backoff: Backoff | None = None,
    ) -> None:
        self._settings = settings
        self._server = server
        self._metrics = metrics
        self._max_streams = max_streams
        self._offer = offer
        self._chance = chance
        self._backoff = backoff or Backoff()
        self._instance_id = uuid.uuid4().hex
        self._tokens = TokenSource(settings)
        self._last_cause: Cause | None = None
        self.session: Session | None = None
        """The newest tunnel; it may have ended."""
        self.is_up = False
        self.down_since = asyncio.get_running_loop().time()

    async def keep(self, stop: asyncio.Event) -> None:
        """Keep a tunnel until `stop` is set."""
        attempt = 0
        while not stop.is_set():
            began_at = asyncio.get_running_loop().time()
            end = None
            try:
                end = await self.hold(stop)
                log.info("tunnel.ended", cause=end.detail)
            except LinkFailure as failure:
                self._tell(failure)
            if asyncio.get_running_loop().time() - began_at >= self._backoff.stable_after_s:
                attempt = 0
            delay_s = self._delay_s(attempt, end)
            attempt += 1
            if not stop.is_set():
                log.debug("tunnel.waits", delay_s=round(delay_s, 2))
                await _sleep_until(stop, delay_s)

    async def hold(self, stop: asyncio.Event) -> SessionEnd:
        """Make one tunnel and hold it until it ends.

        Errors: LinkFailure if the server could not be reached, did not want us, or was lost.
        """
        self._last_cause = None
        try:
            async with self._channel() as channel:
                return await self._hold(channel, stop)
        except LinkFailure as failure:
            self._last_cause = failure.cause
            self._metrics.attempts.labels(failure.cause.name.lower()).inc()
            if failure.cause is Cause.CREDENTIAL:
                self._tokens.forget()
            raise
        finally:
            self._set_up(up=False)

    async def _hold(self, channel: grpc.aio.Channel, stop: asyncio.Event) -> SessionEnd:
        token = await self._tokens.current(channel)
        introduction = Introduction(
            agent=self._settings.agent,
            instance_id=self._instance_id,
            kubernetes_version=await self._offer.kubernetes_version(),
            targets=self._offer.targets,
            policy_digest=self._offer.policy_digest,
        )
        lane = AgentLane(channel, token.value)
        session = self.session = Session(
            lane,
            self._server,
            introduction,
            max_streams=self._max_streams,
            drain_grace_s=self._settings.drain_grace_s,
            renew=lambda: self._tokens.renew(channel),
            on_welcome=self._on_welcome,
        )
        try:
            end = await session.run(token, stop)
        finally:
            lane.cancel()
        if lane.failure is not None:
            raise explain(lane.failure, server=self._settings.server, agent=self._settings.agent)
        if not end.was_welcomed:
            raise LinkFailure(Cause.SERVER, f"server {self._settings.server} did not take the tunnel: {end.detail}")
        return end

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[grpc.aio.Channel]:
        options: list[tuple[str, str | int]] = list(_CHANNEL_OPTIONS)
        if self._settings.server_name:
            options.append(("grpc.ssl_target_name_override", self._settings.server_name))
        credentials = grpc.ssl_channel_credentials(self._settings.ca_pem)
        async with grpc.aio.secure_channel(self._settings.server, credentials, options) as channel:
            yield channel

    def _on_welcome(self, welcome: pb.Welcome) -> None:
        self._set_up(up=True)
        self._metrics.attempts.labels("connected").inc()
        log.info(
            "tunnel.connected", server=self._settings.server, agent=self._settings.agent, session=welcome.session_id
        )

    def _set_up(self, *, up: bool) -> None:
        if self.is_up and not up:
            self.down_since = asyncio.get_running_loop().time()
        self.is_up = up
        self._metrics.connected.set(up)

    def _delay_s(self, attempt: int, end: SessionEnd | None) -> float:
        if end is not None and end.reconnect_after_s is not None:
            return end.reconnect_after_s
        if end is None and self._last_cause is Cause.CREDENTIAL:
            return self._backoff.refused_delay_s(self._chance())
        return self._backoff.delay_s(attempt, self._chance())

    def _tell(self, failure: LinkFailure) -> None:
        if failure.cause is Cause.CREDENTIAL:
            log.error("tunnel.refused", cause=str(failure))
        else:
            log.warning("tunnel.failed", cause=str(failure))


async def _sleep_until(stop: asyncio.Event, limit_s: float) -> None:
    """Wait for `limit_s`, or less if `stop` is set."""
    try:
        async with asyncio.timeout(limit_s):
            await stop.wait()
    except TimeoutError:
        pass
