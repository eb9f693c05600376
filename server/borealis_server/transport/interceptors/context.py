"""What is known of an RPC from its start: its request id, for logs and for callers who report a bug."""

from __future__ import annotations

import re
import secrets
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import structlog

from borealis_server.transport.interceptors.wrapping import Around, Context, Interceptor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from borealis_server.transport.interceptors.wrapping import Handler

REQUEST_ID_METADATA = "x-request-id"
"""Metadata key by which a client may name its call; else we choose a name."""

_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_request_id: ContextVar[str] = ContextVar("request_id", default="")


def request_id() -> str:
    """Identifier of the RPC being served; empty outside of one."""
    return _request_id.get()


def context_interceptor() -> Interceptor:
    """Binds request id and method to everything that is logged during an RPC."""
    return Interceptor(_choose)


def _choose(method: str, _handler: Handler) -> Around:
    @asynccontextmanager
    async def around(_request: Any, context: Context) -> AsyncIterator[None]:
        # Each RPC runs in a task of its own, whose context dies with it: nothing has to be unbound.
        _request_id.set(_asked_for(context) or secrets.token_hex(8))
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=_request_id.get(), method=method)
        yield

    return around


def _asked_for(context: Context) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID_METADATA and isinstance(value, str) and _ACCEPTED.fullmatch(value):
            return value
    return ""
