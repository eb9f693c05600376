"""What an analysis asks and by which rules it judges: kept with the step, so that a verdict can be worked out again."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What one judgement of one query counts as."""

    PASSED = "PASSED"
    INCONCLUSIVE = "INCONCLUSIVE"
    FAILED = "FAILED"
    IGNORED = "IGNORED"
    """An error of the provider that the rules let pass: as if nothing had been asked."""


class Comparison(StrEnum):
    """How a value is set against the baseline's."""

    DIFFERENCE = "DIFFERENCE"
    """The value less the baseline's."""
    RATIO = "RATIO"
    """The value divided by the baseline's."""


class Mode(StrEnum):
    """Who acts on a result."""

    AUTOMATIC = "AUTOMATIC"
    MANUAL = "MANUAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRule:
    """A query, and what its answers must be. Limits are inclusive; None sets none."""

    name: str
    provider: str
    """Name of the integration that is asked."""
    lower_limit: float | None = None
    upper_limit: float | None = None
    on_no_data: Outcome = Outcome.FAILED
    on_nan: Outcome = Outcome.FAILED
    is_dry_run: bool = False
    """Whether its result is shown and decides nothing."""
    compare_by: Comparison | None = None
    """How it is set against the value of the version to compare with; None judges the value itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisPlan:
    """All of an analysis that is known before it starts. Units: seconds."""

    rules: tuple[QueryRule, ...]
    """In the order in which the step names them."""
    interval_s: float
    runs: int
    """Judgements to make."""
    is_growing: bool = False
    """Whether every window begins where the first one does."""
    aborts_early: bool = False
    """Whether the first judgement that fails ends the analysis."""
    initial_delay_s: float = 0.0
    scrape_delay_s: float = 0.0
    min_passing: int = 0
    """Judgements of each query that must pass one by one; 0 leaves it to the average."""
    errors_in_a_row: int | None = None
    """Errors in a row that do not count; None: each error is a failed judgement."""
    roll_forward: Mode = Mode.AUTOMATIC
    roll_back: Mode = Mode.AUTOMATIC
