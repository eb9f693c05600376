"""Errors carry their facts as data, not only as text."""

from __future__ import annotations

import pytest

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
