"""How long to wait before the next attempt. Pure arithmetic; chance comes in from outside."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Full jitter: anything from nothing to a limit that doubles, so that a thousand agents never come at once.

    Units: seconds.
    """

    first_s: float = 0.5
    """Limit of the first wait."""
    longest_s: float = 30.0
    """No wait is longer."""
    stable_after_s: float = 60.0
    """A tunnel that lasted this long was a success: the next wait is a first one again."""
    refused_s: float = 30.0
    """Shortest wait after the server refused the credential; the longest is twice that."""

    def delay_s(self, attempt: int, chance: float) -> float:
        """The wait after `attempt` failures in a row (from 0), for a `chance` of 0 to 1."""
        limit = min(self.longest_s, self.first_s * float(2 ** min(attempt, 32)))
        return limit * chance

    def refused_delay_s(self, chance: float) -> float:
        """The wait after a refused credential, for a `chance` of 0 to 1."""
        return self.refused_s * (1 + chance)
