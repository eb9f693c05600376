"""Integrations and analyses as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_cli.render.tables import table
from borealis_cli.render.text import one_line, short_id, timestamp, word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from borealis_client import Analysis, Answer, Integration, Judgement, Query, Sample


def integration_table(integrations: Sequence[Integration]) -> list[str]:
    """One integration a row."""
    rows = [
        (short_id(one.name), _kind(one), one.url, one.agent or "(server)", _credentials(one), one.updated_by)
        for one in integrations
    ]
    return table(("INTEGRATION", "TYPE", "URL", "THROUGH", "CREDENTIALS", "BY"), rows)


def judgement_lines(judgement: Judgement) -> Iterator[str]:
    """The window, and what each query came to in it."""
    start, end = (timestamp(moment) if moment else "?" for moment in (judgement.start_time, judgement.end_time))
    yield f"{judgement.number}. {start} to {end}"
    for sample in judgement.samples:
        yield f"   {one_line(sample.query)}: {sample_text(sample)}"


def sample_text(sample: Sample) -> str:
    """The answers to one query."""
    said = _said(sample.answer)
    return f"{said} against {_said(sample.baseline)} of the baseline" if sample.baseline else said


def analysis_table(analysis: Analysis) -> list[str]:
    """One query a row, with its average, limits and verdict; below them the verdict of all."""
    queries = analysis.plan.queries if analysis.plan else []
    limits = {query.name: limits_text(query) for query in queries}
    rows = [
        (
            one.query,
            "" if one.average is None else f"{one.average:g}",
            limits.get(one.query, ""),
            f"{one.passed}/{analysis.judged}",
            word(one.verdict),
            one.first_failure,
        )
        for one in analysis.results
    ]
    return [
        *table(("QUERY", "AVERAGE", "LIMITS", "PASSED", "VERDICT", "FIRST THAT DID NOT PASS"), rows),
        one_line(f"{word(analysis.verdict)}: {analysis.why}"),
    ]


def analysis_text(analysis: Analysis) -> str:
    """A step's analysis on one line: how far it is, and each query with its average, or its newest value."""
    plan = analysis.plan
    queries = {query.name: query for query in plan.queries} if plan else {}
    found = {one.query: one for one in analysis.results}
    parts = []
    for name, query in queries.items():
        result = found.get(name)
        said = "" if result is None else f" {result.last}" if result.average is None else f" {result.average:g}"
        parts.append(f"{name}{said} ({limits_text(query)})")
    runs = plan.runs if plan else 0
    return one_line(f"analysis, {analysis.judged} of {runs} judgements: {', '.join(parts)}")


def limits_text(query: Query) -> str:
    """The limits of a query."""
    low = "" if query.lower_limit is None else f"{query.lower_limit:g}"
    high = "" if query.upper_limit is None else f"{query.upper_limit:g}"
    if low and high:
        return f"{low} to {high}"
    return f"at least {low}" if low else f"at most {high}" if high else "any"


def _said(answer: Answer | None) -> str:
    if answer is None:
        return "nothing"
    if answer.error:
        return one_line(f"no answer ({answer.error})")
    more = f" and {answer.more} more" if answer.more else ""
    return one_line(", ".join(answer.values) + more) or "no data"


def _kind(one: Integration) -> str:
    providers = {"Prometheus": one.prometheus, "Datadog": one.datadog, "New Relic": one.new_relic}
    return next((name for name, provider in providers.items() if provider is not None), "unknown")


def _credentials(one: Integration) -> str:
    """Which secrets open it."""
    if one.prometheus is not None:
        prometheus = one.prometheus
        user = f"{prometheus.username} with {prometheus.password}" if prometheus.username else ""
        return prometheus.token or user or "none"
    if one.datadog is not None:
        return f"{one.datadog.api_key}, {one.datadog.application_key}"
    return f"{one.new_relic.user_key}, account {one.new_relic.account_id}" if one.new_relic is not None else ""
