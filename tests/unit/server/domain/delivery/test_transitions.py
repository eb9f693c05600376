from datetime import UTC, datetime
from itertools import product

import pytest

from borealis_server.domain.states import StepState, TargetState
from borealis_server.domain.transitions import (
    STEP_TRANSITIONS,
    TARGET_TRANSITIONS,
    IllegalTransition,
    StepEvent,
    TargetEvent,
    move_step,
    move_target,
)
from kit.delivery import a_target, set_weight

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("state", "event"), list(product(TargetState, TargetEvent)))
def test_a_target_takes_exactly_the_pairs_of_the_table(state, event):
    run = type(a_target())(name="prod", account="c", namespace="n", state=state)
    wanted = TARGET_TRANSITIONS.get((state, event))

    if wanted is None:
        with pytest.raises(IllegalTransition):
            move_target(run, event, NOW)
    else:
        moved = move_target(run, event, NOW)
        assert moved.state is wanted
        assert (moved.ended_at == NOW) == wanted.is_final


@pytest.mark.parametrize(("state", "event"), list(product(StepState, StepEvent)))
def test_a_step_takes_exactly_the_pairs_of_the_table(state, event):
    step = type(set_weight(1))(ref="s", kind=set_weight(1).kind, state=state)
    wanted = STEP_TRANSITIONS.get((state, event))

    if wanted is None:
        with pytest.raises(IllegalTransition):
            move_step(step, event, NOW)
    else:
        assert move_step(step, event, NOW).state is wanted


@pytest.mark.parametrize("state", [state for state in TargetState if state.is_final])
def test_a_final_target_never_moves_again(state):
    assert not [pair for pair in TARGET_TRANSITIONS if pair[0] is state]
