"""An analysis step of a deploy file as what is judged, and what it asks."""

from borealis_deployfile.model import Analysis, DeployFile, Query
from borealis_server.domain.analysis.plan import AnalysisPlan, Comparison, Mode, Outcome, QueryRule
from borealis_server.domain.analysis.questions import QueryTexts

_OUTCOMES = {"fail": Outcome.FAILED, "pass": Outcome.PASSED, "inconclusive": Outcome.INCONCLUSIVE}
_COMPARISONS = {"difference": Comparison.DIFFERENCE, "ratio": Comparison.RATIO}
_MODES = {"automatic": Mode.AUTOMATIC, "manual": Mode.MANUAL}


def plan_analysis(file: DeployFile, step: Analysis) -> AnalysisPlan:
    """What the step judges, and by which rules."""
    return AnalysisPlan(
        rules=tuple(_rule(file, step, file.queries[name]) for name in step.queries),
        interval_s=step.interval_s,
        runs=step.runs,
        is_growing=step.is_growing,
        aborts_early=step.aborts_early,
        initial_delay_s=step.initial_delay_s,
        scrape_delay_s=step.scrape_delay_s,
        min_passing=step.min_passing,
        errors_in_a_row=step.errors_in_a_row,
        roll_forward=_MODES[step.roll_forward],
        roll_back=_MODES[step.roll_back],
    )


def questions_of(file: DeployFile, step: Analysis) -> tuple[QueryTexts, ...]:
    """What the step asks in each judgement, in the order of its plan."""
    queries = [file.queries[name] for name in step.queries]
    return tuple(
        QueryTexts(
            name=query.name, provider=provider_of(file, step, query), template=query.template, baseline=query.baseline
        )
        for query in queries
    )


def provider_of(file: DeployFile, step: Analysis, query: Query) -> str:
    """The integration that a query asks: its own, the step's, or the file's."""
    return query.provider or step.provider or file.default_provider or ""


def _rule(file: DeployFile, step: Analysis, query: Query) -> QueryRule:
    return QueryRule(
        name=query.name,
        provider=provider_of(file, step, query),
        lower_limit=query.lower_limit,
        upper_limit=query.upper_limit,
        on_no_data=_OUTCOMES[query.on_no_data],
        on_nan=_OUTCOMES[query.on_nan],
        is_dry_run=query.is_dry_run,
        compare_by=_COMPARISONS[query.compare_by] if query.baseline else None,
    )
