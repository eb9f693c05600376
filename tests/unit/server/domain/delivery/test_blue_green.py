"""Blue/green against a model: whatever happens and whenever, traffic goes to one version alone that can carry it."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from borealis_server.domain import persons, traffic
from borealis_server.domain.decide import NOTHING_SEEN, needs_observation
from borealis_server.domain.decision import Act, Become
from borealis_server.domain.deployment import PersonsDecision
from borealis_server.domain.effects import RestoreDeployment
from borealis_server.domain.errors import TooLate
from borealis_server.domain.late import LATEST_ARRIVAL
from borealis_server.domain.rollback import restore_objects, restore_traffic
from borealis_server.domain.states import EndReason, Phase, Rollback, ServiceRole, StepState, TargetState
from kit.blue_green import BASE, ELSEWHERE, TO_NEW, TO_OLD, blue_green_drive
from kit.delivery import NEW, OLD, START, approval

PODS = 3


def wish(kind, drive, step=""):
    return PersonsDecision(kind=kind, by="ana", at=drive.now, step=step)


def roll_back(drive):
    drive.recorded = persons.roll_back(drive.deployment, wish(persons.ROLL_BACK, drive))


def check(drive, *, excused=False):
    """The active Service leads to pods of one version, to all that were there at the beginning."""
    new, old = drive.cluster.endpoints("shop")
    assert not (new and old), f"{new} new and {old} old pods have traffic in {drive.run.phase}"
    assert excused or new + old >= PODS, f"{new + old} pods have traffic in {drive.run.phase}"


def step_on(drive):
    """One decision, or one step of the cluster; False when the target has ended."""
    if not drive.once():
        if not drive.run.is_active:
            return False
        drive.cluster.advance()
    return True


def onward(drive):
    """As `step_on`, with a person who approves at once."""
    goes_on = step_on(drive)
    if drive.run.state is TargetState.AWAITING_APPROVAL:
        approve(drive)
    return goes_on


def to_the_end(drive, *, excused=False):
    for _ in range(300):
        check(drive, excused=excused)
        if not onward(drive):
            return drive
    raise AssertionError("it never ends")


def conditions():
    return {"redirect": (approval(),), "shut_down": (approval(),)}


def writes(drive):
    return [str(effect) for effect in drive.cluster.writes]


def test_the_whole_way_in_order():
    drive = to_the_end(blue_green_drive(PODS, **conditions()))

    assert drive.run.state is TargetState.SUCCEEDED
    assert [step.state for step in drive.run.steps] == [StepState.SUCCEEDED] * 5
    assert writes(drive) == [
        "let Service shop select app=shop armory-pod-template-hash=old",
        "let Service shop-next select app=shop armory-pod-template-hash=old",
        f"create ReplicaSet {NEW}",
        f"scale {NEW} from 0 to 3",
        "let Service shop-next select app=shop armory-pod-template-hash=new",
        "let Service shop select app=shop armory-pod-template-hash=new",
        f"mark {NEW} as live",
        f"delete ReplicaSet {OLD}",
    ]
    assert drive.run.workloads[0].traffic_percent == 100


def test_a_crash_after_any_intent_or_effect_changes_nothing():
    for kind in ("crash_after_intent", "crash_after_effect"):
        for point in count():
            drive = blue_green_drive(PODS, **conditions())
            if not all(onward(drive) for _ in range(point)):
                break
            drive.once(**{kind: True})
            assert to_the_end(drive).run.state is TargetState.SUCCEEDED
        assert point > 20


def test_a_rollback_at_any_moment_brings_everything_back_or_comes_too_late():
    ends = set()
    for point in count():
        drive = blue_green_drive(PODS, **conditions())
        for _ in range(point):
            check(drive)
            onward(drive)
        if not drive.run.is_active:
            break
        try:
            roll_back(drive)
        except TooLate:
            assert drive.run.phase is Phase.FINISHING
            assert to_the_end(drive).run.state is TargetState.SUCCEEDED
            ends.add("too late")
            continue
        to_the_end(drive)
        assert (drive.run.state, drive.cluster.sets.keys()) == (TargetState.CANCELLED, {OLD})
        assert drive.cluster.sets[OLD].desired == PODS
        assert set(drive.cluster.selectors.values()) == {BASE}
        ends.add(drive.run.rollback)
    assert ends == {Rollback.NONE, Rollback.DONE, "too late"}


def until(drive, ref):
    """Drive until the approval `ref` waits."""
    for _ in range(100):
        step = drive.run.step(ref)
        if step.state is StepState.AWAITING_APPROVAL:
            return drive
        if drive.run.state is TargetState.AWAITING_APPROVAL:
            approve(drive)
        step_on(drive)
    raise AssertionError(f"{ref} never waits")


def approve(drive):
    drive.recorded = persons.approve(drive.deployment, wish(persons.APPROVE, drive))
    return drive


def test_a_first_deployment_has_nothing_to_wait_for():
    drive = blue_green_drive(PODS, **conditions())
    drive.cluster.sets.clear()

    to_the_end(drive, excused=True)

    states = [step.state for step in drive.run.steps]
    done, skipped = StepState.SUCCEEDED, StepState.SKIPPED
    assert states == [done, skipped, done, skipped, skipped]
    assert drive.cluster.selectors["shop"] == TO_NEW


def test_a_first_deployment_that_fails_leaves_its_services_as_they_were():
    drive = blue_green_drive(PODS)
    drive.cluster.sets.clear()
    drive.cluster.new_is_broken = True
    for _ in range(10):
        step_on(drive)

    to_the_end(drive.later(601), excused=True)

    assert (drive.run.rollback, drive.cluster.sets) == (Rollback.DONE, {})
    assert drive.cluster.selectors == {"shop": BASE, "shop-next": BASE}


def test_a_version_that_is_written_off_the_active_service_is_written_back_before_pods_come():
    drive = blue_green_drive(PODS)
    while drive.run.phase is not Phase.STEPPING:
        step_on(drive)
    drive.cluster.selectors["shop"] = BASE

    to_the_end(drive)

    assert writes(drive)[3] == "let Service shop select app=shop armory-pod-template-hash=old"


def test_a_new_version_that_has_lost_pods_gets_no_traffic_before_it_has_them_again():
    drive = until(blue_green_drive(PODS, **conditions()), "step-2")
    drive.cluster.sets[NEW].available = 1
    approve(drive).until_hold()

    assert drive.cluster.endpoints("shop") == (0, PODS)
    assert drive.run.wait.what == "shop: 1 of 3 pods of the new version available"
    assert to_the_end(drive).run.state is TargetState.SUCCEEDED


def test_endpoints_that_do_not_follow_hold_the_redirection_by_name_and_then_fail_it():
    drive = until(blue_green_drive(PODS, **conditions()), "step-2")
    drive.cluster.is_stuck = True
    approve(drive).until_hold()
    first = drive.run.wait

    drive.later(30).until_hold()

    assert drive.run.wait.since == first.since
    assert drive.run.wait.what == "Service shop: 0 of 3 pods of the new version among its endpoints, 3 lead elsewhere"
    assert (drive.run.wait.ended_by, drive.run.wait.at_limit) == (
        "the cluster, as endpoints follow",
        "the target is rolled back",
    )
    to_the_end(drive.later(601))
    assert drive.run.end_reason is EndReason.READINESS_TIMEOUT
    assert "traffic did not follow within 600 s" in drive.run.message
    assert drive.run.rollback is Rollback.DONE


def test_the_preview_service_is_verified_before_anybody_looks_at_it():
    drive = blue_green_drive(PODS, **conditions())
    while drive.cluster.selectors["shop-next"] != TO_NEW:
        step_on(drive)
    drive.cluster.is_stuck = True
    drive.until_hold()

    assert drive.run.wait.what.startswith("Service shop-next: 0 of 3 pods of the new version")


def test_old_pods_are_back_before_traffic_goes_back_to_them():
    drive = until(blue_green_drive(PODS, **conditions()), "step-4")
    del drive.cluster.sets[OLD]
    roll_back(drive)

    to_the_end(drive)

    assert drive.run.rollback is Rollback.DONE
    told = writes(drive)
    assert told.index(f"scale {OLD} from 0 to 3") < told.index(
        "let Service shop select app=shop armory-pod-template-hash=old", 3
    )


def test_an_old_version_that_cannot_come_back_leaves_traffic_with_the_new_one():
    drive = until(blue_green_drive(PODS, **conditions()), "step-4")
    drive.cluster.sets[OLD].available = 1
    drive.cluster.sets[OLD].is_broken = True
    roll_back(drive)
    drive.until_hold()
    assert drive.run.phase is Phase.RESTORING_TRAFFIC

    to_the_end(drive.later(601))

    assert drive.run.rollback is Rollback.FAILED
    assert "the old version did not become ready in time" in drive.run.message
    assert drive.cluster.selectors["shop"] == TO_NEW
    assert drive.cluster.sets.keys() == {OLD, NEW}


def test_a_native_deployment_does_not_come_back_over_pods_that_keep_the_traffic():
    drive = until(blue_green_drive(PODS, **conditions()), "step-4")
    roll_back(drive)
    load = replace(drive.run.workloads[0], native="{}")
    run = replace(drive.run.with_workload(load), phase=Phase.RESTORING_OBJECTS)
    left = replace(
        run.with_workload(replace(load, is_left=True)),
        services=tuple(replace(one, is_left=True) for one in run.services),
    )

    first, last = restore_objects(run, NOTHING_SEEN, drive.here), restore_objects(left, NOTHING_SEEN, drive.here)

    assert isinstance(first, Act)
    assert isinstance(first.effect, RestoreDeployment)
    assert isinstance(last, Become)


def test_endpoints_that_do_not_follow_back_leave_the_pods_of_both_versions():
    drive = until(blue_green_drive(PODS, **conditions()), "step-4")
    drive.cluster.is_stuck = True
    roll_back(drive)
    drive.until_hold()
    waiting = drive.run.wait
    assert waiting.what == "Service shop: 0 of 3 pods of the old version among its endpoints, 3 lead elsewhere"
    assert waiting.at_limit == "the rollback is given up"
    drive.later(10).until_hold()
    assert drive.run.wait.since == waiting.since

    to_the_end(drive.later(601))

    assert drive.run.rollback is Rollback.FAILED
    assert drive.cluster.sets.keys() == {OLD, NEW}


def test_a_service_that_was_pointed_elsewhere_is_not_ours_any_more():
    drive = until(blue_green_drive(PODS, **conditions()), "step-2")
    drive.cluster.selectors["shop"] = ELSEWHERE
    approve(drive)

    to_the_end(drive, excused=True)

    assert (drive.run.state, drive.run.rollback) == (TargetState.FAILED, Rollback.FAILED)
    assert drive.cluster.selectors["shop"] == ELSEWHERE
    assert drive.cluster.sets.keys() == {OLD, NEW}


def test_a_service_that_is_gone_counts_as_pointed_elsewhere():
    drive = until(blue_green_drive(PODS, **conditions()), "step-2")
    del drive.cluster.selectors["shop"]

    to_the_end(approve(drive), excused=True)

    assert drive.run.rollback is Rollback.FAILED


def test_a_new_version_that_is_deleted_before_the_shutdown_takes_the_old_one_along_to_the_traffic():
    drive = until(blue_green_drive(PODS, **conditions()), "step-4")
    del drive.cluster.sets[NEW]
    approve(drive)

    to_the_end(drive, excused=True)

    assert drive.run.rollback is Rollback.DONE
    assert drive.cluster.endpoints("shop") == (0, PODS)


def test_a_change_of_the_old_versions_size_is_followed_by_the_new_one():
    drive = until(blue_green_drive(PODS, **conditions()), "step-2")
    drive.cluster.sets[OLD].desired = PODS + 2
    for _ in range(5):
        drive.cluster.advance()

    to_the_end(approve(drive))

    assert drive.cluster.sets[NEW].desired == PODS + 2


@pytest.mark.parametrize("pods", [0, 1])
def test_no_pods_or_one_make_no_difference(pods):
    drive = blue_green_drive(pods, **conditions())

    assert to_the_end(drive, excused=True).run.state is TargetState.SUCCEEDED


def test_an_agent_that_is_lost_while_the_old_version_goes_leaves_the_step_failed():
    drive = until(blue_green_drive(PODS, **conditions()), "step-4")
    approve(drive)
    while drive.run.phase is not Phase.FINISHING:
        step_on(drive)
    drive.cluster.is_away = True
    drive.until_hold()

    to_the_end(drive.later(601))

    assert (drive.run.state, drive.run.end_reason) == (TargetState.FAILED, EndReason.AGENT_LOST)
    assert drive.run.step("step-5").state is StepState.FAILED


def test_the_cluster_is_looked_at_on_the_way_back_only_where_services_move_the_traffic():
    drive = until(blue_green_drive(PODS, **conditions()), "step-2")
    roll_back(drive)
    run = drive.run

    assert needs_observation(run)
    assert not needs_observation(replace(run, has_taken_over=False))
    assert not needs_observation(replace(run, services=()))
    shared = tuple(replace(one, role=ServiceRole.SHARED) for one in run.services)
    assert not needs_observation(replace(run, services=shared))
    assert isinstance(restore_traffic(replace(run, services=shared), NOTHING_SEEN, drive.here), Become)


def test_a_switch_that_arrives_late_is_taken_back_before_the_new_version_goes():
    drive = until(blue_green_drive(PODS, **conditions()), "step-2")
    drive.recorded = drive.recorded.with_target(replace(drive.run, late_limit_at=drive.now + LATEST_ARRIVAL), (), START)
    roll_back(drive)
    drive.until_hold()
    drive.cluster.advance()
    drive.until_hold()
    assert drive.run.wait.what.startswith("a change that may still arrive")
    drive.cluster.selectors["shop"] = TO_NEW
    drive.cluster.advance()
    check(drive)

    drive.until_hold()
    assert drive.cluster.selectors["shop"] == TO_OLD
    to_the_end(drive.later(91))

    assert (drive.run.rollback, drive.cluster.sets.keys()) == (Rollback.DONE, {OLD})


def test_a_service_that_never_led_to_the_old_version_is_not_waited_for():
    drive = until(blue_green_drive(PODS, **conditions()), "step-4")
    services = tuple(replace(one, held=ELSEWHERE) for one in drive.run.services)
    run = replace(drive.run, services=services)

    assert traffic.unfollowed(run, drive.cluster.observe(), traffic.Side.OLD, ServiceRole.ACTIVE) == ""


def test_a_service_without_endpoints_gives_the_new_version_no_share():
    drive = until(blue_green_drive(PODS, **conditions()), "step-2")
    drive.cluster.sets[OLD].available = 0

    assert traffic.with_shares(drive.run, drive.cluster.observe()).workloads[0].traffic_percent == 0
