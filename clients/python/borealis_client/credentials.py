"""Tokens for calls: given ones as they are, or got with a client credential, kept, and renewed in time."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_MARGIN_S: Final = 60.0
_MARGIN_SHARE: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """A token and how long it is good for, from when it was asked for."""

    text: str = field(repr=False)
    lifetime_s: float


class TokenSource(Protocol):
    """Where calls get their token."""

    async def get(self) -> str:
        """A token that is good now, as far as one can know."""
        ...

    def refuse(self, token: str) -> bool:
        """Told that the server refused `token`; True when `get` can bring another one."""
        ...


@dataclass(frozen=True, slots=True)
class GivenToken:
    """The one token that somebody handed over."""

    token: str = field(repr=False)

    async def get(self) -> str:
        """That token."""
        return self.token

    def refuse(self, token: str) -> bool:  # noqa: ARG002  # the interface's name
        """There is no other."""
        return False


class IssuedTokens:
    """Tokens that the server issues; one request at a time, however many calls wait for it."""

    def __init__(
        self, issue: Callable[[], Awaitable[IssuedToken]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._issue = issue
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token = ""
        self._renew_at = 0.0

    async def get(self) -> str:
        """The kept token while it has some life left, else a new one."""
        if self._is_fresh():
            return self._token
        async with self._lock:
            if not self._is_fresh():
                asked_at = self._clock()
                issued = await self._issue()
                margin_s = min(_MARGIN_S, _MARGIN_SHARE * issued.lifetime_s)
                self._token, self._renew_at = issued.text, asked_at + issued.lifetime_s - margin_s
            return self._token

    def refuse(self, token: str) -> bool:
        """Forgets `token`, unless a newer one has taken its place already."""
        if token == self._token:
            self._token = ""
        return True

    def _is_fresh(self) -> bool:
        return bool(self._token) and self._clock() < self._renew_at
