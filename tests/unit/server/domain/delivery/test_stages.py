"""Steps of one stage run at the same time; the target is as its steps are."""

from dataclasses import replace
from datetime import timedelta

import pytest

from borealis_server.domain import persons
from borealis_server.domain.deployment import PersonsDecision
from borealis_server.domain.stages import followed
from borealis_server.domain.states import (
    DeploymentState,
    EndReason,
    EventKind,
    Phase,
    Rollback,
    StepKind,
    StepPart,
    StepState,
    TargetState,
)
from borealis_server.domain.steps.registry import EXECUTORS
from kit.delivery import NEW, OLD, START, Drive, ModelCluster, a_deployment, a_target, approval, set_weight, timed_pause


def together(part, *conditions):
    """Conditions of `part` as one stage."""
    prefix = part.value.lower()
    return tuple(
        replace(step, ref=f"{prefix}-{number}", part=part, stage=1) for number, step in enumerate(conditions, start=1)
    )


def a_drive(*strategy, before=(), after=(), others=()):
    target = a_target("prod", *strategy)
    steps = (*together(StepPart.BEFORE, *before), *target.steps, *together(StepPart.AFTER, *after))
    return Drive(recorded=a_deployment(replace(target, steps=steps), *others), cluster=ModelCluster.running(4))


def approve(drive, step="", kind=persons.APPROVE):
    wish = PersonsDecision(kind=kind, by="ana", at=drive.now, step=step)
    decide = {persons.APPROVE: persons.approve, persons.ROLL_BACK: persons.roll_back, persons.CANCEL: persons.cancel}
    recorded = decide[kind](drive.deployment, wish)
    drive.recorded = replace(recorded, events=(*drive.events, *recorded.events))
    return drive


def states(drive):
    return {step.ref: step.state for step in drive.run.steps}


def test_every_kind_of_step_has_an_executor():
    assert set(EXECUTORS) == set(StepKind)


def test_steps_of_a_stage_start_together_and_the_next_stage_after_the_last_of_them():
    drive = a_drive(set_weight(100), before=(timed_pause(30), timed_pause(60))).until_rest()
    assert [step.started_at for step in drive.run.steps[:2]] == [START, START]
    assert (drive.run.phase, drive.run.state) == (Phase.BEFORE, TargetState.PAUSED)

    drive.later(30).until_rest()
    assert states(drive) == {
        "before-1": StepState.SUCCEEDED,
        "before-2": StepState.RUNNING,
        "step-1": StepState.NOT_STARTED,
    }
    assert drive.cluster.writes == []

    drive.later(30).until_rest()
    assert drive.deployment.state is DeploymentState.SUCCEEDED


def test_each_waiting_step_has_a_wait_and_the_target_shows_the_most_urgent():
    drive = a_drive(before=(timed_pause(30), approval(), timed_pause(60), approval(expires_after_s=90))).until_rest()
    waits = {step.ref: step.wait for step in drive.run.current_steps}
    assert all(waits.values())
    assert drive.run.state is TargetState.AWAITING_APPROVAL
    assert drive.run.wait == waits["before-4"]

    approve(drive, "before-4")
    assert drive.run.wait == waits["before-2"]

    approve(drive, "before-2")
    assert (drive.run.state, drive.run.wait) == (TargetState.PAUSED, waits["before-3"])

    drive.later(60).until_hold()
    assert drive.run.state is TargetState.RUNNING


def test_work_comes_before_time_and_a_person_before_work():
    run = replace(a_target("prod", timed_pause(5), set_weight(50), approval()), phase=Phase.STEPPING)
    pause, weight, person = (replace(step, stage=1, state=StepState.RUNNING) for step in run.steps)
    run = replace(run, state=TargetState.PAUSED, steps=(pause, weight))

    assert followed(run, START).state is TargetState.RUNNING
    waiting = replace(person, state=StepState.AWAITING_APPROVAL)
    assert followed(replace(run, steps=(pause, weight, waiting)), START).state is TargetState.AWAITING_APPROVAL


def test_one_approval_without_a_step_is_for_all_that_wait():
    drive = a_drive(before=(approval(), approval())).until_rest()

    approve(drive).until_rest()

    assert [step.approval.by for step in drive.run.steps[:2]] == ["ana", "ana"]
    assert drive.deployment.state is DeploymentState.SUCCEEDED


@pytest.mark.parametrize("is_away", [False, True], ids=["agent-here", "agent-away"])
def test_a_condition_that_fails_before_the_start_cancels_the_others_and_touches_nothing(is_away):
    drive = a_drive(before=(approval(expires_after_s=60), approval(), timed_pause(600)))
    drive.cluster.is_away = is_away
    drive.until_rest().later(60).until_rest()

    assert states(drive) == dict.fromkeys(("before-1", "before-2", "before-3", "step-1"), StepState.CANCELLED)
    assert (drive.run.state, drive.run.end_reason) == (TargetState.CANCELLED, EndReason.APPROVAL_EXPIRED)
    assert drive.run.rollback is Rollback.NONE
    assert drive.cluster.writes == []
    assert [event.step for event in drive.events if event.kind is EventKind.STEP_CHANGED][-1] == "before-1"


def test_a_condition_that_fails_afterwards_leaves_the_new_version_and_stops_what_depends_on_it():
    drive = a_drive(
        after=(approval(expires_after_s=60), timed_pause(600)), others=(a_target("later", depends_on=("prod",)),)
    )
    drive.until_rest()
    assert drive.run.phase is Phase.AFTER
    assert drive.run.wait.at_limit == "the target ends; the new version keeps serving"
    assert drive.deployment.target("later").state is TargetState.NOT_STARTED

    drive.later(60).until_rest()

    assert (drive.run.state, drive.run.rollback) == (TargetState.CANCELLED, Rollback.NONE)
    assert "the new version serves and stays" in drive.run.message
    assert (list(drive.cluster.sets), drive.cluster.live) == ([NEW], NEW)
    assert drive.deployment.target("later").end_reason is EndReason.UPSTREAM_FAILED
    assert drive.deployment.ended_at == START + timedelta(seconds=60)


def test_a_rollback_sends_the_traffic_back_before_it_moves_pods():
    drive = a_drive(set_weight(50), approval()).until_rest()

    approve(drive, kind=persons.ROLL_BACK)
    assert drive.run.phase is Phase.RESTORING_TRAFFIC
    drive.until_rest()

    assert list(drive.cluster.sets) == [OLD]


def test_a_first_deployment_skips_the_strategy_and_no_constraint():
    drive = a_drive(
        set_weight(25), approval(), set_weight(100), timed_pause(9), before=(timed_pause(5),), after=(timed_pause(7),)
    )
    drive.cluster.sets.clear()

    drive.until_rest().later(5).until_rest().later(7).until_rest()

    assert list(states(drive).values()) == [
        StepState.SUCCEEDED,
        *[StepState.SKIPPED] * 2,
        StepState.SUCCEEDED,
        StepState.SKIPPED,
        StepState.SUCCEEDED,
    ]
    assert drive.cluster.sets[NEW].available == 4


def test_a_step_is_found_by_its_ref():
    run = a_target("prod", set_weight(25))

    assert run.step("step-1").weight_percent == 25
    with pytest.raises(KeyError, match="step-9"):
        run.step("step-9")
