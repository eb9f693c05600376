"""How long a target waits for a cluster that cannot, or an agent that is away: named, limited, and fair."""

from dataclasses import replace
from datetime import timedelta

import pytest

from borealis_server.domain import persons
from borealis_server.domain.deployment import PersonsDecision
from borealis_server.domain.effects import CreateReplicaSet, DeleteReplicaSet, MarkLive, Prepare, Scale
from borealis_server.domain.states import DeploymentState, EndReason, EventKind, Phase, Rollback, TargetState
from kit.delivery import NEW, OLD, START, approval, set_weight
from kit.unreliable import an_unreliable_canary as a_canary

READINESS_S = 600


def cancel(drive):
    wish = PersonsDecision(kind=persons.CANCEL, by="ana", at=drive.now)
    recorded = persons.cancel(drive.deployment, wish)
    drive.recorded = replace(recorded, events=(*drive.events, *recorded.events))
    return drive


def until_phase(drive, phase):
    for _ in range(200):
        if drive.run.phase is phase:
            return drive
        drive.once()
        drive.cluster.advance()
    raise AssertionError(f"never {phase}")


def progress(drive):
    return [event.message for event in drive.events if event.kind is EventKind.PROGRESS]


class TestBusyCluster:
    @pytest.mark.parametrize("effect", [Prepare, CreateReplicaSet, Scale], ids=lambda kind: kind.__name__)
    def test_a_cluster_that_is_busy_for_ever_ends_the_run_at_its_limit(self, effect):
        drive = a_canary(set_weight(50))
        drive.bad.busy = (effect,)

        took_s = drive.tick_until_end(every_s=2, limit_s=3 * READINESS_S)

        assert READINESS_S <= took_s <= READINESS_S + 4
        assert drive.deployment.state is DeploymentState.FAILED
        assert drive.cluster.sets.keys() == {OLD}

    def test_the_reason_of_the_end_is_in_the_clusters_words(self):
        drive = a_canary(set_weight(50))
        drive.bad.busy = (CreateReplicaSet,)

        drive.tick_until_end(every_s=2, limit_s=3 * READINESS_S)

        assert drive.run.end_reason is EndReason.APPLY_ERROR
        assert drive.run.message == f"could not create ReplicaSet {NEW}: 429 TooManyRequests: slow down"

    @pytest.mark.parametrize("effect", [CreateReplicaSet, Scale, MarkLive], ids=lambda kind: kind.__name__)
    def test_waiting_for_a_busy_cluster_is_told_once_by_name_and_since_when(self, effect):
        drive = a_canary(set_weight(50))
        drive.bad.busy = (effect,)
        for _ in range(200):
            drive.until_hold()
            drive.cluster.advance()
            if drive.bad.tries:
                break
        began = drive.now
        told = len(progress(drive))

        for _ in range(5):
            drive.later(2).until_hold()

        assert drive.bad.tries == 6
        assert drive.run.wait.since == began
        assert drive.run.wait.limit_at == began + timedelta(seconds=READINESS_S)
        assert drive.holding.wake_at == drive.now + timedelta(seconds=2)
        assert drive.run.wait.what.startswith("the cluster, to ")
        assert len(progress(drive)) == told

    @pytest.mark.parametrize("effect", [Prepare, CreateReplicaSet, Scale, MarkLive, DeleteReplicaSet])
    def test_a_cluster_that_recovers_in_time_costs_nothing_but_time(self, effect):
        drive = a_canary(set_weight(50))
        drive.bad.busy = (effect,)
        for _ in range(20):
            drive.until_hold().later(2)
            drive.cluster.advance()
        assert drive.bad.tries > 0
        drive.bad.busy = ()

        drive.until_rest()

        assert drive.deployment.state is DeploymentState.SUCCEEDED

    @pytest.mark.parametrize(("first", "second"), [(Prepare, CreateReplicaSet), (MarkLive, DeleteReplicaSet)])
    def test_each_change_has_the_whole_limit_for_itself(self, first, second):
        """Hard case 29."""
        drive = a_canary(set_weight(50))
        drive.bad.busy = (first,)
        while not drive.bad.tries:
            drive.until_hold()
            drive.cluster.advance()
        drive.later(READINESS_S - 10).until_hold()
        drive.bad.busy = (second,)
        drive.later(5).until_hold()
        assert drive.bad.tries >= 3

        drive.later(READINESS_S - 10).until_hold()
        assert drive.run.state is TargetState.RUNNING
        drive.bad.busy = ()
        drive.until_rest()

        assert drive.deployment.state is DeploymentState.SUCCEEDED

    def test_a_rollback_that_cannot_scale_is_given_up_at_its_limit(self):
        drive = a_canary(set_weight(50), approval()).until_rest()
        drive.bad.busy = (Scale,)

        cancel(drive).tick_until_end(every_s=2, limit_s=3 * READINESS_S)

        assert drive.run.rollback is Rollback.FAILED
        assert "the rollback failed" in drive.run.message

    def test_pods_that_cannot_be_looked_at_are_waited_for_by_name(self):
        drive = a_canary(set_weight(50)).until_hold()
        drive.bad.is_blind = True

        drive.until_hold()

        assert drive.run.wait.what == "the cluster, to look at pods: 429 TooManyRequests: slow down"
        assert drive.run.wait.at_limit == "the target is rolled back"

    def test_a_cluster_that_never_shows_its_pods_ends_the_run_and_then_the_way_back(self):
        drive = a_canary(set_weight(50)).until_hold()
        drive.bad.is_blind = True

        drive.later(READINESS_S).until_hold()
        assert drive.run.state is TargetState.ROLLING_BACK
        assert drive.run.end_reason is EndReason.APPLY_ERROR
        assert drive.run.wait.at_limit == "the rollback is given up"
        drive.later(READINESS_S).until_hold()

        assert drive.run.rollback is Rollback.FAILED
        assert "the cluster does not answer (429" in drive.run.message

    def test_the_agents_absence_counts_as_little_when_its_cluster_comes_back_busy(self):
        drive = a_canary(set_weight(50)).until_hold()
        drive.cluster.is_away = True
        drive.until_hold().later(READINESS_S - 1).until_hold()
        drive.cluster.is_away, drive.bad.is_blind = False, True

        drive.later(0.5).until_hold()
        assert drive.run.wait.what.startswith("the cluster, to look at pods")
        drive.later(10).until_hold()

        assert drive.run.state is TargetState.RUNNING


class TestServerThatWasAway:
    """Deadlines pass while a server is down; what the cluster did meanwhile counts."""

    def test_pods_that_got_ready_meanwhile_are_no_timeout(self):
        drive = a_canary(set_weight(75), set_weight(100), pods=8).until_hold()
        for _ in range(9):
            drive.cluster.advance()

        drive.later(2 * READINESS_S).until_rest()

        assert drive.deployment.state is DeploymentState.SUCCEEDED

    def test_a_rollback_whose_pods_got_ready_meanwhile_is_completed(self):
        drive = cancel(a_canary(set_weight(100), approval(), pods=8).until_rest()).until_hold()
        assert drive.run.phase is Phase.RESTORING_PODS
        for _ in range(9):
            drive.cluster.advance()

        drive.later(2 * READINESS_S).until_rest()

        assert drive.run.rollback is Rollback.DONE
        assert {name: each.available for name, each in drive.cluster.sets.items()} == {OLD: 8}

    def test_an_old_version_that_does_not_get_ready_again_is_given_up_by_name(self):
        drive = cancel(a_canary(set_weight(100), approval(), pods=2).until_rest())
        drive.cluster.sets[OLD].is_broken = True
        drive.until_rest()

        drive.later(READINESS_S).until_rest()

        assert drive.run.rollback is Rollback.FAILED
        assert "of 2 pods of the old version available" in drive.run.message
        assert drive.cluster.sets[NEW].available > 0


class TestAgentAway:
    def test_a_target_looks_again_by_itself_in_case_it_missed_the_agents_return(self):
        drive = a_canary(set_weight(50)).until_hold()
        drive.cluster.is_away = True

        drive.until_hold()

        assert drive.holding.wake_at == drive.now + timedelta(seconds=5)
        assert drive.run.wait.limit_at == START + timedelta(seconds=READINESS_S)

    def test_its_absence_is_told_once(self):
        drive = a_canary(set_weight(50)).until_hold()
        drive.cluster.is_away = True

        for _ in range(5):
            drive.until_hold().later(5)

        assert sum("agent cluster" in text for text in progress(drive)) == 1

    @pytest.mark.parametrize("is_cancelled", [False, True], ids=["limit", "person"])
    def test_a_target_that_touched_nothing_just_ends_even_while_its_agent_is_away(self, is_cancelled):
        drive = a_canary(set_weight(50))
        drive.cluster.is_away = True
        drive.until_hold()
        assert drive.run.phase is Phase.PREPARING

        if is_cancelled:
            cancel(drive)
        else:
            drive.later(READINESS_S).until_hold()

        wanted = DeploymentState.CANCELLED if is_cancelled else DeploymentState.FAILED
        assert drive.deployment.state is wanted
        assert drive.run.rollback is Rollback.NONE
        assert drive.cluster.writes == []

    def test_a_version_that_serves_alone_is_never_taken_back_because_its_agent_left(self):
        drive = until_phase(a_canary(set_weight(100)), Phase.FINISHING)
        drive.cluster.is_away = True
        drive.until_hold()
        assert drive.run.wait.at_limit == "the target fails; the new version keeps serving"

        drive.later(READINESS_S).until_hold()

        assert drive.deployment.state is DeploymentState.FAILED
        assert (drive.run.end_reason, drive.run.rollback) == (EndReason.AGENT_LOST, Rollback.NONE)
        assert "the new version serves" in drive.run.message
        assert drive.cluster.sets[NEW].available == 4

    def test_an_agent_that_comes_back_lets_the_new_version_be_finished(self):
        drive = until_phase(a_canary(set_weight(100)), Phase.FINISHING)
        drive.cluster.is_away = True
        drive.until_hold().later(READINESS_S - 1)
        drive.cluster.is_away = False

        drive.until_rest()

        assert drive.deployment.state is DeploymentState.SUCCEEDED
