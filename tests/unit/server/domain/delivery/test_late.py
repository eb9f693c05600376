"""A change whose outcome was lost may still arrive: a rollback waits for that before it counts as finished."""

from dataclasses import replace
from datetime import timedelta

import pytest

from borealis_server.domain import late
from borealis_server.domain.decision import Circumstances
from borealis_server.domain.states import Phase, TargetState
from kit.delivery import START, a_target

SENT = START + late.LATEST_ARRIVAL


def at(moment):
    return Circumstances(now=moment, readiness_timeout_s=600, objects=())


@pytest.fixture
def run():
    return replace(a_target("prod"), state=TargetState.RUNNING, phase=Phase.STEPPING)


def test_an_intent_may_be_sent_for_a_moment(run):
    intended = late.intended(run, START)

    assert late.may_be_sent(intended, START)
    assert not late.may_be_sent(intended, START + late.SENT_WITHIN)
    assert late.may_be_sent(run, START)


def test_a_learnt_outcome_leaves_nothing_to_wait_for(run):
    assert late.await_arrival(late.learnt(late.intended(run, START)), at(START)) is None


def test_a_lost_outcome_is_waited_for_by_name(run):
    hold = late.await_arrival(late.unknown(late.intended(run, START)), at(START))

    assert hold is not None
    assert hold.run.wait is not None
    assert (hold.run.wait.since, hold.run.wait.limit_at) == (START, SENT)
    assert hold.run.wait.ended_by
    assert hold.run.wait.at_limit
    later = late.await_arrival(hold.run, at(SENT - timedelta(seconds=1)))
    assert later is not None
    assert later.run.wait == hold.run.wait
    assert later.wake_at == SENT
    assert late.await_arrival(hold.run, at(SENT)) is None


def test_the_last_of_several_lost_outcomes_counts(run):
    first = late.unknown(late.intended(run, START))
    second = late.unknown(late.intended(first, START + timedelta(seconds=5)))

    assert second.late_limit_at == SENT + timedelta(seconds=5)
    assert late.unknown(second) == second


def test_what_a_rollback_does_may_arrive_whenever_it_likes(run):
    going_back = late.intended(replace(run, state=TargetState.ROLLING_BACK), START)

    assert late.unknown(going_back).late_limit_at is None


def test_what_leads_traffic_back_first_must_not_arrive_after_what_leads_it_back_last(run):
    turning = replace(run, state=TargetState.ROLLING_BACK, phase=Phase.RESTORING_TRAFFIC)

    assert late.unknown(late.intended(turning, START)).late_limit_at == SENT


@pytest.mark.parametrize("passed_s", [1, 200])
def test_an_outcome_that_comes_after_an_abort_ends_the_wait_but_not_the_doubt(run, passed_s):
    sent = late.intended(run, START)
    aborted = late.unknown(sent)
    now = START + timedelta(seconds=passed_s)

    settled = late.learnt_after_all(aborted, sent, late.learnt(sent), now)

    assert settled.late_limit_at == now
    assert late.await_arrival(settled, at(now)) is None


def test_an_outcome_that_stays_unknown_changes_nothing(run):
    sent = late.intended(run, START)
    aborted = late.unknown(sent)

    assert late.learnt_after_all(aborted, sent, late.unknown(sent), START) == aborted
    assert late.learnt_after_all(run, run, run, START) == run
