"""Passwords as Argon2id hashes (RFC 9106), a few at a time, on threads of their own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from borealis_server.domain.login.refusals import LoginBusy

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

AT_ONCE: Final = 2
"""Hashes that are made at the same time; each takes 64 MiB."""
_WAITING: Final = 40
"""How many more may wait for that: a flood is turned away before it takes the memory and the time of everybody."""


class Argon2Passwords:
    """Implements `ports.login.Passwords`."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobodys = self._hasher.hash("nobody has this password")
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._inside = 0

    async def hash(self, password: str) -> str:
        """The hash to keep. Errors: LoginBusy."""
        return await self._slowly(lambda: self._hasher.hash(_bytes(password)))

    async def is_right(self, kept: str, password: str) -> bool:
        """Whether `kept` was made of `password`; an empty `kept` takes as long. Errors: LoginBusy."""

        def verify() -> bool:
            try:
                return self._hasher.verify(kept or self._nobodys, _bytes(password)) and bool(kept)
            except (VerificationError, InvalidHashError):
                return False

        return await self._slowly(verify)

    def is_outdated(self, kept: str) -> bool:
        """Whether `kept` was made with weaker parameters than those of today."""
        return self._hasher.check_needs_rehash(kept)

    async def _slowly(self, work: Callable[[], T]) -> T:
        if self._inside >= AT_ONCE + _WAITING:
            raise LoginBusy
        self._inside += 1
        try:
            async with self._at_once:
                return await asyncio.to_thread(work)
        finally:
            self._inside -= 1


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
