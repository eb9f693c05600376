"""The way to a cluster on a bad day: its API server throttles, or the link is cut, when a test says so.

Wraps another relay, so that everything between is real.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from borealis_server.adapters.relay.watchers import Watchers
from borealis_server.domain.errors import AgentUnavailable
from borealis_server.ports.relay import AgentChange, AgentChangeKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from borealis_server.ports.relay import AgentRef, AgentSession, Relay, RelayRequest, RelayResponse


@dataclass(frozen=True, slots=True)
class Throttled:
    """What an API server answers whose flow control has no room."""

    headers: tuple[tuple[str, str], ...]
    status: int = 429

    async def read(self, limit_bytes: int = 64 * 2**20) -> bytes:  # noqa: ARG002 - it is short
        """The whole body."""
        text = "too many requests, please try again later"
        return json.dumps({"kind": "Status", "code": 429, "reason": "TooManyRequests", "message": text}).encode()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body."""
        yield await self.read()


class BadDayRelay:
    """A relay whose calls may be refused, or lost in the middle."""

    def __init__(self, relay: Relay, agent: AgentRef) -> None:
        self._relay = relay
        self._agent = agent
        self._watchers = Watchers()
        self._cuts: Callable[[RelayRequest], bool] | None = None
        self.retry_after_s: int | None = None
        """What the API server says to every request; None while it answers them."""
        self.is_cut = False
        self.was_cut = asyncio.Event()
        self.refused: list[tuple[float, str]] = []
        """Requests that were refused: when, by the time of the loop, and method and path."""
        self._has_refused = asyncio.Event()

    def cut_in(self, chosen: Callable[[RelayRequest], bool]) -> None:
        """Let the next chosen request reach the cluster, and lose its answer and the link."""
        self._cuts = chosen

    async def refusals(self, count: int) -> None:
        """Wait until so many requests were refused."""
        while len(self.refused) < count:
            self._has_refused.clear()
            await self._has_refused.wait()

    def mend(self) -> None:
        """The link is there again."""
        self.is_cut = False
        self._tell(AgentChangeKind.CONNECTED)

    def is_connected(self, agent: AgentRef) -> bool:
        """Whether a call could be sent now."""
        return not self.is_cut and self._relay.is_connected(agent)

    def sessions(self, agent: AgentRef) -> tuple[AgentSession, ...]:
        """The live sessions of an agent."""
        return () if self.is_cut else self._relay.sessions(agent)

    def all_sessions(self, tenant: str) -> tuple[AgentSession, ...]:
        """The live sessions of all agents of a tenant."""
        return () if self.is_cut else self._relay.all_sessions(tenant)

    def watch_agents(self) -> AbstractAsyncContextManager[AsyncIterator[AgentChange]]:
        """Cuts and mends."""
        return self._watchers.watch()

    @asynccontextmanager
    async def call(self, agent: AgentRef, request: RelayRequest) -> AsyncIterator[RelayResponse]:
        """As the relay behind, if it may get there."""
        if self.is_cut:
            raise AgentUnavailable(agent.name, dispatched=False)
        if self.retry_after_s is not None:
            now = asyncio.get_running_loop().time()
            self.refused.append((now, f"{request.method} {request.path.partition('?')[0]}"))
            self._has_refused.set()
            yield Throttled(headers=(("retry-after", str(self.retry_after_s)),))
            return
        async with self._relay.call(agent, request) as response:
            if self._cuts and self._cuts(request):
                await response.read()
                self._cuts, self.is_cut = None, True
                self.was_cut.set()
                self._tell(AgentChangeKind.DISCONNECTED)
                raise AgentUnavailable(agent.name, dispatched=None)
            yield response

    def _tell(self, kind: AgentChangeKind) -> None:
        for session in self._relay.sessions(self._agent):
            self._watchers.tell(AgentChange(kind=kind, session=session))
