"""Routes against a model: whatever happens and whenever, no version has more traffic than its pods can carry."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from borealis_server.domain import persons
from borealis_server.domain.decide import decide
from borealis_server.domain.decision import Act
from borealis_server.domain.deployment import PersonsDecision
from borealis_server.domain.effects import DeleteReplicaSet, ReleaseRoute, Scale, ShapeRoute
from borealis_server.domain.late import LATEST_ARRIVAL
from borealis_server.domain.states import EndReason, EventKind, Phase, Rollback, TargetState
from borealis_server.domain.why import explain_target
from kit.delivery import NEW, OLD, approval, set_weight
from kit.routed import ROUTES, routed_drive

PODS = 3
KINDS = tuple(ROUTES)
every_kind = pytest.mark.parametrize("kind", KINDS)


def wish(kind, drive, step=""):
    return PersonsDecision(kind=kind, by="ana", at=drive.now, step=step)


def roll_back(drive):
    drive.recorded = persons.roll_back(drive.deployment, wish(persons.ROLL_BACK, drive))


def approve(drive, step="step-2"):
    drive.recorded = persons.approve(drive.deployment, wish(persons.APPROVE, drive, step))


def check(drive):
    """What the route gives each version, it can carry."""
    cluster = drive.cluster
    share = cluster.share()
    if cluster.objects != cluster.before and NEW in cluster.sets and OLD in cluster.sets:
        assert share * PODS <= 100 * cluster.ready(NEW), (share, drive.run.phase)
        assert (100 - share) * PODS <= 100 * cluster.ready(OLD), (share, drive.run.phase)


def step_on(drive):
    """One decision; where there is none, the cluster works."""
    if not drive.once():
        drive.cluster.advance()
        drive.later(6)
    check(drive)


def play(drive, steps=400):
    for _ in range(steps):
        if not drive.run.is_active:
            return drive
        step_on(drive)
        if drive.run.state is TargetState.AWAITING_APPROVAL:
            approve(drive)
    raise AssertionError(f"never ends: {drive.run.phase} {drive.run.wait}")


def check_left_as_it_was(drive):
    assert drive.cluster.objects == drive.cluster.before


@every_kind
def test_to_the_end_and_everything_is_as_it_was(kind):
    drive = play(routed_drive(kind, set_weight(25), approval(), set_weight(60), set_weight(100), pods=PODS))

    assert drive.run.state is TargetState.SUCCEEDED
    assert list(drive.cluster.sets) == [NEW]
    check_left_as_it_was(drive)
    shares = [each.percent for each in drive.cluster.writes if isinstance(each, ShapeRoute)]
    assert shares == sorted(shares)
    assert {0, 25, 60, 100} <= set(shares)


@every_kind
def test_a_roll_back_at_any_step_leaves_the_old_version_alone(kind):
    for steps in count():
        drive = routed_drive(kind, set_weight(25), approval(), set_weight(100), pods=PODS)
        for _ in range(steps):
            step_on(drive)
            if drive.run.state is TargetState.AWAITING_APPROVAL:
                approve(drive)
        if not drive.run.is_active or drive.run.phase is Phase.FINISHING:
            break
        roll_back(drive)
        play(drive)
        assert drive.run.rollback in (Rollback.DONE, Rollback.NONE), steps
        assert list(drive.cluster.sets) == [OLD], steps
        check_left_as_it_was(drive)
    assert steps > 15


@every_kind
def test_a_crash_at_any_change_leads_to_the_same_end(kind):
    for point in count(1):
        drive = routed_drive(kind, set_weight(50), pods=PODS)
        for _ in range(point):
            if not drive.once(crash_after_effect=True):
                drive.cluster.advance()
        play(drive)
        assert drive.run.state is TargetState.SUCCEEDED, point
        check_left_as_it_was(drive)
        if point > 40:
            break


@every_kind
def test_the_way_back_is_traffic_then_pods_then_the_rest(kind):
    """RB-02, CN-15"""
    drive = routed_drive(kind, set_weight(50), approval(), pods=PODS).rest()
    sent = len(drive.cluster.writes)
    roll_back(drive)
    play(drive)

    words = [_word(each) for each in drive.cluster.writes[sent:]]
    assert words == sorted(words, key=["traffic", "pods", "rest"].index)
    assert words.count("traffic") == 1


def _word(effect):
    if isinstance(effect, ShapeRoute):
        return "traffic"
    return "pods" if isinstance(effect, Scale | DeleteReplicaSet) else "rest"


@every_kind
def test_a_foreign_change_is_told_once_and_put_right(kind):
    drive = routed_drive(kind, set_weight(50), approval(), pods=PODS).rest()
    for key, document in drive.cluster.before.items():
        if key[0] != "Service":
            drive.cluster.objects[key] = document
    if kind == "smi":
        drive.cluster.objects["TrafficSplit", "shop"]["spec"]["backends"] = []
    drive.later(31)
    drive.rest()

    told = [event for event in drive.events if "somebody else changed it during the run" in event.message]
    assert {event.kind for event in told} == {EventKind.WARNING}
    assert len(told) == 1
    assert drive.cluster.share() == 50
    assert drive.run.state is TargetState.AWAITING_APPROVAL


def test_a_route_that_goes_while_a_person_is_asked_ends_the_run():
    drive = routed_drive("istio", set_weight(50), approval(), pods=PODS).rest()
    del drive.cluster.objects["VirtualService", "shop"]
    drive.later(31)
    play(drive)

    assert (drive.run.state, drive.run.end_reason) == (TargetState.FAILED, EndReason.APPLY_ERROR)
    assert drive.run.rollback is Rollback.DONE
    assert list(drive.cluster.sets) == [OLD]


def test_a_route_that_goes_in_a_step_ends_the_run():
    drive = routed_drive("istio", set_weight(50), pods=PODS)
    while drive.run.phase is not Phase.STEPPING:
        step_on(drive)
    del drive.cluster.objects["VirtualService", "shop"]
    play(drive)

    assert drive.run.state is TargetState.FAILED
    assert "is gone" in drive.run.message


@pytest.mark.parametrize("moment", ["before-it-is-noted", "after-it-is-noted"])
def test_a_route_that_goes_before_the_new_version_comes_ends_the_run(moment):
    drive = routed_drive("istio", set_weight(50), pods=PODS)
    while drive.run.phase is not Phase.HOLDING_TRAFFIC:
        step_on(drive)
    if moment == "after-it-is-noted":
        step_on(drive)
    drive.cluster.objects.pop(("VirtualService", "shop"))
    play(drive)

    assert drive.run.state is TargetState.FAILED
    assert list(drive.cluster.sets) == [OLD]


def test_traffic_that_cannot_be_led_back_stays_with_its_pods():
    drive = routed_drive("istio", set_weight(50), approval(), pods=PODS).rest()
    drive.cluster.objects["VirtualService", "shop"]["spec"]["http"] = []
    roll_back(drive)
    play(drive)

    assert drive.run.rollback is Rollback.FAILED
    assert "traffic could not be led back" in drive.run.message
    assert set(drive.cluster.sets) == {OLD, NEW}
    assert all(route.is_left for route in drive.run.routes)


def test_the_old_version_has_its_pods_before_it_gets_the_traffic_back():
    """Hard case 4."""
    drive = routed_drive("gateway-api", set_weight(100), approval(), pods=PODS).rest()
    drive.cluster.sets[OLD].available = 1
    roll_back(drive)
    play(drive)

    assert drive.run.rollback is Rollback.DONE
    check_left_as_it_was(drive)


def test_less_weight_asks_for_the_old_version_first():
    drive = routed_drive("istio", set_weight(80), approval(), set_weight(20), approval(), pods=PODS).rest()
    drive.cluster.sets[OLD].available = 1
    drive.cluster.sets[OLD].is_broken = True
    drive.recorded = persons.approve(drive.deployment, wish(persons.APPROVE, drive, "step-2"))
    drive.rest()

    assert drive.cluster.share() == 80
    assert drive.run.wait is not None
    assert "1 of 3 pods of the old version available" in drive.run.wait.what


@pytest.mark.parametrize("kind", ["smi", "gateway-api"])
def test_endpoints_that_do_not_follow_hold_the_weight_and_then_end_the_run(kind):
    """Hard case 42."""
    drive = routed_drive(kind, set_weight(50), pods=PODS)
    drive.cluster.is_stuck = True
    drive.rest()

    assert drive.run.wait is not None
    assert "Service shop-canary: 0 of 3 pods of the new version among its endpoints" in drive.run.wait.what
    assert drive.cluster.share() == 0
    drive.later(601)
    play(drive)
    assert drive.run.end_reason is EndReason.READINESS_TIMEOUT
    check_left_as_it_was(drive)


def test_a_first_deployment_divides_nothing():
    drive = routed_drive("istio", set_weight(25), approval(), pods=PODS)
    drive.cluster.sets.clear()
    play(drive)

    assert drive.run.state is TargetState.SUCCEEDED
    assert not [each for each in drive.cluster.writes if isinstance(each, ShapeRoute | ReleaseRoute)]


def test_a_weight_that_may_still_arrive_is_waited_out_while_all_pods_are_there():
    drive = routed_drive("istio", set_weight(50), pods=PODS)
    while not isinstance(drive.cluster.writes[-1:] and drive.cluster.writes[-1], ShapeRoute) or (
        drive.run.routes[0].asked_percent != 50
    ):
        if not drive.once():
            drive.cluster.advance()
    drive.recorded = drive.recorded.with_target(
        replace(drive.run, late_limit_at=drive.now + LATEST_ARRIVAL), (), drive.now
    )
    roll_back(drive)
    drive.until_hold()

    assert drive.run.phase is Phase.RESTORING_TRAFFIC
    assert drive.run.wait is not None
    assert "may still arrive" in drive.run.wait.what
    assert set(drive.cluster.sets) == {OLD, NEW}


def test_a_change_that_the_cluster_refuses_turns_the_run_round():
    drive = routed_drive("istio", set_weight(50), pods=PODS)
    drive.cluster.refuses = ShapeRoute
    play(drive)

    assert drive.run.state is TargetState.FAILED
    assert "the cluster said no" in drive.run.message


def test_what_cannot_be_left_as_it_was_is_named_and_the_new_version_serves():
    drive = routed_drive("istio", set_weight(100), pods=PODS)
    drive.cluster.refuses = ReleaseRoute
    play(drive)

    assert drive.run.state is TargetState.FAILED
    assert "the new version serves, but could not let DestinationRule shop lead to all pods again" in drive.run.message


def test_why_names_the_route_that_is_being_changed():
    drive = routed_drive("istio", set_weight(50), pods=PODS)
    while "send 50 %" not in drive.run.intent:
        if not drive.once(crash_after_intent="send" in drive.run.intent):
            drive.cluster.advance()
        decision = decide(drive.run, drive.cluster.observe(), drive.here)
        if isinstance(decision, Act) and "send 50 %" in str(decision.effect):
            drive.keep(decision.run)

    told = explain_target(drive.deployment, "prod").sentence

    assert "let VirtualService shop send 50 % to the new version" in told
