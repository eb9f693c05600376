from itertools import pairwise

from borealis_server.domain import persons
from borealis_server.domain.deployment import PersonsDecision
from borealis_server.domain.states import DeploymentState, EndReason, EventKind, StepState, TargetState
from kit.delivery import START, Drive, ModelCluster, a_deployment, a_target, approval, set_weight


def a_drive(recorded, target="prod", pods=2):
    return Drive(recorded=recorded, cluster=ModelCluster.running(pods), target=target)


def test_targets_without_dependencies_start_at_once_and_the_others_wait_by_name():
    deployment = a_deployment(a_target("qa"), a_target("prod", depends_on=("qa",))).deployment

    assert deployment.target("qa").state is TargetState.RUNNING
    assert deployment.target("prod").state is TargetState.NOT_STARTED
    assert deployment.target("prod").wait.what == "success of qa"


def test_a_dependent_target_starts_when_the_one_before_has_succeeded():
    drive = a_drive(a_deployment(a_target("qa"), a_target("prod", depends_on=("qa",))), "qa").until_rest()

    assert drive.deployment.target("qa").state is TargetState.SUCCEEDED
    assert drive.deployment.target("prod").state is TargetState.RUNNING
    assert drive.deployment.state is DeploymentState.RUNNING


def test_a_chain_behind_a_failed_target_never_starts():
    recorded = a_deployment(
        a_target("qa"), a_target("prod", depends_on=("stage",)), a_target("stage", depends_on=("qa",))
    )
    drive = a_drive(recorded, "qa")
    drive.cluster.new_is_broken = True

    drive.until_rest().later(600).until_rest()

    assert drive.deployment.state is DeploymentState.FAILED
    for name in ("stage", "prod"):
        assert drive.deployment.target(name).end_reason is EndReason.UPSTREAM_FAILED
        assert drive.deployment.target(name).state is TargetState.CANCELLED


def test_an_independent_branch_goes_on_when_another_fails():
    recorded = a_deployment(a_target("a"), a_target("b"))
    broken = a_drive(recorded, "a")
    broken.cluster.new_is_broken = True
    broken.until_rest().later(600).until_rest()
    assert broken.deployment.state is DeploymentState.RUNNING

    healthy = a_drive(broken.recorded, "b").until_rest()

    assert healthy.deployment.target("b").state is TargetState.SUCCEEDED
    assert healthy.deployment.state is DeploymentState.FAILED
    assert healthy.deployment.message.startswith("a: not ready")


def test_a_cancel_keeps_waiting_targets_from_ever_starting():
    drive = a_drive(
        a_deployment(a_target("qa", set_weight(50), approval()), a_target("prod", depends_on=("qa",))), "qa"
    )
    drive.until_rest()

    wish = PersonsDecision(kind=persons.CANCEL, by="ana", at=START)
    drive.recorded = persons.cancel(drive.deployment, wish)
    drive.until_rest()

    prod = drive.deployment.target("prod")
    assert (prod.state, prod.end_reason) == (TargetState.CANCELLED, EndReason.USER_CANCELLED)
    assert all(step.state is StepState.CANCELLED for step in prod.steps)
    assert drive.deployment.state is DeploymentState.CANCELLED


def test_events_are_numbered_without_gaps_and_the_last_one_ends_the_deployment():
    drive = a_drive(a_deployment(a_target("prod", set_weight(50), set_weight(100)))).until_rest()

    numbers = [event.sequence for event in drive.events]
    assert all(after == before + 1 for before, after in pairwise(numbers))
    assert drive.events[-1].kind is EventKind.DEPLOYMENT_ENDED
    assert drive.events[-1].deployment_state is DeploymentState.SUCCEEDED


def test_the_deployment_waits_for_approval_when_any_target_does():
    drive = a_drive(a_deployment(a_target("a", set_weight(50), approval()), a_target("b")), "a").until_rest()

    assert drive.deployment.state is DeploymentState.AWAITING_APPROVAL
    assert drive.deployment.message == "a waits for approval"
