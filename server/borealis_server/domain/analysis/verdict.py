"""What an analysis comes to: every query is judged by its average, and the worst of them decides."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from borealis_server.domain.analysis.evidence import Judgement
from borealis_server.domain.analysis.plan import AnalysisPlan, QueryRule
from borealis_server.domain.analysis.reading import is_within, limits
from borealis_server.domain.analysis.tally import Tally, counted


class Verdict(StrEnum):
    """The result of an analysis."""

    PASSED = "PASSED"
    INCONCLUSIVE = "INCONCLUSIVE"
    """It can be neither called good nor bad: a person looks at it."""
    ERROR = "ERROR"
    """It could not be judged, since the provider or the query was wrong."""
    FAILED = "FAILED"


_SEVERITY = {Verdict.PASSED: 0, Verdict.INCONCLUSIVE: 1, Verdict.ERROR: 2, Verdict.FAILED: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A verdict, and why."""

    verdict: Verdict
    why: str
    """One sentence, without a full stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisRun:
    """An analysis under way, or over: its rules and what the judgements came to so far."""

    plan: AnalysisPlan
    tallies: tuple[Tally, ...] = ()
    """One for each rule, in the same order; none before the first judgement."""
    judged: int = 0
    """Judgements made."""
    verdict: Verdict | None = None
    """None until the analysis is over."""
    why: str = ""
    """Why the verdict is what it is."""


def absorb(run: AnalysisRun, judgement: Judgement) -> AnalysisRun:
    """The analysis with its next judgement in it, and with its verdict if that was the last.

    Errors: ValueError for a judgement that is not the next one.
    """
    if run.verdict is not None or judgement.number != run.judged + 1:
        raise ValueError(f"judgement {judgement.number} is not the next one")
    plan = run.plan
    before = run.tallies or tuple(Tally(query=rule.name) for rule in plan.rules)
    tallies = tuple(
        counted(plan, rule, tally, sample, judgement.number)
        for rule, tally, sample in zip(plan.rules, before, judgement.samples, strict=True)
    )
    absorbed = replace(run, tallies=tallies, judged=judgement.number)
    if absorbed.judged < plan.runs and not _ends_early(plan, tallies):
        return absorbed
    finding = conclude(plan, tallies)
    return replace(absorbed, verdict=finding.verdict, why=finding.why)


def recomputed(plan: AnalysisPlan, judgements: Sequence[Judgement]) -> AnalysisRun:
    """The analysis once more, from nothing but its plan and its evidence, in the order of their numbers."""
    run = AnalysisRun(plan=plan)
    for judgement in judgements:
        run = absorb(run, judgement)
    return run


def conclude(plan: AnalysisPlan, tallies: Sequence[Tally]) -> Finding:
    """The worst finding of all queries that are no dry run; of equal ones all are told."""
    deciding = [(rule, tally) for rule, tally in zip(plan.rules, tallies, strict=True) if not rule.is_dry_run]
    findings = [finding for rule, tally in deciding for finding in _findings(plan, rule, tally)]
    worst = max((finding.verdict for finding in findings), key=_SEVERITY.__getitem__, default=Verdict.PASSED)
    if worst is Verdict.PASSED:
        return Finding(verdict=worst, why=_good(deciding))
    told = dict.fromkeys(finding.why for finding in findings if finding.verdict is worst)
    return Finding(verdict=worst, why="; ".join(told))


def query_verdict(plan: AnalysisPlan, rule: QueryRule, tally: Tally) -> Verdict:
    """What one query came to by itself, dry run or not."""
    return max((one.verdict for one in _findings(plan, rule, tally)), key=_SEVERITY.__getitem__, default=Verdict.PASSED)


def _ends_early(plan: AnalysisPlan, tallies: Iterable[Tally]) -> bool:
    deciding = [tally for rule, tally in zip(plan.rules, tallies, strict=True) if not rule.is_dry_run]
    has_failed = plan.aborts_early and any(tally.failed for tally in deciding)
    return has_failed or any(_is_past_errors(plan, tally) for tally in deciding)


def _is_past_errors(plan: AnalysisPlan, tally: Tally) -> bool:
    return plan.errors_in_a_row is not None and tally.errors_in_a_row > plan.errors_in_a_row


def _findings(plan: AnalysisPlan, rule: QueryRule, tally: Tally) -> Iterator[Finding]:
    """Everything that speaks against the query."""
    name, average = f'the query "{rule.name}"', tally.average
    if _is_past_errors(plan, tally):
        yield Finding(verdict=Verdict.ERROR, why=f"{name} had {_errors(tally)} in a row: {tally.last}")
    if tally.failed and plan.aborts_early:
        yield Finding(verdict=_failed(tally), why=f"{name} failed at {tally.first_failure}")
        return  # the others were not asked for, so the average says nothing
    if tally.without:
        yield Finding(verdict=_failed(tally), why=f"{name} failed at {tally.first_failure}")
    if average is not None and not is_within(rule, average):
        why = f"{name} averages {average:g} over {tally.values} of {plan.runs} judgements, not {limits(rule)}"
        yield Finding(verdict=Verdict.FAILED, why=why)
    elif tally.passed < plan.min_passing and not tally.inconclusive and not _is_past_errors(plan, tally):
        why = f"{name} passed {tally.passed} of {plan.runs} judgements, not {plan.min_passing}"
        yield Finding(verdict=Verdict.FAILED, why=why)
    if tally.inconclusive:
        yield Finding(verdict=Verdict.INCONCLUSIVE, why=f"{name} is inconclusive by {tally.first_failure}")
    elif average is None and not tally.passed and not tally.without:
        yield Finding(verdict=Verdict.INCONCLUSIVE, why=f"{name} had no value in any judgement: {tally.last}")


def _failed(tally: Tally) -> Verdict:
    """A failure that comes of faults alone is an error: nothing was found out about the new version."""
    return Verdict.ERROR if tally.faults == tally.failed else Verdict.FAILED


def _errors(tally: Tally) -> str:
    return "1 error" if tally.errors_in_a_row == 1 else f"{tally.errors_in_a_row} errors"


def _good(deciding: Sequence[tuple[QueryRule, Tally]]) -> str:
    return "; ".join(_good_one(rule, tally) for rule, tally in deciding) or "every query is a dry run"


def _good_one(rule: QueryRule, tally: Tally) -> str:
    if tally.average is None:
        return f'the query "{rule.name}" had no value, which its rule lets pass'
    return f'the query "{rule.name}" averages {tally.average:g}, within {limits(rule)}'
