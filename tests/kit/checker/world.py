"""Everything that can happen to a deployment, one indivisible step at a time.

Decisions are the real ones: `decide`, `absorb`, `settle`, `persons`, `prepare` and the runner's own keeping of records.
The world around them is `kit.checker.cluster`. Values are numbered once, so that a state is a small tuple of numbers
and each decision is computed once for all states in which it is due.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from borealis_server.domain import decide as decisions
from borealis_server.domain import outcome
from borealis_server.domain.decision import Act, Circumstances, Decision, Hold
from borealis_server.domain.deployment import Deployment, DeploymentKey, TargetRun
from borealis_server.domain.effects import Effect, Outcome, Outdated, Prepare
from borealis_server.domain.kubernetes.marks import Origin
from borealis_server.domain.late import SENT_WITHIN
from borealis_server.domain.record import Recorded, settle
from borealis_server.domain.states import Phase, TargetState
from borealis_server.ports.store import Committed
from borealis_server.services.runner import Runner
from borealis_server.services.targets import TargetKey
from kit.checker import cluster as model
from kit.checker import invariants, others, traffic
from kit.checker.documents import prepared
from kit.checker.moment import (
    ARRIVED_LATE,
    AWAY,
    BUSY,
    INTENDED,
    LOOKED,
    PERFORMED,
    READINESS_S,
    REFUSED,
    Drive,
    State,
    Table,
    aged,
    holding,
    on,
    with_drive,
)
from kit.checker.performing import perform
from kit.checker.records import NOW, canonical, stale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kit.checker.cluster import Cluster
    from kit.checker.scenarios import Scenario


@dataclass(slots=True)
class _Journal:
    """`services.journal.Journal` as far as the runner keeps records through it."""

    newest: Deployment

    async def record(self, _key: DeploymentKey, change: Callable[[Deployment], Recorded | None]) -> Committed:
        before = self.newest
        recorded = change(before)
        if recorded is not None:
            self.newest = recorded.deployment
        return Committed(before=before, after=self.newest)


class _Clock:
    def now(self) -> Any:  # Any: a time
        return NOW


@dataclass(slots=True)
class World:
    """The transition system of one scenario."""

    scenario: Scenario
    deployments: Table[Deployment] = field(default_factory=Table)
    runs: Table[TargetRun] = field(default_factory=Table)
    clusters: Table[Cluster] = field(default_factory=Table)
    decisions: Table[Decision] = field(default_factory=Table)
    effects: Table[Effect] = field(default_factory=Table)
    outcomes: Table[Outcome] = field(default_factory=Table)
    memo: dict[tuple[Any, ...], Any] = field(default_factory=dict)  # Any: a result per kind of question

    def start(self) -> State:
        """The moment after the first deployment was accepted."""
        plans = self.scenario.targets
        clusters = tuple(model.a_cluster(plan) for plan in plans)
        return State(
            number=1,
            deployment=self.deployments.of(self.started(1)),
            clusters=tuple(self.clusters.of(each) for each in clusters),
            away=(False,) * len(plans),
            drives=(None,) * len(plans),
            ghosts=(None,) * len(plans),
            faults=self.scenario.faults,
            excuses=0,
        )

    def record(self, state: State) -> Deployment:
        """The stored record."""
        return self.deployments[state.deployment]

    def started(self, number: int) -> Deployment:
        targets = tuple(
            TargetRun(
                name=plan.name,
                account="cluster",
                namespace="shop",
                depends_on=plan.depends_on,
                steps=plan.steps,
                service_pairs=plan.pairs,
            )
            for plan in self.scenario.targets
        )
        deployment = Deployment(
            key=DeploymentKey(tenant="main", id=f"run{number}"),
            application=model.APPLICATION,
            targets=targets,
            started_by="ana",
            started_at=NOW,
            readiness_timeout_s=READINESS_S,
        )
        return canonical(settle(Recorded(deployment=deployment), NOW).deployment)

    # Every step.

    def successors(self, state: State) -> Iterator[tuple[str, State]]:
        """Every step that could be the next, and where it leads. Errors: Violated."""
        for target in range(len(state.drives)):
            yield from self.driven(state, target, "drives")
            if state.ghosts[target]:
                yield from self.driven(state, target, "ghosts")
            yield from others.of_cluster(self, state, target)
            yield from others.of_agent(self, state, target)
        if state.faults and "crash" in self.scenario.kinds and any(state.drives) and not any(state.ghosts):
            idle = (None,) * len(state.drives)
            under_way = tuple(others.in_time(each) for each in state.drives)
            yield "the server dies", state._replace(drives=idle, ghosts=under_way, faults=state.faults - 1)
        yield from others.of_persons(self, state)
        yield from others.time(self, state)
        yield from others.next_start(self, state)

    def driven(self, state: State, target: int, who: str, *, is_kind: bool = False) -> Iterator[tuple[str, State]]:
        """What a server could do next about a target. `is_kind`: nothing goes wrong."""
        drive: Drive | None = getattr(state, who)[target]
        if drive is None:
            yield from self._look(state, target, is_kind=is_kind)
        elif drive.stage == LOOKED:
            yield self._keep_decision(state, target, who, drive)
        elif drive.stage == INTENDED:
            yield from self._perform(state, target, who, drive, is_kind=is_kind)
        else:
            yield self._absorb(state, target, who, drive)

    def _look(self, state: State, target: int, *, is_kind: bool) -> Iterator[tuple[str, State]]:
        run = self.run(state, target)
        if not self.runs[run].is_active:
            return
        decision = self._decision(run, state.clusters[target], target, is_away=state.away[target])
        if not state.away[target]:
            live = self.clusters[state.clusters[target]]
            traffic.check_decision(self.runs[run], self.decisions[decision], live, state.excuses)
        yield self._looked(state, target, run, decision, "looks")
        can_be_blind = not is_kind and state.faults and "blind" in self.scenario.kinds
        if can_be_blind and decisions.needs_observation(self.runs[run]) and not state.away[target]:
            blind = self.decisions.of(outcome.cannot_see(self.runs[run], BUSY, self._here(target)))
            state = state._replace(faults=state.faults - 1)
            yield self._looked(state, target, run, blind, "cannot see")

    def _looked(self, state: State, target: int, run: int, decision: int, verb: str) -> tuple[str, State]:
        found = self.decisions[decision]
        if isinstance(found, Hold):
            invariants.check_hold(found)
        drive = Drive(LOOKED, True, state.number, run, decision)
        return f"[{self.name(target)}] the server {verb}", with_drive(state, "drives", target, drive)

    def _decision(self, run: int, cluster: int, target: int, *, is_away: bool) -> int:
        record = self.runs[run]
        needs_pods = decisions.needs_observation(record)
        key = ("decide", run, cluster if needs_pods else -1, is_away)
        if key not in self.memo:
            if is_away and (needs_pods or decisions.needs_agent(record)):
                seen: Any = AWAY
            else:
                seen = model.observe(self.clusters[cluster], record) if needs_pods else decisions.NOTHING_SEEN
            self.memo[key] = self.decisions.of(decisions.decide(record, seen, self._here(target)))
        found: int = self.memo[key]
        return found

    def _keep_decision(self, state: State, target: int, who: str, drive: Drive) -> tuple[str, State]:
        decision = self.decisions[drive.what]
        word = decision.effect if isinstance(decision, Act) else f"that it {_told(decision.run, self.runs[drive.run])}"
        state, kept = self._kept(state, target, drive, drive.what, is_done=False)
        after = None
        if isinstance(decision, Act) and kept is not None:
            after = Drive(INTENDED, True, drive.number, kept, self.effects.of(decision.effect))
        verb = "keeps" if kept is not None else "is too late to keep"
        return f"{self._who(target, who)} {verb} {word}", with_drive(state, who, target, after)

    def _perform(
        self, state: State, target: int, who: str, drive: Drive, *, is_kind: bool
    ) -> Iterator[tuple[str, State]]:
        effect = self.effects[drive.what]
        label = f"{self._who(target, who)} performs: {effect}"
        if who == "ghosts" and not self.scenario.is_late and not self._is_in_time(state, target, drive):
            return
        changed, answer = self._performed(state.clusters[target], drive, target)
        if who == "drives" and drive.age_s >= SENT_WITHIN.total_seconds():
            changed, answer = state.clusters[target], self.outcomes.of(Outdated())
        is_effective = changed != state.clusters[target]
        done = self._answered(on(state, target, changed), target, who, drive, answer)
        if who == "ghosts" and is_effective:
            invariants.check_write(self, done, target, drive)
            if not self._is_in_time(state, target, drive):
                done = done._replace(excuses=done.excuses | ARRIVED_LATE)
        if not (who == "drives" and state.away[target]):
            yield label, done
        if state.faults == 0 or is_kind:
            return
        less = state._replace(faults=state.faults - 1)
        if "lost" in self.scenario.kinds and is_effective:
            lost = self._answered(on(less, target, changed), target, who, drive, self.outcomes.of(AWAY))
            yield f"{label}, and the reply is lost", lost
        for kind, bad in (("lost", AWAY), ("busy", BUSY), ("refuse", REFUSED)):
            if kind in self.scenario.kinds:
                answered = self._answered(less, target, who, drive, self.outcomes.of(bad))
                yield f"{label}, in vain: {kind}", answered

    def _performed(self, cluster: int, drive: Drive, target: int) -> tuple[int, int]:
        key = ("perform", cluster, drive.what, drive.number, target)
        if key not in self.memo:
            effect = self.effects[drive.what]
            before = self.clusters[cluster]
            origin = self._origin(drive.number, target)
            if isinstance(effect, Prepare):
                answer: Outcome = prepared(before, self.scenario.targets[target], origin)
                after = before
            else:
                after, answer = perform(before, effect, origin)
            self.memo[key] = (self.clusters.of(after), self.outcomes.of(answer))
        found: tuple[int, int] = self.memo[key]
        return found

    def _answered(self, state: State, target: int, who: str, drive: Drive, answer: int) -> State:
        return with_drive(state, who, target, drive._replace(stage=PERFORMED, outcome=answer))

    def _absorb(self, state: State, target: int, who: str, drive: Drive) -> tuple[str, State]:
        key = ("absorb", drive.run, drive.what, drive.outcome)
        if key not in self.memo:
            effect, answer = self.effects[drive.what], self.outcomes[drive.outcome]
            after = outcome.absorb(self.runs[drive.run], effect, answer, self._here(target))
            if isinstance(after, Hold):
                invariants.check_hold(after)
            self.memo[key] = self.decisions.of(after)
        state, kept = self._kept(state, target, drive, self.memo[key], is_done=True)
        verb = "keeps" if kept is not None else "is too late to keep"
        word = f"{self.effects[drive.what]} as {type(self.outcomes[drive.outcome]).__name__}"
        return f"{self._who(target, who)} {verb} {word}", with_drive(state, who, target, None)

    def _kept(
        self, state: State, target: int, drive: Drive, decision: int, *, is_done: bool
    ) -> tuple[State, int | None]:
        """The state after the runner's own `_keep`, and the run as stored (None: somebody was faster)."""
        if drive.number != state.number:
            return state, None  # the record of a deployment that has ended: whatever it was decided on is out of date
        key = ("keep", state.deployment, target, drive.is_fresh, drive.run, decision, is_done)
        if key not in self.memo:
            before = self.record(state)
            base, decided = self.runs[drive.run], self.decisions[decision]
            run, notes = decided.run, () if isinstance(decided, Act) else decided.notes
            journal = _Journal(before)
            runner = _Keeper(journal, _Clock())
            target_key = TargetKey(before.key, self.name(target))
            is_intent = isinstance(decided, Act) and not isinstance(decided.effect, Prepare)
            fresh = base if drive.is_fresh else stale(base)
            kept = runner.keep(target_key, fresh, run, notes, is_intent=is_intent, is_done=is_done)
            self.memo[key] = (*self.committed(before, journal.newest), self._canonical_run(kept))
        newest, changed, kept_run = self.memo[key]
        return self.moved(state, newest, changed), kept_run

    def _canonical_run(self, run: TargetRun | None) -> int | None:
        if run is None:
            return None
        holder = self.deployments[0]
        return self.runs.of(canonical(holding(holder, run)).targets[0])

    def committed(self, before: Deployment, after: Deployment) -> tuple[int, tuple[bool, ...]]:
        """The number of the new record, and which targets' runs are others now. Errors: Violated."""
        changed = tuple(old.revision != new.revision for old, new in zip(before.targets, after.targets, strict=True))
        newest = canonical(after)
        if after is not before:
            invariants.check_record(before, newest)
        return self.deployments.of(newest), changed

    def moved(self, state: State, newest: int, changed: tuple[bool, ...]) -> State:
        """The state with a new record: whatever was decided on the old one is out of date."""
        if newest == state.deployment and not any(changed):
            return state
        return state._replace(
            deployment=newest,
            drives=tuple(aged(each, now) for each, now in zip(state.drives, changed, strict=True)),
            ghosts=tuple(aged(each, now) for each, now in zip(state.ghosts, changed, strict=True)),
        )

    # Small things.

    def _is_in_time(self, state: State, target: int, drive: Drive) -> bool:
        """Whether the target still works on what the dead server worked on."""
        run, base = self.runs[self.run(state, target)], self.runs[drive.run]
        return drive.number == state.number and run.phase is base.phase and run.state is not TargetState.ROLLING_BACK

    def run(self, state: State, target: int) -> int:
        key = ("run", state.deployment, target)
        if key not in self.memo:
            self.memo[key] = self.runs.of(self.record(state).targets[target])
        found: int = self.memo[key]
        return found

    def name(self, target: int) -> str:
        return self.scenario.targets[target].name

    def _who(self, target: int, who: str) -> str:
        return f"[{self.name(target)}] the {'dead ' if who == 'ghosts' else ''}server"

    def _here(self, target: int) -> Circumstances:
        plan = self.scenario.targets[target]
        return Circumstances(
            now=NOW, readiness_timeout_s=READINESS_S, objects=plan.labels, keeps_deployment_object=plan.keeps
        )

    def _origin(self, number: int, target: int) -> Origin:
        return Origin(application=model.APPLICATION, deployment_id=f"run{number}", target=self.name(target))


class _Keeper:
    """The runner's own way to keep a record, run to its end at once: nothing in it waits here."""

    def __init__(self, journal: _Journal, clock: _Clock) -> None:
        self._journal = journal
        self._clock = clock

    def keep(self, *arguments: Any, is_intent: bool, is_done: bool) -> TargetRun | None:  # Any: those of Runner._keep
        """What `Runner._keep` returns."""
        keep = Runner._keep(self, *arguments, is_intent=is_intent, is_done=is_done)  # type: ignore[arg-type]
        try:
            keep.send(None)
        except StopIteration as end:
            kept: TargetRun | None = end.value
            return kept
        raise AssertionError("keeping a record waits for something")


def _told(after: TargetRun, before: TargetRun) -> str:
    if after.state is not before.state:
        return f"is {after.state}"
    if after.phase is not before.phase:
        return f"is {Phase(after.phase).value.lower().replace('_', ' ')}"
    if after.wait and after.wait != before.wait:
        return f"waits for {after.wait.what}"
    return "goes on"
