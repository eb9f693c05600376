"""One relayed call: its admission, its audit, the session it takes, whether it is repeated, and what came of it."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import structlog

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_server.adapters.relay.failures import to_domain
from borealis_server.adapters.relay.requests import to_open
from borealis_server.adapters.relay.retry import Retry, retry_of
from borealis_server.domain.errors import AgentUnavailable, BorealisError, RelayRefused
from borealis_server.ports.audit import Decision, RelayEnd, RelayOutcome
from borealis_server.ports.relay import RelayRequest, TcpRequest
from borealis_wire.aio.stream import StreamError, StreamWasReset
from borealis_wire.errors import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable
    from types import TracebackType

    from borealis_server.adapters.relay.connection import AgentConnection
    from borealis_server.adapters.relay.metrics import RelayMetrics
    from borealis_server.adapters.relay.routing import AgentRoute
    from borealis_server.ports.audit import AuditedCall, RelayAudit
    from borealis_server.ports.relay import AgentRef
    from borealis_wire.aio.stream import LiveStream

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")
"""What the caller gets once the target has answered."""

_RECONNECT_LIMIT_S: Final = 2.0
_RECONNECT_SHARE: Final = 4
_LOST_PAUSE_S: Final = (0.05, 0.2)


class RelayedCall(Generic[Answer]):
    """A call. An async context manager: entering it gives the answer, leaving it frees everything, also midway."""

    __slots__ = (
        "_agent",
        "_audit",
        "_audited",
        "_began_at",
        "_body",
        "_deadline",
        "_is_counted",
        "_metrics",
        "_mode",
        "_render",
        "_request",
        "_route",
        "_stream",
        "_used",
    )

    def __init__(
        self,
        agent: AgentRef,
        request: RelayRequest | TcpRequest,
        *,
        mode: str,
        route: AgentRoute | None,
        render: Callable[[AgentRef, LiveStream, pb.Opened, float], Answer],
        audit: RelayAudit,
        metrics: RelayMetrics,
    ) -> None:
        self._agent = agent
        self._request = request
        self._mode = mode
        self._route = route
        self._render = render
        self._audit = audit
        self._metrics = metrics
        self._began_at = 0.0
        self._is_counted = False
        self._audited: AuditedCall | None = None
        self._stream: LiveStream | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._used: AgentConnection | None = None
        self._body: _Body | None = None

    async def __aenter__(self) -> Answer:
        loop = asyncio.get_running_loop()
        self._began_at = loop.time()
        connection = self._pick(None)
        self._audited = self._audit.opened(
            self._agent,
            self._request,
            decision=Decision.ALLOWED,
            policy_digest=connection.hello.policy_digest if connection else "",
        )
        try:
            stream, opened = await self._begin(connection)
        except BaseException as error:
            await self._end(error)
            raise
        self._metrics.count_answer(loop.time() - self._began_at)
        return self._render(self._agent, stream, opened, self._request.idle_timeout_s)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._end(error)

    async def _begin(self, connection: AgentConnection | None) -> tuple[LiveStream, pb.Opened]:
        """Send the request; a second time where that does no harm."""
        route = self._route
        if route is None:
            raise AgentUnavailable(self._agent.name, dispatched=False)
        now = asyncio.get_running_loop().time()
        route.enter(now)
        self._is_counted = True
        try:
            return await self._try(connection or await self._reconnected(route))
        except (AgentUnavailable, RelayRefused) as error:
            retry = retry_of(error, self._request) if self._stream is not None else None
            if retry is None or not route.retries.take():
                raise
            other = await self._other(route, retry)
            if other is None:
                raise
        self._metrics.retries.labels(retry.value).inc()
        return await self._try(other)

    def _pick(self, besides: Callable[[AgentConnection], bool] | None) -> AgentConnection | None:
        """A session that can do what is asked, and that `besides` lets through."""
        mode = self._mode
        if self._route is None:
            return None
        if mode == "http":
            return self._route.pick(besides)
        return self._route.pick(lambda one: mode in one.features and (besides is None or besides(one)))

    async def _reconnected(self, route: AgentRoute) -> AgentConnection:
        """The session of an agent that comes back in time."""
        if route.pick() is not None:
            detail = f"this agent does not offer {self._mode}: update it"
            raise RelayRefused(self._agent.name, "REFUSED", detail, dispatched=False)
        now = asyncio.get_running_loop().time()
        if route.may_return(now):
            self._metrics.retries.labels("away").inc()
            await route.wait(min(_RECONNECT_LIMIT_S, self._request.timeout_s / _RECONNECT_SHARE))
        connection = self._pick(None)
        if connection is None:
            raise AgentUnavailable(self._agent.name, dispatched=False)
        return connection

    async def _other(self, route: AgentRoute, retry: Retry) -> AgentConnection | None:
        """Where the call may be sent again."""
        used = self._used
        assert used is not None  # noqa: S101 - a call that was never sent is not sent again
        if retry is Retry.NOT_DIALLED:
            return self._pick(lambda one: one.hello.instance_id != used.hello.instance_id)
        if retry is Retry.NOT_TAKEN:
            return self._pick(lambda one: one is not used)
        await asyncio.sleep(random.uniform(*_LOST_PAUSE_S))  # noqa: S311 - spreads load
        try:
            return self._pick(None) or await self._reconnected(route)
        except AgentUnavailable:
            return None

    async def _try(self, connection: AgentConnection) -> tuple[LiveStream, pb.Opened]:
        """Send the request through one session and wait for its answer."""
        loop = asyncio.get_running_loop()
        request = self._request
        open_ = to_open(self._agent, request, self._mode, connection.limits)
        body = request.body if isinstance(request, RelayRequest) else b""
        whole = body if isinstance(body, bytes) else None
        try:
            stream = connection.open(open_, whole or b"", ends=whole is not None and self._mode == "http")
        except LocalProtocolError as error:
            raise AgentUnavailable(self._agent.name, dispatched=False, detail=str(error)) from error
        self._used = connection
        self._stream = stream
        if request.deadline_s > 0:
            left_s = self._began_at + request.deadline_s - loop.time()
            self._deadline = loop.call_later(left_s, _expire, stream, request.deadline_s)
        if not isinstance(body, bytes):
            self._body = _Body(stream, body)
            await self._body.begin()
        try:
            return stream, await stream.answered(max(0.0, self._began_at + request.timeout_s - loop.time()))
        except StreamError as error:
            raise to_domain(self._agent, error) from error
        except TimeoutError as error:
            dispatched = False if connection.is_unsent(stream) else None
            detail = f"no answer within {request.timeout_s:g} s"
            raise RelayRefused(self._agent.name, "DEADLINE", detail, dispatched=dispatched) from error
        finally:
            if stream.opened is None:
                self._forget(stream)

    def _forget(self, stream: LiveStream) -> None:
        stream.close()
        if self._deadline is not None:
            self._deadline.cancel()

    async def _end(self, error: BaseException | None) -> None:
        """Free everything and keep how it went. Runs once."""
        stream = self._stream
        if stream is not None:
            self._forget(stream)
        if self._is_counted and self._route is not None:
            self._route.leave()
        outcome = _outcome(stream, error)
        sent = received = 0
        if stream is not None:
            sent, received = stream.sent_bytes, stream.received_bytes
            if stream.failure is not None:
                self._metrics.count_reset(stream.failure)
        self._metrics.count_call(self._mode, outcome, self._request.priority, sent, received)
        if self._audited is not None:
            self._audited.closed(
                RelayEnd(
                    outcome=outcome,
                    code=_code(stream, error),
                    status=stream.opened.http.status if stream is not None and stream.opened is not None else 0,
                    sent_bytes=sent,
                    received_bytes=received,
                    duration_s=asyncio.get_running_loop().time() - self._began_at,
                ),
            )
        if self._body is not None:
            await self._body.end()


class _Body:
    """Sends the body of a request as it comes, while the answer may already be read."""

    def __init__(self, stream: LiveStream, pieces: AsyncIterable[bytes]) -> None:
        self._stream = stream
        self._pieces = pieces
        self._tasks = asyncio.TaskGroup()
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Start sending."""
        await self._tasks.__aenter__()
        self._task = self._tasks.create_task(self._send(), name="relay.body")

    async def end(self) -> None:
        """Stop sending, wherever it is."""
        if self._task is not None:
            self._task.cancel()
            await self._tasks.__aexit__(None, None, None)

    async def _send(self) -> None:
        try:
            async for piece in self._pieces:
                await self._stream.send(piece)
            self._stream.end()
        except StreamError:
            pass  # whoever waits for the answer hears of it
        except Exception as error:  # noqa: BLE001 - whatever the caller's body does must end this call only
            log.info("relay.body_broke", error=type(error).__name__)
            self._stream.abort(pb.Reset.CODE_CANCELLED, f"the body of the request broke off: {type(error).__name__}")


def _expire(stream: LiveStream, deadline_s: float) -> None:
    stream.abort(pb.Reset.CODE_DEADLINE, f"the call took longer than {deadline_s:g} s")


def _outcome(stream: LiveStream | None, error: BaseException | None) -> RelayOutcome:
    dispatched = getattr(error, "dispatched", None)
    if stream is None or dispatched is False:
        return RelayOutcome.NOT_DISPATCHED
    if stream.opened is not None:
        if stream.failure is not None:
            return RelayOutcome.BROKEN
        return RelayOutcome.COMPLETE if stream.is_finished else RelayOutcome.CANCELLED
    if isinstance(error, BorealisError):
        return RelayOutcome.BROKEN if dispatched else RelayOutcome.UNKNOWN
    return RelayOutcome.CANCELLED


def _code(stream: LiveStream | None, error: BaseException | None) -> str:
    """Why the call ended early."""
    if isinstance(error, RelayRefused):
        return error.code
    if isinstance(error, BorealisError):
        return error.reason
    if stream is not None and isinstance(stream.failure, StreamWasReset):
        return pb.Reset.Code.Name(stream.failure.code).removeprefix("CODE_")
    return "TUNNEL_LOST" if stream is not None and stream.failure is not None else ""
