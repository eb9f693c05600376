"""How errors look on the wire."""

from __future__ import annotations

import grpc
import pytest
from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # no types are published

from borealis_server.domain.errors import (
    AgentNotFound,
    AgentUnavailable,
    ClusterRefused,
    CredentialRefused,
    DeployFileInvalid,
    DeploymentInProgress,
    Exhausted,
    FileFault,
    Internal,
    InvalidArgument,
    PermissionDenied,
    RelayRefused,
    Stale,
)
from borealis_server.transport.errors import expected, to_status


def detail(error, kind):
    message = kind()
    assert any(packed.Unpack(message) for packed in to_status(error).details)
    return message


CODES = [
    (InvalidArgument.of("a", "b"), grpc.StatusCode.INVALID_ARGUMENT),
    (AgentNotFound("a"), grpc.StatusCode.NOT_FOUND),
    (DeploymentInProgress("a", "b"), grpc.StatusCode.ALREADY_EXISTS),
    (RelayRefused("a", "b", "c", dispatched=None), grpc.StatusCode.FAILED_PRECONDITION),
    (Stale("a"), grpc.StatusCode.ABORTED),
    (Exhausted("a", "b"), grpc.StatusCode.RESOURCE_EXHAUSTED),
    (AgentUnavailable("a", dispatched=False), grpc.StatusCode.UNAVAILABLE),
    (CredentialRefused(), grpc.StatusCode.UNAUTHENTICATED),
    (PermissionDenied("a"), grpc.StatusCode.PERMISSION_DENIED),
    (Internal(), grpc.StatusCode.INTERNAL),
]


@pytest.mark.parametrize(("error", "code"), CODES, ids=[code.name for _, code in CODES])
def test_each_kind_has_its_status_and_names_its_reason(error, code):
    info = detail(error, error_details_pb2.ErrorInfo)

    assert to_status(error).code == code.value[0]
    assert (info.reason, info.domain) == (error.reason, "borealis")
    assert dict(info.metadata) == error.metadata


def test_what_can_be_retried_says_when():
    retry = detail(Exhausted("calls", "10", retry_after_s=1.5), error_details_pb2.RetryInfo)

    assert retry.retry_delay.ToMilliseconds() == 1500
    assert detail(AgentUnavailable("a", dispatched=None), error_details_pb2.RetryInfo).retry_delay.seconds == 1
    assert detail(Exhausted("calls", "10"), error_details_pb2.QuotaFailure).violations[0].subject == "calls"


def test_a_missing_thing_is_named_with_its_kind():
    info = detail(AgentNotFound("tenants/main/agents/west"), error_details_pb2.ResourceInfo)

    assert (info.resource_type, info.resource_name) == ("agent", "tenants/main/agents/west")


def test_a_refusal_says_which_state_is_in_the_way():
    failure = detail(ClusterRefused(422, "Invalid", "spec is wrong"), error_details_pb2.PreconditionFailure)

    assert failure.violations[0].type == "CLUSTER_REFUSED"
    assert "spec is wrong" in failure.violations[0].description


def test_every_violation_is_listed_in_order_with_its_code():
    faults = [FileFault(file="d.yaml", line=n, column=1, code=f"C{n}", message="no") for n in (1, 2, 3)]
    request = detail(DeployFileInvalid(faults), error_details_pb2.BadRequest)

    assert [(v.field, v.reason) for v in request.field_violations] == [
        ("d.yaml:1:1", "C1"),
        ("d.yaml:2:1", "C2"),
        ("d.yaml:3:1", "C3"),
    ]


def test_a_thousand_violations_fit_into_what_receivers_take_and_the_rest_is_counted():
    faults = [FileFault(file="d.yaml", line=n, column=1, code="C", message="m" * 50) for n in range(1, 1001)]
    error = DeployFileInvalid(faults)

    violations = detail(error, error_details_pb2.BadRequest).field_violations

    assert to_status(error).ByteSize() < 6000
    assert violations[0].field == "d.yaml:1:1"
    assert violations[-1].reason == "MORE"
    assert violations[-1].description.startswith(f"{1000 - (len(violations) - 1)} more")


def test_enormous_texts_are_cut():
    for text in ("y" * 100_000, "東" * 100_000, "\ud800" * 10):
        status = to_status(ClusterRefused(500, text, text))

        assert status.ByteSize() < 6000
        assert status.details


def test_an_expected_error_is_found_through_any_groups_and_a_bug_hides_it():
    known, bug = Stale("a"), ValueError("b")

    assert expected(known) is known
    assert expected(ExceptionGroup("", [ExceptionGroup("", [known])])) is known
    assert expected(bug) is None
    assert expected(ExceptionGroup("", [known, bug])) is None
    assert expected(ExceptionGroup("", [known, ExceptionGroup("", [bug])])) is None
