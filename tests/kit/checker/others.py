"""What everybody but the server does: controllers, pods, agents, persons, time, and who starts the next deployment."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from borealis_server.domain import persons
from borealis_server.domain.deployment import PersonsDecision, TargetRun
from borealis_server.domain.errors import BorealisError
from borealis_server.domain.late import LATEST_ARRIVAL
from borealis_server.domain.stages import is_pausing
from borealis_server.domain.states import StepState
from kit.checker import cluster as model
from kit.checker import invariants
from kit.checker import services as service_model
from kit.checker.moment import (
    DELETED,
    EDITED,
    INTENDED,
    LOOKED,
    PODS_FAILED,
    READINESS_S,
    ROLES,
    SCALED_OUTSIDE,
    STRANGER,
    Drive,
    State,
    holding,
    on,
    with_at,
)
from kit.checker.records import NOW, deadlines, later

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from borealis_server.domain.decision import Decision
    from kit.checker.cluster import Cluster
    from kit.checker.world import World

    Steps = Callable[[Cluster], Iterable[tuple[str, Cluster]]]

_ACTS = {
    persons.APPROVE: persons.approve,
    persons.SKIP: persons.skip,
    persons.ROLL_BACK: persons.roll_back,
    persons.CANCEL: persons.cancel,
}


def of_cluster(world: World, state: State, target: int) -> Iterator[tuple[str, State]]:
    """What Kubernetes' controllers could do next, and what may go wrong with pods."""
    for label, after in _cluster_steps(world, "steps", state.clusters[target], model.steps):
        yield label, on(state, target, after)
    if not state.faults:
        return
    less = state._replace(faults=state.faults - 1)
    for kind, excuse, steps in (
        ("pod", PODS_FAILED, model.pod_failures),
        ("outside", SCALED_OUTSIDE, model.outside_scalings),
        ("edited", EDITED, service_model.edits),
        ("deleted", PODS_FAILED | SCALED_OUTSIDE | DELETED, model.deletions),
    ):
        if kind in world.scenario.kinds:
            excused = less._replace(excuses=state.excuses | excuse)
            for label, after in _cluster_steps(world, kind, state.clusters[target], steps):
                yield label, on(excused, target, after)


def _cluster_steps(world: World, kind: str, cluster: int, steps: Steps) -> Sequence[tuple[str, int]]:
    key = (kind, cluster)
    if key not in world.memo:
        world.memo[key] = [(label, world.clusters.of(after)) for label, after in steps(world.clusters[cluster])]
    found: Sequence[tuple[str, int]] = world.memo[key]
    return found


def of_agent(world: World, state: State, target: int) -> Iterator[tuple[str, State]]:
    """An agent leaves, or comes back."""
    away = state.away
    if away[target]:
        yield f"the agent of {world.name(target)} is back", state._replace(away=with_at(away, target, False))
    elif state.faults and "away" in world.scenario.kinds and world.runs[world.run(state, target)].is_active:
        left = state._replace(away=with_at(away, target, True), faults=state.faults - 1)
        yield f"the agent of {world.name(target)} leaves", left


def of_persons(world: World, state: State) -> Iterator[tuple[str, State]]:
    """What a person may decide now."""
    record = world.record(state)
    if record.state.is_final:
        return
    steps = [step for run in record.targets for step in run.current_steps]
    if any(step.state is StepState.AWAITING_APPROVAL for step in steps):
        yield from said(world, state, persons.APPROVE)
        yield from said(world, state, persons.APPROVE, by=STRANGER)
    if any(is_pausing(step) for step in steps):
        yield from said(world, state, persons.SKIP)
    if world.scenario.can_abort and not any(wish.kind in invariants.ABORTS for wish in record.decisions):
        yield from said(world, state, persons.ROLL_BACK)
        yield from said(world, state, persons.CANCEL)


def said(world: World, state: State, kind: str, *, by: str = "ana") -> Iterator[tuple[str, State]]:
    """What follows when a person decides; nothing when it is refused. Everybody but the stranger has all roles."""
    key = ("said", state.deployment, kind, by)
    if key not in world.memo:
        before = world.record(state)
        roles = () if by == STRANGER else ROLES
        try:
            recorded = _ACTS[kind](before, PersonsDecision(kind=kind, by=by, roles=roles, at=NOW))
        except BorealisError:
            world.memo[key] = None
        else:
            invariants.check_wish(before, recorded.deployment, by)
            world.memo[key] = world.committed(before, recorded.deployment)
    if world.memo[key]:
        newest, changed = world.memo[key]
        yield f"{by} says {kind}", world.moved(state, newest, changed)


def time(world: World, state: State) -> Iterator[tuple[str, State]]:
    """The next deadline comes."""
    key = ("time", state.deployment)
    if key not in world.memo:
        record = world.record(state)
        found = deadlines(record) | {
            run.agent_lost_at + limit
            for run in record.targets
            if run.agent_lost_at
            for limit in (timedelta(seconds=READINESS_S), timedelta(hours=24))
            if run.agent_lost_at + limit > NOW
        }
        by = min(found) - NOW if found and not record.state.is_final else None
        world.memo[key] = (by, world.deployments.of(later(record, by))) if by is not None else None
    if world.memo[key]:
        by, newest = world.memo[key]
        changed = (False,) * len(state.drives)
        yield f"{by} pass", _aged_drives(world, world.moved(state, newest, changed), by)


def _aged_drives(world: World, state: State, by: timedelta) -> State:
    """Also what servers remember gets older."""
    return state._replace(
        drives=tuple(_longer_ago(_older(world, each, by), by) for each in state.drives),
        ghosts=tuple(in_time(_longer_ago(_older(world, each, by), by)) for each in state.ghosts),
    )


def _longer_ago(drive: Drive | None, by: timedelta) -> Drive | None:
    if drive is None or drive.stage != INTENDED:
        return drive
    return drive._replace(age_s=min(drive.age_s + by.total_seconds(), LATEST_ARRIVAL.total_seconds()))


def in_time(ghost: Drive | None) -> Drive | None:
    """A request that is under way for too long is given up by the cluster itself."""
    return None if ghost and ghost.age_s >= LATEST_ARRIVAL.total_seconds() else ghost


def _older(world: World, drive: Drive | None, by: timedelta) -> Drive | None:
    if drive is None:
        return None
    key = ("older", drive.stage, drive.run, drive.what, by)
    if key not in world.memo:
        holder = world.deployments[0]

        def older(run: TargetRun) -> TargetRun:
            return later(holding(holder, run), by).targets[0]

        what = drive.what
        if drive.stage == LOOKED:
            what = world.decisions.of(_with_run(world.decisions[what], older(world.decisions[what].run)))
        world.memo[key] = (world.runs.of(older(world.runs[drive.run])), what)
    run, what = world.memo[key]
    return drive._replace(run=run, what=what)


def next_start(world: World, state: State) -> Iterator[tuple[str, State]]:
    """The next deployment of the application, once this one has ended."""
    record = world.record(state)
    if state.number >= world.scenario.starts or not record.state.is_final:
        return
    number = state.number + 1
    yield (
        f"deployment {number} starts",
        state._replace(
            number=number,
            deployment=world.deployments.of(world.started(number)),
            drives=(None,) * len(state.drives),
            excuses=state.excuses | invariants.excuses_of(record),
        ),
    )


def _with_run(decision: Decision, run: TargetRun) -> Decision:
    return replace(decision, run=run)
