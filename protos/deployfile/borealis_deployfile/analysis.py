"""Analysis: the queries of a deploy file, and the steps that judge by them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from borealis_deployfile.contexts import read_context
from borealis_deployfile.durations import UNIT_SECONDS, read_duration
from borealis_deployfile.faults import Code
from borealis_deployfile.language.analysis import ANALYSIS, ANALYSIS_STEP, QUERY
from borealis_deployfile.language.durations import LONGEST_S, UNITS
from borealis_deployfile.language.shapes import Choice
from borealis_deployfile.model import Analysis, Query
from borealis_deployfile.reader import Word, is_blank

if TYPE_CHECKING:
    from borealis_deployfile.model import Comparison, Mode, Origin, Outcome
    from borealis_deployfile.reader import Place, Reader

_MODE: Final = Choice(words=("automatic", "manual"))
_LOOKBACK: Final = Choice(words=("sliding", "growing"))
_OUTCOME: Final = Choice(words=("fail", "pass", "inconclusive"))
_COMPARISON: Final = Choice(words=("difference", "ratio"))
_LIMITS: Final = ("upperLimit", "lowerLimit")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryDraft:
    """A query as far as it could be read."""

    name: Word
    query: Query | None
    """None for one with faults."""


@dataclass(slots=True, kw_only=True)
class AnalysisDraft:
    """The `analysis` of the file as far as it could be read."""

    queries: dict[str, QueryDraft] = field(default_factory=dict)
    provider: str | None = None


def read_analysis(reader: Reader, place: Place) -> AnalysisDraft:
    """The queries by name."""
    draft = AnalysisDraft()
    fields = reader.fields(place, ANALYSIS)
    if fields is None:
        return draft
    draft.provider = _text(reader, fields, "defaultMetricProviderName")
    if "queries" not in fields:
        reader.missing(place, "queries", "analysis", "name the queries that steps judge by")
        return draft
    if is_blank(fields["queries"].node):
        reader.fault(Code.MISSING_FIELD, fields["queries"], "analysis needs at least one query", "write a query")
    for here in reader.items(fields["queries"], "`queries`", "put a dash before each query"):
        _add_query(reader, here, draft)
    return draft


def read_analysis_step(reader: Reader, place: Place, origin: Origin) -> Analysis | None:
    """The step at the place, or None with its faults noted; `origin` is where the step starts."""
    fields = reader.fields(place, ANALYSIS_STEP)
    if fields is None:
        return None
    errors_before = reader.errors
    reader.require(place, fields, ANALYSIS_STEP, "an analysis step")
    interval_s = _interval_s(reader, fields)
    runs = _count(reader, fields, "numberOfJudgmentRuns")
    queries = _query_names(reader, fields)
    step = Analysis(
        queries=queries,
        interval_s=interval_s or 0.0,
        runs=runs or 0,
        provider=_text(reader, fields, "metricProviderName"),
        context=read_context(reader, fields.get("context"), may_be_list=True),
        roll_back=_mode(reader, fields, "rollBackMode"),
        roll_forward=_mode(reader, fields, "rollForwardMode"),
        is_growing=_word(reader, fields, "lookbackMethod", _LOOKBACK) == "growing",
        aborts_early=_flag(reader, fields, "abortOnFailedJudgment"),
        initial_delay_s=_delay_s(reader, fields, "initialDelay"),
        scrape_delay_s=_delay_s(reader, fields, "scrapeDelay"),
        min_passing=_min_passing(reader, fields, runs),
        errors_in_a_row=_errors_in_a_row(reader, fields),
        origin=origin,
    )
    return None if reader.errors > errors_before else step


def _add_query(reader: Reader, place: Place, draft: AnalysisDraft) -> None:
    fields = reader.fields(place, QUERY)
    if fields is None:
        return
    errors_before = reader.errors
    is_whole = reader.require(place, fields, QUERY, "a query")
    name = _text(reader, fields, "name")
    upper, lower = _limits(reader, place, fields, name)
    if "aggregationMethod" in fields:
        reader.warn(Code.NO_EFFECT, fields["aggregationMethod"], "`aggregationMethod` is ignored", "take it out")
    query = _query(reader, fields, name or "", lower=lower, upper=upper)
    if name is None:
        return
    word = Word(text=name, place=fields["name"])
    if name in draft.queries:
        reader.fault(Code.DUPLICATE_KEY, word.place, f'the query "{name}" is written twice', "keep one of them")
        return
    is_sound = is_whole and reader.errors == errors_before
    draft.queries[name] = QueryDraft(name=word, query=query if is_sound else None)


def _query(reader: Reader, fields: dict[str, Place], name: str, *, lower: float | None, upper: float | None) -> Query:
    """The query as far as it could be read; whether it is sound is for the caller."""
    on_no_data = _outcome(reader, fields, "onNoData") or "fail"
    baseline = _verbatim(reader, fields, "baselineQueryTemplate")
    if "compareBy" in fields and "baselineQueryTemplate" not in fields:
        message = "`compareBy` needs something to compare with"
        reader.fault(Code.INVALID_VALUE, fields["compareBy"], message, "write `baselineQueryTemplate`, or take it out")
    return Query(
        name=name,
        template=_verbatim(reader, fields, "queryTemplate"),
        upper_limit=upper,
        lower_limit=lower,
        provider=_text(reader, fields, "metricProviderName"),
        on_no_data=on_no_data,
        on_nan=_outcome(reader, fields, "onNaN") or on_no_data,
        is_dry_run=_flag(reader, fields, "dryRun"),
        baseline=baseline,
        compare_by=_comparison(reader, fields),
    )


def _limits(
    reader: Reader, place: Place, fields: dict[str, Place], name: str | None
) -> tuple[float | None, float | None]:
    upper, lower = (reader.number(fields[one], f"`{one}`") if one in fields else None for one in _LIMITS)
    if not any(one in fields for one in _LIMITS):
        message = f'the query "{name or ""}" has neither an upperLimit nor a lowerLimit'
        reader.fault(Code.LIMITS_MISSING, fields.get("name", place), message, "write at least one of them")
    if upper is not None and lower is not None and lower > upper:
        message = f"the lower limit {lower:g} is above the upper limit {upper:g}"
        reader.fault(Code.INVALID_VALUE, fields["lowerLimit"], message, "swap them")
    return upper, lower


def _interval_s(reader: Reader, fields: dict[str, Place]) -> float | None:
    amount = _count(reader, fields, "interval")
    unit = _word(reader, fields, "units", UNITS)
    if amount is None or unit is None:
        return None
    if amount * UNIT_SECONDS[unit] > LONGEST_S:
        reader.fault(Code.INVALID_VALUE, fields["interval"], "the interval is longer than a year")
        return None
    return float(amount * UNIT_SECONDS[unit])


def _query_names(reader: Reader, fields: dict[str, Place]) -> tuple[str, ...]:
    if "queries" not in fields:
        return ()
    if is_blank(fields["queries"].node):
        reader.fault(Code.MISSING_FIELD, fields["queries"], "an analysis step needs at least one query", "name a query")
    words = reader.words(fields["queries"], "`queries`")
    for word in words:
        reader.refer("query", word, "an analysis step")
    return tuple(word.text for word in words)


def _min_passing(reader: Reader, fields: dict[str, Place], runs: int | None) -> int:
    least = _count(reader, fields, "minPassing") or 0
    if runs is not None and least > runs:
        message = f"{least} judgements cannot pass: there are {runs}"
        reader.fault(Code.INVALID_VALUE, fields["minPassing"], message, "lower it, or raise `numberOfJudgmentRuns`")
    return least


def _errors_in_a_row(reader: Reader, fields: dict[str, Place]) -> int | None:
    name = "maxConsecutiveErrors"
    return reader.count(fields[name], f"`{name}`", least=0) if name in fields else None


def _delay_s(reader: Reader, fields: dict[str, Place], name: str) -> float:
    return (read_duration(reader, fields[name], f"`{name}`") or 0.0) if name in fields else 0.0


def _outcome(reader: Reader, fields: dict[str, Place], name: str) -> Outcome | None:
    match _word(reader, fields, name, _OUTCOME):
        case "pass":
            return "pass"
        case "inconclusive":
            return "inconclusive"
        case "fail":
            return "fail"
        case _:
            return None


def _comparison(reader: Reader, fields: dict[str, Place]) -> Comparison:
    return "ratio" if _word(reader, fields, "compareBy", _COMPARISON) == "ratio" else "difference"


def _verbatim(reader: Reader, fields: dict[str, Place], name: str) -> str:
    return (reader.verbatim(fields[name], f"`{name}`") or "") if name in fields else ""


def _count(reader: Reader, fields: dict[str, Place], name: str) -> int | None:
    return reader.count(fields[name], f"`{name}`", least=1) if name in fields else None


def _text(reader: Reader, fields: dict[str, Place], name: str) -> str | None:
    return reader.text(fields[name], f"`{name}`") if name in fields else None


def _word(reader: Reader, fields: dict[str, Place], name: str, choice: Choice) -> str | None:
    return reader.choice(fields[name], choice, f"`{name}`") if name in fields else None


def _mode(reader: Reader, fields: dict[str, Place], name: str) -> Mode:
    return "manual" if _word(reader, fields, name, _MODE) == "manual" else "automatic"


def _flag(reader: Reader, fields: dict[str, Place], name: str) -> bool:
    return bool(name in fields and reader.boolean(fields[name], f"`{name}`"))
