"""One random way through the model, with every invariant checked at every moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.checker import invariants
from kit.checker.explore import CounterExample, check_liveness, progress
from kit.checker.moment import Violated
from kit.checker.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kit.checker.scenarios import Scenario

_PROGRESS = 60


def walk(scenario: Scenario, choices: Sequence[int]) -> CounterExample | None:
    """What is wrong on the way that `choices` say (0 to 99 each: below 60 whatever is due, else any step), if anything.

    At the end everybody does their part, and the deployment has to end.
    """
    world = World(scenario)
    state = world.start()
    labels: list[str] = []
    try:
        for choice in choices:
            if choice < _PROGRESS:
                label, state = progress(world, state)
            else:
                steps = list(world.successors(state))
                if not steps:
                    break
                label, state = steps[choice % len(steps)]
            labels += [label] if label else []
            invariants.check_state(world, state)
        check_liveness(world, state, set())
    except Exception as error:  # noqa: BLE001 - a bug of the engine is a violation as well
        what = str(error) if isinstance(error, Violated) else f"0 no bugs: {type(error).__name__}: {error}"
        return CounterExample(what=what, steps=(*labels, *getattr(error, "__notes__", ())))
    return None
