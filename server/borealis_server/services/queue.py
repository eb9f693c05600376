"""Starts queued deployments when their turn comes: the one before has ended, however it did."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import structlog

from borealis_server.domain.deployment import Deployment
from borealis_server.domain.queue import take_turn
from borealis_server.domain.record import Recorded
from borealis_server.domain.states import DeploymentState
from borealis_server.ports.clock import Clock
from borealis_server.ports.store import Committed
from borealis_server.services.journal import Journal

_RETRY_S = 10.0
_ONE_IN_PROGRESS_ONE_WAITING = 2
log = structlog.get_logger()


class KnownAgents(Protocol):
    """Tells which agents a tenant has."""

    async def agent_names(self, tenant: str) -> tuple[str, ...]:
        """Every agent's name, connected or not."""
        ...


class Queue:
    """Looks after every application's queue. Use `open_queue`. Level-triggered: it looks again after any crash."""

    def __init__(self, journal: Journal, agents: KnownAgents, clock: Clock) -> None:
        self._journal = journal
        self._agents = agents
        self._clock = clock
        self._applications: set[tuple[str, str]] = set()
        """Tenant and application of each queue that has to be looked at."""
        self._alarm = asyncio.Event()

    async def run(self, ready: asyncio.Event) -> None:
        """Start what may start, now and after every commit, until cancelled."""
        self._journal.on_commit(self._on_commit)
        for deployment in await self._journal.store.unfinished():
            self._on_commit(Committed(before=deployment, after=deployment))
        ready.set()
        while True:
            await self._alarm.wait()
            self._alarm.clear()
            try:
                while self._applications:
                    tenant, application = next(iter(self._applications))
                    await self._advance(tenant, application)
                    self._applications.discard((tenant, application))
            except Exception:
                # A bug, or a store that is away: nothing was changed, so look again later.
                log.exception("queue.advance_failed")
                await asyncio.sleep(_RETRY_S)
                self._alarm.set()

    def _on_commit(self, committed: Committed) -> None:
        after = committed.after
        if after.state.is_final or after.state is DeploymentState.QUEUED:
            self._applications.add((after.key.tenant, after.application))
            self._alarm.set()

    async def _advance(self, tenant: str, application: str) -> None:
        """Start the queued deployment of an application unless another one is in progress."""
        found = await self._journal.store.list(
            tenant, limit=_ONE_IN_PROGRESS_ONE_WAITING, application=application, in_progress_only=True
        )
        if not found or any(each.state is not DeploymentState.QUEUED for each in found):
            return
        agents = await self._agents.agent_names(tenant)

        def turn(newest: Deployment) -> Recorded | None:
            is_waiting = newest.state is DeploymentState.QUEUED
            return take_turn(newest, agents, self._clock.now()) if is_waiting else None

        await self._journal.record(found[0].key, turn)


@asynccontextmanager
async def open_queue(journal: Journal, agents: KnownAgents, clock: Clock) -> AsyncIterator[Queue]:
    """Queues that move. Leaving the context stops them where they are; the next start goes on."""
    queue = Queue(journal, agents, clock)
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(queue.run(ready), name="queue")
        await ready.wait()
        try:
            yield queue
        finally:
            task.cancel()
