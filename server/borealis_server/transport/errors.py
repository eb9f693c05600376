"""From our errors to `google.rpc.Status`: the one table, and how an RPC ends.

Owns what callers see of a failure. Anything that is not one of our errors is a bug and says only "internal error".
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
import structlog
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # no types are published
from grpc_status import rpc_status

from borealis_server.domain.errors import (
    AlreadyExists,
    BorealisError,
    Conflict,
    Denied,
    Internal,
    Invalid,
    LimitReached,
    NotAuthenticated,
    NotFound,
    Refused,
    Unavailable,
    Violation,
)
from borealis_server.transport.interceptors.context import request_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.protobuf.message import Message

    from borealis_server.transport.interceptors.wrapping import Context

DOMAIN = "borealis"
"""`google.rpc.ErrorInfo.domain` of everything we send."""

STATUS_CODES: Mapping[type[BorealisError], grpc.StatusCode] = {
    Invalid: grpc.StatusCode.INVALID_ARGUMENT,
    NotFound: grpc.StatusCode.NOT_FOUND,
    AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    Refused: grpc.StatusCode.FAILED_PRECONDITION,
    Conflict: grpc.StatusCode.ABORTED,
    LimitReached: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
    NotAuthenticated: grpc.StatusCode.UNAUTHENTICATED,
    Denied: grpc.StatusCode.PERMISSION_DENIED,
    Internal: grpc.StatusCode.INTERNAL,
}
"""The gRPC status of each kind of error."""

_MAX_MESSAGE_BYTES = 1000
_MAX_FACT_BYTES = 500
_MAX_DETAIL_BYTES = 4500
"""Everything travels in trailers, in base64 and besides the message; gRPC receivers take 8 KiB of those by default."""

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


def expected(error: BaseException) -> BorealisError | None:
    """The domain error in `error`, through any TaskGroup wrapping; None if any part is unexpected."""
    if isinstance(error, BaseExceptionGroup):
        parts = [expected(part) for part in error.exceptions]
        return parts[0] if all(parts) else None
    return error if isinstance(error, BorealisError) else None


async def finish(context: Context, error: BaseException) -> None:
    """End the RPC: re-raise a real cancellation, answer everything else with a status. Never returns."""
    if isinstance(error, grpc.aio.AbortError):  # somebody has answered already
        raise error
    task = asyncio.current_task()
    if isinstance(error, asyncio.CancelledError) and task and task.cancelling():
        raise error
    known = expected(error)
    if known is None:
        log.error("rpc.failed", exc_info=error)
    await context.abort_with_status(rpc_status.to_status(to_status(known or Internal())))


def to_status(error: BorealisError) -> status_pb2.Status:
    """The status that tells a caller of `error`, with all its details."""
    status = status_pb2.Status(code=_code(error).value[0], message=_cut(error.message, _MAX_MESSAGE_BYTES))
    for detail in _details(error):
        status.details.append(_packed(detail))
    return status


def _code(error: BorealisError) -> grpc.StatusCode:
    return next(code for kind, code in STATUS_CODES.items() if isinstance(error, kind))


def _details(error: BorealisError) -> Iterator[Message]:
    """Every detail of `error`; ErrorInfo first, what may be long last and bounded."""
    metadata = {key: _cut(value, _MAX_FACT_BYTES) for key, value in error.metadata.items()}
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata)
    yield info
    if request_id():
        yield error_details_pb2.RequestInfo(request_id=request_id())
    match error:
        case NotFound() | AlreadyExists():
            yield error_details_pb2.ResourceInfo(
                resource_type=error.resource_type,
                resource_name=_cut(error.resource_name, _MAX_FACT_BYTES),
                description=_cut(error.message, _MAX_FACT_BYTES),
            )
        case Refused():
            failure = error_details_pb2.PreconditionFailure()
            failure.violations.add(
                type=error.reason,
                subject=_cut(error.subject, _MAX_FACT_BYTES),
                description=_cut(error.message, _MAX_FACT_BYTES),
            )
            yield failure
        case LimitReached():
            quota = error_details_pb2.QuotaFailure()
            quota.violations.add(
                subject=_cut(error.subject, _MAX_FACT_BYTES), description=_cut(error.message, _MAX_FACT_BYTES)
            )
            yield quota
            yield _retry(error.retry_after_s)
        case Unavailable():
            yield _retry(error.retry_after_s)
        case Invalid():
            yield _bad_request(error.violations, room_bytes=_MAX_DETAIL_BYTES - info.ByteSize())


def _retry(after_s: float) -> error_details_pb2.RetryInfo:
    delay = duration_pb2.Duration()
    delay.FromNanoseconds(round(after_s * 1e9))
    return error_details_pb2.RetryInfo(retry_delay=delay)


def _bad_request(violations: tuple[Violation, ...], *, room_bytes: int) -> error_details_pb2.BadRequest:
    """As many violations as there is room for, in order, and one that counts the rest."""
    request = error_details_pb2.BadRequest()
    for index, violation in enumerate(violations):
        entry = error_details_pb2.BadRequest.FieldViolation(
            field=_cut(violation.field, _MAX_FACT_BYTES),
            description=_cut(violation.description, _MAX_MESSAGE_BYTES),
            reason=violation.reason,
        )
        if request.ByteSize() + entry.ByteSize() > room_bytes:
            rest = len(violations) - index
            request.field_violations.add(description=f"{rest} more: correct these first", reason="MORE")
            break
        request.field_violations.append(entry)
    return request


def _cut(text: str, limit_bytes: int) -> str:
    """The text, or as much of its beginning as fits."""
    encoded = text.encode("utf-8", "replace")
    return encoded.decode() if len(encoded) <= limit_bytes else encoded[:limit_bytes].decode("utf-8", "ignore") + "…"


def _packed(detail: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed
