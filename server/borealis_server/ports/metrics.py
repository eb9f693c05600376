"""Metric providers: one question in a provider's language, and the numbers that come back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from borealis_server.domain.analysis.evidence import Window
from borealis_server.domain.integration import Integration

TRIES = 3
PAUSE_S = 2.0
LIMIT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question to a provider. Holds secrets: it does not belong into a log."""

    text: str = field(repr=False)
    """In the provider's language, with every variable filled in."""
    window: Window
    credentials: Mapping[str, str] = field(repr=False)
    """Values of the secrets that the integration names."""
    actor: str = ""
    """On whose behalf, for the audit of relayed calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """There is no answer."""

    why: str
    """In words that continue a sentence; may quote the provider."""
    is_passing: bool = False
    """Whether the same question may well be answered a moment later."""


class Metrics(Protocol):
    """Asks metric providers."""

    async def ask(self, integration: Integration, question: Question) -> tuple[str, ...] | Unanswered:
        """Every value of the answer, as the provider wrote it; none when it has no data.

        Asks once, within 30 seconds. Raises nothing that is the provider's fault.
        """
        ...
