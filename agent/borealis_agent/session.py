"""One tunnel of the agent, from Hello to its end: introduces the agent, serves streams, renews the token, drains.

Owns what happens while a tunnel is up; when to make the next one is the link's.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.failures import Cause, LinkFailure
from borealis_wire.aio.live import LiveTunnel, Timing
from borealis_wire.events import Event, GoAwayReceived, TokenAnswered, WelcomeReceived
from borealis_wire.limits import Limits
from borealis_wire.tunnel import Role, Tunnel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from borealis_agent.identity import Token
    from borealis_agent.streams import StreamServer
    from borealis_wire.aio.lane import Lane
    from borealis_wire.aio.stream import LiveStream

log = structlog.get_logger(__name__)

_WELCOME_TIMEOUT_S: Final = 10.0
_FINISH_LIMIT_S: Final = 5.0
RENEW_RETRY_S: Final = 10.0
"""How long to wait after a token could not be renewed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduction:
    """What the agent says about itself."""

    agent: str
    """Its name."""
    instance_id: str
    """This process among its replicas."""
    kubernetes_version: str
    """Version of its API server; empty if it is not known."""
    targets: tuple[str, ...]
    """Names of the targets it offers."""
    policy_digest: str
    """Digest of its allow-list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnd:
    """How a session ended."""

    detail: str
    """Why, for people."""
    was_welcomed: bool
    """Whether the server had taken it."""
    reconnect_after_s: float | None
    """When the server wants us back; None if it did not say."""


class SessionWatcher(Protocol):
    """Who wants to know how a session goes. Called from its reader, and must not wait."""

    def welcomed(self, session: Session, welcome: pb.Welcome) -> None:
        """The server took it."""
        ...

    def left(self, session: Session) -> None:
        """The server takes no more calls on it; those that are open may finish."""
        ...


class Session:
    """One tunnel. Runs until it ends, or until `stop` is set and open streams have had their grace."""

    def __init__(
        self,
        lane: Lane,
        server: StreamServer,
        introduction: Introduction,
        *,
        max_streams: int,
        drain_grace_s: float,
        renew: Callable[[], Awaitable[Token]],
        renew_retry_s: float = RENEW_RETRY_S,
        watcher: SessionWatcher,
    ) -> None:
        self._server = server
        self._introduction = introduction
        self._drain_grace_s = drain_grace_s
        self._renew = renew
        self._renew_retry_s = renew_retry_s
        self._watcher = watcher
        self._welcome: pb.Welcome | None = None
        self._welcomed = asyncio.Event()
        self._go_away: pb.GoAway | None = None
        self._leaving = asyncio.Event()
        self._live = LiveTunnel(
            Tunnel(Role.AGENT, Limits(max_streams=max_streams)),
            lane,
            on_event=self._on_event,
            on_open=self._on_open,
            timing=Timing(finish_limit_s=_FINISH_LIMIT_S),
        )
        self._tasks = asyncio.TaskGroup()

    @property
    def reconnect_after_s(self) -> float | None:
        """When the server wants us back; None if it did not say."""
        return self._go_away.reconnect_after_ms / 1000 or None if self._go_away is not None else None

    async def run(self, token: Token, stop: asyncio.Event) -> SessionEnd:
        """Carry the tunnel until it ends; says how it did."""
        self._introduce()
        async with self._tasks as tasks:
            guards = [
                tasks.create_task(self._hurry(), name="session.welcome"),
                tasks.create_task(self._keep_token(token), name="session.token"),
                tasks.create_task(self._drain_when_told(stop), name="session.stop"),
                tasks.create_task(self._leave_when_told(), name="session.leave"),
            ]
            detail = await self._live.run()
            for guard in guards:
                guard.cancel()
        return self._end(detail)

    def _introduce(self) -> None:
        hello = pb.Hello(
            agent=self._introduction.agent,
            instance_id=self._introduction.instance_id,
            version=importlib.metadata.version("borealis-cd"),
            kubernetes_version=self._introduction.kubernetes_version,
            features=["http", "tcp", "upgrade"],
            policy_digest=self._introduction.policy_digest,
            relay_targets=self._introduction.targets,
        )
        self._live.core.hello(hello)
        self._live.flush()

    def _end(self, detail: str) -> SessionEnd:
        if self._go_away is not None:
            detail = self._go_away.detail or detail
        return SessionEnd(
            detail=detail, was_welcomed=self._welcome is not None, reconnect_after_s=self.reconnect_after_s
        )

    def _on_event(self, event: Event) -> None:
        match event:
            case WelcomeReceived():
                self._take_welcome(event.welcome)
            case GoAwayReceived():
                is_first = self._go_away is None
                self._go_away = event.go_away
                self._leaving.set()
                if is_first:
                    self._watcher.left(self)
            case TokenAnswered() if not event.state.accepted:
                log.warning("token.refused", cause=event.state.detail)
            case _:
                pass

    def _take_welcome(self, welcome: pb.Welcome) -> None:
        self._welcome = welcome
        defaults = Timing()
        self._live.timing = Timing(
            ping_interval_s=welcome.ping_interval_ms / 1000 or defaults.ping_interval_s,
            dead_after_s=welcome.dead_after_ms / 1000 or defaults.dead_after_s,
            finish_limit_s=_FINISH_LIMIT_S,
        )
        self._welcomed.set()
        self._watcher.welcomed(self, welcome)

    def _on_open(self, stream: LiveStream, request: pb.Open) -> None:
        task = self._tasks.create_task(self._server.serve(stream, request), name=f"stream.{stream.id}")
        stream.on_failure = task.cancel
        task.add_done_callback(lambda _: stream.close())  # a task that was cancelled before it began has freed nothing

    async def _hurry(self) -> None:
        try:
            async with asyncio.timeout(_WELCOME_TIMEOUT_S):
                await self._welcomed.wait()
        except TimeoutError:
            self._live.close("the server did not welcome us in time")

    async def _keep_token(self, token: Token) -> None:
        """Renew the token in band, well before it expires."""
        await self._welcomed.wait()
        while True:
            await asyncio.sleep(max(0.0, token.renew_in_s(time.monotonic())))
            try:
                token = await self._renew()
            except LinkFailure as failure:
                if failure.cause is Cause.CREDENTIAL:
                    log.error("token.renewal_refused", cause=str(failure))  # noqa: TRY400 - the cause is one line
                else:
                    log.warning("token.renewal_failed", cause=str(failure))
                await asyncio.sleep(self._renew_retry_s)
            else:
                self._live.core.offer_token(token.value)
                self._live.flush()

    async def _drain_when_told(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._live.core.go_away(
            pb.GoAway.CAUSE_DRAIN,
            grace_ms=int(self._drain_grace_s * 1000),
            detail="the agent is stopping",
        )
        self._live.flush()
        await self._close_when_idle(self._drain_grace_s, "the agent was told to stop")

    async def _leave_when_told(self) -> None:
        """The server takes no new streams: let the open ones finish, then make room for the next tunnel."""
        await self._leaving.wait()
        assert self._go_away is not None  # noqa: S101 - set before the event
        await self._close_when_idle(self._go_away.grace_ms / 1000, self._go_away.detail or "the server said goodbye")

    async def _close_when_idle(self, grace_s: float, detail: str) -> None:
        try:
            async with asyncio.timeout(grace_s):
                await self._live.idle()
        except TimeoutError:
            log.info("tunnel.cut", open_streams=self._live.streams, grace_s=grace_s)
        self._live.close(detail)
