"""What somebody else does to Services while a blue/green run waits for a condition or for pods is put right."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from borealis_server.domain import applying, persons
from borealis_server.domain.decide import NOTHING_SEEN, decide, needs_agent, needs_observation
from borealis_server.domain.decision import Act, Hold
from borealis_server.domain.deployment import PersonsDecision
from borealis_server.domain.pods import RESYNC_WHILE_HELD
from borealis_server.domain.states import EndReason, EventKind, Rollback, StepState, TargetState
from kit.blue_green import BASE, ELSEWHERE, TO_NEW, TO_OLD, blue_green_drive
from kit.delivery import NEW, approval

PODS = 2


def waiting_for(ref):
    """A run that waits for the approval `ref`: `step-2` before traffic moves, `step-4` after."""
    drive = blue_green_drive(PODS, redirect=(approval(),), shut_down=(approval(),))
    for _ in range(100):
        if drive.run.step(ref).state is StepState.AWAITING_APPROVAL:
            return drive.until_hold()
        if drive.run.state is TargetState.AWAITING_APPROVAL:
            approve(drive)
        if not drive.once():
            drive.cluster.advance()
    raise AssertionError(f"{ref} never waits")


def approve(drive):
    wish = PersonsDecision(kind=persons.APPROVE, by="ana", at=drive.now)
    drive.recorded = persons.approve(drive.deployment, wish)


@pytest.mark.parametrize(("ref", "led_to"), [("step-2", TO_OLD), ("step-4", TO_NEW)])
def test_a_version_that_is_written_off_the_active_service_is_written_back_during_the_wait(ref, led_to):
    drive = waiting_for(ref)
    drive.cluster.selectors["shop"] = BASE

    drive.until_hold()

    assert drive.cluster.selectors["shop"] == led_to
    assert drive.run.state is TargetState.AWAITING_APPROVAL
    assert drive.run.wait.what == "approval"


@pytest.mark.parametrize("ref", ["step-2", "step-4"])
def test_a_preview_service_is_led_back_to_the_new_version(ref):
    drive = waiting_for(ref)
    drive.cluster.selectors["shop-next"] = TO_OLD

    drive.until_hold()

    assert drive.cluster.selectors["shop-next"] == TO_NEW


def test_the_edit_is_told_before_it_is_put_right():
    drive = waiting_for("step-2")
    drive.cluster.selectors["shop"] = BASE

    decision = decide(drive.run, drive.cluster.observe(), drive.here)

    assert isinstance(decision, Act)
    assert [(note.kind, note.message) for note in decision.notes] == [
        (
            EventKind.WARNING,
            "somebody else changed Service shop during the wait; it is to lead to the version that it led to",
        )
    ]


@pytest.mark.parametrize("ref", ["step-2", "step-4"])
def test_a_service_that_was_given_to_something_else_ends_the_run_at_once_by_name(ref):
    drive = waiting_for(ref)
    drive.cluster.selectors["shop"] = ELSEWHERE

    drive.until_hold()

    assert (drive.run.state, drive.run.end_reason) == (TargetState.FAILED, EndReason.APPLY_ERROR)
    assert drive.run.rollback is Rollback.FAILED
    assert "Service shop is somebody else's now" in drive.run.message


def test_the_share_of_the_traffic_is_kept_up_to_date_during_the_wait():
    drive = waiting_for("step-4")
    drive.cluster.sets[NEW].available = 0

    drive.until_hold()

    assert drive.run.workloads[0].traffic_percent == 0


def test_the_wait_goes_on_without_the_cluster():
    drive = waiting_for("step-2")

    decision = decide(drive.run, NOTHING_SEEN, drive.here)

    assert needs_observation(drive.run)
    assert not needs_agent(drive.run)
    assert isinstance(decision, Hold)
    assert decision.wake_at == drive.now + RESYNC_WHILE_HELD


def test_services_alone_are_watched_during_the_wait_and_everything_that_moves_in_a_step():
    held = waiting_for("step-2").run
    moving = replace(held, steps=tuple(replace(step, state=_moving(step)) for step in held.steps))

    assert {str(one) for one in applying.watched(held)} == {"shop/Service"}
    assert {str(one) for one in applying.watched(moving)} == {"shop/ReplicaSet", "shop/Service", "shop/Endpoints"}


def _moving(step):
    return StepState.SUCCEEDED if step.state is StepState.AWAITING_APPROVAL else step.state


@pytest.mark.parametrize(("ref", "led_to"), [("step-2", TO_OLD), ("step-4", TO_NEW)])
def test_traffic_that_leads_astray_does_not_wait_for_pods_that_are_missing(ref, led_to):
    drive = waiting_for(ref)
    drive.cluster.sets[NEW].available = 0
    approve(drive)
    drive.until_hold()
    drive.cluster.selectors["shop"] = BASE

    drive.until_hold()

    assert drive.cluster.selectors["shop"] == led_to
    assert drive.run.wait.what == "shop: 0 of 2 pods of the new version available"
    assert drive.run.ready_limit_at == drive.now + timedelta(seconds=600)
