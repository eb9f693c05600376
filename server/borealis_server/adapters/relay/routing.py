"""Which tunnel of an agent a call takes, and who waits for an agent to come back."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Final

from borealis_server.adapters.relay.admission import Load
from borealis_server.adapters.relay.retry import RetryBudget
from borealis_server.domain.errors import Exhausted

if TYPE_CHECKING:
    from collections.abc import Callable

    from borealis_server.adapters.relay.admission import AdmissionLimits
    from borealis_server.adapters.relay.connection import AgentConnection
    from borealis_server.ports.relay import AgentRef


_RETURN_S: Final = 60.0


class AgentRoute:
    """All that the hub knows of one agent.

    Units: `left_at` is the loop's clock in seconds, when the last tunnel ended; None while there is one.
    """

    def __init__(self, agent: AgentRef, tenant: Load, limits: AdmissionLimits) -> None:
        self.connections: list[AgentConnection] = []
        """Its sessions, oldest first."""
        self.load = Load(f"agent {agent.name}", limits.agent_calls, limits.agent_calls_per_s)
        """Its calls."""
        self.tenant = tenant
        """The calls of its tenant."""
        self.retries = RetryBudget()
        """How many of them may be sent again."""
        self.left_at: float | None = None
        self._waiters: list[asyncio.Future[None]] = []

    def enter(self, now: float) -> None:
        """Count a call that begins. Errors: Exhausted; nothing was counted then."""
        self.load.enter(now)
        try:
            self.tenant.enter(now)
        except Exhausted:
            self.load.leave()
            raise
        self.retries.count(now)

    def leave(self) -> None:
        """Count a call that ended."""
        self.load.leave()
        self.tenant.leave()

    def may_return(self, now: float) -> bool:
        """Whether the agent was here a moment ago, so that it is worth waiting for it."""
        return self.left_at is None or now - self.left_at <= _RETURN_S

    def pick(self, is_usable: Callable[[AgentConnection], bool] | None = None) -> AgentConnection | None:
        """The better of two sessions drawn by chance, so that not everybody rushes to the one that looks best."""
        usable = [one for one in self.connections if one.is_taking_calls and (is_usable is None or is_usable(one))]
        if len(usable) > 2:  # noqa: PLR2004 - the two of which the better one is taken
            usable = random.sample(usable, 2)
        return min(usable, key=_burden) if usable else None

    async def wait(self, limit_s: float) -> None:
        """Wait until a session begins, at most `limit_s`."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(limit_s):
                await waiter
        except TimeoutError:
            pass
        finally:
            self._waiters.remove(waiter)

    def tell_waiters(self) -> None:
        """A session has begun."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)


def _burden(connection: AgentConnection) -> tuple[float, int]:
    """How long a call would wait there, as far as we know."""
    streams = connection.open_streams
    return ((1 + streams) * (connection.round_trip_s + 1e-4) + connection.queued_bytes * 1e-8, streams)
