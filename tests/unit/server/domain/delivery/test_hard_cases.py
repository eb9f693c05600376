"""Hard cases of progressive delivery, each by the number of its row in the table that the engine was designed with.

Row 11, the race of an abort against an approval, is in `tests/conformance/delivery/test_rollback.py`.
"""

from dataclasses import replace

import pytest

from borealis_server.domain import persons
from borealis_server.domain.deployment import PersonsDecision
from borealis_server.domain.effects import Scale
from borealis_server.domain.states import DeploymentState, EndReason, Rollback, StepState, TargetState
from kit.delivery import NEW, OLD, Drive, ModelCluster, a_deployment, a_target, approval, set_weight, timed_pause


def a_canary(*steps, pods=4, **bounds):
    return Drive(recorded=a_deployment(a_target("prod", *steps)), cluster=ModelCluster.running(pods, **bounds))


def say(drive, decide):
    kinds = {persons.approve: persons.APPROVE, persons.cancel: persons.CANCEL, persons.roll_back: persons.ROLL_BACK}
    recorded = decide(drive.deployment, PersonsDecision(kind=kinds[decide], by="ana", at=drive.now))
    drive.recorded = replace(recorded, events=(*drive.events, *recorded.events))
    return drive


def test_row_10_an_old_version_that_crashes_does_not_hold_up_the_good_new_one():
    drive = a_canary(set_weight(25), approval(), set_weight(100), surge=1).until_rest()
    drive.cluster.sets[OLD].available = 1
    drive.cluster.sets[OLD].is_broken = True

    say(drive, persons.approve).until_rest()

    assert drive.deployment.state is DeploymentState.SUCCEEDED
    assert drive.cluster.sets[NEW].available == 4


def test_row_12_an_abort_wins_after_everything_was_approved_and_the_new_version_never_gets_ready():
    drive = a_canary(set_weight(25), approval(), set_weight(100)).until_rest()
    drive.cluster.sets[NEW].available, drive.cluster.sets[NEW].is_broken = 0, True
    say(drive, persons.approve).until_rest()
    assert drive.run.state is TargetState.RUNNING

    say(drive, persons.roll_back).until_rest()

    assert drive.run.rollback is Rollback.DONE
    assert {name: each.available for name, each in drive.cluster.sets.items()} == {OLD: 4}


def test_row_14_a_way_back_in_the_middle_runs_no_step_but_waits_for_pods():
    drive = a_canary(set_weight(75), timed_pause(600), approval(), set_weight(100)).until_rest()
    say(drive, persons.roll_back)
    states = [step.state for step in drive.run.steps]
    drive.until_hold()
    assert drive.run.wait is not None
    assert "old version" in drive.run.wait.what

    drive.until_rest()

    assert states == [StepState.SUCCEEDED, *[StepState.CANCELLED] * 3]
    assert (drive.now, drive.run.rollback) == (drive.deployment.started_at, Rollback.DONE)


def test_row_28_what_succeeded_is_kept_what_depends_on_a_failure_never_starts_and_the_rest_goes_on():
    recorded = a_deployment(
        a_target("first"),
        a_target("second", depends_on=("first",)),
        a_target("third", depends_on=("second",)),
        a_target("other"),
    )
    first = Drive(recorded=recorded, cluster=ModelCluster.running(4), target="first").until_rest()
    second = Drive(recorded=first.recorded, cluster=ModelCluster.running(4), target="second")
    second.cluster.new_is_broken = True
    second.until_rest().later(600).until_rest()
    other = Drive(
        recorded=second.recorded, cluster=ModelCluster.running(4), target="other", now=second.now
    ).until_rest()

    assert list(first.cluster.sets) == [NEW]
    assert list(second.cluster.sets) == [OLD]
    ends = {run.name: (run.state, run.end_reason, run.rollback) for run in other.deployment.targets}
    assert ends == {
        "first": (TargetState.SUCCEEDED, None, Rollback.NONE),
        "second": (TargetState.FAILED, EndReason.READINESS_TIMEOUT, Rollback.DONE),
        "third": (TargetState.CANCELLED, EndReason.UPSTREAM_FAILED, Rollback.NONE),
        "other": (TargetState.SUCCEEDED, None, Rollback.NONE),
    }
    assert other.deployment.state is DeploymentState.FAILED
    assert other.deployment.message.startswith("second: not ready")


@pytest.mark.parametrize("restarting", [NEW, OLD])
def test_row_46_pods_that_restart_meanwhile_never_let_available_ones_be_taken_away(restarting):
    drive = a_canary(set_weight(50), set_weight(100), pods=6, surge=2)
    for tick in range(200):
        if tick % 3 == 0 and restarting in drive.cluster.sets:
            drive.cluster.sets[restarting].available = max(0, drive.cluster.sets[restarting].available - 2)
        before, writes = drive.cluster.available, len(drive.cluster.writes)
        drive.once()
        for write in drive.cluster.writes[writes:]:
            if isinstance(write, Scale) and write.to_pods < write.from_pods:
                assert drive.cluster.available >= min(before, 6), f"{write} took available pods away"
        drive.cluster.advance()
    drive.until_rest()

    assert drive.deployment.state is DeploymentState.SUCCEEDED


def test_row_48_an_old_version_that_is_deleted_during_a_pause_is_no_reason_to_hang():
    drive = a_canary(set_weight(50), approval(), set_weight(100)).until_rest()
    del drive.cluster.sets[OLD]

    say(drive, persons.approve).until_rest()

    assert drive.deployment.state is DeploymentState.SUCCEEDED
    assert drive.cluster.sets[NEW].available == 4


def test_row_48_without_an_old_version_the_way_back_ends_by_name_and_leaves_the_new_one():
    drive = a_canary(set_weight(50), approval()).until_rest()
    del drive.cluster.sets[OLD]

    say(drive, persons.cancel).until_rest()

    assert drive.run.rollback is Rollback.FAILED
    assert f"{OLD} of the old version is gone: deploy a good version anew" in drive.run.message
    assert drive.cluster.sets[NEW].available == 2


@pytest.mark.parametrize("end", ["success", "rollback"])
def test_row_49_no_pods_at_all_are_reached_at_once(end):
    drive = a_canary(set_weight(25), approval(), set_weight(100), pods=0).until_rest()
    assert drive.run.state is TargetState.AWAITING_APPROVAL

    say(drive, persons.approve if end == "success" else persons.roll_back).until_rest()

    assert drive.now == drive.deployment.started_at
    assert drive.cluster.total == 0
    assert list(drive.cluster.sets) == ([NEW] if end == "success" else [OLD])


def test_row_49_a_first_deployment_of_no_pods_succeeds():
    drive = a_canary(set_weight(25), set_weight(100), pods=0)
    drive.cluster.sets.clear()

    assert drive.until_rest().deployment.state is DeploymentState.SUCCEEDED
