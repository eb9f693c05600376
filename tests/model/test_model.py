"""The engine among everything that may happen around it: each scenario as far as a small bound goes."""

from __future__ import annotations

import pytest

from kit.checker.explore import explore
from kit.checker.scenarios import SCENARIOS

pytestmark = pytest.mark.timeout(300)
STATES = 3_000
UNDISTURBED_STATES = 6_000


def named(scenario):
    return scenario.name


@pytest.mark.parametrize("scenario", SCENARIOS, ids=named)
def test_invariants_hold_while_one_thing_goes_wrong(scenario):
    explored = explore(scenario, limit=STATES)

    assert explored.counter_example is None, f"\n{explored.counter_example}"
    assert explored.is_complete or explored.states >= STATES


@pytest.mark.parametrize("scenario", SCENARIOS, ids=named)
def test_invariants_hold_in_every_order_of_what_everybody_does_right(scenario):
    """Complete but for the largest: pods, persons, time and the server in every order."""
    explored = explore(scenario.with_faults(0), limit=UNDISTURBED_STATES)

    assert explored.counter_example is None, f"\n{explored.counter_example}"
    assert explored.is_complete or explored.states >= UNDISTURBED_STATES


@pytest.mark.parametrize("scenario", SCENARIOS, ids=named)
def test_a_write_that_arrives_after_the_target_turned_round_is_put_right(scenario):
    """A request of a dead server takes as long as the API server lets it."""
    late = explore(scenario.late(), limit=STATES)

    assert late.counter_example is None, f"\n{late.counter_example}"
    assert late.is_complete or late.states >= STATES
