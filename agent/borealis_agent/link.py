"""The link to the server: makes a tunnel, keeps it, and makes the next one, for ever.

Owns when to try again and what to tell people; what happens inside a tunnel is the session's.
"""

from __future__ import annotations

import asyncio
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import grpc
import structlog

from borealis_agent.backoff import Backoff
from borealis_agent.failures import Cause, LinkFailure, explain
from borealis_agent.identity import TokenSource
from borealis_agent.lane import AgentLane
from borealis_agent.session import RENEW_RETRY_S, Introduction, Session, SessionEnd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from borealis.tunnel.v1 import tunnel_pb2 as pb
    from borealis_agent.proxies import Proxy
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What came of one attempt."""

    end: SessionEnd | None = None
    """How the tunnel ended; None if there was none."""
    cause: Cause | None = None
    """Why there was none, as far as it is known."""


class _Watcher:
    """Tells the link how one of its tunnels goes, and whoever makes the next one that it is time."""

    def __init__(
        self,
        mark_up: Callable[[Session, pb.Welcome], None],
        mark_down: Callable[[Session], None],
        on_leaving: Callable[[], None],
    ) -> None:
        self.welcomed = mark_up
        self._mark_down = mark_down
        self._on_leaving = on_leaving

    def left(self, session: Session) -> None:
        self._mark_down(session)
        self._on_leaving()


class Link:
    """Keeps a tunnel to the server.

    Shape: `is_up` says whether one is up now that takes calls; `down_since` when the last one went down, by the loop's
    clock. While the server sends a tunnel away there are two: the next one is made before the old one ends.
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
        renew_retry_s: float = RENEW_RETRY_S,
    ) -> None:
        self._settings = settings
        self._server = server
        self._metrics = metrics
        self._max_streams = max_streams
        self._offer = offer
        self._chance = chance
        self._backoff = backoff or Backoff()
        self._renew_retry_s = renew_retry_s
        self._instance_id = uuid.uuid4().hex
        self._tokens = TokenSource(settings)
        self._up: set[Session] = set()
        self.session: Session | None = None
        """The newest tunnel; it may have ended."""
        self.down_since = asyncio.get_running_loop().time()

    @property
    def is_up(self) -> bool:
        """Whether a tunnel is up that takes calls."""
        return bool(self._up)

    async def keep(self, stop: asyncio.Event) -> None:
        """Keep a tunnel until `stop` is set, and let those that the server sends away finish beside it."""
        attempt = 0
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            while not stop.is_set():
                began_at = loop.time()
                over = asyncio.Event()
                holding = tasks.create_task(self._try(stop, over), name="link.tunnel")
                await over.wait()
                if loop.time() - began_at >= self._backoff.stable_after_s:
                    attempt = 0
                delay_s = self._delay_s(attempt, holding)
                attempt += 1
                if not stop.is_set():
                    log.debug("tunnel.waits", delay_s=round(delay_s, 2))
                    await _sleep_until(stop, delay_s)

    async def _try(self, stop: asyncio.Event, over: asyncio.Event) -> _Outcome:
        """Hold one tunnel; `over` is set when it is time to make the next one."""
        try:
            end = await self.hold(stop, on_leaving=over.set)
            log.info("tunnel.ended", cause=end.detail)
            return _Outcome(end=end)
        except LinkFailure as failure:
            self._tell(failure)
            return _Outcome(cause=failure.cause)
        except Exception:  # whatever it is, an agent that stopped trying would be lost until somebody restarts it
            log.exception("tunnel.crashed")
            return _Outcome()
        finally:
            over.set()

    async def hold(self, stop: asyncio.Event, *, on_leaving: Callable[[], None] = lambda: None) -> SessionEnd:
        """Make one tunnel and hold it until it ends; `on_leaving` is called when the server sends it away before that.

        Errors: LinkFailure if the server could not be reached, did not want us, or was lost.
        """
        try:
            async with self._channel() as channel:
                return await self._hold(channel, stop, on_leaving)
        except LinkFailure as failure:
            self._metrics.attempts.labels(failure.cause.name.lower()).inc()
            if failure.cause is Cause.CREDENTIAL and self._tokens.forget():
                # It says nothing of the credential: clocks jump, and servers get new keys.
                text = f"server {self._settings.server} did not take the token kept from before; asking for a new one"
                raise LinkFailure(Cause.SERVER, text) from failure
            raise

    async def _hold(self, channel: grpc.aio.Channel, stop: asyncio.Event, on_leaving: Callable[[], None]) -> SessionEnd:
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
            renew_retry_s=self._renew_retry_s,
            watcher=_Watcher(self._mark_up, self._mark_down, on_leaving),
        )
        try:
            end = await session.run(token, stop)
        finally:
            self._mark_down(session)
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
        options.append(_proxy_option(self._settings.proxy))
        credentials = grpc.ssl_channel_credentials(self._settings.trusted_pem())
        async with grpc.aio.secure_channel(self._settings.server, credentials, options) as channel:
            yield channel

    def _mark_up(self, session: Session, welcome: pb.Welcome) -> None:
        self._up.add(session)
        self._metrics.connected.set(1)
        self._metrics.attempts.labels("connected").inc()
        log.info(
            "tunnel.connected", server=self._settings.server, agent=self._settings.agent, session=welcome.session_id
        )

    def _mark_down(self, session: Session) -> None:
        if session in self._up:
            self._up.discard(session)
            if not self._up:
                self.down_since = asyncio.get_running_loop().time()
                self._metrics.connected.set(0)

    def _delay_s(self, attempt: int, holding: asyncio.Task[_Outcome]) -> float:
        """How long to wait: what the server said on the tunnel that ended or is about to, else our own choice."""
        outcome = holding.result() if holding.done() else _Outcome()
        leaving = self.session if not holding.done() else outcome.end
        if leaving is not None and leaving.reconnect_after_s is not None:
            return leaving.reconnect_after_s
        if outcome.cause is Cause.CREDENTIAL:
            return self._backoff.refused_delay_s(self._chance())
        return self._backoff.delay_s(attempt, self._chance())

    def _tell(self, failure: LinkFailure) -> None:
        if failure.cause is Cause.CREDENTIAL:
            log.error("tunnel.refused", cause=str(failure))
        else:
            log.warning("tunnel.failed", cause=str(failure))


def _proxy_option(proxy: Proxy | None) -> tuple[str, str | int]:
    """Which proxy gRPC uses: ours or none, whatever it would read from the environment by itself."""
    if proxy is None:
        return ("grpc.enable_http_proxy", 0)
    user = f"{quote(proxy.username, safe='')}:{quote(proxy.password, safe='')}@" if proxy.username else ""
    host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    return ("grpc.http_proxy", f"http://{user}{host}:{proxy.port}")


async def _sleep_until(stop: asyncio.Event, limit_s: float) -> None:
    """Wait for `limit_s`, or less if `stop` is set."""
    try:
        async with asyncio.timeout(limit_s):
            await stop.wait()
    except TimeoutError:
        pass
