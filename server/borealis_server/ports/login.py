"""What logging in needs from outside: slow hashes, one-time codes, a seal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Passwords(Protocol):
    """Hashes passwords so slowly that guessing is of no use."""

    async def hash(self, password: str) -> str:
        """The hash to keep; holds its own parameters. Errors: LoginBusy when too many wait for one already."""
        ...

    async def is_right(self, kept: str, password: str) -> bool:
        """Whether `kept` was made of `password`; an empty `kept` takes as long, and is never right.

        Errors: LoginBusy.
        """
        ...

    def is_outdated(self, kept: str) -> bool:
        """Whether `kept` was made with weaker parameters than those of today."""
        ...


class SecondFactors(Protocol):
    """Codes of six digits that change with time (RFC 6238)."""

    def address(self, secret: str, *, account: str) -> str:
        """What an authenticator app reads from a QR code."""
        ...

    def step_of(self, secret: str, code: str, now: datetime) -> int | None:
        """The time step whose code this is, out of the present one and its two neighbours; None when it is of none."""
        ...


class Sealer(Protocol):
    """Seals short texts with a key that is not in the store."""

    def seal(self, text: str, context: str) -> str:
        """The text, unreadable and unchangeable; it opens in the same `context` only."""
        ...

    def unseal(self, sealed: str, context: str) -> str | None:
        """The text; None unless it was sealed here, in this context."""
        ...
