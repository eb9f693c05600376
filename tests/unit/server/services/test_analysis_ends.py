"""What follows from an analysis: on, back, a person, or nothing at all; over a model cluster in virtual time."""

from __future__ import annotations

import pytest

from borealis_server.domain import persons
from borealis_server.domain.analysis.verdict import Verdict
from borealis_server.domain.errors import DeployFileInvalid
from borealis_server.domain.integration import IntegrationName
from borealis_server.domain.states import DeploymentState, EndReason, Rollback, StepState, TargetState
from borealis_server.domain.why import explain
from kit.analysis_files import (
    LONG_S,
    analysis_file,
    awaiting,
    ended,
    judge,
    query,
    start,
    vector,
    with_prometheus,
)
from kit.model_runs import deploy_first
from kit.shop import SET_25, SET_50, manifests

pytestmark = [pytest.mark.looptime, pytest.mark.usefixtures("logs")]


async def test_a_good_version_goes_on_after_all_judgements(engine):
    provider = await with_prometheus(engine, errors=[0.001, 0.002, 0.003])
    async with engine.running() as plane:
        await deploy_first(plane)
        done, run, step = await ended(plane)

    assert done.state is DeploymentState.SUCCEEDED
    assert step.state is StepState.SUCCEEDED
    assert (step.analysis.verdict, step.analysis.judged) == (Verdict.PASSED, 3)
    assert step.analysis.tallies[0].average == pytest.approx(0.002)
    assert len(provider.asked) == 3
    assert run.end_reason is None


async def test_a_bad_version_is_rolled_back(engine):
    await with_prometheus(engine, errors=[0.05])
    async with engine.running() as plane:
        old = await deploy_first(plane)
        done, run, step = await ended(plane)

    assert done.state is DeploymentState.FAILED
    assert (run.end_reason, run.rollback) == (EndReason.ANALYSIS_OUT_OF_LIMITS, Rollback.DONE)
    assert step.state is StepState.FAILED
    assert engine.kube.pods() == {old: 4}
    assert run.message == (
        'the analysis failed: the query "errors" averages 0.05 over 3 of 3 judgements, not at most 0.01'
    )


async def test_a_silent_version_is_inconclusive_where_the_file_says_so(engine):
    """Hard case 36."""
    await with_prometheus(engine, errors=[None])
    silent = [query("errors", "errors", onNoData="inconclusive")]
    async with engine.running() as plane:
        await deploy_first(plane)
        waiting = await awaiting(plane, queries=silent)
        run = waiting.targets[0]

        assert run.wait.what == (
            'approval, since the analysis is inconclusive: the query "errors" is inconclusive by judgement 1: no data'
        )
        assert run.wait.ended_by == "a person who may approve deployments, or who rolls back"
        assert "approve it, or roll back" in explain(waiting).sentence
        await plane.deployments.approve(waiting.key, plane.wish(persons.APPROVE, comment="it is night"))
        done = await plane.until_end(waiting.key, limit_s=LONG_S)

    assert done.state is DeploymentState.SUCCEEDED
    step = done.targets[0].steps[1]
    assert (step.state, step.approval.comment) == (StepState.SUCCEEDED, "it is night")
    assert step.analysis.verdict is Verdict.INCONCLUSIVE


async def test_st_20_without_that_word_no_data_is_a_failure(engine):
    await with_prometheus(engine, errors=[0, None, 0])
    async with engine.running() as plane:
        await deploy_first(plane)
        _, run, _ = await ended(plane)

    assert run.message == 'the analysis failed: the query "errors" failed at judgement 2: no data'


async def test_st_20_several_series_name_query_and_count(engine):
    await with_prometheus(engine, errors=[vector(1, 2, 3)])
    async with engine.running() as plane:
        await deploy_first(plane)
        _, run, _ = await ended(plane)

    assert run.end_reason is EndReason.ANALYSIS_ERROR
    assert run.message == (
        'the analysis could not be judged: the query "errors" failed at judgement 1: 3 values instead of one'
    )


@pytest.mark.parametrize(
    ("roll_forward", "roll_back", "value", "waits"),
    [
        ("automatic", "automatic", 0, False),
        ("automatic", "automatic", 1, False),
        ("manual", "automatic", 0, True),
        ("manual", "automatic", 1, False),
        ("automatic", "manual", 0, False),
        ("automatic", "manual", 1, True),
        ("manual", "manual", 0, True),
        ("manual", "manual", 1, True),
    ],
)
async def test_st_17_modes_say_who_acts(engine, roll_forward, roll_back, value, waits):
    await with_prometheus(engine, errors=[value])
    step = judge(rollForwardMode=roll_forward, rollBackMode=roll_back)
    async with engine.running() as plane:
        await deploy_first(plane)
        key = await start(plane, SET_25, step)
        after = await plane.until(
            key, lambda one: one.state.is_final or one.state is DeploymentState.AWAITING_APPROVAL, limit_s=LONG_S
        )

    assert (after.state is DeploymentState.AWAITING_APPROVAL) is waits
    if not waits:
        assert after.state is (DeploymentState.FAILED if value else DeploymentState.SUCCEEDED)


@pytest.mark.parametrize("decision", ["approve", "roll back"])
async def test_st_17_a_person_decides_about_a_bad_result(engine, decision):
    """Hard case 38."""
    await with_prometheus(engine, errors=[1])
    async with engine.running() as plane:
        await deploy_first(plane)
        key = (await awaiting(plane, SET_25, judge(rollBackMode="manual"))).key
        if decision == "approve":
            await plane.deployments.approve(key, plane.wish(persons.APPROVE))
        else:
            await plane.deployments.roll_back(key, plane.wish(persons.ROLL_BACK))
        done = await plane.until_end(key, limit_s=LONG_S)

    assert done.state is (DeploymentState.SUCCEEDED if decision == "approve" else DeploymentState.CANCELLED)


async def test_st_19_the_first_bad_judgement_ends_it_where_the_file_says_so(engine):
    provider = await with_prometheus(engine, errors=[0, 1, 0])
    async with engine.running() as plane:
        await deploy_first(plane)
        _, run, _ = await ended(plane, SET_25, judge(runs=9, abortOnFailedJudgment=True))

    assert len(provider.asked) == 2
    assert "failed at judgement 2: 1, not at most 0.01" in run.message


async def test_a_variable_without_a_value_fails_the_step_by_name(engine):
    """The old version is there in theory, so that the start lets it pass; a first deployment has none."""
    await with_prometheus(engine)
    compared = query("c", "up", baselineQueryTemplate="{{armory.oldReplicaSetName}}")
    async with engine.running() as plane:
        _, run, step = await ended(plane, SET_25, queries=[compared], after=judge("c"))

    assert run.end_reason is EndReason.UNRESOLVED_VARIABLE
    assert run.message.startswith("no query was asked: no value for {{armory.oldReplicaSetName}}")
    assert step.state is StepState.FAILED


async def test_pl_09_after_a_deployment_nothing_is_rolled_back(engine):
    await with_prometheus(engine, errors=[1])
    async with engine.running() as plane:
        await deploy_first(plane)
        done, run, step = await ended(plane, SET_50, after=judge(runs=1, rollBackMode="automatic"))

    assert (done.state, run.rollback) == (DeploymentState.FAILED, Rollback.NONE)
    assert step.ref == "after-1"
    assert engine.kube.pods() == {run.workloads[0].new_name: 4}
    assert run.message.endswith("the new version serves and stays")


async def test_before_a_deployment_a_bad_result_stops_it(engine):
    await with_prometheus(engine, errors=[1])
    async with engine.running() as plane:
        old = await deploy_first(plane)
        _, run, _ = await ended(plane, SET_50, before=judge(runs=1))

    assert (run.state, run.rollback) == (TargetState.FAILED, Rollback.NONE)
    assert engine.kube.pods() == {old: 4}


async def test_an_integration_that_is_gone_is_an_error_with_its_name(engine):
    await with_prometheus(engine)
    async with engine.running() as plane:
        await deploy_first(plane)
        key = await start(plane, SET_25, judge(runs=1))
        await engine.integrations.remove_integration(IntegrationName("main", "prom"))
        run = (await plane.until_end(key, limit_s=LONG_S)).targets[0]

    assert run.end_reason is EndReason.ANALYSIS_ERROR
    assert "there is no integration tenants/main/integrations/prom" in run.message


async def test_df_18_a_start_knows_which_providers_there_are(engine):
    await with_prometheus(engine)
    async with engine.running() as plane:
        text = analysis_file(SET_25, judge()).replace(
            "defaultMetricProviderName: prom", "defaultMetricProviderName: pron"
        )
        with pytest.raises(DeployFileInvalid) as caught:
            await plane.start(text, shop_yaml=manifests("2"))

    (violation,) = caught.value.violations
    assert violation.reason == "UNKNOWN_PROVIDER"
    assert 'did you mean "prom"?' in violation.description
