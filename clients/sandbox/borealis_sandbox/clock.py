"""Simulated time: runs faster than real time by a factor, so that a demo need not wait for what nobody looks at."""

from __future__ import annotations

import asyncio


class SimulatedClock:
    """Counts simulated seconds on the running event loop."""

    def __init__(self, *, speed: float) -> None:
        self._speed = speed

    def now_s(self) -> float:
        """Simulated seconds since some moment."""
        return asyncio.get_running_loop().time() * self._speed

    def real_s(self, simulated_s: float) -> float:
        """How long `simulated_s` lasts in reality."""
        return simulated_s / self._speed
