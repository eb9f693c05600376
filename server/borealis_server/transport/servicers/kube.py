"""KubeService over gRPC: one HTTP exchange with a cluster for each call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from borealis.kube.v1 import kube_pb2
from borealis.kube.v1 import kube_service_pb2 as pb
from borealis.kube.v1.kube_service_pb2_grpc import KubeServiceServicer
from borealis_server.domain.errors import AgentNotFound, BorealisError, InvalidArgument, Unauthenticated
from borealis_server.domain.names import AgentName
from borealis_server.services.kube_access import KubeCall
from borealis_server.transport.interceptors.auth import bearer_token, current_principal
from borealis_server.transport.interceptors.context import request_id
from borealis_server.transport.kube.status import failure_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import TypeAlias

    import grpc

    from borealis_server.ports.relay import RelayDuplex
    from borealis_server.services.kube_access import Authority, KubeAccess

    Context: TypeAlias = grpc.aio.ServicerContext[pb.ExchangeRequest, pb.ExchangeResponse]

_PIECE_BYTES: Final = 65536
_PIECES: Final = 8
"""Pieces from the client that may wait for the cluster."""
_FIELDS: Final = 256
_FAREWELL_LIMIT_S: Final = 10.0


class KubeServicer(KubeServiceServicer):
    """Kubernetes APIs behind the agents of the caller's tenant."""

    def __init__(self, access: KubeAccess) -> None:
        self._access = access

    async def Exchange(  # type: ignore[override]  # noqa: N802 - the RPC's name; the stubs know handlers that yield; ours reads and writes the context
        self,
        request_iterator: AsyncIterator[pb.ExchangeRequest],  # noqa: ARG002 - read through the context, by one task
        context: Context,
    ) -> None:
        """Carry one exchange until the cluster has answered, and both sides have ended where bytes go both ways."""
        caller, first = current_principal(), await context.read()
        if not isinstance(first, pb.ExchangeRequest) or first.WhichOneof("piece") != "request":
            raise InvalidArgument.of("request", "must come first")
        pieces = _Pieces()
        asked = _call(first.request, caller.tenant, pieces)
        authority = self._access.authority(caller, bearer_token(context), asked)
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(_take(context, pieces, authority), name="kube.take")
            guard = group.create_task(_guard(authority), name="kube.authority")
            answer = _Answer(context)
            try:
                async with self._access.open(caller, asked) as exchange:
                    writer = group.create_task(_pass_on(exchange, pieces), name="kube.pass_on")
                    await answer.relay(exchange)
                    writer.cancel()
            except BorealisError as error:
                await answer.fail(error)
            guard.cancel()
            pieces.drop()
            await answer.end()
            await _left(reader)


class _Answer:
    """What goes back to the client."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._has_begun = False

    async def relay(self, exchange: RelayDuplex) -> None:
        """The cluster's answer, to its end."""
        await self._begin(exchange.status, exchange.headers)
        while data := await exchange.read():
            await self._context.write(pb.ExchangeResponse(data=data))

    async def fail(self, error: BorealisError) -> None:
        """The error as an answer that Kubernetes clients understand; raises it where an answer has begun."""
        if self._has_begun:
            raise error
        failure = failure_of(error)
        await self._begin(failure.status, failure.headers)
        await self._context.write(pb.ExchangeResponse(data=failure.body))

    async def end(self) -> None:
        """Say that this was all."""
        await self._context.write(pb.ExchangeResponse(end=True))

    async def _begin(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        self._has_begun = True
        fields = [kube_pb2.KubeHeader(name=name, value=value.encode("latin-1")) for name, value in headers]
        await self._context.write(pb.ExchangeResponse(response=kube_pb2.KubeResponse(status=status, headers=fields)))


class _Pieces:
    """What the client has sent and the cluster has not taken yet: the body, or bytes after a switch of protocols."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(_PIECES)
        self._is_ended = False
        self._is_dropped = False

    def drop(self) -> None:
        """Nobody wants them any more; what still comes goes nowhere."""
        self._is_dropped = True
        while not self._queue.empty():
            self._queue.get_nowait()

    async def put(self, data: bytes) -> None:
        """Keep a piece; waits while many are kept."""
        if not 0 < len(data) <= _PIECE_BYTES:
            raise InvalidArgument.of("data", f"must have 1 to {_PIECE_BYTES} bytes, got {len(data)}")
        if self._is_ended:
            raise InvalidArgument.of("data", "must not follow `end`")
        if not self._is_dropped:
            await self._queue.put(data)

    async def end(self) -> None:
        """No more comes."""
        if not self._is_ended:
            self._is_ended = True
            if not self._is_dropped:
                await self._queue.put(b"")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self._queue.get():
            yield piece


async def _take(context: Context, pieces: _Pieces, authority: Authority) -> None:
    """Take in what the client sends, until it has ended its side."""
    while isinstance(message := await context.read(), pb.ExchangeRequest):
        match message.WhichOneof("piece"):
            case "data":
                await pieces.put(message.data)
            case "end":
                await pieces.end()
            case "token":
                await authority.renew(message.token)
            case _:
                raise InvalidArgument.of("piece", "must be data, end or token after the request")
    await pieces.end()


async def _left(reader: asyncio.Task[None]) -> None:
    """Wait for the client to close its side: some lose what is on the way when the call ends before that."""
    try:
        async with asyncio.timeout(_FAREWELL_LIMIT_S):
            await reader
    except TimeoutError:
        return


async def _pass_on(exchange: RelayDuplex, pieces: _Pieces) -> None:
    """After a switch of protocols: the client's bytes to the cluster, and their end."""
    if exchange.is_switched:
        async for piece in pieces:
            await exchange.write(piece)
        exchange.end()


async def _guard(authority: Authority) -> None:
    await authority.ended()
    raise Unauthenticated("the token has expired or was revoked, and no newer one was sent")


def _call(request: kube_pb2.KubeRequest, tenant: str, pieces: _Pieces) -> KubeCall:
    """What is asked for. Errors: InvalidArgument; AgentNotFound for another tenant's agent."""
    agent = AgentName.parse(request.agent, field="agent")
    if agent.tenant != tenant:
        raise AgentNotFound(agent)
    if len(request.headers) > _FIELDS:
        raise InvalidArgument.of("headers", f"must be at most {_FIELDS}, got {len(request.headers)}")
    return KubeCall(
        agent=agent.id,
        method=request.method,
        path=request.path,
        headers=tuple((header.name, header.value.decode("latin-1")) for header in request.headers),
        upgrade=request.upgrade,
        body=pieces if request.has_body and not request.upgrade else b"",
        request_id=request_id(),
    )
