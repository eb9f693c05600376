"""Runs the errands of steps: outside of any drive, so that a rollback never waits for somebody slow elsewhere.

An errand that waits for its time costs no task. One that is being run is cancelled as soon as its step wants it no
more, and run again by the next start when this process ends before its report is kept.
"""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Generic, Protocol, TypeVar

import structlog

from borealis_server.domain.deployment import Deployment, DeploymentKey, StepRun, TargetRun
from borealis_server.domain.errand import Errand, ErrandReport
from borealis_server.domain.states import ErrandKind
from borealis_server.domain.steps.errands import ErrandRef, absorb, find, wanted
from borealis_server.ports.clock import Clock
from borealis_server.ports.store import Committed
from borealis_server.services.journal import Journal
from borealis_server.services.timers import Timers

_BUG_RETRY = timedelta(seconds=10)
DEFAULT_LIMIT = 256
"""Errands that are run at one time; one that takes long is bounded by whoever runs it."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """An errand with all that its step knows."""

    ref: ErrandRef
    errand: Errand
    deployment: Deployment
    run: TargetRun
    step: StepRun


class ErrandRunner(Protocol):
    """Runs errands of one kind."""

    async def run(self, assignment: Assignment) -> ErrandReport:
        """What came of it, within a limit of time of its own. Safe to run again after a crash.

        What it raises is a bug, or something of ours that is away: the errand is run again later.
        """
        ...


Item = TypeVar("Item")


class Turns(Generic[Item]):
    """Who goes next: of tenants that wait the one with the fewest under way, so that nobody takes all places."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, deque[Item]] = defaultdict(deque)
        self._under_way: Counter[str] = Counter()

    @property
    def under_way(self) -> int:
        """How many were taken and have not ended."""
        return self._under_way.total()

    def add(self, tenant: str, item: Item) -> None:
        """Somebody waits."""
        self._waiting[tenant].append(item)

    def take(self) -> Item | None:
        """The next one, which is under way from now on until `end`; None when nobody waits."""
        if not self._waiting:
            return None
        tenant = min(self._waiting, key=lambda one: self._under_way[one])
        item = self._waiting[tenant].popleft()
        if not self._waiting[tenant]:
            del self._waiting[tenant]
        self._under_way[tenant] += 1
        return item

    def end(self, tenant: str) -> None:
        """One of the tenant's has ended."""
        self._under_way[tenant] -= 1
        if not self._under_way[tenant]:
            del self._under_way[tenant]


class Errands:
    """Looks after the errands of every deployment that is not final. Use `open_errands`."""

    def __init__(
        self, journal: Journal, clock: Clock, runners: Mapping[ErrandKind, ErrandRunner], *, limit: int
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._runners = runners
        self._limit = limit
        self._timers = Timers[ErrandRef](clock, self._on_time)
        self._wanted: dict[DeploymentKey, dict[ErrandRef, Errand]] = {}
        self._turns = Turns[ErrandRef]()
        self._tasks: dict[ErrandRef, asyncio.Task[None]] = {}
        self._is_closed = False

    async def run(self, ready: asyncio.Event) -> None:
        """Take up every errand that is wanted, then those of whatever is committed, until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._journal.on_commit(self._on_commit)
            group.create_task(self._timers.run(), name="errand timers")
            for deployment in await self._journal.store.unfinished():
                self._on_commit(Committed(before=deployment, after=deployment))
            ready.set()

    def close(self) -> None:
        """Run nothing more: what is wanted from now on is taken up by the next start."""
        self._is_closed = True

    def _on_commit(self, committed: Committed) -> None:
        key = committed.after.key
        before, now = self._wanted.pop(key, {}), dict(wanted(committed.after))
        if now:
            self._wanted[key] = now
        for ref in before.keys() - now.keys():
            self._drop(ref)
        for ref in now.keys() - before.keys():
            self._timers.set(ref, now[ref].due_at)

    def _drop(self, ref: ErrandRef) -> None:
        self._timers.set(ref, None)
        task = self._tasks.pop(ref, None)
        if task:
            task.cancel()

    def _on_time(self, ref: ErrandRef) -> None:
        self._turns.add(ref.deployment.tenant, ref)
        self._fill()

    def _fill(self) -> None:
        """Give free places to those that wait."""
        while self._turns.under_way < self._limit and not self._is_closed:
            ref = self._turns.take()
            if ref is None:
                return
            if ref in self._tasks or ref not in self._wanted.get(ref.deployment, {}):
                self._turns.end(ref.deployment.tenant)
                continue
            task = self._group.create_task(self._attend(ref), name=f"run errand {ref.deployment.id}/{ref.step}")
            task.add_done_callback(partial(self._leave, ref))
            self._tasks[ref] = task

    def _leave(self, ref: ErrandRef, _task: asyncio.Task[None]) -> None:
        self._turns.end(ref.deployment.tenant)
        self._fill()

    async def _attend(self, ref: ErrandRef) -> None:
        try:
            await self._carry_out(ref)
        except Exception:
            # A bug, or a store that is away. The record is as it was: wait, then run it again.
            log.exception("errand.failed", deployment=ref.deployment.id, target=ref.target, step=ref.step)
            self._tasks.pop(ref, None)
            if ref in self._wanted.get(ref.deployment, {}):
                self._timers.set(ref, self._clock.now() + _BUG_RETRY)

    async def _carry_out(self, ref: ErrandRef) -> None:
        deployment = await self._journal.store.get(ref.deployment)
        found = find(deployment, ref)
        if found is None:
            return
        run, step, errand = found
        assignment = Assignment(ref=ref, errand=errand, deployment=deployment, run=run, step=step)
        report = await self._runners[errand.kind].run(assignment)
        # From here on it is not cancelled any more: its own commit is what makes it unwanted.
        self._tasks.pop(ref, None)
        await self._journal.record(ref.deployment, lambda newest: absorb(newest, ref, report, self._clock.now()))


@asynccontextmanager
async def open_errands(
    journal: Journal, clock: Clock, runners: Mapping[ErrandKind, ErrandRunner], *, limit: int = DEFAULT_LIMIT
) -> AsyncIterator[Errands]:
    """Errands that are run. Leaving the context drops those under way; the next start runs them again."""
    errands = Errands(journal, clock, runners, limit=limit)
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(errands.run(ready), name="errands")
        await ready.wait()
        try:
            yield errands
        finally:
            errands.close()
            task.cancel()
