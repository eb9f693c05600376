"""The queue of an application and what is brought out once more, as pure decisions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from borealis_deployfile.manifests import FileContent
from borealis_server.domain import persons
from borealis_server.domain.deployment import DeploymentInputs, DeploymentKey, PersonsDecision, StoredFile
from borealis_server.domain.errors import InvalidArgument
from borealis_server.domain.queue import enqueue, take_turn
from borealis_server.domain.record import Recorded, settle
from borealis_server.domain.redeploy import RedeployRequest, redeploy_request
from borealis_server.domain.states import DeploymentState, EndReason, EventKind, Phase, StepState, TargetState
from kit.delivery import START, a_deployment, a_target

FIRST = a_deployment().deployment


def named(identifier, **fields):
    """A deployment of which nothing has happened yet."""
    targets = (a_target("qa"), a_target("prod", depends_on=("qa",)))
    key = DeploymentKey(tenant="main", id=identifier)
    return replace(FIRST, key=key, targets=targets, sequence=0, revision=0, **fields)


def queued(identifier, *others):
    return enqueue(named(identifier), others or (FIRST,), START)


def told(recorded):
    return [(event.kind, event.message) for event in recorded.events]


def test_a_queued_deployment_says_what_it_waits_for_and_touches_nothing():
    found = queued("b")

    deployment = found.recorded.deployment
    assert found.replaced is None
    assert (deployment.state, deployment.blocked_by) == (DeploymentState.QUEUED, "abc")
    assert {run.wait.what for run in deployment.targets} == {"deployment abc of shop to end"}
    assert {run.phase for run in deployment.targets} == {Phase.WAITING}
    assert told(found.recorded) == [(EventKind.DEPLOYMENT_QUEUED, "waits for deployment abc of shop to end")]


@pytest.mark.parametrize("is_first_over", [False, True], ids=["behind-the-first", "whose-turn-is-about-to-come"])
def test_a_newer_one_takes_the_place_of_the_one_that_waits(is_first_over):
    waiting = queued("b").recorded.deployment
    others = (waiting,) if is_first_over else (FIRST, waiting)

    found = queued("c", *others)

    older = found.replaced.deployment
    assert found.recorded.deployment.blocked_by == "abc"
    assert (older.state, older.replaced_by, older.ended_at) == (DeploymentState.REPLACED, "c", START)
    assert {(run.state, run.end_reason) for run in older.targets} == {(TargetState.CANCELLED, EndReason.REPLACED)}
    assert {step.state for run in older.targets for step in run.steps} == {StepState.CANCELLED}
    message = "never started: the newer deployment c took its place in the queue"
    assert told(found.replaced) == [
        (EventKind.TARGET_CHANGED, message),
        (EventKind.TARGET_CHANGED, message),
        (EventKind.DEPLOYMENT_ENDED, message),
    ]


def test_when_its_turn_comes_it_starts_like_any_other():
    recorded = take_turn(queued("b").recorded.deployment, {"cluster"}, START)

    deployment = recorded.deployment
    assert (deployment.state, deployment.message) == (DeploymentState.RUNNING, "")
    assert [run.state for run in deployment.targets] == [TargetState.RUNNING, TargetState.NOT_STARTED]
    assert deployment.target("prod").wait.what == "success of qa"
    assert told(recorded)[0] == (EventKind.DEPLOYMENT_STARTED, "started, since deployment abc has ended")


def test_when_its_turn_comes_and_its_agent_is_unknown_it_is_rejected_by_name():
    recorded = take_turn(queued("b").recorded.deployment, {"another"}, START)

    assert recorded.deployment.state is DeploymentState.REJECTED
    assert recorded.deployment.message == "never started: when its turn came there was no agent cluster any more"


def test_a_queued_deployment_is_cancelled_without_ever_starting():
    wish = PersonsDecision(kind=persons.CANCEL, by="ana", at=START)

    recorded = persons.cancel(queued("b").recorded.deployment, wish)

    assert recorded.deployment.state is DeploymentState.CANCELLED
    assert {run.state for run in recorded.deployment.targets} == {TargetState.CANCELLED}


def test_one_target_that_ends_leaves_the_rest_in_the_queue():
    deployment = queued("b").recorded.deployment
    ended = replace(deployment.target("prod"), state=TargetState.CANCELLED, phase=Phase.ENDED)

    recorded = settle(Recorded(deployment=deployment.with_target(ended)), START)

    assert recorded.deployment.state is DeploymentState.QUEUED
    assert recorded.deployment.message == "waits for deployment abc of shop to end"


INPUTS = DeploymentInputs(
    deploy_file="application: shop",
    objects={},
    file_name="deploy.yaml",
    files={"k8s": (StoredFile(name="k8s/a.yaml", content="kind: X"),)},
    account="cluster-1",
)


def test_what_was_stored_is_started_once_more_with_what_is_wanted_otherwise():
    wanted = RedeployRequest(tenant="main", actor="bo", source="b", targets=("prod",), account="other", request_id="r")

    request = redeploy_request(wanted, named("b"), INPUTS)

    assert (request.actor, request.source, request.request_id) == ("bo", "b", "r")
    assert (request.account, request.targets) == ("other", ("prod",))
    assert request.deploy_file == b"application: shop"
    assert request.files == {"k8s": (FileContent(name="k8s/a.yaml", content=b"kind: X"),)}


def test_without_a_wish_the_same_targets_and_accounts_come_again():
    request = redeploy_request(RedeployRequest(tenant="main", actor="bo", source="b"), named("b"), INPUTS)

    assert (request.account, request.targets) == ("cluster-1", ("qa", "prod"))
    assert request.digest() != replace(request, source="").digest()


def test_a_target_that_the_deployment_never_had_is_refused_by_name():
    wanted = RedeployRequest(tenant="main", actor="bo", source="b", targets=("eu",))

    with pytest.raises(InvalidArgument, match="deployment b has no target eu: it has qa, prod"):
        redeploy_request(wanted, named("b"), INPUTS)
