"""The checker sees every guard that is taken away, and by the invariant that the guard is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.checker.explore import explore
from kit.checker.guards import GUARDS
from kit.checker.traffic_guards import TRAFFIC_GUARDS

pytestmark = pytest.mark.timeout(300)
STATES = 60_000
MUTATIONS = (*GUARDS, *TRAFFIC_GUARDS)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_missing_guard_is_noticed(mutation):
    with mutation.applied():
        explored = explore(mutation.scenario, limit=STATES)

    assert explored.counter_example is not None, f"nobody missed it in {explored.states} states"
    assert explored.counter_example.what.startswith(mutation.invariant), f"\n{explored.counter_example}"


def test_the_page_has_a_row_for_every_guard():
    page = (Path(__file__).parents[2] / "docs" / "verification.md").read_text()

    assert [each.guard for each in MUTATIONS if f"| {each.guard} | {each.invariant}" not in page] == []


def test_with_all_guards_in_place_the_same_scenarios_hold():
    scenarios = {(each.scenario.name, each.scenario.kinds): each.scenario for each in MUTATIONS}

    for scenario in scenarios.values():
        explored = explore(scenario, limit=2_000)
        assert explored.counter_example is None, f"\n{explored.counter_example}"
