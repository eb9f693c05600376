"""HTTP requests to one server, over connections that are kept and used again.

Owns which connection serves a request, and when one may be sent again; how a connection is made is the dialer's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.targets.http1.connection import HttpConnection
from borealis_agent.targets.target import TargetFailure

if TYPE_CHECKING:
    from borealis_agent.targets.dialer import AnyDialer
    from borealis_agent.targets.target import TargetRequest

_MAX_IDLE: Final = 64
"""Connections that are kept for later."""
_IDLE_LIMIT_S: Final = 30.0
"""A connection that nobody used for so long is closed: before most servers do it in the middle of our next request."""
_REPEATABLE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_BODILESS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS"})


class HttpClient:
    """Sends HTTP requests through `dialer`; `close` closes all connections."""

    def __init__(self, dialer: AnyDialer) -> None:
        self._dialer = dialer
        self._host_field = f" HTTP/1.1\r\nHost: {dialer.authority}\r\n".encode()
        self._max_idle = _MAX_IDLE
        self._idle: deque[HttpConnection] = deque()
        self._all: set[HttpConnection] = set()
        self._sweep: asyncio.TimerHandle | None = None

    async def send(self, request: TargetRequest, added: bytes = b"") -> HttpConnection:
        """Send a request with all of its body and the header fields `added`; the connection once its answer has begun.

        A connection that had served before and was closed without one byte of an answer is replaced by a new one, once,
        and only for a request that does no harm if it comes twice.

        Errors: TargetFailure.
        """
        connection = await self.open(request, added)
        try:
            await connection.answered(request.limit_s)
        except TargetFailure:
            connection.release()
            if not (connection.was_used and connection.broke_unanswered and _may_be_repeated(request)):
                raise
        except BaseException:  # cancelled: the answer is of no use to anybody
            connection.release()
            raise
        else:
            return connection
        connection = await self.open(request, added, is_fresh=True)
        try:
            await connection.answered(request.limit_s)
        except BaseException:
            connection.release()
            raise
        return connection

    async def open(self, request: TargetRequest, added: bytes = b"", *, is_fresh: bool = False) -> HttpConnection:
        """Send the head of a request and what there is of its body.

        Errors: TargetFailure.
        """
        data = self._head(request, added)
        connection = None if is_fresh or request.upgrade else self._take_idle()
        if connection is None:
            connection = await self._dialer.dial(self._new_connection)
            if not connection.is_open:
                detail = "the target closed the connection at once"
                raise TargetFailure(pb.Reset.CODE_DIAL_FAILED, detail, dispatched=False)
            self._all.add(connection)
        connection.begin(
            data,
            request.method,
            is_whole=request.body is not None,
            is_upgrade=bool(request.upgrade),
        )
        return connection

    def retire(self) -> None:
        """Keep no connection any more; requests that go on are not disturbed."""
        self._max_idle = 0
        while self._idle:
            self._idle.pop().close()

    def close(self) -> None:
        """Close all connections."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        self._idle.clear()
        for connection in tuple(self._all):
            connection.close()

    @property
    def idle(self) -> int:
        """Connections that wait for a request."""
        return len(self._idle)

    def _head(self, request: TargetRequest, added: bytes) -> bytes:
        body = request.body
        framing = b""
        if request.upgrade:
            framing = b"Connection: Upgrade\r\nUpgrade: " + request.upgrade + b"\r\n"
        elif body is None:
            chunked = b"Transfer-Encoding: chunked\r\n"
            framing = chunked if request.length is None else b"Content-Length: %d\r\n" % request.length
        elif body or request.method not in _BODILESS:
            framing = b"Content-Length: %d\r\n" % len(body)
        target = f"{request.method} {request.path}".encode("ascii")
        head = b"".join((target, self._host_field, added, request.fields, framing, b"\r\n"))
        return head + body if body else head

    def _take_idle(self) -> HttpConnection | None:
        while self._idle:
            connection = self._idle.pop()  # the one used last is the one most surely alive
            if connection.is_open:
                return connection
        return None

    def _new_connection(self) -> HttpConnection:
        return HttpConnection(self._keep, self._forget)

    def _keep(self, connection: HttpConnection) -> None:
        if len(self._idle) >= self._max_idle:
            connection.close()
            return
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._idle.append(connection)
        if self._sweep is None:
            self._sweep = loop.call_later(_IDLE_LIMIT_S, self._close_idle)

    def _close_idle(self) -> None:
        self._sweep = None
        loop = asyncio.get_running_loop()
        while self._idle and loop.time() - self._idle[0].idle_since >= _IDLE_LIMIT_S:
            self._idle.popleft().close()
        if self._idle:
            due_at = self._idle[0].idle_since + _IDLE_LIMIT_S
            self._sweep = loop.call_at(due_at, self._close_idle)

    def _forget(self, connection: HttpConnection) -> None:
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)


def _may_be_repeated(request: TargetRequest) -> bool:
    if request.upgrade or request.body is None:
        return False
    return request.is_repeatable or (request.method in _REPEATABLE and not request.body)
