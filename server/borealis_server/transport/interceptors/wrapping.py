"""How something gets around every RPC, whichever of the four kinds it is.

Owns the plumbing of grpc.aio handlers, so that each interceptor is one async context manager.
"""

from __future__ import annotations

import inspect
from contextlib import AbstractAsyncContextManager, aclosing
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

import grpc

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    # Any: handlers of every service pass here, so request and response can be any message.
    Handler: TypeAlias = grpc.RpcMethodHandler[Any, Any]
    AnyInterceptor: TypeAlias = grpc.aio.ServerInterceptor[Any, Any]
else:  # at run time these classes take no parameters
    AnyInterceptor = grpc.aio.ServerInterceptor

Context = Any
"""Context of an RPC in grpc.aio; the published types lack half of its methods."""


class Around(Protocol):
    """Something that happens before and after an RPC; an error that it raises ends the RPC."""

    def __call__(self, request: Any, context: Context, /) -> AbstractAsyncContextManager[None]:
        """The surroundings of one RPC. Shape: `request` is an iterator when the client streams."""
        ...


class Interceptor(AnyInterceptor):
    """Puts around every RPC what `choose(method, handler)` says; None leaves the handler alone."""

    def __init__(self, choose: Callable[[str, Handler], Around | None]) -> None:
        self._choose = choose

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """The handler with its surroundings."""
        handler = await continuation(handler_call_details)
        if cast("Handler | None", handler) is None:  # an unknown method; the types do not tell
            return handler
        around = self._choose(handler_call_details.method, handler)
        return handler if around is None else _wrapped(handler, around)


def _wrapped(handler: Handler, around: Around) -> Handler:
    behaviours = (handler.unary_unary, handler.unary_stream, handler.stream_unary, handler.stream_stream)
    behaviour = next(behaviour for behaviour in behaviours if behaviour is not None)
    run = _streaming(behaviour, around) if handler.response_streaming else _single(behaviour, around)
    make: Callable[..., Handler] = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[(handler.request_streaming, handler.response_streaming)]
    return make(run, request_deserializer=handler.request_deserializer, response_serializer=handler.response_serializer)


def _single(behaviour: Callable[..., Any], around: Around) -> Callable[[Any, Context], Awaitable[Any]]:
    async def run(request: Any, context: Context) -> Any:
        async with around(request, context):
            return await behaviour(request, context)

    return run


def _streaming(behaviour: Callable[..., Any], around: Around) -> Callable[[Any, Context], Awaitable[None]]:
    """A coroutine that writes to the context: generators would cost a hop for each interceptor and message."""

    async def run(request: Any, context: Context) -> None:
        async with around(request, context):
            answer = behaviour(request, context)
            if not inspect.isasyncgen(answer):
                await answer
                return
            async with aclosing(answer):
                async for message in answer:
                    await context.write(message)

    return run
