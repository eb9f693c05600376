"""Our errors in the words of Kubernetes clients."""

from __future__ import annotations

import json

import pytest

from borealis_server.domain.errors import (
    AgentUnavailable,
    Exhausted,
    Internal,
    InvalidArgument,
    PermissionDenied,
    RelayRefused,
    ServerUnavailable,
    Unauthenticated,
)
from borealis_server.transport.kube.status import failure_of

CASES = [
    (InvalidArgument.of("path", "must start with /"), 400, "BadRequest", None, None),
    (Unauthenticated("no token was sent"), 401, "Unauthorized", None, None),
    (PermissionDenied("kube.read"), 403, "Forbidden", None, None),
    (Exhausted("calls", "100", retry_after_s=2.5), 429, "TooManyRequests", "3", None),
    (ServerUnavailable("the audit cannot be written"), 503, "ServiceUnavailable", "1", None),
    (AgentUnavailable("west", dispatched=False), 503, "ServiceUnavailable", "1", "not_dispatched"),
    (AgentUnavailable("west", dispatched=None), 502, "InternalError", None, "unknown"),
    (AgentUnavailable("west", dispatched=True), 502, "InternalError", None, "dispatched"),
    (RelayRefused("west", "DENIED", "no", dispatched=False), 403, "Forbidden", None, "not_dispatched"),
    (RelayRefused("west", "DIAL_FAILED", "no", dispatched=False), 502, "InternalError", None, "not_dispatched"),
    (RelayRefused("west", "DIAL_TIMEOUT", "no", dispatched=False), 504, "Timeout", None, "not_dispatched"),
    (RelayRefused("west", "DEADLINE", "no", dispatched=None), 504, "Timeout", None, "unknown"),
    (RelayRefused("west", "TARGET_RESET", "no", dispatched=True), 502, "InternalError", None, "dispatched"),
    (RelayRefused("west", "SOMETHING_NEW", "no", dispatched=None), 502, "InternalError", None, "unknown"),
    (Internal(), 500, "InternalError", None, None),
]


@pytest.mark.parametrize(("error", "status", "reason", "retry_after", "outcome"), CASES)
def test_every_error_has_its_status_and_only_what_did_not_arrive_may_be_sent_again(
    error, status, reason, retry_after, outcome
):
    failure = failure_of(error)
    headers = dict(failure.headers)
    document = json.loads(failure.body)

    assert (failure.status, document["code"], document["reason"]) == (status, status, reason)
    assert document["message"] == error.message
    assert headers.get("retry-after") == retry_after
    assert headers.get("x-relay-outcome") == outcome
    assert int(headers["content-length"]) == len(failure.body)
