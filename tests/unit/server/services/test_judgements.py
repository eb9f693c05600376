"""Judgements over a model cluster in virtual time: what is asked when, what is kept of it, and who may end it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest

from borealis_server.domain import persons
from borealis_server.domain.analysis.verdict import Verdict, recomputed
from borealis_server.domain.states import DeploymentState, EndReason, EventKind, StepState
from borealis_server.domain.steps.errands import ErrandRef, absorb
from borealis_server.domain.why import explain
from borealis_server.ports.outside import OutsideAnswer, OutsideFailure
from kit.analysis_files import (
    LONG_S,
    analysis_block,
    awaiting,
    ended,
    judge,
    query,
    start,
    with_prometheus,
)
from kit.leaks import own_tasks
from kit.model_engine import START
from kit.model_runs import deploy_first, events_of, settle_down
from kit.outside import never
from kit.shop import SET_25, blue_green_file, manifests

pytestmark = [pytest.mark.looptime, pytest.mark.usefixtures("logs")]

DOWN = OutsideFailure(detail="the connection failed: connection refused")
BUSY = OutsideAnswer(status=503, reason="Service Unavailable")


def judgements(events):
    return [event.judgement for event in events if event.kind is EventKind.JUDGED]


def seconds(moment):
    return (moment - START).total_seconds()


@pytest.mark.parametrize(
    ("lookback", "windows"),
    [("sliding", [(0, 30), (30, 60), (60, 90)]), ("growing", [(0, 30), (0, 60), (0, 90)])],
)
async def test_st_18_the_windows_are_those_that_the_provider_is_asked_for(engine, lookback, windows):
    bounds = "{{armory.startTimeEpochSeconds}} {{armory.endTimeEpochSeconds}} {{armory.promQlStepInterval}}"
    provider = await with_prometheus(engine)
    async with engine.running() as plane:
        await deploy_first(plane)
        _, _, step = await ended(plane, SET_25, judge("w", lookbackMethod=lookback), queries=[query("w", bounds)])
        events = await events_of(engine, plane.started[-1])

    first = judgements(events)[0].window.start
    zero = round(first.timestamp())
    assert 0 <= (first - step.started_at).total_seconds() < 1
    assert [text for text, _ in provider.asked] == [
        f"{zero + start} {zero + end} {end - start}s" for start, end in windows
    ]
    assert [time - zero for _, time in provider.asked] == [end for _, end in windows]


async def test_questions_are_asked_when_their_windows_are_over(engine):
    provider = await with_prometheus(engine)
    step = judge(
        runs=2, initialDelay={"duration": 1, "unit": "minutes"}, scrapeDelay={"duration": 15, "unit": "seconds"}
    )
    async with engine.running() as plane:
        await deploy_first(plane)
        _, _, done = await ended(plane, SET_25, step)
        events = await events_of(engine, plane.started[-1])

    begun = judgements(events)[0].window.start
    assert 60 <= (begun - done.started_at).total_seconds() < 61
    assert [round((one.asked_at - begun).total_seconds()) for one in judgements(events)] == [45, 75]
    assert [time - round(begun.timestamp()) for _, time in provider.asked] == [30, 60]


async def test_variables_and_contexts_reach_the_query(engine):
    provider = await with_prometheus(engine)
    template = "{{armory.applicationName}} {{armory.environmentName}} {{armory.replicaSetName}} {{context.suite}}"
    compared = query("c", template, baselineQueryTemplate="{{armory.oldReplicaSetName}}")
    async with engine.running() as plane:
        old = await deploy_first(plane)
        _, run, _ = await ended(plane, SET_25, judge("c", runs=1, context={"suite": "full"}), queries=[compared])

    new = run.workloads[0].new_name
    assert sorted(text for text, _ in provider.asked) == sorted([f"shop prod {new} full", old])


async def test_df_36_given_variables_reach_blue_green_and_after_deployment(engine):
    provider = await with_prometheus(engine)
    asks = [query("q", "{{context.who}} {{armory.environmentName}}")]
    text = blue_green_file("ns", redirect=f"{{{judge('q', runs=1)}}}")
    text = text.replace(
        "strategy: careful}", "strategy: careful, constraints: {afterDeployment: [{" + judge("q", runs=1) + "}]}}"
    )
    async with engine.running() as plane:
        text += analysis_block(*asks)
        for _ in range(2):
            key = (await plane.start(text + "context: {who: file}\n", shop_yaml=manifests("2"))).key
            assert (await plane.until_end(key, limit_s=LONG_S)).state is DeploymentState.SUCCEEDED

    # A first deployment needs no condition of its strategy.
    assert [text for text, _ in provider.asked] == ["file prod"] * 3


async def test_a_rollback_wins_at_once_over_a_provider_that_hangs(engine, looptime):
    await with_prometheus(engine)
    engine.outside.says(never)
    async with engine.running() as plane:
        old = await deploy_first(plane)
        key = await start(plane)
        while not engine.outside.asked:
            await asyncio.sleep(0.1)
        before = looptime + 0
        await plane.deployments.roll_back(key, plane.wish(persons.ROLL_BACK))
        done = await plane.until_end(key, limit_s=LONG_S)

        assert looptime - before < 10
    assert done.targets[0].end_reason is EndReason.USER_ROLLED_BACK
    assert engine.kube.pods() == {old: 4}


async def test_waiting_for_a_judgement_costs_no_task_and_says_what_comes(engine):
    await with_prometheus(engine)
    async with engine.running() as plane:
        await deploy_first(plane)
        key = await start(plane)
        waiting = await plane.until(key, lambda one: one.targets[0].steps[1].state is StepState.RUNNING)
        await settle_down()

        assert [task for task in own_tasks() if task.get_name().startswith(("drive", "run errand", "ask"))] == []
        wait = waiting.targets[0].wait
        assert wait.what == "judgement 1 of 3"
        assert wait.ended_by == "time, then the metric provider prom"
        assert wait.at_limit == "the next judgement is made"
        assert 29 <= (wait.limit_at - wait.since).total_seconds() < 32
        assert explain(waiting).sentence.startswith("prod waits for judgement 1 of 3")


async def test_a_server_that_was_away_makes_up_for_it(engine):
    provider = await with_prometheus(engine)
    async with engine.running() as plane:
        await deploy_first(plane)
        key = await start(plane)
        await plane.until(key, lambda one: one.targets[0].steps[1].state is StepState.RUNNING)
    await asyncio.sleep(3600)
    async with engine.running() as plane:
        done = await plane.until_end(key, limit_s=LONG_S)
        events = await events_of(engine, key)

    assert done.state is DeploymentState.SUCCEEDED
    times = [time for _, time in provider.asked]
    assert [after - before for before, after in pairwise(times)] == [30, 30]
    assert seconds(judgements(events)[-1].asked_at) > 3600


async def test_every_verdict_follows_from_its_stored_evidence(engine):
    await with_prometheus(engine, errors=[0.001, "NaN", DOWN], slow=[5, None, 7])
    queries = [
        query("errors", "errors", onNaN="inconclusive", onNoData="fail"),
        query("slow", "slow", upperLimit=9, onNoData="pass", dryRun=True),
    ]
    async with engine.running() as plane:
        await deploy_first(plane)
        waiting = await awaiting(
            plane, SET_25, judge("errors, slow", maxConsecutiveErrors=2, rollBackMode="manual"), queries=queries
        )
        evidence = judgements(await events_of(engine, waiting.key))
    kept = waiting.targets[0].steps[1].analysis

    assert recomputed(kept.plan, evidence) == kept
    assert kept.verdict is Verdict.INCONCLUSIVE
    assert [one.number for one in evidence] == [1, 2, 3]
    assert evidence[2].samples[0].answer.error == "the connection failed: connection refused"


async def test_st_21_secrets_are_sent_and_never_written_down(engine):
    provider = await with_prometheus(engine)
    engine.secrets.known["team"] = "s3cr3t-team"
    asks = [query("q", "up{team='{{secrets.team}}'}")]
    async with engine.running() as plane:
        await deploy_first(plane)
        done, _, _ = await ended(plane, SET_25, judge("q", runs=1), queries=asks)
        events = await events_of(engine, done.key)

    assert ("Authorization", "Bearer bearer-of-prom") in provider.requests[0].headers
    assert judgements(events)[0].samples[0].answer.question == "up{team='****'}"
    assert not any(word in repr((done, events)) for word in ("s3cr3t-team", "bearer-of-prom"))


async def test_a_provider_that_is_overloaded_is_asked_three_times_two_seconds_apart(engine):
    provider = await with_prometheus(engine, errors=[BUSY, BUSY, 0])
    async with engine.running() as plane:
        await deploy_first(plane)
        _, _, step = await ended(plane, SET_25, judge(runs=1))

    assert len(provider.asked) == 3
    times = [one.at for one in engine.outside.asked]
    assert [round(after - before) for before, after in pairwise(times)] == [2, 2]
    assert step.analysis.verdict is Verdict.PASSED


async def test_other_steps_of_a_stage_go_on_beside_it(engine):
    """Blue/green conditions run together: a person approves while the judgements go on."""
    await with_prometheus(engine)
    text = blue_green_file("ns", redirect=f"{{{judge(runs=2)}}}, {{pause: {{untilApproved: true}}}}")
    text += analysis_block()
    async with engine.running() as plane:
        for version in ("1", "2"):
            key = (await plane.start(text, shop_yaml=manifests(version))).key
            if version == "2":
                await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)
                await asyncio.sleep(120)
                await plane.deployments.approve(key, plane.wish(persons.APPROVE))
            done = await plane.until_end(key, limit_s=LONG_S)

    states = {step.ref: step.state for step in done.targets[0].steps}
    assert done.state is DeploymentState.SUCCEEDED
    assert set(states.values()) == {StepState.SUCCEEDED}


async def test_a_late_report_of_an_earlier_attempt_changes_nothing(engine):
    """The judgement that a dead server had under way comes after its successor's."""
    await with_prometheus(engine)
    async with engine.running() as plane:
        await deploy_first(plane)
        key = await start(plane)
        after = await plane.until(key, lambda one: one.targets[0].steps[1].analysis.judged == 1, LONG_S)
        (first,) = judgements(await events_of(engine, key))

        ref = ErrandRef(deployment=key, target="prod", step="step-2", attempt=1)
        assert absorb(after, ref, replace(first, number=1), plane.clock.now()) is None
