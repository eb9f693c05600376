"""An `analysis` block of a deploy file, written from queries: what somebody has tried out goes into it as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from borealis_deployfile.model import Query


def analysis_yaml(queries: Sequence[Query], *, default_provider: str = "") -> str:
    """The block, ready to be put into a deploy file. Shape: read back, it means the same queries in the same order.

    Errors: ValueError with the first query that has no limit, which no deploy file may have.
    """
    lines = ["analysis:"]
    if default_provider:
        lines.append(f"  defaultMetricProviderName: {_text(default_provider)}")
    lines.append("  queries:")
    for query in queries:
        first, *rest = _fields(query, default_provider)
        lines += [f"    - {first}", *(f"      {line}" for line in rest)]
    return "\n".join(lines) + "\n"


def _fields(query: Query, default_provider: str) -> Iterator[str]:
    if query.upper_limit is None and query.lower_limit is None:
        raise ValueError(f'the query "{query.name}" has no limit: give it one')
    yield f"name: {_text(query.name)}"
    if query.provider and query.provider != default_provider:
        yield f"metricProviderName: {_text(query.provider)}"
    yield f"queryTemplate: {_text(query.template)}"
    if query.baseline:
        yield f"baselineQueryTemplate: {_text(query.baseline)}"
        yield f"compareBy: {query.compare_by}"
    if query.upper_limit is not None:
        yield f"upperLimit: {_number(query.upper_limit)}"
    if query.lower_limit is not None:
        yield f"lowerLimit: {_number(query.lower_limit)}"
    if query.on_no_data != "fail":
        yield f"onNoData: {query.on_no_data}"
    if query.on_nan != query.on_no_data:
        yield f"onNaN: {query.on_nan}"
    if query.is_dry_run:
        yield "dryRun: true"


def _text(value: str) -> str:
    """The text in double quotes; everything beyond ASCII is escaped, since YAML has line breaks there too."""
    return f'"{"".join(map(_escaped, value))}"'


def _escaped(one: str) -> str:
    if one in '"\\':
        return f"\\{one}"
    if one.isascii() and one.isprintable():
        return one
    return f"\\u{ord(one):04x}" if ord(one) <= 0xFFFF else f"\\U{ord(one):08x}"  # noqa: PLR2004 - four digits end there


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)  # noqa: PLR2004 - exact below
