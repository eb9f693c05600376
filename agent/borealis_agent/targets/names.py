"""Addresses of one host: looked up, remembered for a while, and for longer while the name service is away."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_FRESH_S: Final = 30.0
_STALE_S: Final = 600.0


class HostAddresses:
    """The addresses of `host`.

    Units: seconds of the loop's clock. A name service that flaps costs nothing for ten minutes.
    """

    def __init__(self, host: str, lookup: Callable[[str], Awaitable[tuple[str, ...]]] | None = None) -> None:
        self._host = host
        self._lookup = lookup or look_up
        self._known: tuple[str, ...] = ()
        self._known_since = 0.0
        self._is_doubted = False
        self._lock = asyncio.Lock()
        if _is_address(host):
            self._known, self._known_since = (host,), float("inf")

    async def current(self) -> tuple[str, ...]:
        """The addresses, in the order in which to try them.

        Errors: OSError if they were never known, or too long ago.
        """
        async with self._lock:  # one question at a time: a thousand requests must not ask a thousand times
            age_s = asyncio.get_running_loop().time() - self._known_since
            if self._known and age_s < _FRESH_S and not self._is_doubted:
                return self._known
            try:
                self._known = await self._lookup(self._host)
            except OSError:
                if not self._known or age_s >= _STALE_S:
                    raise
                return self._known
            self._known_since = asyncio.get_running_loop().time()
            self._is_doubted = False
            return self._known

    def doubt(self) -> None:
        """None of the addresses could be reached: ask again next time."""
        self._is_doubted = not _is_address(self._host)


async def look_up(host: str) -> tuple[str, ...]:
    """The addresses of a host, by the system's name service.

    Errors: OSError.
    """
    infos = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(info[4][0]) for info in infos))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
