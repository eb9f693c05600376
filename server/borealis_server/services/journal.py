"""The one way to change a deployment: commit to the store, then tell everybody who waits for it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager

from borealis_server.domain.deployment import Deployment, DeploymentInputs, DeploymentKey, Event
from borealis_server.domain.queue import Queued
from borealis_server.domain.record import Recorded
from borealis_server.ports.store import Admission, Change, Committed, DeploymentStore

_PAGE = 200


class Journal:
    """Keeps deployments through a store, and wakes watchers and the runner after each commit."""

    def __init__(self, store: DeploymentStore) -> None:
        self._store = store
        self._waiting: dict[DeploymentKey, set[asyncio.Event]] = {}
        self._listeners: list[Callable[[Committed], None]] = []

    @property
    def store(self) -> DeploymentStore:
        """For reading."""
        return self._store

    def on_commit(self, listener: Callable[[Committed], None]) -> None:
        """Call `listener` after every commit; it must not block."""
        self._listeners.append(listener)

    async def start(
        self,
        recorded: Recorded,
        inputs: DeploymentInputs,
        *,
        beside: Callable[[Sequence[Deployment]], Queued] | None = None,
    ) -> Deployment:
        """Keep a new deployment, or what `beside` makes of it where another one of its application is not final.

        Errors: RequestIdReused; DeploymentInProgress without `beside`.
        """
        replaced: set[DeploymentKey] = set()
        admit = _admitting(beside, replaced) if beside else None
        kept = await self._store.insert(recorded.deployment, inputs, recorded.events, beside=admit)
        for key in replaced:
            ended = await self._store.get(key)
            self._tell(Committed(before=ended, after=ended))
        self._tell(Committed(before=kept, after=kept))
        return kept

    async def record(self, key: DeploymentKey, change: Callable[[Deployment], Recorded | None]) -> Committed:
        """Commit what `change` makes of the newest state. Errors: DeploymentNotFound, and what `change` raises."""
        committed = await self._store.update(key, lambda newest: _as_change(newest, change(newest)))
        if committed.after.revision != committed.before.revision:
            self._tell(committed)
        return committed

    async def follow(self, key: DeploymentKey, after_sequence: int) -> AsyncIterator[Event]:
        """Every event after `after_sequence`, as it comes, up to the one that ends the deployment.

        Reads from the store, so a slow follower lags behind and costs nobody else anything.
        """
        with self._alarm(key) as alarm:
            while True:
                alarm.clear()
                events = await self._store.events(key, after_sequence=after_sequence, limit=_PAGE)
                for event in events:
                    yield event
                    after_sequence = event.sequence
                if len(events) == _PAGE:
                    continue
                deployment = await self._store.get(key)
                if deployment.state.is_final and deployment.sequence <= after_sequence:
                    return
                if deployment.sequence <= after_sequence:
                    await alarm.wait()

    @contextmanager
    def _alarm(self, key: DeploymentKey) -> Iterator[asyncio.Event]:
        alarm = asyncio.Event()
        alarms = self._waiting.setdefault(key, set())
        alarms.add(alarm)
        try:
            yield alarm
        finally:
            alarms.discard(alarm)
            if not alarms:
                self._waiting.pop(key, None)

    def _tell(self, committed: Committed) -> None:
        for alarm in self._waiting.get(committed.after.key, ()):
            alarm.set()
        for listener in self._listeners:
            listener(committed)


def _as_change(newest: Deployment, recorded: Recorded | None) -> Change | None:
    if recorded is None or recorded.deployment == newest:
        return None
    return _whole(recorded)


def _admitting(
    beside: Callable[[Sequence[Deployment]], Queued], replaced: set[DeploymentKey]
) -> Callable[[Sequence[Deployment]], Admission]:
    """What the store asks; `replaced` is then the one that lost its place."""

    def admit(others: Sequence[Deployment]) -> Admission:
        queued = beside(others)
        replaced.clear()
        if queued.replaced:
            replaced.add(queued.replaced.deployment.key)
        return Admission(new=_whole(queued.recorded), replaced=_whole(queued.replaced) if queued.replaced else None)

    return admit


def _whole(recorded: Recorded) -> Change:
    return Change(deployment=recorded.deployment, events=recorded.events)
