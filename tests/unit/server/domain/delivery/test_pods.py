"""What is still missing, in words; and which of several workloads moves first."""

from dataclasses import replace
from datetime import timedelta

import pytest

from borealis_server.domain import pods
from borealis_server.domain.decide import NOTHING_SEEN, decide, needs_observation
from borealis_server.domain.decision import Act, Hold
from borealis_server.domain.deployment import Workload
from borealis_server.domain.effects import AgentAway, Busy
from borealis_server.domain.observation import Observation, PodProblem, ReplicaSetView, WorkloadView
from borealis_server.domain.outcome import cannot_see
from borealis_server.domain.planning.pod_ratio import Bounds
from borealis_server.domain.states import EndReason, Phase, StepState, TargetState
from kit.delivery import START, Drive, ModelCluster, a_deployment, a_target, set_weight, timed_pause

HERE = Drive(recorded=a_deployment(), cluster=ModelCluster.running(1)).here


def a_workload(name="web", old="web-old", replicas=4):
    return Workload(
        name=name,
        namespace="ns",
        replicas=replicas,
        bounds=Bounds(max_surge=1, max_unavailable=0),
        new_name=f"{name}-new",
        old_name=old,
        old_replicas=replicas if old else 0,
    )


def a_set(desired, available=None, **fields):
    available = desired if available is None else available
    shown = {"name": "s", "uid": "u", "desired": desired, "total": desired, "available": available, "is_settled": True}
    return ReplicaSetView(**{**shown, **fields})


def a_run(*loads):
    run = a_target("prod", set_weight(50))
    return replace(run, state=TargetState.RUNNING, phase=Phase.STEPPING, workloads=loads)


def seen(**views):
    return Observation(workloads={("ns", name): view for name, view in views.items()})


@pytest.mark.parametrize(
    ("view", "text"),
    [
        pytest.param(
            WorkloadView(new=None, old=a_set(4)), "web: the ReplicaSet of the new version does not exist", id="no-new"
        ),
        pytest.param(
            WorkloadView(new=a_set(2, 0, failure="exceeded quota"), old=a_set(2)),
            "web: pods of the new version cannot be created: exceeded quota",
            id="cannot-be-created",
        ),
        pytest.param(
            WorkloadView(new=a_set(2, 1), old=a_set(2)),
            "web: 1 of 2 pods of the new version available",
            id="not-available",
        ),
        pytest.param(
            WorkloadView(new=a_set(2), old=a_set(2, total=4)),
            "web: 2 surplus pods of the old version to go",
            id="surplus",
        ),
        pytest.param(
            WorkloadView(new=a_set(2, is_settled=False), old=a_set(2)),
            "web: 0 surplus pods of the new version to go",
            id="counts-not-current",
        ),
        pytest.param(
            WorkloadView(new=a_set(2, 1), old=a_set(2), problems=(PodProblem(pod="p", reason="Unschedulable"),)),
            "web: 1 of 2 pods of the new version available; pod p: Unschedulable",
            id="with-the-first-pods-reason",
        ),
        pytest.param(WorkloadView(new=a_set(2), old=a_set(2)), "", id="nothing-is-missing"),
    ],
)
def test_what_is_missing_is_said_in_words(view, text):
    assert pods.describe_wait(a_run(a_workload()), seen(web=view), pods.aim_at(50)) == text


def test_a_version_that_must_not_exist_is_not_missed():
    view = WorkloadView(new=a_set(0, total=1), old=None)

    assert pods.describe_wait(a_run(a_workload(old="")), seen(web=view), pods.aim_at(0)) == (
        "web: 1 surplus pods of the new version to go"
    )


def test_of_several_workloads_the_one_that_grows_goes_first():
    draining = WorkloadView(new=a_set(2, name="web-new"), old=a_set(3, name="web-old"))
    growing = WorkloadView(new=a_set(0, name="api-new"), old=a_set(4, name="api-old"))
    run = a_run(a_workload("web"), a_workload("api", old="api-old"))

    move = pods.move(run, seen(web=draining, api=growing), HERE, pods.aim_at(50))

    assert isinstance(move, Act)
    assert str(move.effect) == "scale api-new from 0 to 1"


def test_a_weight_is_reached_only_when_every_workload_has_it():
    done = WorkloadView(new=a_set(2), old=a_set(2))
    waiting = WorkloadView(new=a_set(2, 1), old=a_set(2))
    run = a_run(a_workload("web"), a_workload("api"))

    assert isinstance(pods.move(run, seen(web=done, api=waiting), HERE, pods.aim_at(50)), Hold)
    assert pods.move(run, seen(web=done, api=done), HERE, pods.aim_at(50)) is None


def test_what_pods_are_waited_for_is_told_when_it_changes_and_not_before():
    run = a_run(a_workload())
    one, two = (seen(web=WorkloadView(new=a_set(2, ready), old=a_set(2))) for ready in (0, 1))

    first = pods.move(run, one, HERE, pods.aim_at(50))
    same = pods.move(first.run, one, HERE, pods.aim_at(50))
    other = pods.move(same.run, two, HERE, pods.aim_at(50))

    assert [len(hold.notes) for hold in (first, same, other)] == [1, 0, 1]
    assert other.run.wait.since == START
    assert other.run.ready_limit_at == first.run.ready_limit_at
    assert first.wake_at == HERE.now + pods.RESYNC


def test_a_wait_on_the_way_back_says_what_happens_then():
    view = WorkloadView(new=a_set(0), old=a_set(4, 3))
    run = a_run(a_workload())

    up = pods.move(run, seen(web=view), HERE, pods.aim_at(0))
    back = pods.move(replace(run, end_reason=EndReason.USER_CANCELLED), seen(web=view), HERE, pods.aim_at(0))

    assert up.run.wait.at_limit == "the target is rolled back"
    assert back.run.wait.at_limit == "the rollback is given up"


def test_steps_without_pods_to_move_are_skipped():
    run = replace(a_target("prod", timed_pause(5), set_weight(50)), state=TargetState.RUNNING, phase=Phase.STEPPING)

    after = decide(run, NOTHING_SEEN, HERE)

    assert after.run.phase is Phase.FINISHING
    assert {step.state for step in after.run.steps} == {StepState.SKIPPED}


class TestOthers:
    """Somebody else changes the number of pods."""

    def decided(self, load, view, **fields):
        run = replace(a_run(load), steps=(replace(set_weight(25), state=StepState.RUNNING),), **fields)
        return decide(run, seen(web=view), HERE)

    def asked(self, **fields):
        return replace(a_workload(), new_pods=0, old_pods=4, new_wanted=1, old_wanted=4, **fields)

    def test_pods_that_somebody_adds_are_split_by_the_same_weight(self):
        after = self.decided(self.asked(), WorkloadView(new=a_set(1), old=a_set(8)))

        (load,) = after.run.workloads
        assert (load.replicas, load.old_replicas, load.bounds.max_surge) == (8, 8, 2)
        assert [note.message for note in after.notes] == [
            "web: somebody else changed its pods, from 4 to 8; both versions follow"
        ]

    def test_pods_that_somebody_takes_away_are_gone_from_both(self):
        after = self.decided(self.asked(), WorkloadView(new=a_set(1), old=a_set(1)))

        assert after.run.workloads[0].replicas == 1

    @pytest.mark.parametrize("pods", [0, 1])
    def test_what_we_asked_for_ourselves_changes_nothing_whether_it_is_done_or_not(self, pods):
        after = self.decided(self.asked(), WorkloadView(new=a_set(pods), old=a_set(4)))

        assert after.run.workloads[0].replicas == 4

    def test_before_the_first_change_only_an_autoscaler_may_still_decide(self):
        fresh = replace(a_workload(), old_pods=4)
        view = WorkloadView(new=a_set(0), old=a_set(6))

        assert self.decided(fresh, view).run.workloads[0].replicas == 4
        assert self.decided(replace(fresh, is_autoscaled=True), view).run.workloads[0].replicas == 6

    def test_on_the_way_back_only_the_old_version_counts(self):
        back = {"phase": Phase.RESTORING_PODS, "state": TargetState.ROLLING_BACK, "end_reason": EndReason.APPLY_ERROR}
        grown = self.decided(self.asked(), WorkloadView(new=a_set(7), old=a_set(4)), **back)
        followed = self.decided(self.asked(), WorkloadView(new=a_set(1), old=a_set(6)), **back)

        assert grown.run.workloads[0].replicas == 4
        assert followed.run.workloads[0].replicas == 6


class TestHeld:
    """A pause or an approval holds the run at a weight that was reached."""

    def decided(self, view, *, steps=None, pause=None):
        reached = replace(set_weight(25), stage=1, state=StepState.SUCCEEDED)
        pause = pause or replace(timed_pause(600, "step-2"), limit_at=START + timedelta(seconds=600))
        pause = replace(pause, stage=2, state=StepState.RUNNING, started_at=START)
        load = replace(a_workload(replicas=1), new_pods=1, old_pods=1, new_wanted=1, old_wanted=1)
        run = replace(a_run(load), steps=steps or (reached, pause), state=TargetState.PAUSED)
        return run, decide(run, view, HERE)

    def test_pods_that_somebody_adds_are_followed_and_the_pause_goes_on(self):
        run, followed = self.decided(seen(web=WorkloadView(new=a_set(1), old=a_set(8))))
        grown = decide(followed.run, seen(web=WorkloadView(new=a_set(1), old=a_set(8))), HERE)

        assert followed.run.workloads[0].replicas == 8
        assert (grown.effect.from_pods, grown.effect.to_pods) == (1, 2)
        assert grown.run.steps[1].limit_at == run.steps[1].limit_at
        assert {grown.run.state, followed.run.state} == {TargetState.PAUSED}

    def test_pods_that_are_missing_are_looked_at_soon_and_those_that_stand_still_later(self):
        _, calm = self.decided(seen(web=WorkloadView(new=a_set(1), old=a_set(1))))
        _, open_ = self.decided(seen(web=WorkloadView(new=a_set(1, 0), old=a_set(1))))

        assert (calm.wake_at, calm.run.workloads[0].new_available) == (HERE.now + pods.RESYNC_WHILE_HELD, 1)
        assert (open_.wake_at, open_.run.workloads[0].new_available) == (HERE.now + pods.RESYNC, 0)
        assert calm.run.wait.what == open_.run.wait.what == "pause of 600 s"
        assert open_.run.ready_limit_at is None

    def test_a_pause_needs_no_cluster(self):
        run, without_agent = self.decided(AgentAway(detail="it is not connected"))
        blind = cannot_see(run, Busy(detail="429"), HERE)

        for held in (without_agent, blind):
            assert (held.run.state, held.run.wait.what) == (TargetState.PAUSED, "pause of 600 s")
            assert held.run.agent_lost_at is None
            assert held.wake_at == HERE.now + pods.RESYNC_WHILE_HELD

    def test_the_end_of_the_pause_comes_before_pods(self):
        over = replace(timed_pause(600, "step-2"), limit_at=HERE.now)
        _, decided = self.decided(seen(web=WorkloadView(new=a_set(1), old=a_set(8))), pause=over)

        assert decided.run.steps[1].state is StepState.SUCCEEDED

    def test_before_the_first_weight_nothing_is_held(self):
        pause = replace(timed_pause(600), stage=1, state=StepState.RUNNING, started_at=START)
        run, held = self.decided(NOTHING_SEEN, steps=(pause, replace(set_weight(25, "step-2"), stage=2)))

        assert not needs_observation(run)
        assert held.wake_at is None


class TestRefusedPods:
    """The cluster refuses to create pods."""

    def at(self, later_s, *, is_making_room=False, since=START):
        step = replace(set_weight(50), state=StepState.RUNNING)
        load = replace(a_workload(), new_pods=2, old_pods=3)
        run = replace(a_run(load), steps=(step,), refused_since=since)
        view = WorkloadView(new=a_set(2, 0, failure="exceeded quota"), old=a_set(3), is_making_room=is_making_room)
        return decide(run, seen(web=view), replace(HERE, now=START + timedelta(seconds=later_s)))

    def test_it_is_confirmed_for_a_moment_and_then_ends_the_step(self):
        first, before, after = self.at(0, since=None), self.at(14), self.at(15)

        assert (first.run.refused_since, first.wake_at) == (START, START + timedelta(seconds=5))
        assert before.wake_at == START + pods.REFUSAL_CONFIRMED
        assert after.run.end_reason is EndReason.APPLY_ERROR
        assert (
            "the cluster does not allow the pods: web: pods of the new version cannot be created" in after.run.message
        )

    def test_pods_that_are_about_to_go_may_make_room(self):
        held = self.at(15, is_making_room=True)

        assert isinstance(held, Hold)
        assert held.run.refused_since is None


def test_pods_that_were_given_up_but_still_exist_take_room():
    load = replace(a_workload(replicas=2), new_pods=1, old_pods=1, new_wanted=1, old_wanted=1)
    run = replace(a_run(load), steps=(replace(set_weight(100), state=StepState.RUNNING),))

    held = decide(run, seen(web=WorkloadView(new=a_set(1), old=a_set(1, total=2))), HERE)
    grown = decide(run, seen(web=WorkloadView(new=a_set(1), old=a_set(1))), HERE)

    assert isinstance(held, Hold)
    assert (grown.effect.from_pods, grown.effect.to_pods) == (1, 2)


def test_an_old_version_that_is_gone_comes_back_from_its_copy_where_it_is_needed():
    load = replace(a_workload(), old_copy="{}", new_pods=2, old_pods=2)
    gone = WorkloadView(new=a_set(2), old=None)
    half = replace(a_run(load), steps=(replace(set_weight(50), state=StepState.RUNNING),))
    whole = replace(half, steps=(replace(set_weight(100), state=StepState.RUNNING),))
    without_copy = replace(half, workloads=(replace(load, old_copy=""),))

    again = decide(half, seen(web=gone), HERE)

    assert (str(again.effect), again.run.workloads[0].old_pods) == (
        "create ReplicaSet web-old again, which somebody else has deleted",
        0,
    )
    assert str(decide(whole, seen(web=gone), HERE).effect).startswith("scale s from 2")
    assert not str(getattr(decide(without_copy, seen(web=gone), HERE), "effect", "")).startswith("create")
