"""Analyses between their records and their protobuf form."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from borealis.analysis.v1 import analysis_pb2 as pb
from borealis_server.domain.analysis.plan import AnalysisPlan, Comparison, Mode, Outcome, QueryRule
from borealis_server.domain.analysis.questions import QueryTexts
from borealis_server.domain.analysis.verdict import query_verdict
from borealis_server.transport.mapping.moments import timestamp

if TYPE_CHECKING:
    from borealis_server.domain.analysis.evidence import Answer, Judgement, Sample
    from borealis_server.domain.analysis.tally import Tally
    from borealis_server.domain.analysis.verdict import AnalysisRun

_OUTCOMES = {
    pb.OUTCOME_PASSED: Outcome.PASSED,
    pb.OUTCOME_INCONCLUSIVE: Outcome.INCONCLUSIVE,
}
_COMPARISONS = {pb.COMPARISON_DIFFERENCE: Comparison.DIFFERENCE, pb.COMPARISON_RATIO: Comparison.RATIO}


def analysis_to_proto(run: AnalysisRun) -> pb.Analysis:
    """An analysis with what it came to so far."""
    return pb.Analysis(
        plan=plan_to_proto(run.plan),
        judged=run.judged,
        results=[_result(run.plan, rule, tally) for rule, tally in zip(run.plan.rules, run.tallies, strict=False)],
        verdict=f"VERDICT_{run.verdict}" if run.verdict else "VERDICT_UNSPECIFIED",
        why=run.why,
    )


def plan_to_proto(plan: AnalysisPlan) -> pb.Plan:
    """A plan, without the templates of its queries."""
    return pb.Plan(
        queries=[_query(rule) for rule in plan.rules],
        interval_s=plan.interval_s,
        runs=plan.runs,
        is_growing=plan.is_growing,
        aborts_early=plan.aborts_early,
        initial_delay_s=plan.initial_delay_s,
        scrape_delay_s=plan.scrape_delay_s,
        min_passing=plan.min_passing,
        errors_in_a_row=plan.errors_in_a_row,
        roll_forward=f"MODE_{plan.roll_forward}",
        roll_back=f"MODE_{plan.roll_back}",
    )


def plan_from_proto(message: pb.Plan) -> tuple[AnalysisPlan, tuple[QueryTexts, ...]]:
    """A plan, and what its queries ask. Whether it makes sense is for others to judge."""
    plan = AnalysisPlan(
        rules=tuple(_rule(query) for query in message.queries),
        interval_s=message.interval_s,
        runs=message.runs,
        is_growing=message.is_growing,
        aborts_early=message.aborts_early,
        min_passing=max(message.min_passing, 0),
        errors_in_a_row=max(message.errors_in_a_row, 0) if message.HasField("errors_in_a_row") else None,
        roll_forward=Mode.MANUAL if message.roll_forward == pb.MODE_MANUAL else Mode.AUTOMATIC,
        roll_back=Mode.MANUAL if message.roll_back == pb.MODE_MANUAL else Mode.AUTOMATIC,
    )
    texts = tuple(
        QueryTexts(name=query.name, provider=query.provider, template=query.template, baseline=query.baseline_template)
        for query in message.queries
    )
    return plan, texts


def judgement_to_proto(judgement: Judgement) -> pb.Judgement:
    """The evidence of a judgement."""
    return pb.Judgement(
        number=judgement.number,
        start_time=timestamp(judgement.window.start),
        end_time=timestamp(judgement.window.end),
        ask_time=timestamp(judgement.asked_at),
        samples=[_sample(sample) for sample in judgement.samples],
    )


def _sample(sample: Sample) -> pb.Sample:
    return pb.Sample(
        query=sample.query,
        answer=_answer(sample.answer),
        baseline=_answer(sample.baseline) if sample.baseline else None,
    )


def _answer(answer: Answer) -> pb.Answer:
    return pb.Answer(question=answer.question, values=answer.values, more=answer.more, error=answer.error)


def _query(rule: QueryRule) -> pb.Query:
    return pb.Query(
        name=rule.name,
        provider=rule.provider,
        upper_limit=rule.upper_limit,
        lower_limit=rule.lower_limit,
        on_no_data=f"OUTCOME_{rule.on_no_data}",
        on_nan=f"OUTCOME_{rule.on_nan}",
        is_dry_run=rule.is_dry_run,
        compare_by=f"COMPARISON_{rule.compare_by}" if rule.compare_by else "COMPARISON_UNSPECIFIED",
    )


def _rule(query: pb.Query) -> QueryRule:
    rule = QueryRule(
        name=query.name,
        provider=query.provider,
        lower_limit=query.lower_limit if query.HasField("lower_limit") else None,
        upper_limit=query.upper_limit if query.HasField("upper_limit") else None,
        on_no_data=_OUTCOMES.get(query.on_no_data, Outcome.FAILED),
        on_nan=_OUTCOMES.get(query.on_nan, Outcome.FAILED),
        is_dry_run=query.is_dry_run,
    )
    if not query.baseline_template:
        return rule
    return replace(rule, compare_by=_COMPARISONS.get(query.compare_by, Comparison.DIFFERENCE))


def _result(plan: AnalysisPlan, rule: QueryRule, tally: Tally) -> pb.QueryResult:
    return pb.QueryResult(
        query=tally.query,
        average=tally.average,
        values=tally.values,
        passed=tally.passed,
        failed=tally.failed,
        inconclusive=tally.inconclusive,
        ignored=tally.ignored,
        last=tally.last,
        first_failure=tally.first_failure,
        verdict=f"VERDICT_{query_verdict(plan, rule, tally)}",
    )
