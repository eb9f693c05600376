"""Plans of analyses and judgements, in few words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from borealis_server.domain.analysis.evidence import Answer, Judgement, Sample
from borealis_server.domain.analysis.plan import AnalysisPlan, QueryRule
from borealis_server.domain.analysis.schedule import asks_at, window
from borealis_server.domain.analysis.verdict import AnalysisRun, recomputed

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Said = float | str | Exception | tuple[str, ...] | None
"""What a provider says: a number, its text, None for no data, an error, or several of the first two."""


def rule(name: str = "q", **fields: Any) -> QueryRule:  # Any: the fields of a rule
    """A rule; without limits in `fields` its value may be 0 to 10."""
    if not {"lower_limit", "upper_limit"} & set(fields):
        fields |= {"lower_limit": 0.0, "upper_limit": 10.0}
    return QueryRule(name=name, provider="prom", **fields)


def plan(*rules: QueryRule, runs: int = 3, interval_s: float = 30.0, **fields: Any) -> AnalysisPlan:
    """A plan of the rules; one rule where none is given."""
    return AnalysisPlan(rules=rules or (rule(),), runs=runs, interval_s=interval_s, **fields)


def answer(said: Said) -> Answer:
    """The answer of a provider."""
    if isinstance(said, Exception):
        return Answer(question="q", error=str(said))
    if said is None:
        return Answer(question="q")
    values = said if isinstance(said, tuple) else (said,)
    return Answer(question="q", values=tuple(map(str, values)))


def judgement(of: AnalysisPlan, number: int, *said: Said, baseline: Said = 0.0) -> Judgement:
    """Judgement `number`, with what was said to each rule; the same baseline for all that compare."""
    samples = tuple(
        Sample(query=one.name, answer=answer(words), baseline=answer(baseline) if one.compare_by else None)
        for one, words in zip(of.rules, said, strict=True)
    )
    return Judgement(
        number=number, window=window(of, START, number), asked_at=asks_at(of, START, number), samples=samples
    )


def judged(of: AnalysisPlan, *said: Said, baseline: Said = 0.0) -> AnalysisRun:
    """The analysis after judgements that said so to its only query, as far as it goes."""
    run = AnalysisRun(plan=of)
    judgements: list[Judgement] = []
    for number, words in enumerate(said, start=1):
        if run.verdict is None:
            judgements.append(judgement(of, number, words, baseline=baseline))
            run = recomputed(of, judgements)
    return run
