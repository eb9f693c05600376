"""Drives one controller: tells it which objects to look at again, when something changed or some time has passed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Protocol, TypeAlias

from borealis_sandbox.custom_kinds import served_kinds
from borealis_sandbox.storage import Change, TooOldError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from borealis_sandbox.clock import SimulatedClock
    from borealis_sandbox.storage import Storage

_log = logging.getLogger(__name__)
_RETRY_S = 1.0
# What is due "in 1e-17 s", by the error of a subtraction, would be due again at once, and again: timers fire a little
# early, and time must move on in between.
_SHORTEST_S = 0.001

Key: TypeAlias = tuple[str, ...]


class Controller(Protocol):
    """What the loop drives; both methods are synchronous, so nothing changes while they look."""

    def affected(self, change: Change) -> Iterable[Key]:
        """Keys of the objects to look at again after `change`."""

    def reconcile(self, key: Key) -> float | None:
        """Bring the object of that key closer to its specification.

        Gives back after how many simulated seconds to look again even if nothing changes, or None.
        """


class ControllerLoop:
    """Runs one controller until it is cancelled."""

    def __init__(self, controller: Controller, storage: Storage, clock: SimulatedClock) -> None:
        self._controller = controller
        self._storage = storage
        self._clock = clock
        self._due_at: dict[Key, float] = {}
        self._cursor = -1

    async def run(self) -> None:
        """Look at everything once, then at whatever changes, until the store ends."""
        while not self._storage.has_ended:
            self._read_changes()
            self._reconcile_due()
            await self._sleep()

    def _read_changes(self) -> None:
        now = asyncio.get_running_loop().time()
        for change in self._unread():
            for key in self._controller.affected(change):
                self._due_at[key] = now
        self._cursor = self._storage.revision

    def _unread(self) -> Iterable[Change]:
        """Changes since the last look; everything there is, if some of them are forgotten."""
        try:
            return self._storage.changes_after(self._cursor)
        except TooOldError:
            return [
                Change(revision=self._storage.revision, type="ADDED", kind=kind, found=found, previous=None)
                for kind in served_kinds(self._storage)
                for found in self._storage.find(kind)
            ]

    def _reconcile_due(self) -> None:
        now = asyncio.get_running_loop().time()
        for key in [key for key, due_at in self._due_at.items() if due_at < now + _SHORTEST_S]:
            del self._due_at[key]
            again_s = self._reconcile(key)
            if again_s is not None:
                self._due_at[key] = now + max(_SHORTEST_S, self._clock.real_s(again_s))

    def _reconcile(self, key: Key) -> float | None:
        try:
            return self._controller.reconcile(key)
        except Exception:  # noqa: BLE001 - the top of a loop: one object must not stop all others
            _log.exception("reconciling %s failed in %s", key, type(self._controller).__name__)
            return _RETRY_S

    async def _sleep(self) -> None:
        """Until something has changed, or the next object is due."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(min(self._due_at.values(), default=None)):
                await self._storage.wait_after(self._cursor)
        # Others get their turn even when there is always something to do.
        await asyncio.sleep(0)
