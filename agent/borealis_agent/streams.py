"""One stream of the tunnel, served: the request goes to its target, the answer comes back. No logic beyond that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.targets.hygiene import fault_of_method, fault_of_path, request_headers
from borealis_agent.targets.target import TargetFailure, TargetRequest
from borealis_wire.aio.stream import StreamError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from borealis_agent.targets.target import Target, TargetAnswer
    from borealis_agent.telemetry import AgentMetrics
    from borealis_wire.aio.stream import LiveStream

log = structlog.get_logger(__name__)

_SMALL_BYTES: Final = 64 * 1024
"""An answer up to this size goes back as one frame."""
_OPEN_TIMEOUT_S: Final = 60.0
"""Limit until the head of the answer, if the request names none."""
_BODY_LIMIT_S: Final = 30.0
"""How long the rest of a request's body is taken after its answer is complete."""


class StreamServer:
    """Serves streams with the targets that the agent offers; everything else is denied."""

    def __init__(self, targets: Mapping[str, Target], metrics: AgentMetrics) -> None:
        self._targets = targets
        self._metrics = metrics

    async def serve(self, stream: LiveStream, request: pb.Open) -> None:
        """Serve one stream until it has ended on both sides."""
        self._metrics.streams.inc()
        result = "cancelled"
        try:
            async with stream:
                result = await self._relay(stream, request)
        finally:
            self._metrics.streams.dec()
            self._metrics.relayed.labels(result).inc()

    async def _relay(self, stream: LiveStream, request: pb.Open) -> str:
        try:
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

    async def _exchange(self, stream: LiveStream, request: pb.Open) -> None:
        target = self._allowed(request)
        limit_s = request.open_timeout_ms / 1000 or _OPEN_TIMEOUT_S
        outgoing = TargetRequest(
            method=request.http.method,
            path=request.http.path,
            headers=request_headers(request.http.headers),
            body=await _body(stream, request),
        )
        try:
            async with asyncio.timeout(limit_s) as limit, target.request(outgoing) as answer:
                limit.reschedule(None)
                await _return(stream, answer)
        except TimeoutError as error:
            detail = f"the target did not answer within {limit_s:g} s"
            raise TargetFailure(pb.Reset.CODE_DEADLINE, detail, dispatched=True) from error
        await _take_rest(stream)

    def _allowed(self, request: pb.Open) -> Target:
        if request.WhichOneof("request") != "http":
            raise TargetFailure(pb.Reset.CODE_REFUSED, "this agent relays HTTP requests only", dispatched=False)
        target = self._targets.get(request.target)
        if target is None:
            offered = ", ".join(sorted(self._targets))
            detail = f"the agent offers no target {request.target!r}, only {offered}"
            raise TargetFailure(pb.Reset.CODE_DENIED, detail, dispatched=False)
        method, path = request.http.method, request.http.path
        fault = fault_of_method(method) or fault_of_path(path) or target.fault_of(method, path)
        if fault is not None:
            raise TargetFailure(pb.Reset.CODE_DENIED, fault, dispatched=False)
        return target


async def _body(stream: LiveStream, request: pb.Open) -> bytes | AsyncIterator[bytes] | None:
    """The request's body: as it is if it came with the request, else as it comes."""
    if request.end_of_data:
        return await stream.read() or None
    return _pieces(stream)


async def _pieces(stream: LiveStream) -> AsyncIterator[bytes]:
    while data := await stream.read():
        yield data


async def _return(stream: LiveStream, answer: TargetAnswer) -> None:
    headers = [pb.HttpHeader(name=name, value=value) for name, value in answer.headers]
    head = pb.Opened(http=pb.HttpResponse(status=answer.status, headers=headers))
    if answer.length is not None and answer.length <= _SMALL_BYTES:
        data = await answer.read()
        stream.answer(head)
        await stream.send(data)  # head, data and end leave together, as one frame
    else:
        stream.answer(head)
        async for data in answer.chunks():
            await stream.send(data)
    stream.end()


async def _take_rest(stream: LiveStream) -> None:
    """Let the caller finish sending a body that nobody wants any more: a reset would take its answer away."""
    try:
        async with asyncio.timeout(_BODY_LIMIT_S):
            while await stream.read():
                pass
    except TimeoutError:
        stream.reset(pb.Reset.CODE_IDLE, "the body of the request did not end")
