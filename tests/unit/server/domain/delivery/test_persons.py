"""Decisions of people beside the plain ones of `test_canary`: repeats, names, and who comes too late."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_server.domain import persons
from borealis_server.domain.deployment import PersonsDecision
from borealis_server.domain.errors import (
    AlreadyDecided,
    BorealisError,
    DeploymentEnded,
    NotAwaitingApproval,
    NotPaused,
    RoleRequired,
)
from borealis_server.domain.record import Recorded, settle
from borealis_server.domain.states import EndReason, EventKind, Phase, Rollback, StepState, TargetState
from kit.delivery import START, Drive, ModelCluster, a_deployment, a_target, approval, set_weight, timed_pause

DECIDE = {persons.APPROVE: persons.approve, persons.ROLL_BACK: persons.roll_back, persons.CANCEL: persons.cancel}
ABORTS = [persons.ROLL_BACK, persons.CANCEL]


def a_wish(kind, by="ana", at=START, **fields):
    return PersonsDecision(kind=kind, by=by, at=at, **fields)


def two_waiting():
    """Targets `a` and `b`, both waiting for an approval of their step 2."""
    recorded = a_deployment(*(a_target(name, set_weight(25), approval(), set_weight(100)) for name in "ab"))
    for name in "ab":
        recorded = Drive(recorded=recorded, cluster=ModelCluster.running(4), target=name).until_rest().recorded
    return recorded.deployment


def decided(deployment, kind, **fields):
    return DECIDE[kind](deployment, a_wish(kind, **fields))


def pausing():
    """A target that pauses for a minute."""
    recorded = a_deployment(a_target("a", set_weight(25), timed_pause(60), set_weight(100)))
    return Drive(recorded=recorded, cluster=ModelCluster.running(4), target="a").until_rest().deployment


def waits(deployment):
    return [run.name for run in deployment.targets if run.state is TargetState.AWAITING_APPROVAL]


def test_an_approval_that_names_nothing_is_for_everything_that_waits():
    assert waits(decided(two_waiting(), persons.APPROVE).deployment) == []


def test_an_approval_that_names_a_target_is_for_that_one():
    assert waits(decided(two_waiting(), persons.APPROVE, target="a").deployment) == ["b"]


def test_an_approval_of_a_step_that_does_not_wait_is_refused():
    with pytest.raises(NotAwaitingApproval):
        decided(two_waiting(), persons.APPROVE, step="step-1")


def test_an_approval_is_kept_with_who_and_why_and_told():
    recorded = decided(two_waiting(), persons.APPROVE, target="a", step="step-2", comment="looks good")

    step = recorded.deployment.target("a").steps[1]
    assert (step.state, step.approval.by, step.approval.comment) == (StepState.SUCCEEDED, "ana", "looks good")
    (event,) = recorded.events
    assert (event.kind, event.actor, event.step) == (EventKind.DECISION, "ana", "step-2")
    assert event.message == "ana approved: looks good"


def test_who_approves_second_hears_who_was_first():
    deployment = decided(two_waiting(), persons.APPROVE, by="bob", target="a").deployment

    with pytest.raises(AlreadyDecided, match="bob"):
        decided(deployment, persons.APPROVE, step="step-2", target="a")


@pytest.mark.parametrize("kind", DECIDE)
def test_a_repeat_of_a_request_changes_nothing(kind):
    once = decided(two_waiting(), kind, request_id="r1").deployment

    assert decided(once, kind, by="bob", request_id="r1") == Recorded(deployment=once)


@pytest.mark.parametrize("kind", DECIDE)
def test_requests_without_an_id_are_never_repeats(kind):
    once = decided(two_waiting(), kind, target="" if kind in ABORTS else "a").deployment

    if kind in ABORTS:
        with pytest.raises(AlreadyDecided):
            decided(once, kind)
    else:
        assert len(decided(once, kind, target="b").deployment.decisions) == 2


def test_the_same_id_for_another_kind_of_decision_is_another_request():
    once = decided(two_waiting(), persons.APPROVE, request_id="r1").deployment

    turned = decided(once, persons.CANCEL, request_id="r1").deployment

    assert all(run.state is TargetState.ROLLING_BACK for run in turned.targets)


@pytest.mark.parametrize(
    ("kind", "reason", "message"),
    [
        (persons.ROLL_BACK, EndReason.USER_ROLLED_BACK, "rolled back by ana: too slow"),
        (persons.CANCEL, EndReason.USER_CANCELLED, "cancelled by ana: too slow"),
    ],
)
def test_an_abort_says_who_and_why_on_every_target(kind, reason, message):
    deployment = decided(two_waiting(), kind, comment="too slow").deployment

    assert {(run.end_reason, run.message) for run in deployment.targets} == {(reason, message)}
    assert all(step.state.is_final for run in deployment.targets for step in run.steps)


def test_an_abort_leaves_alone_what_has_ended_and_what_serves_alone():
    deployment = two_waiting()
    ended = replace(deployment.target("a"), state=TargetState.SUCCEEDED, phase=Phase.ENDED)
    recorded = decided(deployment.with_target(ended), persons.CANCEL)

    assert recorded.deployment.target("a").state is TargetState.SUCCEEDED
    assert recorded.deployment.target("b").state is TargetState.ROLLING_BACK


def test_a_rollback_that_the_platform_began_was_decided_by_the_platform():
    deployment = two_waiting()
    for run in deployment.targets:
        turning = replace(run, state=TargetState.ROLLING_BACK, phase=Phase.RESTORING_PODS, rollback=Rollback.RUNNING)
        deployment = deployment.with_target(turning)

    with pytest.raises(AlreadyDecided, match="borealis"):
        decided(deployment, persons.CANCEL)


@pytest.mark.parametrize("kind", ABORTS)
def test_an_approval_after_an_abort_hears_of_it(kind):
    deployment = decided(two_waiting(), kind, by="bob").deployment

    with pytest.raises(AlreadyDecided) as refused:
        decided(deployment, persons.APPROVE)

    assert refused.value.metadata == {"decided_by": "bob", "decision": kind}


def test_a_target_that_never_started_ends_with_all_its_steps():
    recorded = a_deployment(a_target("a", approval()), a_target("b", approval(), depends_on=("a",)))

    deployment = decided(recorded.deployment, persons.CANCEL).deployment

    run = deployment.target("b")
    assert (run.state, run.phase, run.wait) == (TargetState.CANCELLED, Phase.ENDED, None)
    assert {step.state for step in run.steps} == {StepState.CANCELLED}
    assert deployment.state.is_final


def test_an_ended_deployment_stays_as_it_is():
    recorded = a_deployment(a_target("a"))
    ended = decided(recorded.deployment, persons.CANCEL).deployment
    assert ended.state.is_final

    again = settle(Recorded(deployment=ended), START + timedelta(hours=1))

    assert again == Recorded(deployment=ended)
    with pytest.raises(DeploymentEnded):
        decided(ended, persons.ROLL_BACK)


@given(
    st.lists(
        st.tuples(st.sampled_from(list(DECIDE)), st.sampled_from(["", "a", "b"]), st.sampled_from(["", "r1", "r2"])),
        max_size=6,
    )
)
def test_once_an_abort_was_accepted_no_approval_ever_is(wishes):
    deployment, aborted = two_waiting(), False

    for kind, target, request_id in wishes:
        try:
            after = decided(deployment, kind, target=target, request_id=request_id).deployment
        except BorealisError:
            continue
        is_repeat = after == deployment
        assert is_repeat or not (aborted and kind == persons.APPROVE)
        aborted = aborted or (kind in ABORTS and not is_repeat)
        deployment = after

    assert not aborted or waits(deployment) == []


def test_a_target_that_does_not_exist_is_a_key_error():
    with pytest.raises(KeyError, match="nowhere"):
        two_waiting().target("nowhere")


def test_a_pause_that_is_skipped_is_over_and_says_who_was_in_a_hurry():
    skipped = persons.skip(pausing(), a_wish(persons.SKIP)).deployment

    step = skipped.target("a").step("step-2")
    assert (step.state, step.skip.by) == (StepState.SUCCEEDED, "ana")


def test_the_same_skip_again_changes_nothing():
    wish = a_wish(persons.SKIP, request_id="r1")
    once = persons.skip(pausing(), wish).deployment

    assert persons.skip(once, wish) == Recorded(deployment=once)


def test_where_nothing_pauses_there_is_nothing_to_skip():
    with pytest.raises(
        NotPaused, match="no timed pause is under way in tenants/main/deployments/abc: get the deployment"
    ):
        persons.skip(two_waiting(), a_wish(persons.SKIP))


def test_an_approval_takes_one_of_its_roles_or_an_administrator():
    recorded = a_deployment(a_target("a", replace(approval(), requires_roles=("release", "boss"))))
    drive = Drive(recorded=recorded, cluster=ModelCluster.running(4), target="a").until_rest()

    assert drive.run.wait.ended_by == "a person with the role release or boss, or an administrator"
    with pytest.raises(RoleRequired, match="a/step-1 takes the role `boss` or `release` to approve"):
        persons.approve(drive.deployment, a_wish(persons.APPROVE))
    for authority in ({"roles": ("boss",)}, {"is_administrator": True}):
        assert persons.approve(drive.deployment, a_wish(persons.APPROVE, **authority)).deployment.decisions
