from datetime import timedelta

import pytest

from borealis_server.domain import persons
from borealis_server.domain.deployment import PersonsDecision
from borealis_server.domain.effects import CreateReplicaSet, DeleteReplicaSet, MarkLive, Scale
from borealis_server.domain.errors import AlreadyDecided, DeploymentEnded, NotAwaitingApproval, TargetNotFound, TooLate
from borealis_server.domain.states import DeploymentState, EndReason, EventKind, Phase, Rollback, StepState, TargetState
from kit.delivery import (
    NEW,
    OLD,
    START,
    Drive,
    ModelCluster,
    a_deployment,
    a_target,
    approval,
    set_weight,
    timed_pause,
)


def a_canary(*steps, pods=4, **bounds) -> Drive:
    return Drive(recorded=a_deployment(a_target("prod", *steps)), cluster=ModelCluster.running(pods, **bounds))


def decide_as(drive, kind, **fields):
    wish = PersonsDecision(kind=kind, by=fields.pop("by", "ana"), at=drive.now, **fields)
    decision = {persons.APPROVE: persons.approve, persons.ROLL_BACK: persons.roll_back, persons.CANCEL: persons.cancel}
    recorded = decision[kind](drive.deployment, wish)
    drive.recorded = type(recorded)(deployment=recorded.deployment, events=(*drive.recorded.events, *recorded.events))
    return drive


def scalings(drive):
    return [(write.name, write.to_pods) for write in drive.cluster.writes if isinstance(write, Scale)]


def test_a_quarter_of_four_pods_is_one_new_and_three_old_at_the_approval():
    drive = a_canary(set_weight(25), approval(), set_weight(100)).until_rest()

    assert drive.deployment.state is DeploymentState.AWAITING_APPROVAL
    assert (drive.cluster.sets[NEW].available, drive.cluster.sets[OLD].available) == (1, 3)
    assert scalings(drive) == [(NEW, 1), (OLD, 3)]
    assert drive.run.wait is not None
    assert drive.run.wait.what == "approval"


def test_after_the_approval_only_the_new_version_remains_and_is_marked_live():
    drive = a_canary(set_weight(25), approval(), set_weight(100)).until_rest()

    decide_as(drive, persons.APPROVE, comment="looks good").until_rest()

    assert drive.deployment.state is DeploymentState.SUCCEEDED
    assert list(drive.cluster.sets) == [NEW]
    assert drive.cluster.live == NEW
    assert drive.run.steps[1].approval.by == "ana"
    assert drive.deployment.ended_at == drive.now


def test_a_rollback_at_the_approval_restores_the_old_version_and_leaves_nothing_new():
    drive = a_canary(set_weight(25), approval()).until_rest()

    decide_as(drive, persons.ROLL_BACK).until_rest()

    assert drive.deployment.state is DeploymentState.CANCELLED
    assert (drive.run.end_reason, drive.run.rollback) == (EndReason.USER_ROLLED_BACK, Rollback.DONE)
    assert drive.cluster.sets[OLD].available == 4
    assert list(drive.cluster.sets) == [OLD]
    assert scalings(drive)[-2:] == [(OLD, 4), (NEW, 0)]


def test_a_version_that_never_gets_ready_is_rolled_back_at_its_limit_with_the_pods_reason():
    drive = a_canary(set_weight(50))
    drive.cluster.new_is_broken = True
    drive.until_rest()
    assert drive.run.state is TargetState.RUNNING
    assert "CrashLoopBackOff" in drive.run.wait.what

    drive.later(600).until_rest()

    assert drive.deployment.state is DeploymentState.FAILED
    assert drive.run.end_reason is EndReason.READINESS_TIMEOUT
    assert "CrashLoopBackOff" in drive.run.message
    assert drive.run.steps[0].state is StepState.FAILED
    assert drive.cluster.sets[OLD].available == 4
    assert NEW not in drive.cluster.sets


def test_a_first_deployment_skips_its_steps_and_goes_to_full_weight():
    drive = a_canary(set_weight(25), approval(), set_weight(100))
    drive.cluster.sets.clear()

    drive.until_rest()

    assert drive.deployment.state is DeploymentState.SUCCEEDED
    assert [step.state for step in drive.run.steps] == [StepState.SKIPPED, StepState.SKIPPED, StepState.SUCCEEDED]
    assert drive.cluster.sets[NEW].available == 4


def test_a_first_deployment_that_fails_leaves_nothing():
    drive = a_canary(set_weight(100))
    drive.cluster.sets.clear()
    drive.cluster.new_is_broken = True
    drive.until_rest()

    drive.later(600).until_rest()

    assert drive.run.rollback is Rollback.DONE
    assert drive.cluster.sets == {}


def test_a_timed_pause_ends_at_its_deadline_and_not_before():
    drive = a_canary(timed_pause(30), set_weight(100)).until_rest()
    assert drive.deployment.state is DeploymentState.PAUSED
    assert drive.run.wait.limit_at == START + timedelta(seconds=30)
    assert drive.cluster.sets[NEW].desired == 0

    drive.later(29.9).until_rest()
    assert drive.run.state is TargetState.PAUSED

    drive.later(0.1).until_rest()
    assert drive.deployment.state is DeploymentState.SUCCEEDED


def test_an_approval_expires_after_its_limit_and_the_target_goes_back():
    drive = a_canary(set_weight(50), approval(expires_after_s=60)).until_rest()

    drive.later(60).until_rest()

    assert drive.deployment.state is DeploymentState.CANCELLED
    assert drive.run.end_reason is EndReason.APPROVAL_EXPIRED
    assert drive.cluster.sets[OLD].available == 4


def test_an_approval_at_the_very_limit_comes_too_late():
    drive = a_canary(set_weight(50), approval(expires_after_s=60)).until_rest().later(60)

    with pytest.raises(NotAwaitingApproval):
        decide_as(drive, persons.APPROVE)


def test_each_effect_is_intended_once_and_done_once_without_a_crash():
    drive = a_canary(set_weight(25), set_weight(100)).until_rest()

    kinds = [type(write) for write in drive.cluster.writes]
    assert kinds == [CreateReplicaSet, *[Scale] * (len(kinds) - 3), MarkLive, DeleteReplicaSet]
    done = [event.message for event in drive.events if event.kind is EventKind.EFFECT_DONE]
    assert len(done) == len(drive.cluster.writes)


def test_an_agent_that_is_away_is_waited_for_by_name_and_the_run_completes():
    drive = a_canary(set_weight(25), set_weight(100))
    drive.until_hold()
    drive.cluster.is_away = True
    drive.until_hold()
    assert drive.run.state is TargetState.RUNNING
    assert "agent cluster" in drive.run.wait.what
    assert drive.run.wait.at_limit

    drive.later(300)
    drive.cluster.is_away = False
    drive.until_rest()

    assert drive.deployment.state is DeploymentState.SUCCEEDED


def test_the_agents_absence_does_not_count_against_readiness():
    drive = a_canary(set_weight(50))
    drive.cluster.new_is_broken = True
    drive.until_hold().later(500)
    drive.cluster.is_away = True
    drive.until_hold().later(400)
    drive.cluster.is_away = False

    drive.until_hold()
    assert drive.run.state is TargetState.RUNNING

    drive.later(100).until_rest()
    assert drive.run.end_reason is EndReason.READINESS_TIMEOUT


def test_an_agent_that_stays_away_ends_the_target_and_the_way_back_waits_for_it():
    drive = a_canary(set_weight(25)).until_hold()
    drive.cluster.is_away = True
    drive.until_hold().later(600).until_hold()
    assert drive.run.state is TargetState.ROLLING_BACK
    assert drive.run.end_reason is EndReason.AGENT_LOST

    drive.cluster.is_away = False
    drive.until_rest()

    assert drive.deployment.state is DeploymentState.FAILED
    assert drive.run.rollback is Rollback.DONE
    assert list(drive.cluster.sets) == [OLD]


def test_a_rollback_is_given_up_when_the_agent_never_returns():
    drive = a_canary(set_weight(25)).until_hold()
    drive.cluster.is_away = True
    drive.until_hold().later(600).until_hold().later(24 * 3600).until_hold()

    assert drive.deployment.state is DeploymentState.FAILED
    assert drive.run.rollback is Rollback.FAILED
    assert "when it is back" in drive.run.message


def test_a_refused_creation_rolls_back_with_the_clusters_words():
    drive = a_canary(set_weight(25))
    drive.cluster.refuses = CreateReplicaSet

    drive.until_rest()

    assert drive.run.end_reason is EndReason.APPLY_ERROR
    assert "the cluster said no" in drive.run.message
    assert drive.run.rollback is Rollback.DONE


def test_what_cannot_be_cleared_away_at_the_end_is_named():
    drive = a_canary(set_weight(100))
    drive.cluster.refuses = DeleteReplicaSet

    drive.until_rest()

    assert drive.deployment.state is DeploymentState.FAILED
    assert f"delete ReplicaSet {OLD}" in drive.run.message
    assert "by hand" in drive.run.message


def test_a_rollback_that_cannot_delete_the_new_version_says_so():
    drive = a_canary(set_weight(50), approval()).until_rest()
    drive.cluster.refuses = DeleteReplicaSet

    decide_as(drive, persons.CANCEL).until_rest()

    assert drive.run.rollback is Rollback.FAILED
    assert "rollback is incomplete" in drive.run.message


def test_a_rollback_whose_old_version_was_deleted_by_somebody_is_given_up():
    drive = a_canary(set_weight(50), approval()).until_rest()
    del drive.cluster.sets[OLD]

    decide_as(drive, persons.CANCEL).until_rest()

    assert drive.run.rollback is Rollback.FAILED
    assert f"{OLD} of the old version is gone" in drive.run.message


def test_a_new_version_deleted_by_somebody_rolls_back():
    drive = a_canary(set_weight(25), approval(), set_weight(100)).until_rest()
    del drive.cluster.sets[NEW]

    decide_as(drive, persons.APPROVE).until_rest()

    assert drive.run.end_reason is EndReason.APPLY_ERROR
    assert drive.run.rollback is Rollback.DONE
    assert drive.cluster.sets[OLD].available == 4


def test_a_target_without_pods_only_applies():
    drive = a_canary(set_weight(100))
    drive.recorded = a_deployment(a_target("prod"))
    drive.keep(
        type(drive.run)(
            name="prod",
            account="cluster",
            namespace="shop",
            state=TargetState.RUNNING,
            phase=Phase.APPLYING,
            revision=drive.run.revision,
        )
    )

    drive.until_rest()

    assert drive.deployment.state is DeploymentState.SUCCEEDED
    assert drive.cluster.writes == []


class TestDecisions:
    def test_the_first_decision_wins(self):
        drive = a_canary(set_weight(25), approval()).until_rest()
        decide_as(drive, persons.APPROVE, by="ana", target="prod")

        with pytest.raises(AlreadyDecided) as refused:
            decide_as(drive, persons.APPROVE, by="bob", target="prod")

        assert refused.value.metadata == {"decided_by": "ana", "decision": "approve"}

    def test_a_rollback_beats_the_approval_that_comes_after_it(self):
        drive = a_canary(set_weight(25), approval()).until_rest()
        decide_as(drive, persons.ROLL_BACK, by="ana")

        with pytest.raises(AlreadyDecided):
            decide_as(drive, persons.APPROVE, by="bob")

    def test_a_rollback_beats_the_approval_that_came_before_it(self):
        drive = a_canary(set_weight(25), approval()).until_rest()
        decide_as(drive, persons.APPROVE)

        decide_as(drive, persons.ROLL_BACK).until_rest()

        assert drive.deployment.state is DeploymentState.CANCELLED
        assert list(drive.cluster.sets) == [OLD]

    def test_the_same_request_id_changes_nothing_the_second_time(self):
        drive = a_canary(set_weight(25), approval(), set_weight(50), approval()).until_rest()
        decide_as(drive, persons.APPROVE, request_id="r1").until_rest()
        before = drive.deployment

        decide_as(drive, persons.APPROVE, request_id="r1")

        assert drive.deployment == before

    def test_nothing_can_be_decided_about_an_ended_deployment(self):
        drive = a_canary(set_weight(100)).until_rest()

        for kind in (persons.APPROVE, persons.ROLL_BACK, persons.CANCEL):
            with pytest.raises(DeploymentEnded):
                decide_as(drive, kind)

    def test_a_target_that_does_not_exist_is_named(self):
        drive = a_canary(set_weight(25), approval()).until_rest()

        with pytest.raises(TargetNotFound, match="nowhere"):
            decide_as(drive, persons.APPROVE, target="nowhere")

    def test_nothing_waits_for_an_approval(self):
        drive = a_canary(set_weight(25)).until_hold()

        with pytest.raises(NotAwaitingApproval):
            decide_as(drive, persons.APPROVE)

    def test_a_second_rollback_names_the_first(self):
        drive = a_canary(set_weight(25), approval()).until_rest()
        decide_as(drive, persons.ROLL_BACK, by="ana")

        with pytest.raises(AlreadyDecided, match="ana"):
            decide_as(drive, persons.CANCEL, by="bob")

    def test_the_point_of_no_return_is_when_the_new_version_serves_alone(self):
        drive = a_canary(set_weight(100))
        while drive.run.phase is not Phase.FINISHING:
            drive.once()
            drive.cluster.advance()

        for kind in (persons.ROLL_BACK, persons.CANCEL):
            with pytest.raises(TooLate, match="redeploy an earlier deployment"):
                decide_as(drive, kind)
