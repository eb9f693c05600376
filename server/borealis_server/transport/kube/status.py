"""Our errors as Kubernetes clients understand them: an HTTP status and a `Status` object."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from borealis_server.domain.errors import (
    AgentUnavailable,
    BorealisError,
    Denied,
    Invalid,
    LimitReached,
    NotAuthenticated,
    RelayRefused,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

OUTCOME_HEADER: Final = "x-relay-outcome"
"""Whether a call that failed may have reached the cluster: `not_dispatched`, `dispatched` or `unknown`."""

_OUTCOMES: Final = {False: "not_dispatched", True: "dispatched", None: "unknown"}
_REASONS: Final[Mapping[HTTPStatus, str]] = {
    HTTPStatus.BAD_REQUEST: "BadRequest",
    HTTPStatus.UNAUTHORIZED: "Unauthorized",
    HTTPStatus.FORBIDDEN: "Forbidden",
    HTTPStatus.TOO_MANY_REQUESTS: "TooManyRequests",
    HTTPStatus.INTERNAL_SERVER_ERROR: "InternalError",
    HTTPStatus.BAD_GATEWAY: "InternalError",
    HTTPStatus.SERVICE_UNAVAILABLE: "ServiceUnavailable",
    HTTPStatus.GATEWAY_TIMEOUT: "Timeout",
}
"""`reason` of a Status, as apimachinery has it."""
_KINDS: Final[Mapping[type[BorealisError], HTTPStatus]] = {
    Invalid: HTTPStatus.BAD_REQUEST,
    NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    Denied: HTTPStatus.FORBIDDEN,
    LimitReached: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The status of each kind of error; a bug of ours is none of them."""
_REFUSALS: Final[Mapping[str, HTTPStatus]] = {
    "DENIED": HTTPStatus.FORBIDDEN,
    "DIAL_TIMEOUT": HTTPStatus.GATEWAY_TIMEOUT,
    "DEADLINE": HTTPStatus.GATEWAY_TIMEOUT,
    "IDLE": HTTPStatus.GATEWAY_TIMEOUT,
    "TOO_LARGE": HTTPStatus.BAD_REQUEST,
}
"""What a refusal of the agent means; everything else is a bad gateway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeFailure:
    """An answer that stands for an error."""

    status: int
    """HTTP status."""
    headers: tuple[tuple[str, str], ...]
    """Header fields."""
    body: bytes
    """A `Status` object."""


def failure_of(error: BorealisError) -> KubeFailure:
    """The answer for `error`."""
    status = _status(error)
    headers = [("content-type", "application/json"), ("cache-control", "no-store")]
    details: dict[str, object] = {}
    if isinstance(error, LimitReached | Unavailable) and status is not HTTPStatus.BAD_GATEWAY:
        # Clients send a request again that is answered so; it surely did not arrive.
        details["retryAfterSeconds"] = max(1, math.ceil(error.retry_after_s))
        headers.append(("retry-after", str(details["retryAfterSeconds"])))
    if isinstance(error, AgentUnavailable | RelayRefused):
        headers.append((OUTCOME_HEADER, _OUTCOMES[error.dispatched]))
    if status is HTTPStatus.UNAUTHORIZED:
        headers.append(("www-authenticate", 'Bearer realm="borealis"'))
    document = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": error.message,
        "reason": _REASONS[status],
        "details": details,
        "code": int(status),
    }
    body = json.dumps(document, ensure_ascii=False).encode()
    return KubeFailure(status=int(status), headers=(*headers, ("content-length", str(len(body)))), body=body)


def _status(error: BorealisError) -> HTTPStatus:
    if isinstance(error, AgentUnavailable) and error.dispatched is not False:
        return HTTPStatus.BAD_GATEWAY
    if isinstance(error, RelayRefused):
        return _REFUSALS.get(error.code, HTTPStatus.BAD_GATEWAY)
    found = (status for kind, status in _KINDS.items() if isinstance(error, kind))
    return next(found, HTTPStatus.INTERNAL_SERVER_ERROR)
