import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_deployfile.model import Canary, Pause, SetWeight
from borealis_server.domain.deployment import StepRun
from borealis_server.domain.planning.canary import plan_steps
from borealis_server.domain.states import StepKind, StepState
from kit.planning import SETTING


def weights(steps):
    return [step.weight_percent for step in steps if step.kind is StepKind.SET_WEIGHT]


@pytest.mark.parametrize(
    ("steps", "planned"),
    [
        pytest.param((), [100], id="no-steps"),
        pytest.param((SetWeight(weight_percent=25),), [25, 100], id="the-last-weight-is-added"),
        pytest.param((SetWeight(weight_percent=100),), [100], id="but-not-twice"),
        pytest.param((SetWeight(weight_percent=100), Pause(duration_s=5)), [100], id="a-pause-at-the-end-stays"),
        pytest.param((SetWeight(weight_percent=100), SetWeight(weight_percent=50)), [100, 50, 100], id="up-and-down"),
        pytest.param((Pause(until_approved=True),), [100], id="a-pause-alone"),
    ],
)
def test_every_plan_ends_at_full_weight(steps, planned):
    assert weights(plan_steps(SETTING, Canary(name="careful", steps=steps))) == planned


def test_no_strategy_is_one_step_to_full_weight():
    assert plan_steps(SETTING, None) == (StepRun(ref="step-1", kind=StepKind.SET_WEIGHT, stage=1, weight_percent=100),)


def test_pauses_keep_their_time_their_approval_and_its_limit():
    strategy = Canary(
        name="careful",
        steps=(Pause(duration_s=30), Pause(until_approved=True, expires_after_s=60), SetWeight(weight_percent=100)),
    )

    timed, approved, _ = plan_steps(SETTING, strategy)

    assert timed == StepRun(ref="step-1", kind=StepKind.PAUSE, stage=1, duration_s=30)
    assert approved == StepRun(ref="step-2", kind=StepKind.PAUSE, stage=2, until_approved=True, expires_after_s=60)


@given(
    st.lists(
        st.one_of(
            st.integers(0, 100).map(lambda percent: SetWeight(weight_percent=percent)),
            st.just(Pause(duration_s=1)),
        ),
        max_size=6,
    )
)
def test_a_plan_is_the_strategy_and_at_most_one_step_more(steps):
    planned = plan_steps(SETTING, Canary(name="s", steps=tuple(steps)))

    assert len(planned) - len(steps) in (0, 1)
    assert [step.ref for step in planned] == [f"step-{number}" for number in range(1, len(planned) + 1)]
    assert weights(planned)[-1] == 100
    assert all(step.state is StepState.NOT_STARTED for step in planned)
