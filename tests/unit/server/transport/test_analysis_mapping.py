"""Analyses to messages and back: every field arrives, and absence stays absence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from borealis.analysis.v1 import analysis_pb2 as pb
from borealis_server.domain.analysis.plan import Comparison, Mode, Outcome
from borealis_server.domain.record import Note
from borealis_server.domain.states import EventKind, StepKind
from borealis_server.transport.mapping.analysis import (
    analysis_to_proto,
    judgement_to_proto,
    plan_from_proto,
    plan_to_proto,
)
from borealis_server.transport.mapping.deployment import event_to_proto, target_to_proto
from kit.analyses import judged, judgement, plan, rule
from kit.delivery import a_deployment, a_target, approval

FULL = plan(
    rule("a", lower_limit=0.5, on_no_data=Outcome.INCONCLUSIVE, on_nan=Outcome.PASSED, is_dry_run=True),
    rule("b", upper_limit=2, compare_by=Comparison.RATIO),
    is_growing=True,
    aborts_early=True,
    min_passing=2,
    errors_in_a_row=0,
    roll_forward=Mode.MANUAL,
    roll_back=Mode.MANUAL,
)


@pytest.mark.parametrize("one", [FULL, plan(), plan(rule(compare_by=Comparison.DIFFERENCE))])
def test_a_plan_comes_back_as_it_was(one):
    message = plan_to_proto(one)
    for query in message.queries:
        query.template = "t"
        query.baseline_template = "old" if query.compare_by else ""

    back, texts = plan_from_proto(message)

    assert back == one
    assert [text.name for text in texts] == [each.name for each in one.rules]


def test_delays_are_shown():
    message = plan_to_proto(plan(initial_delay_s=30, scrape_delay_s=15))

    assert (message.initial_delay_s, message.scrape_delay_s) == (30, 15)
    assert not message.HasField("errors_in_a_row")
    assert message.queries[0].HasField("upper_limit")


def test_an_analysis_under_way_has_results_and_no_verdict():
    message = analysis_to_proto(judged(plan(), 1, 11))

    assert (message.judged, message.verdict, message.why) == (2, pb.VERDICT_UNSPECIFIED, "")
    (result,) = message.results
    assert (result.average, result.values, result.passed, result.failed, result.last) == (6, 2, 1, 1, "11")
    assert result.first_failure == "judgement 2: 11, not 0 to 10"
    assert result.verdict == pb.VERDICT_PASSED  # by its average so far


def test_without_values_there_is_no_average():
    message = analysis_to_proto(judged(plan(), None, None, None))

    assert message.verdict == pb.VERDICT_FAILED
    assert not message.results[0].HasField("average")


def test_evidence_keeps_values_as_they_were_written():
    one = plan(rule(compare_by=Comparison.DIFFERENCE))
    message = judgement_to_proto(judgement(one, 2, "1.50", baseline=ConnectionError("down")))

    (sample,) = message.samples
    assert (message.number, list(sample.answer.values), sample.baseline.error) == (2, ["1.50"], "down")
    assert message.start_time.seconds + 30 == message.end_time.seconds == message.ask_time.seconds


def test_a_step_and_an_event_carry_them():
    step = replace(approval("step-1"), kind=StepKind.ANALYSIS, analysis=judged(plan(), 1))
    run = replace(a_target("prod"), steps=(step,))
    recorded = a_deployment(run).with_event(
        Note(kind=EventKind.JUDGED, message="m", judgement=judgement(plan(), 1, 1)),
        a_deployment(run).deployment.started_at,
        run,
    )

    (shown,) = target_to_proto(run).steps
    assert shown.WhichOneof("kind") == "analysis"
    assert shown.analysis.judged == 1
    event = event_to_proto(recorded.events[-1])
    assert event.judgement.samples[0].query == "q"
    assert event.target_run.steps[0].analysis == shown.analysis
