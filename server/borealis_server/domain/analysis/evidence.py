"""What a metric provider answered: all that a verdict rests on, as it was received."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One question, and what came back. Either values, of which a judgement needs exactly one, or an error."""

    question: str
    """As it was sent; secrets are redacted."""
    values: tuple[str, ...] = ()
    """As the provider wrote them: one for each series and point; none when it has no data."""
    more: int = 0
    """How many values there were beside those that are kept."""
    error: str = ""
    """Why there is no answer, in words that continue a sentence; empty when there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The answers to one query in one judgement."""

    query: str
    answer: Answer
    baseline: Answer | None = None
    """About the version to compare with; None where nothing is compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time that a judgement looks at: from `start` to `end`, both on full seconds."""

    start: datetime
    end: datetime

    @property
    def length_s(self) -> int:
        """From start to end."""
        return round((self.end - self.start).total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One judgement: its window, when it was made, and every answer."""

    number: int
    """From 1."""
    window: Window
    asked_at: datetime
    samples: tuple[Sample, ...]
    """One for each query of the plan, in its order."""
