"""Errors carry their facts as data, not only as text."""

from __future__ import annotations

import pytest

from borealis_server.domain import errors
from borealis_server.domain.errors import (
    AgentUnavailable,
    AlreadyDecided,
    DeployFileInvalid,
    DeploymentInProgress,
    FileFault,
    InvalidArgument,
    NotAwaitingApproval,
    RelayRefused,
    Violation,
)
from borealis_server.domain.names import DeploymentName

RUNNING = DeploymentName("main", "abc")


def test_names_are_told_in_full():
    error = DeploymentInProgress("shop", RUNNING)

    assert error.metadata == {"application": "shop", "deployment": "tenants/main/deployments/abc"}
    assert str(RUNNING) in error.message
    assert error.resource_name == str(RUNNING)


@pytest.mark.parametrize(
    ("dispatched", "word"), [(True, "true"), (False, "false"), (None, "unknown")], ids=["sent", "not-sent", "unknown"]
)
def test_whether_a_call_was_dispatched_is_one_of_three_words(dispatched, word):
    lost = AgentUnavailable("west", dispatched=dispatched)
    refused = RelayRefused("west", "DENIED", "no", dispatched=dispatched)

    assert lost.metadata["dispatched"] == refused.metadata["dispatched"] == word
    assert lost.dispatched is refused.dispatched is dispatched


def test_every_fault_of_a_file_becomes_a_violation_with_its_place():
    faults = [
        FileFault(
            file="d.yaml", line=3, column=7, code="UNKNOWN_FIELD", message="no field `x`", help="did you mean `y`?"
        ),
        FileFault(file="m.yaml", line=1, column=1, code="SYNTAX", message="broken"),
    ]

    error = DeployFileInvalid(faults)

    assert error.violations == (
        Violation(field="d.yaml:3:7", description="no field `x`\nhelp: did you mean `y`?", reason="UNKNOWN_FIELD"),
        Violation(field="m.yaml:1:1", description="broken", reason="SYNTAX"),
    )
    assert "2 faults" in error.message
    assert "1 fault;" in DeployFileInvalid(faults[:1]).message


def test_the_message_of_an_invalid_argument_names_every_field():
    error = InvalidArgument(
        [Violation(field="a", description="must be b"), Violation(field="c", description="too long")]
    )

    assert error.message == "a: must be b; c: too long"
    assert InvalidArgument.of("a", "must be b").violations == error.violations[:1]


def test_the_place_of_a_missing_approval_leaves_out_what_was_not_asked_for():
    whole = NotAwaitingApproval(RUNNING)
    step = NotAwaitingApproval(RUNNING, "prod", "step-2")

    assert whole.metadata == {"deployment": str(RUNNING)}
    assert step.subject == f"{RUNNING}/prod/step-2"
    assert step.metadata == {"deployment": str(RUNNING), "target": "prod", "step": "step-2"}


def test_a_late_decision_hears_who_was_first():
    assert AlreadyDecided("clients/a", "approved").metadata == {"decided_by": "clients/a", "decision": "approved"}


NAMED = [
    (errors.DeploymentNotFound(RUNNING), "resource_name", str(RUNNING), {"deployment": str(RUNNING)}),
    (errors.TargetNotFound(RUNNING, "qa"), "resource_name", "qa", {"deployment": str(RUNNING), "target": "qa"}),
    (errors.AgentNotFound("west"), "resource_name", "west", {"agent": "west"}),
    (errors.CredentialNotFound("ci"), "resource_name", "ci", {"credential": "ci"}),
    (errors.CredentialExists("ci"), "resource_name", "ci", {"display_name": "ci"}),
    (errors.RequestIdReused("r1"), "resource_name", "r1", {"request_id": "r1"}),
    (
        errors.DeploymentEnded(RUNNING, "FAILED"),
        "subject",
        str(RUNNING),
        {"deployment": str(RUNNING), "state": "FAILED"},
    ),
    (
        errors.ClusterRefused(403, "Forbidden", "no rights"),
        "subject",
        "Forbidden",
        {"code": "403", "cluster_reason": "Forbidden", "detail": "no rights"},
    ),
    (
        errors.ObjectOwnedBy("ConfigMap s", "billing"),
        "subject",
        "ConfigMap s",
        {"object": "ConfigMap s", "owner": "billing"},
    ),
    (errors.Exhausted("watches", "5"), "subject", "watches", {"what": "watches", "limit": "5"}),
    (errors.Stale(RUNNING), "reason", "STALE", {"resource": str(RUNNING)}),
    (errors.ClusterBusy("503 down"), "reason", "CLUSTER_BUSY", {"detail": "503 down"}),
    (errors.ServerUnavailable("it stops"), "reason", "UNAVAILABLE", {"detail": "it stops"}),
    (errors.Unauthenticated("no token"), "reason", "UNAUTHENTICATED", {"detail": "no token"}),
    (errors.PermissionDenied("a.b"), "reason", "PERMISSION_DENIED", {"permission": "a.b"}),
]


@pytest.mark.parametrize(
    ("error", "field", "value", "metadata"), NAMED, ids=[type(error).__name__ for error, *_ in NAMED]
)
def test_every_fact_is_data_and_stands_in_the_message_with_what_to_do(error, field, value, metadata):
    assert getattr(error, field) == value
    assert error.metadata == metadata
    assert all(fact in error.message for fact in metadata.values())
    assert ":" in error.message or "; " in error.message


def test_who_was_refused_hears_nothing_that_helps_to_guess():
    assert errors.CredentialRefused().metadata == {}
    assert errors.Internal().message == "internal error"


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (errors.ClusterBusy("503"), 2.0),
        (errors.ClusterBusy("429", retry_after_s=7), 7),
        (errors.ServerUnavailable("it stops"), 1.0),
        (errors.Exhausted("watches", "5", retry_after_s=3), 3),
        (AgentUnavailable("west", dispatched=None), 1.0),
    ],
    ids=["busy", "busy-says-when", "stopping", "limit", "agent"],
)
def test_what_may_work_later_says_when(error, seconds):
    assert error.retry_after_s == seconds


def test_a_page_token_of_another_list_is_a_fault_of_its_field():
    assert [violation.field for violation in errors.PageTokenInvalid().violations] == ["page_token"]
