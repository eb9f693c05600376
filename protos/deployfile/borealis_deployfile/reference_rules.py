"""Queries and webhooks: the names that steps use exist, each query has somebody to ask, and nothing lies unused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_deployfile.analysis import AnalysisDraft
from borealis_deployfile.faults import Code
from borealis_deployfile.model import Analysis, BlueGreen, Canary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from borealis_deployfile.draft import Draft
    from borealis_deployfile.model import Step
    from borealis_deployfile.reader import Reader


def check_references(reader: Reader, draft: Draft) -> None:
    """Note names that do not exist, queries without a provider, and what nothing uses."""
    analysis = draft.analysis or AnalysisDraft()
    for reference in reader.references:
        name = reference.word.text
        is_query = reference.to == "query"
        known = analysis.queries if is_query else draft.webhooks
        if name in known:
            continue
        code = Code.UNKNOWN_QUERY if is_query else Code.UNKNOWN_WEBHOOK
        place = "`analysis.queries`" if is_query else "`webhooks`"
        advice = reader.hint(name, known) or f"define it under {place}"
        message = f'{reference.user} names the {reference.to} "{name}", which does not exist'
        reader.fault(code, reference.word.place, message, advice)
    _check_providers(reader, draft, analysis)
    _warn_of_unused(reader, draft, analysis)


def _check_providers(reader: Reader, draft: Draft, analysis: AnalysisDraft) -> None:
    if analysis.provider is not None:
        return
    for step in _analysis_steps(draft):
        for name in step.queries if step.provider is None else ():
            asked = analysis.queries.get(name)
            if asked is not None and asked.query is not None and asked.query.provider is None:
                message = f'no metric provider is named for the query "{name}"'
                advice = "write `metricProviderName` in the query, or `analysis.defaultMetricProviderName`"
                reader.fault_at(Code.MISSING_FIELD, step.origin, message, advice)


def _analysis_steps(draft: Draft) -> Iterator[Analysis]:
    for step in _steps(draft):
        if isinstance(step, Analysis):
            yield step


def _steps(draft: Draft) -> Iterator[Step]:
    for strategy in draft.strategies.values():
        if isinstance(strategy, Canary):
            yield from strategy.steps
        elif isinstance(strategy, BlueGreen):
            yield from (*strategy.redirect_after, *strategy.shut_down_after)
    for target in draft.targets:
        yield from (*target.before, *target.after)


def _warn_of_unused(reader: Reader, draft: Draft, analysis: AnalysisDraft) -> None:
    used = {(reference.to, reference.word.text) for reference in reader.references}
    for name, webhook in draft.webhooks.items():
        if ("webhook", name) not in used:
            reader.warn(Code.NO_EFFECT, webhook.name.place, f'no step runs the webhook "{name}"', "take it out")
    for name, query in analysis.queries.items():
        if ("query", name) not in used:
            reader.warn(Code.NO_EFFECT, query.name.place, f'no step uses the query "{name}"', "take it out")
