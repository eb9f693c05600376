"""Deadlines of many things, kept by one task: waiting costs no task of its own."""

import asyncio
import heapq
from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Generic, TypeVar

from borealis_server.ports.clock import Clock

_LONGEST_NAP_S = 60.0
"""Wall-clock time may be set: look again at least this often."""

Key = TypeVar("Key", bound=Hashable)


class Timers(Generic[Key]):
    """At most one deadline a key; `ring` is called once when it has come."""

    def __init__(self, clock: Clock, ring: Callable[[Key], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._due: dict[Key, datetime] = {}
        self._order: list[tuple[datetime, int, Key]] = []
        self._count = 0
        self._changed = asyncio.Event()

    def set(self, key: Key, when: datetime | None) -> None:
        """Ring for `key` at `when` instead of whatever was set before; None means never."""
        if when is None:
            self._due.pop(key, None)
            return
        self._due[key] = when
        self._count += 1
        heapq.heappush(self._order, (when, self._count, key))
        self._changed.set()

    async def run(self) -> None:
        """Ring as deadlines come, until cancelled."""
        while True:
            self._changed.clear()
            nap_s = self._ring_due()
            try:
                async with asyncio.timeout(nap_s):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _ring_due(self) -> float:
        """Ring everything that is due. Returns seconds until the next deadline, at most a nap."""
        while self._order:
            when, _, key = self._order[0]
            if self._due.get(key) != when:
                heapq.heappop(self._order)
                continue
            left_s = (when - self._clock.now()).total_seconds()
            if left_s > 0:
                return min(left_s, _LONGEST_NAP_S)
            heapq.heappop(self._order)
            del self._due[key]
            self._ring(key)
        return _LONGEST_NAP_S
