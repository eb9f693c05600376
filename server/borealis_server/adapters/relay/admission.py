"""How many calls an agent and a tenant may have open, and begin each second. Who has too many hurts nobody else."""

from __future__ import annotations

from dataclasses import dataclass

from borealis_server.domain.errors import Exhausted


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionLimits:
    """What one agent, and all agents of one tenant together, may be asked."""

    agent_calls: int = 1000
    """Calls to one agent that are open at once."""
    agent_calls_per_s: int = 20_000
    """Calls to one agent that begin within a second."""
    tenant_calls: int = 10_000
    """Calls of one tenant that are open at once."""
    tenant_calls_per_s: int = 50_000
    """Calls of one tenant that begin within a second."""


class Load:
    """The calls of one agent or tenant. `enter` and `leave` come in pairs."""

    __slots__ = ("_began", "_limit", "_limit_per_s", "_name", "_second", "open")

    def __init__(self, name: str, limit: int, limit_per_s: int) -> None:
        self._name = name
        self._limit = limit
        self._limit_per_s = limit_per_s
        self._second = 0
        self._began = 0
        self.open = 0
        """Calls that are open."""

    def enter(self, now: float) -> None:
        """Count a call that begins, at `now` seconds of any clock.

        Errors: Exhausted; nothing was counted then.
        """
        if self.open >= self._limit:
            raise Exhausted(f"relayed calls open at once to {self._name}", str(self._limit))
        second = int(now)
        if second != self._second:
            self._second, self._began = second, 0
        if self._began >= self._limit_per_s:
            raise Exhausted(f"relayed calls to {self._name} within a second", str(self._limit_per_s))
        self._began += 1
        self.open += 1

    def leave(self) -> None:
        """Count a call that ended."""
        self.open -= 1
