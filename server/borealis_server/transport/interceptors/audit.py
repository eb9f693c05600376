"""Writes down every RPC that may change something, before it does, and every RPC that its caller may not make.

Reads are known by their option `idempotency_level = NO_SIDE_EFFECTS`. What agents and kubectl stream is written down
call by call elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from borealis_deployfile.templates import REDACTED
from borealis_server.domain.access import Permission
from borealis_server.domain.errors import Denied, Unauthenticated
from borealis_server.ports.audit_notes import noting_changes
from borealis_server.services.audit_actions import ActionAudit, Asked
from borealis_server.transport.errors import expected
from borealis_server.transport.interceptors.auth import (
    Verifier,
    bearer_token,
    current_principal,
    needed_permission,
)
from borealis_server.transport.interceptors.context import request_id
from borealis_server.transport.interceptors.wrapping import Around, Context, Interceptor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.protobuf.descriptor import FieldDescriptor

    from borealis_server.transport.interceptors.wrapping import Handler

_LONGEST_TEXT: Final = 500
_is_written: ContextVar[bool] = ContextVar("audit_is_written", default=False)


def is_audited(method: str) -> bool:
    """Whether calls of `method` (`/package.Service/Method`) are written down when they are let through."""
    service_name, _, method_name = method.removeprefix("/").partition("/")
    try:
        found = descriptor_pool.Default().FindServiceByName(service_name).methods_by_name[method_name]
    except KeyError:
        return False
    is_read = found.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS
    needs_caller = needed_permission(method) not in (None, Permission.PUBLIC)
    return needs_caller and not is_read and not found.client_streaming


def action_interceptor(audit: ActionAudit) -> Interceptor:
    """Writes down what is let through. Belongs inside of the one that finds out who calls."""

    def choose(method: str, _handler: Handler) -> Around | None:
        @asynccontextmanager
        async def around(request: Any, context: Context) -> AsyncIterator[None]:
            action = await audit.begun(current_principal(), _asked(method, request, context))
            _is_written.set(True)
            with noting_changes() as changes:
                try:
                    yield
                except BaseException as error:
                    known = expected(error)
                    reason = known.reason if known else "CANCELLED" if _is_cancelled(error) else "INTERNAL"
                    await audit.ended(action, reason=reason, changes=changes)
                    raise
            await audit.ended(action, reason="", changes=changes)

        return around if is_audited(method) else None

    return Interceptor(choose)


def refusal_interceptor(audit: ActionAudit, verifier: Verifier) -> Interceptor:
    """Writes down who was refused what. Belongs outside of the one that refuses."""

    def choose(method: str, _handler: Handler) -> Around | None:
        @asynccontextmanager
        async def around(request: Any, context: Context) -> AsyncIterator[None]:
            try:
                yield
            except BaseException as error:
                known = expected(error)
                if isinstance(known, Denied) and not _is_written.get():
                    await _write(known, request, context)
                raise

        async def _write(refusal: Denied, request: Any, context: Context) -> None:
            try:
                caller = await verifier.verify(bearer_token(context))
            except Unauthenticated:
                return  # revoked a moment ago: nobody whom it could be written down of
            await audit.refused(caller, _asked(method, request, context), refusal.message)

        return None if needed_permission(method) is Permission.PUBLIC else around

    return Interceptor(choose)


def shown(message: Message) -> str:
    """The message as JSON with sorted keys: secrets as `****`, bytes as size and digest, long texts cut."""
    return json.dumps(_shown(message), sort_keys=True, ensure_ascii=False)


def _shown(message: Message) -> dict[str, object]:
    document: dict[str, object] = {}
    for field, value in message.ListFields():
        if field.GetOptions().debug_redact:
            document[field.name] = REDACTED
        elif field.message_type is not None and field.message_type.GetOptions().map_entry:
            document[field.name] = {str(key): _value(one, field) for key, one in value.items()}
        elif field.is_repeated:
            document[field.name] = [_value(one, field) for one in value]
        else:
            document[field.name] = _value(value, field)
    return document


def _value(value: Any, field: FieldDescriptor) -> object:
    """One value, whatever its field holds."""
    if isinstance(value, Message):
        known = value.DESCRIPTOR.full_name.startswith("google.protobuf.")
        return MessageToDict(value) if known else _shown(value)
    if isinstance(value, bytes):
        return {"bytes": len(value), "sha256": hashlib.sha256(value).hexdigest()}
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_TEXT else f"{value[: _LONGEST_TEXT - 1]}…"
    if field.enum_type is not None:
        named = field.enum_type.values_by_number.get(value)
        return named.name if named else value
    return value if isinstance(value, int) else str(value)


def _asked(method: str, request: Any, context: Context) -> Asked:
    text = shown(request) if isinstance(request, Message) else ""
    return Asked(method=method.lstrip("/"), request=text, source=str(context.peer()), request_id=request_id())


def _is_cancelled(error: BaseException) -> bool:
    return not isinstance(error, Exception) and not isinstance(error, BaseExceptionGroup)
