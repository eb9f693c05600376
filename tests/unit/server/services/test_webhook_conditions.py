"""Webhooks with variables, and around a deployment: the rows of the feature list, in virtual time."""

from __future__ import annotations

import asyncio
import json

import pytest

from borealis_server.domain.states import DeploymentState, EndReason, EventKind, Rollback, StepState, TargetState
from borealis_server.ports.outside import OutsideAnswer
from kit.model_runs import deploy_first, events_of
from kit.outside import ACCEPTED, BROKEN, OK
from kit.shop import APPROVAL, SET_25, manifests
from kit.webhook_files import CALL, FIRE, webhook_file
from kit.webhook_runs import call_back, start, until_asked

pytestmark = [pytest.mark.looptime, pytest.mark.usefixtures("logs")]
DAY_S = 24 * 3600


LIVE = "  live: {account: cluster-1, namespace: live, strategy: careful, constraints: {dependsOn: [prod]}}\n"


def with_target_behind(text):
    return text.replace("manifests:", f"{LIVE}manifests:", 1)


class TestVariables:
    async def test_df_05_df_35_variables_of_flag_step_and_file_go_before_each_other(self, engine):
        body = '{"a": "{{context.a}}", "b": "{{context.b}}", "c": "{{context.c}}"}'
        head = 'context: {a: file, b: file, c: "file \\"quoted\\""}\n'
        step = "runWebhook: {name: fire, context: {a: step, b: step}}"
        async with engine.running() as plane:
            await deploy_first(plane)
            await plane.until_end(await start(plane, step, body=body, head=head, context={"a": "flag"}))

        (asked,) = engine.outside.asked
        assert json.loads(asked.request.body) == {"a": "flag", "b": "step", "c": 'file "quoted"'}

    async def test_df_32_values_go_in_as_they_are(self, engine):
        head = 'context: {my-var: "a&b<c>"}\n'
        extra = "headers: [{key: X-Value, value: '{{ context.my-var }}'}]"
        async with engine.running() as plane:
            await deploy_first(plane)
            await plane.until_end(await start(plane, FIRE, extra=extra, head=head, body='["{{{context.my-var}}}"]'))

        (asked,) = engine.outside.asked
        assert asked.header("X-Value") == "a&b<c>"
        assert json.loads(asked.request.body) == ["a&b<c>"]

    async def test_df_33_a_secret_is_opened_when_it_is_used_and_kept_nowhere(self, engine):
        engine.secrets.known = {"t": "first-value"}
        engine.outside.says(BROKEN, OK)
        extra = "headers: [{key: X-Token, value: '{{secrets.t}}'}]"
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, FIRE, extra=extra, retries=1)
            await until_asked(engine)
            engine.secrets.known = {"t": "newer-value"}
            await plane.until_end(key)
            inputs = await engine.store.inputs(key)

        assert [asked.header("X-Token") for asked in engine.outside.asked] == ["first-value", "newer-value"]
        assert "{{secrets.t}}" in inputs.deploy_file
        assert "-value" not in repr(inputs) + repr(await engine.store.get(key))

    async def test_df_34_a_secret_that_is_gone_when_it_is_needed_fails_the_step(self, engine):
        extra = "headers: [{key: X-Token, value: '{{secrets.t}}'}]"
        async with engine.running() as plane:
            old = await deploy_first(plane)
            done = await plane.until_end(await start(plane, SET_25, FIRE, extra=extra))

        assert engine.outside.asked == []
        assert done.targets[0].end_reason is EndReason.UNRESOLVED_VARIABLE
        assert "the webhook fire was not called: no value for {{secrets.t}}" in done.message
        assert engine.kube.pods() == {old: 4}

    async def test_a_flag_cannot_draw_a_secret_out(self, engine):
        engine.secrets.known = {"t": "s3cr3t-value"}
        async with engine.running() as plane:
            await deploy_first(plane)
            await plane.until_end(
                await start(
                    plane, FIRE, body='["{{context.a}}"]', head="context: {a: x}\n", context={"a": "{{secrets.t}}"}
                )
            )

        (asked,) = engine.outside.asked
        assert json.loads(asked.request.body) == ["{{secrets.t}}"]


class TestConditions:
    async def test_pl_04_conditions_before_a_deployment_start_together(self, engine):
        engine.outside.says(ACCEPTED)
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, SET_25, before=f"pause: {{duration: 60, unit: seconds}}; {CALL}")
            await until_asked(engine)
            steps = (await plane.deployments.get(key)).targets[0].steps[:2]

        assert [step.state for step in steps] == [StepState.RUNNING, StepState.RUNNING]
        assert abs((steps[0].started_at - steps[1].started_at).total_seconds()) < 1

    async def test_pl_06_a_condition_that_fails_before_stops_the_target_and_touches_nothing(self, engine):
        engine.outside.says(OutsideAnswer(status=400))
        async with engine.running() as plane:
            old = await deploy_first(plane)
            done = await plane.until_end(await start(plane, SET_25, before=FIRE))

        assert done.targets[0].state is TargetState.FAILED
        assert (done.targets[0].rollback, done.targets[0].workloads) == (Rollback.NONE, ())
        assert engine.kube.pods() == {old: 4}
        assert engine.kube.find("ConfigMap", "shop-settings")["data"] == {"version": "1"}

    async def test_pl_07_a_webhook_that_fails_does_not_wait_for_an_approval(self, engine, looptime):
        engine.outside.says(OutsideAnswer(status=400))
        async with engine.running() as plane:
            await deploy_first(plane)
            before = looptime + 0
            done = await plane.until_end(await start(plane, SET_25, before=f"{APPROVAL}; {FIRE}"))

            assert looptime - before < 5
        assert done.targets[0].end_reason is EndReason.WEBHOOK_TRIGGER_FAILED
        assert [step.state for step in done.targets[0].steps[:2]] == [StepState.CANCELLED, StepState.FAILED]

    async def test_pl_08_a_failure_after_the_deployment_leaves_the_new_version_and_stops_who_depends(self, engine):
        engine.outside.says(ACCEPTED)
        text = with_target_behind(webhook_file(SET_25, after=CALL))
        async with engine.running() as plane:
            await deploy_first(plane)
            key = (await plane.start(text, shop_yaml=manifests("2"))).key
            asked = await until_asked(engine)
            await call_back(engine, plane, asked, success=False, message="smoke")
            done = await plane.until_end(key)

        prod, live = done.targets
        assert (prod.state, prod.rollback) == (TargetState.FAILED, Rollback.NONE)
        assert (live.state, live.end_reason) == (TargetState.CANCELLED, EndReason.UPSTREAM_FAILED)
        assert engine.kube.pods() == {prod.workloads[0].new_name: 4}

    async def test_pl_02_who_depends_starts_after_the_callback_of_the_condition_after(self, engine):
        engine.outside.says(ACCEPTED)
        text = with_target_behind(webhook_file(SET_25, after=CALL))
        async with engine.running() as plane:
            await deploy_first(plane)
            key = (await plane.start(text, shop_yaml=manifests("2"))).key
            asked = await until_asked(engine)
            await asyncio.sleep(600)
            waiting = await plane.deployments.get(key)
            assert waiting.target("live").state is TargetState.NOT_STARTED

            await call_back(engine, plane, asked)
            await plane.until(key, lambda now: now.target("live").state is not TargetState.NOT_STARTED)
            events = await events_of(engine, key)

        reported = next(event for event in events if "reports success" in event.message)
        began = next(event for event in events if event.target == "live" and event.kind is EventKind.TARGET_CHANGED)
        assert reported.sequence < began.sequence

    async def test_a_first_deployment_calls_no_webhook_of_its_strategy_but_those_around_it(self, engine):
        engine.outside.says(OK)
        async with engine.running() as plane:
            done = await plane.until_end(await start(plane, SET_25, CALL, after=FIRE))

        assert done.state is DeploymentState.SUCCEEDED
        assert len(engine.outside.asked) == 1
        assert [step.state for step in done.targets[0].steps] == [
            StepState.SKIPPED,
            StepState.SKIPPED,
            StepState.SUCCEEDED,
            StepState.SUCCEEDED,
        ]
