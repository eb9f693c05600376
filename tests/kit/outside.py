"""Machines outside without a network: they answer as a test says, and remember what they were asked."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from borealis_server.domain.callback_tokens import CallbackTokens
from borealis_server.domain.errors import SecretNotFound
from borealis_server.ports.outside import OutsideAnswer, OutsideFailure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from borealis_server.ports.outside import OutsideRequest
    from borealis_server.ports.relay import AgentRef

    Script = Callable[[OutsideRequest], Awaitable[OutsideAnswer | OutsideFailure]]

WEB: Final = "https://borealis.example"
"""Address of the server's web door."""
TOKENS: Final = CallbackTokens(bytes(range(32)))
OK: Final = OutsideAnswer(status=200)
ACCEPTED: Final = OutsideAnswer(status=202, reason="Accepted", headers=(("content-type", "text/plain"),), body=b"soon")
BROKEN: Final = OutsideAnswer(status=503, reason="Service Unavailable")
UNREACHABLE: Final = OutsideFailure(detail="the connection failed: connection refused")


@dataclass
class Asked:
    """One request, when it came, and through which agent."""

    request: OutsideRequest
    at: float
    via: AgentRef | None

    def header(self, name: str) -> str:
        """The value of a header; empty when there is none."""
        return next((value for key, value in self.request.headers if key.lower() == name.lower()), "")


@dataclass
class ScriptedOutside:
    """Implements `ports.outside.Outside`: answers in the order of `answers`, the last one for ever."""

    answers: deque[OutsideAnswer | OutsideFailure | Script] = field(default_factory=lambda: deque([OK]))
    asked: list[Asked] = field(default_factory=list)
    dropped: int = 0
    """Requests whose sender went away before the answer."""

    def says(self, *answers: OutsideAnswer | OutsideFailure | Script) -> None:
        """Answer like this from now on."""
        self.answers = deque(answers)

    async def send(self, request: OutsideRequest, *, via: AgentRef | None = None) -> OutsideAnswer | OutsideFailure:
        """The next answer."""
        self.asked.append(Asked(request, asyncio.get_running_loop().time(), via))
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, OutsideAnswer | OutsideFailure):
            return answer
        try:
            return await answer(request)
        except asyncio.CancelledError:
            self.dropped += 1
            raise


async def never(_request: OutsideRequest) -> OutsideAnswer | OutsideFailure:
    """Does not answer; somebody else has to give up."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


@dataclass
class KnownSecrets:
    """Secrets of every tenant."""

    known: dict[str, str] = field(default_factory=dict)

    async def names(self, _tenant: str) -> frozenset[str]:
        """Their names."""
        return frozenset(self.known)

    async def values(self, tenant: str, names: Collection[str]) -> dict[str, str]:
        """Their values. Errors: SecretNotFound."""
        missing = sorted(set(names) - self.known.keys())
        if missing:
            raise SecretNotFound(tenant, missing)
        return {name: self.known[name] for name in names}
