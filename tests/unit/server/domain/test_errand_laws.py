"""Errands, whatever is reported and whenever: only what is waited for counts, tries are bounded, and every run ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_server.domain import persons
from borealis_server.domain.callback_tokens import CallbackPlace
from borealis_server.domain.callbacks import CallbackReport, receive
from borealis_server.domain.deployment import PersonsDecision, StepRun
from borealis_server.domain.errand import Answered, Unreached, Unresolved
from borealis_server.domain.errors import CallbackContradicts, CallbackTooLate
from borealis_server.domain.states import EndReason, StepKind, StepState
from borealis_server.domain.steps.errands import ErrandRef, absorb, find, wanted
from borealis_server.domain.steps.executor import no_errand
from borealis_server.domain.webhook import WebhookRun
from kit.delivery import Drive, ModelCluster, a_deployment, a_target

TRIES = 4
STATUSES = [200, 202, 302, 400, 404, 429, 500, 503]
REPORTS = st.one_of(
    st.builds(Answered, status=st.sampled_from(STATUSES), retry_after_s=st.floats(0, 500)),
    st.builds(Unreached, detail=st.just("no route"), is_refused=st.booleans()),
    st.just(Unresolved(names=("secrets.x",))),
)


def a_drive(*, has_callback=True, tries=TRIES):
    webhook = WebhookRun(name="job", tries=tries, has_callback=has_callback)
    step = StepRun(ref="step-1", kind=StepKind.RUN_WEBHOOK, webhook=webhook)
    return Drive(a_deployment(a_target("prod", step)), ModelCluster.running(2)).until_rest()


def report(drive, what, attempt=None):
    """Hand a report in as whoever runs errands does; whether it counted."""
    refs = [ref for ref, _ in wanted(drive.deployment)]
    ref = refs[0] if refs else ErrandRef(deployment=drive.deployment.key, target="prod", step="step-1", attempt=1)
    recorded = absorb(drive.deployment, replace(ref, attempt=attempt or ref.attempt), what, drive.now)
    if recorded:
        drive.recorded = recorded
    return recorded is not None


@given(st.lists(st.tuples(REPORTS, st.floats(0, 400)), max_size=8))
def test_tries_are_bounded_and_every_run_comes_to_an_end(reports):
    drive = a_drive()

    for what, seconds in reports:
        report(drive, what)
        drive.until_rest().later(seconds)
    drive.later(100_000).until_rest()

    step = drive.run.step("step-1")
    assert step.webhook.tried <= TRIES
    if step.state is StepState.RUNNING:
        assert step.errand is not None  # nobody has reported since: a try is under way
        assert step.errand.attempt == step.webhook.tried + 1
    else:
        assert step.errand is None
        assert step.wait is None
        assert drive.run.end_reason in {
            EndReason.UNRESOLVED_VARIABLE,
            EndReason.WEBHOOK_TRIGGER_FAILED,
            EndReason.WEBHOOK_TIMEOUT,
        }


@given(REPORTS, st.integers(1, 9))
def test_a_report_of_another_attempt_changes_nothing(what, attempt):
    drive = a_drive()
    report(drive, Unreached(detail="no route"))
    before = drive.recorded

    counted = report(drive, what, attempt)

    assert counted == (attempt == 2)
    assert (drive.recorded == before) == (attempt != 2)


@given(REPORTS, st.sampled_from(["roll_back", "cancel"]))
def test_after_an_abort_no_report_and_no_callback_counts(what, kind):
    drive = a_drive()
    wish = PersonsDecision(kind=kind, by="ana", at=drive.now)
    drive.recorded = (persons.roll_back if kind == "roll_back" else persons.cancel)(drive.deployment, wish)
    before = drive.recorded

    assert not report(drive, what)
    assert drive.recorded == before
    assert list(wanted(drive.deployment)) == []
    with pytest.raises(CallbackTooLate):
        call_back(drive)


def call_back(drive, *, success=True, message=""):
    place = CallbackPlace(deployment=drive.deployment.key, target="prod", step="step-1")
    said = CallbackReport(is_success=success, message=message)
    drive.recorded = receive(drive.deployment, place, said, shown=message, by="webhook job", now=drive.now)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["", "a", "b"])), min_size=1, max_size=6), st.booleans())
def test_of_many_callbacks_the_first_one_is_final(callbacks, is_answered):
    drive = a_drive()
    if is_answered:
        report(drive, Answered(status=202))
    first = callbacks[0]

    for success, message in callbacks:
        if (success, message) == first:
            call_back(drive, success=success, message=message)
        else:
            with pytest.raises(CallbackContradicts):
                call_back(drive, success=success, message=message)

    step = drive.run.step("step-1")
    assert step.state is (StepState.SUCCEEDED if first[0] else StepState.FAILED)
    assert (step.webhook.callback.is_success, step.webhook.callback.message) == first
    ref = ErrandRef(deployment=drive.deployment.key, target="prod", step="step-1", attempt=1)
    assert find(drive.deployment, ref) is None


def test_at_its_limit_a_callback_is_too_late_whoever_is_told_first():
    drive = a_drive()
    report(drive, Answered(status=202))
    drive.now = drive.run.step("step-1").limit_at

    with pytest.raises(CallbackTooLate):
        call_back(drive)

    drive.now -= timedelta(seconds=1)
    call_back(drive)
    assert drive.run.step("step-1").state is StepState.SUCCEEDED


def test_without_a_callback_none_is_taken():
    drive = a_drive(has_callback=False)
    report(drive, Answered(status=200))

    assert drive.run.step("step-1").state is StepState.SUCCEEDED


def test_a_report_for_a_kind_that_sends_nobody_is_a_bug():
    step = StepRun(ref="step-1", kind=StepKind.PAUSE)

    with pytest.raises(ValueError, match="has no errand"):
        no_errand(a_target(), step, Answered(status=200), a_drive().here)
