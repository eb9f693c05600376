"""Drives deployments: look, decide, keep the intent, act, keep the outcome, and again until there is nothing to do.

A target that waits has no task: it is woken by a commit, a watch, its agent's return or a deadline. One drive a target
at a time; rollbacks have a lane of their own.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from borealis_server.domain import late, outcome
from borealis_server.domain.applying import watched
from borealis_server.domain.decide import NOTHING_SEEN, decide, needs_agent, needs_observation
from borealis_server.domain.decision import Act, Circumstances, Decision, Hold
from borealis_server.domain.deployment import Deployment, TargetRun
from borealis_server.domain.effects import AgentAway, Busy, Outcome, Outdated, Prepare
from borealis_server.domain.kubernetes.marks import Origin
from borealis_server.domain.record import Note, Recorded, settle
from borealis_server.domain.states import EventKind, TargetState
from borealis_server.ports.clock import Clock
from borealis_server.ports.cluster import Cluster
from borealis_server.ports.relay import AgentRef, Relay
from borealis_server.ports.store import Committed
from borealis_server.services.effects.manifests import ManifestShelf
from borealis_server.services.effects.performer import Performer
from borealis_server.services.effects.site import Site
from borealis_server.services.journal import Journal
from borealis_server.services.observer import Observer
from borealis_server.services.targets import TargetKey
from borealis_server.services.timers import Timers
from borealis_server.services.watches import Watches

if TYPE_CHECKING:
    from borealis_server.domain.observation import Observation

_BUG_RETRY = timedelta(seconds=10)
_OUTDATED_IN_A_ROW = 5
log = structlog.get_logger()


@dataclass(slots=True)
class _Seat:
    """A target that is being driven, and what happened meanwhile."""

    newest_revision: int = 0
    is_poked: bool = False


@dataclass(frozen=True, slots=True)
class _Turn:
    """One decision, what it left in the record (None: somebody else was faster), and how its effect came out."""

    decision: Decision
    kept: TargetRun | None
    result: Outcome | None = None


class Runner:
    """Drives every deployment that is not final. Use `open_runner`."""

    def __init__(self, journal: Journal, cluster: Cluster, relay: Relay, clock: Clock, *, lanes: int) -> None:
        self._journal = journal
        self._cluster = cluster
        self._relay = relay
        self._clock = clock
        self._shelf = ManifestShelf(journal.store)
        self._performer = Performer(cluster, self._shelf)
        self._observer = Observer(cluster)
        self._timers = Timers[TargetKey](clock, self.wake)
        self._forward, self._back = asyncio.Semaphore(lanes), asyncio.Semaphore(lanes)
        self._seats: dict[TargetKey, _Seat] = {}
        self._active: dict[TargetKey, AgentRef] = {}
        self._is_closed = False

    async def run(self, ready: asyncio.Event) -> None:
        """Take up every deployment that is not final, then whatever is committed, until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._watches = Watches(self._cluster, self.wake, group)
            self._journal.on_commit(self._on_commit)
            group.create_task(self._timers.run(), name="runner timers")
            group.create_task(self._follow_agents(), name="runner agents")
            for deployment in await self._journal.store.unfinished():
                self._on_commit(Committed(before=deployment, after=deployment))
            ready.set()

    def close(self) -> None:
        """Drive nothing more: what is committed from now on is taken up by the next start."""
        self._is_closed = True

    def wake(self, key: TargetKey) -> None:
        """Drive the target now, or once more when it is being driven."""
        if self._is_closed:
            return
        seat = self._seats.get(key)
        if seat:
            seat.is_poked = True
            return
        self._seats[key] = _Seat()
        self._group.create_task(self._attend(key), name=f"drive {key.deployment.id}/{key.target}")

    def _on_commit(self, committed: Committed) -> None:
        revisions = {run.name: run.revision for run in committed.before.targets}
        for run in committed.after.targets:
            key = TargetKey(committed.after.key, run.name)
            if not run.is_active:
                self._active.pop(key, None)
                continue
            self._active[key] = AgentRef(tenant=key.deployment.tenant, name=run.account)
            seat = self._seats.get(key)
            if seat:
                seat.newest_revision = max(seat.newest_revision, run.revision)
            elif run.revision != revisions.get(run.name) or committed.before is committed.after:
                self.wake(key)

    async def _follow_agents(self) -> None:
        async with self._relay.watch_agents() as changes:
            async for change in changes:
                for key, agent in tuple(self._active.items()):
                    if agent == change.session.agent:
                        self.wake(key)

    async def _attend(self, key: TargetKey) -> None:
        """Drive until nothing has happened meanwhile."""
        seat = self._seats[key]
        try:
            while True:
                seat.is_poked = False
                decided = await self._drive_safely(key, seat)
                if not seat.is_poked and seat.newest_revision <= decided:
                    return
        finally:
            del self._seats[key]

    async def _drive_safely(self, key: TargetKey, seat: _Seat) -> int:
        try:
            return await self._drive(key)
        except Exception:
            # A bug, or a store that is away. The record is as it was: wait, then try again.
            log.exception("target.drive_failed", deployment=key.deployment.id, target=key.target)
            self._timers.set(key, self._clock.now() + _BUG_RETRY)
            seat.is_poked = False
            return seat.newest_revision

    async def _drive(self, key: TargetKey) -> int:
        """Decide and act until the target holds or ends. Returns the revision that it holds at."""
        outdated = 0
        while True:
            deployment = await self._journal.store.get(key.deployment)
            run = deployment.target(key.target)
            if not run.is_active:
                self._rest(key)
                return run.revision
            async with self._back if run.state is TargetState.ROLLING_BACK else self._forward:
                turn = await self._once(key, deployment, run, is_patient=outdated < _OUTDATED_IN_A_ROW)
            outdated = outdated + 1 if isinstance(turn.result, Outdated) else 0
            if turn.kept and isinstance(turn.decision, Hold):
                self._hold(key, turn.kept, turn.decision)
                return turn.kept.revision

    async def _once(self, key: TargetKey, deployment: Deployment, run: TargetRun, *, is_patient: bool) -> _Turn:
        """One decision and what comes of it. `is_patient`: an outdated view is no reason to wait yet."""
        manifests = await self._shelf.of(key.deployment, key.target)
        here = Circumstances(
            now=self._clock.now(),
            readiness_timeout_s=deployment.readiness_timeout_s,
            objects=manifests.labels,
            keeps_deployment_object=deployment.keeps_deployment_object,
        )
        agent = AgentRef(tenant=key.deployment.tenant, name=run.account)
        decision = await self._decide(agent, run, here)
        if not isinstance(decision, Act):
            return _Turn(decision, await self._keep(key, run, decision.run, decision.notes))
        effect = decision.effect
        is_told = isinstance(effect, Prepare) or run.intent == str(effect)  # a busy cluster is asked again and again
        notes = () if is_told else (*decision.notes, Note(kind=EventKind.EFFECT_INTENDED, message=str(effect)))
        intended = await self._keep(key, run, decision.run, notes, is_intent=not isinstance(effect, Prepare))
        if intended is None:
            return _Turn(decision, None)
        site = Site(
            key=key.deployment, agent=agent, origin=_origin(deployment, run), namespaces=manifests.deployment_namespaces
        )
        is_in_time = late.may_be_sent(intended, self._clock.now())
        result = await self._performer.perform(site, effect) if is_in_time else Outdated()
        if isinstance(result, Outdated) and not is_patient:
            result = Busy(detail="somebody else keeps changing the same object")
        after = outcome.absorb(intended, effect, result, replace(here, now=self._clock.now()))
        kept = await self._keep(key, intended, after.run, after.notes, is_done=True)
        return _Turn(after, kept, result)

    async def _decide(self, agent: AgentRef, run: TargetRun, here: Circumstances) -> Decision:
        if needs_agent(run) and not self._relay.is_connected(agent):
            return decide(run, AgentAway(detail="it is not connected"), here)
        seen: Observation | AgentAway | Busy = NOTHING_SEEN
        if needs_observation(run):
            seen = await self._observer.observe(agent, run)
        if isinstance(seen, Busy):
            return outcome.cannot_see(run, seen, here)
        return decide(run, seen, here)

    async def _keep(
        self,
        key: TargetKey,
        base: TargetRun,
        run: TargetRun,
        notes: Sequence[Note],
        *,
        is_intent: bool = False,
        is_done: bool = False,
    ) -> TargetRun | None:
        """Commit `run` unless the target has changed since `base`; returns what is stored, or None.

        `is_intent`: its change will be sent as soon as it is kept.
        `is_done`: the notes tell what was done in the cluster; they are written down even when `run` is not.
        """
        if run == base and not notes and not is_intent:
            return run
        is_kept = False

        def change(newest: Deployment) -> Recorded | None:
            nonlocal is_kept
            if newest.state.is_final:
                return None  # the last event is the one that ended it
            now = self._clock.now()
            recorded = Recorded(deployment=newest)
            is_kept = newest.target(key.target).revision == base.revision
            if is_kept:
                kept = late.intended(run, now) if is_intent else run
                return settle(recorded.with_target(kept, notes, now), now)
            if not is_done:
                return recorded
            current = newest.target(key.target)
            learnt = late.learnt_after_all(current, base, run, now)
            if learnt != current:
                return recorded.with_target(learnt, notes, now)
            for note in notes:
                recorded = recorded.with_event(note, now, current)
            return recorded

        committed = await self._journal.record(key.deployment, change)
        return committed.after.target(key.target) if is_kept else None

    def _hold(self, key: TargetKey, run: TargetRun, hold: Hold) -> None:
        self._timers.set(key, hold.wake_at)
        can_see = needs_observation(run) and run.agent_lost_at is None and not hold.is_spared
        kinds = watched(run) if can_see else frozenset()
        self._watches.want(key, AgentRef(tenant=key.deployment.tenant, name=run.account), kinds)

    def _rest(self, key: TargetKey) -> None:
        self._timers.set(key, None)
        self._watches.release(key)


@asynccontextmanager
async def open_runner(
    journal: Journal, cluster: Cluster, relay: Relay, clock: Clock, *, lanes: int = 32
) -> AsyncIterator[Runner]:
    """A runner at work. Leaving the context parks every drive where it is; the next start takes it up again.

    `lanes` bounds how many targets are worked on at one time, forward and back each.
    """
    runner = Runner(journal, cluster, relay, clock, lanes=lanes)
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(runner.run(ready), name="runner")
        await ready.wait()
        try:
            yield runner
        finally:
            runner.close()
            task.cancel()


def _origin(deployment: Deployment, run: TargetRun) -> Origin:
    return Origin(application=deployment.application, deployment_id=deployment.key.id, target=run.name)
