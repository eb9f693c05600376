"""Keeping count of judgements: what the record holds of a query, however many there are.

The sum is an exact fraction, so that the average of equal values is that value, and does not depend on their order.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

from borealis_server.domain.analysis.evidence import Sample
from borealis_server.domain.analysis.plan import AnalysisPlan, Outcome, QueryRule
from borealis_server.domain.analysis.reading import Reading, ReadingKind, judge, limits, read


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the judgements of one query came to so far."""

    query: str
    total: str = "0"
    """Sum of the values, an exact fraction as in `7/2`."""
    values: int = 0
    """Judgements that had a value."""
    passed: int = 0
    failed: int = 0
    inconclusive: int = 0
    ignored: int = 0
    """Errors that do not count."""
    without: int = 0
    """Failed judgements that had no value."""
    faults: int = 0
    """Failed judgements whose provider or query was wrong, so that they say nothing about the new version."""
    errors_in_a_row: int = 0
    """How many of the newest judgements ended in an error without a break, whether they count or not."""
    first_failure: str = ""
    """How the first failed or inconclusive judgement came out, in a sentence; empty when none did."""
    last: str = ""
    """The newest value, or why there was none."""

    @property
    def average(self) -> float | None:
        """Of all values, the nearest float to it; None without any."""
        return float(Fraction(self.total) / self.values) if self.values else None


def counted(plan: AnalysisPlan, rule: QueryRule, tally: Tally, sample: Sample, number: int) -> Tally:
    """The tally with judgement `number` in it."""
    reading = read(rule, sample)
    outcome = judge(rule, reading, tolerates_errors=plan.errors_in_a_row is not None)
    is_value, is_error = reading.kind is ReadingKind.VALUE, reading.kind is ReadingKind.ERROR
    is_fault = is_error or reading.kind is ReadingKind.SEVERAL
    is_bad = outcome in (Outcome.FAILED, Outcome.INCONCLUSIVE)
    total = Fraction(tally.total) + (Fraction(reading.value) if is_value else 0)
    return replace(
        tally,
        total=str(total),
        values=tally.values + is_value,
        passed=tally.passed + (outcome is Outcome.PASSED),
        failed=tally.failed + (outcome is Outcome.FAILED),
        inconclusive=tally.inconclusive + (outcome is Outcome.INCONCLUSIVE),
        ignored=tally.ignored + (outcome is Outcome.IGNORED),
        without=tally.without + (outcome is Outcome.FAILED and not is_value),
        faults=tally.faults + (outcome is Outcome.FAILED and is_fault),
        errors_in_a_row=tally.errors_in_a_row + 1 if is_error else 0,
        first_failure=tally.first_failure or (_told(rule, reading, number) if is_bad else ""),
        last=f"{reading.value:g}" if is_value else reading.why,
    )


def _told(rule: QueryRule, reading: Reading, number: int) -> str:
    said = f"{reading.value:g}, not {limits(rule)}" if reading.kind is ReadingKind.VALUE else reading.why
    return f"judgement {number}: {said}"
