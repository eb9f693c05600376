"""Counts RPCs and measures them. Outermost, so that it sees the status that callers get."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any

import grpc

from borealis_server.transport.interceptors.wrapping import Around, Context, Interceptor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from borealis_server.telemetry import ServerMetrics
    from borealis_server.transport.interceptors.wrapping import Handler

_STATUS_NAMES: dict[object, str] = {code.value[0]: code.name for code in grpc.StatusCode}


def metrics_interceptor(metrics: ServerMetrics) -> Interceptor:
    """Feeds the RPC metrics. Methods are those of services that we serve, so their number is bounded."""

    def choose(method: str, _handler: Handler) -> Around:
        label = method.lstrip("/")

        @asynccontextmanager
        async def around(_request: Any, context: Context) -> AsyncIterator[None]:
            started = perf_counter()
            status = "OK"
            with metrics.rpcs_in_progress.labels(label).track_inprogress():
                try:
                    yield
                except asyncio.CancelledError:
                    status = grpc.StatusCode.CANCELLED.name
                    raise
                except BaseException:
                    status = _status_name(context.code())
                    raise
                finally:
                    metrics.rpcs.labels(label, status).inc()
                    metrics.rpc_duration.labels(label).observe(perf_counter() - started)

        return around

    return Interceptor(choose)


def _status_name(code: object) -> str:
    return code.name if isinstance(code, grpc.StatusCode) else _STATUS_NAMES.get(code, "UNKNOWN")
