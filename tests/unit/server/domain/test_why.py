"""Every state has its sentence, which says what, who or what ends it, and the way out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from borealis_server.domain.deployment import Wait
from borealis_server.domain.states import (
    DeploymentState,
    EndReason,
    Phase,
    Rollback,
    StepKind,
    StepPart,
    StepState,
    TargetState,
)
from borealis_server.domain.why import _END_ADVICE, _STEP_WORDS, _WORK, Action, explain, explain_target
from kit.delivery import START, Drive, ModelCluster, a_deployment, a_target, approval, set_weight, timed_pause

PART = {Phase.BEFORE: StepPart.BEFORE, Phase.STEPPING: StepPart.STRATEGY, Phase.AFTER: StepPart.AFTER}
WAIT = Wait(
    what="the moon", since=START, ended_by="the tide", limit_at=START + timedelta(seconds=60), at_limit="it is night"
)
GOING_BACK = tuple(phase for phase in Phase if phase.value.startswith(("RESTORING", "REMOVING")))
FORWARD = [phase for phase in Phase if phase not in (*GOING_BACK, Phase.WAITING, Phase.ENDED)]
ACTIVE = (TargetState.RUNNING, TargetState.PAUSED, TargetState.AWAITING_APPROVAL)
STATES = [
    *((TargetState.NOT_STARTED, Phase.WAITING),),
    *product(ACTIVE, FORWARD),
    *((TargetState.ROLLING_BACK, phase) for phase in GOING_BACK),
]


def a_run(state, phase, kind=StepKind.SET_WEIGHT, wait=None, step_state=StepState.RUNNING):
    step = replace(set_weight(25), kind=kind, part=PART.get(phase, StepPart.STRATEGY), stage=1, state=step_state)
    run = a_target("prod", set_weight(25), depends_on=("qa",))
    return replace(run, steps=(step,), state=state, phase=phase, wait=wait, started_at=START, message="it broke")


def a_deployment_of(run, **fields):
    deployment = a_deployment(a_target("qa"), a_target("prod", depends_on=("qa",))).deployment
    return replace(deployment.with_target(run), **fields)


@pytest.mark.parametrize("wait", [None, WAIT], ids=["works", "waits"])
@pytest.mark.parametrize("kind", list(StepKind))
@pytest.mark.parametrize(("state", "phase"), STATES)
def test_every_state_phase_and_kind_of_step_has_a_sentence_that_names_the_way_out(state, phase, kind, wait):
    run = a_run(state, phase, kind, wait)

    found = explain_target(a_deployment_of(run), "prod")

    assert found.sentence.startswith("prod ")
    assert found.sentence.endswith(".")
    for part in (found.what, found.ended_by, found.advice):
        assert part
        assert part in found.sentence
    if wait:
        for part in ("waits for the moon", "the tide", "at 2026-01-01 00:01:00 UTC it is night", "00:00:00"):
            assert part in found.sentence
    elif phase in PART:
        assert f"step-1, {_STEP_WORDS[kind].format(weight_percent=25)}" in found.sentence
    has_way_out = bool(found.actions) or state is TargetState.ROLLING_BACK or phase is Phase.FINISHING
    assert has_way_out
    assert (Action.ROLL_BACK in found.actions) <= (phase not in (Phase.BEFORE, Phase.AFTER, Phase.FINISHING))


@pytest.mark.parametrize("reason", list(EndReason))
@pytest.mark.parametrize("rollback", list(Rollback))
@pytest.mark.parametrize("state", [TargetState.FAILED, TargetState.CANCELLED])
def test_every_bad_end_says_why_how_it_was_left_and_what_to_do(state, reason, rollback):
    run = replace(a_run(state, Phase.ENDED), end_reason=reason, rollback=rollback, ended_at=START)

    found = explain_target(a_deployment_of(run), "prod")

    assert "it broke" in found.sentence
    assert _END_ADVICE[reason] in found.sentence
    assert ("repair by hand" in found.advice) == (rollback is Rollback.FAILED)
    assert (found.since, found.ended_by, found.actions) == (START, "", (Action.REDEPLOY,))


def test_no_two_phases_kinds_or_ends_say_the_same():
    for table in (_WORK, _STEP_WORDS, _END_ADVICE):
        assert len(set(table.values())) == len(table)
    assert set(_WORK) == set(Phase) - {Phase.ENDED}
    assert set(_STEP_WORDS) == set(StepKind)
    assert set(_END_ADVICE) == set(EndReason)


def test_a_success_says_how_to_get_the_version_before_back():
    run = replace(a_run(TargetState.SUCCEEDED, Phase.ENDED), ended_at=START)

    found = explain_target(a_deployment_of(run), "prod")

    assert found.sentence == (
        "prod runs the new version (since 2026-01-01 00:00:00 UTC); "
        "to do: nothing; redeploy an earlier deployment to get its version back."
    )


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (DeploymentState.QUEUED, "deployment one"),
        (DeploymentState.REPLACED, "follow deployment two"),
        (DeploymentState.REJECTED, "connect the agent"),
    ],
)
def test_the_queue_has_sentences_too(state, word):
    run = a_run(TargetState.NOT_STARTED, Phase.WAITING)
    deployment = a_deployment_of(run, state=state, blocked_by="one", replaced_by="two", message="waits for it")

    assert word in explain(deployment).sentence
    assert explain(deployment).sentence.startswith("shop waits for it")
    assert (explain(deployment).target, explain_target(deployment, "prod").target) == ("", "prod")


@pytest.mark.parametrize("is_back", [False, True])
def test_a_lost_agent_is_what_to_look_at(is_back):
    state, phase = (
        (TargetState.ROLLING_BACK, Phase.RESTORING_PODS) if is_back else (TargetState.RUNNING, Phase.STEPPING)
    )
    run = replace(a_run(state, phase, wait=WAIT), agent_lost_at=START)

    assert "see that agent cluster runs and reaches the server" in explain_target(a_deployment_of(run), "prod").advice


def test_what_is_being_done_in_the_cluster_is_named():
    run = replace(a_run(TargetState.RUNNING, Phase.STEPPING), intent="scale shop-new from 0 to 1")

    assert "(scale shop-new from 0 to 1)" in explain_target(a_deployment_of(run), "prod").sentence


@pytest.mark.parametrize(
    ("other", "is_first"),
    [
        (a_run(TargetState.AWAITING_APPROVAL, Phase.STEPPING, wait=WAIT), True),
        (replace(a_run(TargetState.RUNNING, Phase.STEPPING, wait=WAIT), agent_lost_at=START), True),
        (a_run(TargetState.PAUSED, Phase.STEPPING, wait=WAIT), False),
        (a_run(TargetState.NOT_STARTED, Phase.WAITING, wait=WAIT), False),
        (replace(a_run(TargetState.FAILED, Phase.ENDED), end_reason=EndReason.APPLY_ERROR), False),
    ],
)
def test_a_deployment_speaks_of_the_target_that_needs_somebody_most(other, is_first):
    found = explain(a_deployment_of(other))

    assert found.target == ("prod" if is_first else "qa")
    assert found.sentence.endswith("(1 other target has not ended either).") == (not other.state.is_final)


def test_an_ended_deployment_speaks_of_the_target_that_decided_it():
    qa = replace(a_run(TargetState.FAILED, Phase.ENDED), name="qa", depends_on=(), end_reason=EndReason.APPLY_ERROR)
    prod = replace(a_run(TargetState.CANCELLED, Phase.ENDED), end_reason=EndReason.UPSTREAM_FAILED)
    deployment = a_deployment_of(prod).with_target(qa)

    assert explain(deployment).target == "qa"
    assert explain_target(deployment, "prod").advice == "see why the targets before it did not succeed (qa)"


def test_several_other_targets_are_counted():
    recorded = a_deployment(*(a_target(name) for name in "abc"))

    assert explain(recorded.deployment).sentence.endswith("(2 other targets have not ended either).")


def test_at_every_moment_of_a_run_there_is_a_sentence():
    drive = Drive(
        recorded=a_deployment(a_target("prod", set_weight(50), timed_pause(30), approval(), set_weight(100))),
        cluster=ModelCluster.running(4),
    )
    sentences = set()
    for _ in range(300):
        sentences.add(explain(drive.deployment).sentence)
        if not drive.once():
            drive.cluster.advance()
            drive.later(1)

    assert any("waits for approval" in one and "approve it, or roll back" in one for one in sentences)
    assert any("pause of 30 s" in one and "skip the pause" in one for one in sentences)
    assert any("pods of the new version available" in one for one in sentences)
