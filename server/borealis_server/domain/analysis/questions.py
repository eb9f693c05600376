"""The questions of a query, before their variables are filled in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryTexts:
    """A query as it is asked."""

    name: str
    provider: str
    """Name of the integration that is asked."""
    template: str
    baseline: str = ""
    """Template of the question about the version to compare with; empty asks none."""
