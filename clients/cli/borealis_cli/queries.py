"""What `borealis query` asks: queries of a deploy file or of the command line, as plans of analyses and back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from borealis_client import Comparison, Outcome, Plan
from borealis_client import Query as Asked
from borealis_deployfile.model import Query
from borealis_deployfile.parse import check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from borealis_deployfile.model import DeployFile

_OUTCOMES: Final = {"fail": Outcome.FAILED, "pass": Outcome.PASSED, "inconclusive": Outcome.INCONCLUSIVE}
_COMPARISONS: Final = {"difference": Comparison.DIFFERENCE, "ratio": Comparison.RATIO}
INLINE_NAME: Final = "query"
"""Name of the query of a command line that gives none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inline:
    """A query on the command line."""

    template: str = ""
    upper_limit: float | None = None
    lower_limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What is asked."""

    queries: tuple[Query, ...]
    provider: str
    """Asked by queries that name none."""
    context: dict[str, str]
    """Variables that the deploy file writes."""


def choose(file: str, names: Sequence[str], inline: Inline, provider: str) -> Chosen:
    """The queries that the command line names. Errors: typer.BadParameter."""
    if bool(file) == bool(inline.template):
        raise typer.BadParameter("give a deploy file with --file, or a query with --template")
    if inline.template:
        name = names[0] if names else INLINE_NAME
        low, high = inline.lower_limit, inline.upper_limit
        query = Query(name=name, template=inline.template, lower_limit=low, upper_limit=high)
        return Chosen(queries=(query,), provider=_needed(provider, query), context={})
    read = _read(file)
    unknown = [name for name in names if name not in read.queries]
    if unknown or not read.queries:
        known = ", ".join(read.queries) or "none"
        raise typer.BadParameter(f"{file} has no query {', '.join(unknown) or 'at all'}; it has: {known}")
    queries = tuple(read.queries[name] for name in names or read.queries)
    usual = provider or read.default_provider or ""
    for query in queries:
        _needed(usual, query)
    return Chosen(queries=queries, provider=usual, context=dict(read.context))


def plan_of(chosen: Chosen, *, interval_s: float, runs: int, is_growing: bool) -> Plan:
    """The analysis that asks them."""
    asked = [_asked(query, chosen.provider) for query in chosen.queries]
    return Plan(queries=asked, interval_s=interval_s, runs=runs, is_growing=is_growing)


def _read(file: str) -> DeployFile:
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}") from error
    result = check(content, file_name=file)
    if result.file is None:
        first = result.faults[0]
        raise typer.BadParameter(f"{first.file}:{first.line}: {first.message}; `borealis validate` tells more")
    return result.file


def _needed(provider: str, query: Query) -> str:
    if not (query.provider or provider):
        raise typer.BadParameter(f'say with --provider which integration the query "{query.name}" asks')
    return provider


def _asked(query: Query, provider: str) -> Asked:
    return Asked(
        name=query.name,
        provider=query.provider or provider,
        template=query.template,
        upper_limit=query.upper_limit,
        lower_limit=query.lower_limit,
        on_no_data=_OUTCOMES[query.on_no_data],
        on_nan=_OUTCOMES[query.on_nan],
        is_dry_run=query.is_dry_run,
        baseline_template=query.baseline,
        compare_by=_COMPARISONS[query.compare_by] if query.baseline else Comparison.UNSPECIFIED,
    )
