"""One stream of the tunnel, served: the request goes to its target, the answer comes back. No logic beyond that.

Owns how a stream of each kind (HTTP, upgrade, TCP) runs and ends; what may be reached is the catalog's.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.pipes import carry
from borealis_agent.targets.hygiene import (
    HeadFault,
    authorization,
    content_length,
    cookies,
    fault_of_method,
    fault_of_path,
    request_fields,
    response_headers,
    upgrade_protocol,
)
from borealis_agent.targets.target import TargetFailure, TargetRequest
from borealis_wire.aio.stream import StreamError

if TYPE_CHECKING:
    from borealis_agent.targets.catalog import Catalog
    from borealis_agent.targets.http1.connection import HttpConnection
    from borealis_agent.targets.target import HttpTarget
    from borealis_agent.telemetry import AgentMetrics
    from borealis_wire.aio.stream import LiveStream

log = structlog.get_logger(__name__)

_OPEN_TIMEOUT_S: Final = 60.0
"""Limit until the head of the answer, if the request names none."""
_BODY_LIMIT_S: Final = 30.0
"""How long the rest of a request's body is taken after its answer is complete."""


class StreamServer:
    """Serves streams with the targets that the agent offers; everything else is denied."""

    def __init__(self, targets: Catalog, metrics: AgentMetrics) -> None:
        self._targets = targets
        self._metrics = metrics

    async def serve(self, stream: LiveStream, request: pb.Open) -> None:
        """Serve one stream until it has ended on both sides."""
        self._metrics.streams.inc()
        result = "cancelled"
        try:
            result = await self._relay(stream, request)
        finally:
            stream.close()
            self._metrics.streams.dec()
            (self._metrics.relayed_ok if result == "ok" else self._metrics.relayed.labels(result)).inc()
            self._metrics.to_target_bytes.inc(stream.received_bytes)
            self._metrics.from_target_bytes.inc(stream.sent_bytes)

    async def _relay(self, stream: LiveStream, request: pb.Open) -> str:
        try:
            if request.deadline_ms:
                await self._by_deadline(stream, request)
            else:
                await self._exchange(stream, request)
        except TargetFailure as failure:
            stream.reset(failure.code, failure.detail, dispatched=failure.dispatched)
            return pb.Reset.Code.Name(failure.code).removeprefix("CODE_").lower()
        except StreamError:
            return "abandoned"
        except Exception:  # a fault of ours must cost this request only
            log.exception("stream.failed", target=request.target, request_id=request.request_id)
            stream.reset(pb.Reset.CODE_INTERNAL, "fault in the agent")
            return "internal"
        return "ok"

    async def _by_deadline(self, stream: LiveStream, request: pb.Open) -> None:
        limit_s = request.deadline_ms / 1000
        limit = asyncio.timeout(limit_s)
        try:
            async with limit:
                await self._exchange(stream, request)
        except TimeoutError as error:
            if not limit.expired():
                raise
            detail = f"the call was not over within {limit_s:g} s"
            raise TargetFailure(pb.Reset.CODE_DEADLINE, detail, dispatched=True) from error

    async def _exchange(self, stream: LiveStream, request: pb.Open) -> None:
        kind = request.WhichOneof("request")
        if kind == "http":
            await self._http(stream, request)
        elif kind == "upgrade":
            await self._upgrade(stream, request)
        elif kind == "tcp":
            pipe = await self._targets.connect(request.target, request.tcp.host, request.tcp.port)
            try:
                stream.answer(pb.Opened())
                await carry(stream, pipe, idle_s=request.idle_timeout_ms / 1000)
            finally:
                pipe.close()
        else:
            detail = "this agent relays HTTP requests, upgrades and plain connections only"
            raise TargetFailure(pb.Reset.CODE_REFUSED, detail, dispatched=False)

    async def _http(self, stream: LiveStream, request: pb.Open) -> None:
        target = self._allowed(request, request.http)
        if not request.end_of_data:
            await _send_with_body(stream, request, target)
            return
        body = await stream.read()
        connection = await target.send(_outgoing(request, request.http, body))
        try:
            await _return(stream, connection, request.idle_timeout_ms, target.private_fields)
        finally:
            connection.release()

    async def _upgrade(self, stream: LiveStream, request: pb.Open) -> None:
        target = self._allowed(request, request.upgrade)
        connection = await target.send(_outgoing(request, request.upgrade, b"", is_upgrade=True))
        pipe = None
        try:
            if connection.is_switched:
                private = target.private_fields
                headers = response_headers(connection.headers, is_switch=True, private=private)
                pipe = connection.take_pipe()
                stream.answer(pb.Opened(http=pb.HttpResponse(status=101, headers=headers), switched=True))
                await carry(stream, pipe, idle_s=request.idle_timeout_ms / 1000)
            else:
                await _return(stream, connection, request.idle_timeout_ms, target.private_fields)
                await _take_rest(stream)
        finally:
            connection.release()
            if pipe is not None:
                pipe.close()

    def _allowed(self, request: pb.Open, http: pb.HttpRequest) -> HttpTarget:
        fault = fault_of_method(http.method) or fault_of_path(http.path)
        if fault is not None:
            raise TargetFailure(pb.Reset.CODE_DENIED, fault, dispatched=False)
        return self._targets.http(request.target, http.method, http.path)


def _outgoing(request: pb.Open, http: pb.HttpRequest, body: bytes | None, *, is_upgrade: bool = False) -> TargetRequest:
    """The request for the target: its head clean, its body as far as it came with it; None if it follows.

    Errors: TargetFailure.
    """
    try:
        fields = request_fields(http.headers)
        length = content_length(http.headers)
        credentials = authorization(http.headers)
        own_cookies = cookies(http.headers)
        upgrade = upgrade_protocol(http.headers) if is_upgrade else b""
    except HeadFault as fault:
        code = pb.Reset.CODE_DENIED if fault.is_denied else pb.Reset.CODE_PROTOCOL
        raise TargetFailure(code, str(fault), dispatched=False) from fault
    if body is not None and length is not None and length != len(body) and http.method != "HEAD":
        detail = f"Content-Length is {length} and the body has {len(body)} bytes"
        raise TargetFailure(pb.Reset.CODE_PROTOCOL, detail, dispatched=False)
    return TargetRequest(
        http.method,
        http.path,
        fields,
        body,
        length,
        upgrade,
        request.actor,
        tuple(request.actor_groups),
        request.has_idempotency_key,
        credentials,
        own_cookies,
        request.open_timeout_ms / 1000 or _OPEN_TIMEOUT_S,
    )


async def _send_with_body(stream: LiveStream, request: pb.Open, target: HttpTarget) -> None:
    """Send a request whose body follows: it goes out while the answer may come in already."""
    outgoing = _outgoing(request, request.http, None)
    connection = await target.open(outgoing)
    failure: TargetFailure | StreamError | None = None
    try:
        async with asyncio.TaskGroup() as tasks:
            upload = tasks.create_task(_upload(stream, connection, outgoing.length), name=f"stream.{stream.id}.body")
            try:
                await connection.answered(outgoing.limit_s)
                await _return(stream, connection, request.idle_timeout_ms, target.private_fields)
                if not upload.done():
                    await _end_of(upload, stream)
            except (TargetFailure, StreamError) as error:
                failure = error  # must not reach the group, which would wrap it
            finally:
                upload.cancel()
    finally:
        connection.release()
    if failure is not None:
        raise failure


async def _upload(stream: LiveStream, connection: HttpConnection, length: int | None) -> None:
    """Carry the rest of the body to the target; after the target's answer it is taken and dropped."""
    sent = 0
    try:
        while data := await stream.read():
            sent += len(data)
            if length is not None and sent > length:
                break
            if not connection.is_complete:
                await connection.write(data if length is not None else b"%x\r\n%b\r\n" % (len(data), data))
    except StreamError:
        return  # whoever returns the answer learns of it too
    if length is not None and sent != length:
        detail = f"the body is {'longer' if sent > length else 'shorter'} than its Content-Length of {length}"
        connection.fail(TargetFailure(pb.Reset.CODE_PROTOCOL, detail, dispatched=True))
    elif not connection.is_complete:
        connection.end(b"" if length is not None else b"0\r\n\r\n")


async def _return(
    stream: LiveStream, connection: HttpConnection, idle_timeout_ms: int, private: frozenset[bytes]
) -> None:
    """Give the answer back: as one frame if all of it is there, else as it comes."""
    head = pb.Opened(
        http=pb.HttpResponse(status=connection.status, headers=response_headers(connection.headers, private=private)),
    )
    stream.answer(head)
    if connection.is_complete:
        await stream.send(connection.take())
    else:
        while data := await _next(connection, idle_timeout_ms):
            await stream.send(data)
    stream.end(response_headers(connection.trailers) if connection.trailers else ())


async def _next(connection: HttpConnection, idle_timeout_ms: int) -> bytes:
    if not idle_timeout_ms:
        return await connection.read()
    try:
        async with asyncio.timeout(idle_timeout_ms / 1000):
            return await connection.read()
    except TimeoutError as error:
        detail = f"nothing came from the target for {idle_timeout_ms / 1000:g} s"
        raise TargetFailure(pb.Reset.CODE_IDLE, detail, dispatched=True) from error


async def _end_of(upload: asyncio.Task[None], stream: LiveStream) -> None:
    """Let the caller finish sending a body that nobody wants any more: a reset would take its answer away."""
    try:
        async with asyncio.timeout(_BODY_LIMIT_S):
            await upload
    except TimeoutError:
        stream.reset(pb.Reset.CODE_IDLE, "the body of the request did not end")


async def _take_rest(stream: LiveStream) -> None:
    try:
        async with asyncio.timeout(_BODY_LIMIT_S):
            while await stream.read():
                pass
    except TimeoutError:
        stream.reset(pb.Reset.CODE_IDLE, "the body of the request did not end")
