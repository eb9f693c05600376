"""Explores every state of a scenario, breadth first, and shows the shortest way to a violation."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from borealis_server.domain import persons
from borealis_server.domain.states import DeploymentState
from kit.checker import invariants, others
from kit.checker.moment import Violated
from kit.checker.world import World

if TYPE_CHECKING:
    from kit.checker.moment import State
    from kit.checker.scenarios import Scenario

_FAIR_ROUNDS = 1_000
_DECISIONS = 4  # look, keep, perform, keep


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterExample:
    """The shortest way from the start to a state in which something is wrong."""

    what: str
    steps: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{number:3}. {step}" for number, step in enumerate(self.steps, start=1)]
        return "\n".join([*lines, f"     => violates {self.what}"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """What an exploration saw."""

    scenario: str
    states: int
    steps: int
    depth: int
    is_complete: bool
    """Whether every state that can be reached was."""
    seconds: float
    counter_example: CounterExample | None = None


def explore(scenario: Scenario, *, limit: int = 10_000_000) -> Explored:
    """Check every reachable state, up to `limit` of them."""
    world = World(scenario)
    began_s = time.perf_counter()
    first = world.start()
    parents: dict[int, int] = {hash(first): 0}
    lively: set[int] = set()
    frontier, steps, depth = [first], 0, 0
    found = _undisturbed(world, first)
    while frontier and found is None:
        following: list[State] = []
        for state in frontier:
            mark = hash(state)
            try:
                invariants.check_state(world, state)
                check_liveness(world, state, lively)
                for _, after in world.successors(state):
                    steps += 1
                    key = hash(after)
                    if key not in parents:
                        parents[key] = mark
                        following.append(after)
            except Exception as violated:  # noqa: BLE001 - a bug of the engine is a violation as well
                way = (*_trace(world, first, parents, mark), *getattr(violated, "__notes__", ()))
                found = CounterExample(what=_told(violated), steps=way)
                break
            if len(parents) >= limit:
                break
        if len(parents) >= limit or found:
            break
        frontier, depth = following, depth + 1
    return Explored(
        scenario=scenario.name,
        states=len(parents),
        steps=steps,
        depth=depth,
        is_complete=not frontier,
        seconds=time.perf_counter() - began_s,
        counter_example=found,
    )


def _undisturbed(world: World, state: State) -> CounterExample | None:
    """What is wrong when a deployment of which nothing goes wrong ends in another way than it should."""
    labels: list[str] = []
    for _ in range(_FAIR_ROUNDS):
        if world.record(state).state.is_final:
            break
        try:
            label, state = _fair_round(world, state)
        except Exception as violated:  # noqa: BLE001 - as above
            return CounterExample(what=_told(violated), steps=tuple(labels))
        labels.append(label)
    ended = world.record(state).state
    if ended in (world.scenario.ends, DeploymentState.RUNNING):  # one that goes on for ever is found by its liveness
        return None
    return CounterExample(what=f"liveness: undisturbed, it ends as {ended}", steps=tuple(labels))


def check_liveness(world: World, state: State, lively: set[int]) -> None:
    """From here, when nothing more goes wrong, the deployment ends. Errors: Violated.

    `lively` are states of which that is known; those on the way are added.
    """
    passed: dict[int, str] = {}
    label = ""
    try:
        for _ in range(_FAIR_ROUNDS):
            key = hash(state)
            if key in lively:
                break
            passed[key] = label
            invariants.check_state(world, state)
            if world.record(state).state.is_final:
                break
            label, state = _fair_round(world, state)
            if hash(state) == key:
                _fail(f"nothing can happen any more: {_where(world, state)}")
        else:
            _fail(f"it never ends: {_where(world, state)}")
    except Exception as violated:
        for told in dict.fromkeys((*passed.values(), label)):
            if told:
                violated.add_note(told)
        raise
    lively.update(passed)


def _fail(why: str) -> None:
    raise Violated(f"liveness: {why}")


def _fair_round(world: World, state: State) -> tuple[str, State]:
    """What happens next when everybody does their part, and nothing more goes wrong."""
    idle = (None,) * len(state.ghosts)
    return progress(world, state._replace(ghosts=idle, away=(False,) * len(state.away), faults=0))


def progress(world: World, state: State) -> tuple[str, State]:
    """The next thing that somebody does: servers before controllers, then persons, then time; no label: nobody can."""
    for target in range(len(state.drives)):
        label, after = _driven(world, state, target)
        if after != state:
            return label, after
    for target in range(len(state.drives)):
        for step in others.of_cluster(world, state._replace(faults=0), target):
            return step[0], step[1]._replace(faults=state.faults)
    for step in others.said(world, state, persons.APPROVE):
        return step
    for step in others.time(world, state):
        return step
    return "", state


def _driven(world: World, state: State, target: int) -> tuple[str, State]:
    """What the server does until it has kept something or holds."""
    done: list[str] = []
    for _ in range(_DECISIONS):
        step = next(iter(world.driven(state, target, "drives", is_kind=True)), None)
        if step is None:
            break
        label, state = step
        done.append(label)
        if state.drives[target] is None:
            break
    return "; then ".join(done), state


def _where(world: World, state: State) -> str:
    runs = ", ".join(f"{run.name} {run.state}/{run.phase}" for run in world.record(state).targets)
    return f"{runs}; {[world.clusters[each].sets for each in state.clusters]}"


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, Violated) else f"0 no bugs: {type(error).__name__}: {error}"


def _trace(world: World, first: State, parents: dict[int, int], last: int) -> tuple[str, ...]:
    """The labels of the way to the state whose hash is `last`, found by walking it again."""
    way = [last]
    while parents[way[-1]]:
        way.append(parents[way[-1]])
    way.reverse()
    labels, state = [], first
    for wanted in way[1:]:
        label, state = next((label, after) for label, after in world.successors(state) if hash(after) == wanted)
        labels.append(label)
    return tuple(labels)
