"""From answers to one number, or to the reason why there is none."""

import math
from dataclasses import dataclass
from enum import StrEnum

from borealis_server.domain.analysis.evidence import Answer, Sample
from borealis_server.domain.analysis.plan import Comparison, Outcome, QueryRule


class ReadingKind(StrEnum):
    """What the answers to a query come to."""

    VALUE = "VALUE"
    NO_DATA = "NO_DATA"
    NAN = "NAN"
    """The answer is not a number, as 0/0 is."""
    INFINITE = "INFINITE"
    SEVERAL = "SEVERAL"
    """More values than one: the query must be changed."""
    ERROR = "ERROR"
    """There is no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The number that a query came to in one judgement, or why it came to none."""

    kind: ReadingKind
    value: float = 0.0
    """For VALUE alone."""
    why: str = ""
    """Why there is no value, in words that continue a sentence."""


def read(rule: QueryRule, sample: Sample) -> Reading:
    """What the answers say under the rule: the value, or how far it is from the baseline's."""
    value = _read_one(sample.answer)
    if rule.compare_by is None or value.kind is not ReadingKind.VALUE:
        return value
    if sample.baseline is None:
        return Reading(kind=ReadingKind.ERROR, why="the baseline was not asked for")
    baseline = _read_one(sample.baseline)
    if baseline.kind is not ReadingKind.VALUE:
        return Reading(kind=baseline.kind, why=f"{baseline.why} for the baseline")
    return _compared(value.value, baseline.value, rule.compare_by)


def judge(rule: QueryRule, reading: Reading, *, tolerates_errors: bool) -> Outcome:
    """What the reading counts as; limits are inclusive."""
    match reading.kind:
        case ReadingKind.VALUE:
            return Outcome.PASSED if is_within(rule, reading.value) else Outcome.FAILED
        case ReadingKind.NO_DATA:
            return rule.on_no_data
        case ReadingKind.NAN:
            return rule.on_nan
        case ReadingKind.ERROR if tolerates_errors:
            return Outcome.IGNORED
        case _:
            return Outcome.FAILED


def is_within(rule: QueryRule, value: float) -> bool:
    """Whether the value keeps to both limits."""
    is_low = rule.lower_limit is not None and value < rule.lower_limit
    return not is_low and not (rule.upper_limit is not None and value > rule.upper_limit)


def limits(rule: QueryRule) -> str:
    """The limits in words."""
    if rule.lower_limit is None and rule.upper_limit is None:
        return "any value"
    if rule.lower_limit is None:
        return f"at most {rule.upper_limit:g}"
    if rule.upper_limit is None:
        return f"at least {rule.lower_limit:g}"
    return f"{rule.lower_limit:g} to {rule.upper_limit:g}"


def _read_one(answer: Answer) -> Reading:
    if answer.error:
        return Reading(kind=ReadingKind.ERROR, why=answer.error)
    if not answer.values:
        return Reading(kind=ReadingKind.NO_DATA, why="no data")
    count = len(answer.values) + answer.more
    if count > 1:
        return Reading(kind=ReadingKind.SEVERAL, why=f"{count} values instead of one")
    try:
        value = float(answer.values[0])
    except ValueError:
        return Reading(kind=ReadingKind.ERROR, why=f'"{answer.values[0][:40]}" is not a number')
    return _finite(value)


def _compared(value: float, baseline: float, by: Comparison) -> Reading:
    if by is Comparison.DIFFERENCE:
        return _finite(value - baseline)
    if baseline == 0:
        # Both zero are alike; anything is infinitely more than nothing.
        return _finite(1.0 if value == 0 else math.copysign(math.inf, value))
    return _finite(value / baseline)


def _finite(value: float) -> Reading:
    if math.isnan(value):
        return Reading(kind=ReadingKind.NAN, why="not a number")
    if math.isinf(value):
        return Reading(kind=ReadingKind.INFINITE, why="an infinite value")
    return Reading(kind=ReadingKind.VALUE, value=value)
