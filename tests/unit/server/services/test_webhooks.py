"""Webhooks in runs over a model cluster, in virtual time: the rows of the feature list, and what people are told."""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import replace

import pytest

from borealis_server.domain import persons
from borealis_server.domain.callback_tokens import CallbackPlace
from borealis_server.domain.callbacks import CallbackReport
from borealis_server.domain.errors import CallbackContradicts, CallbackTooLate, WebhookStepNotFound
from borealis_server.domain.roles import DEPLOYER
from borealis_server.domain.states import DeploymentState, EndReason, Rollback, StepState
from borealis_server.ports.outside import OutsideAnswer
from borealis_server.ports.relay import AgentRef
from kit.callers import a_caller
from kit.control_plane import ACCOUNT, TENANT
from kit.model_runs import deploy_first, events_of
from kit.outside import ACCEPTED, BROKEN, OK, UNREACHABLE, never
from kit.shop import APPROVAL, SET_25, SET_50
from kit.webhook_files import CALL, FIRE
from kit.webhook_runs import call_back, callbacks_of, start, until_asked, until_callback_is_awaited

pytestmark = [pytest.mark.looptime, pytest.mark.usefixtures("logs")]
DAY_S = 24 * 3600


class TestTheCall:
    async def test_st_06_the_request_is_as_it_was_written(self, engine):
        engine.outside.says(OK)
        engine.secrets.known = {"token": "s3cr3t-value"}
        extra = "headers: [{key: Authorization, value: 'Bearer {{secrets.token}}'}]"
        uri = "https://jobs.example/{{armory.applicationName}}?env={{armory.environmentName}}&ns={{armory.namespace}}"
        names = ("replicaSetName", "replicaSetNames.shop", "deploymentId")
        body = json.dumps({name: f"{{{{armory.{name}}}}}" for name in names})
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, FIRE, uri=uri, extra=extra, body=body)
            done = await plane.until_end(key)

        (asked,) = engine.outside.asked
        new = done.targets[0].workloads[0].new_name
        assert asked.request.method == "POST"
        assert asked.request.url == "https://jobs.example/shop?env=prod&ns=ns"
        assert list(json.loads(asked.request.body).values()) == [new, new, key.id]
        assert asked.header("Authorization") == "Bearer s3cr3t-value"
        assert asked.header("Content-Type") == "application/json"
        assert len(asked.header("Idempotency-Key")) == 32
        assert asked.via is None

    @pytest.mark.parametrize(
        ("extra", "agent"),
        [
            pytest.param("networkMode: remoteNetworkAgent", ACCOUNT, id="of-the-target"),
            pytest.param("networkMode: remoteNetworkAgent\nagentIdentifier: runner", "runner", id="named"),
        ],
    )
    async def test_st_07_an_agent_makes_the_call_where_the_file_says_so(self, engine, extra, agent):
        async with engine.running() as plane:
            await deploy_first(plane)
            done = await plane.until_end(await start(plane, FIRE, extra=extra))

        (asked,) = engine.outside.asked
        assert asked.via == AgentRef(tenant=TENANT, name=agent)
        assert done.targets[0].steps[0].webhook.agent == agent

    @pytest.mark.parametrize(
        ("retries", "state"),
        [(2, DeploymentState.SUCCEEDED), (1, DeploymentState.FAILED)],
        ids=["two-more-tries", "one-more-try"],
    )
    async def test_st_08_a_call_that_fails_twice_is_tried_as_often_as_the_file_says(self, engine, retries, state):
        """Hard case 35."""
        engine.outside.says(UNREACHABLE, BROKEN, OK)
        async with engine.running() as plane:
            old = await deploy_first(plane)
            key = await start(plane, SET_25, FIRE, retries=retries)
            done = await plane.until_end(key)

        assert done.state is state
        assert len({asked.header("Idempotency-Key") for asked in engine.outside.asked}) == 1
        if state is DeploymentState.FAILED:
            assert done.targets[0].end_reason is EndReason.WEBHOOK_TRIGGER_FAILED
            assert "answered 503 Service Unavailable (try 2 of 2)" in done.message
            assert engine.kube.pods() == {old: 4}
        told = [event.message for event in await events_of(engine, key)]
        assert any("could not be called: the connection failed: connection refused" in text for text in told)

    @pytest.mark.parametrize("status", [301, 400, 401, 404, 409])
    async def test_a_call_that_is_refused_fails_at_once_with_a_hint(self, engine, status):
        engine.outside.says(OutsideAnswer(status=status))
        async with engine.running() as plane:
            await deploy_first(plane)
            done = await plane.until_end(await start(plane, FIRE, retries=5))

        assert len(engine.outside.asked) == 1
        assert f"answered {status}" in done.message
        assert ("credential" in done.message) == (status in (401, 404))
        assert ("redirects are not followed" in done.message) == (status == 301)

    async def test_a_webhook_that_asks_for_time_gets_it_within_bounds(self, engine):
        asks = [OutsideAnswer(status=429, headers=(("retry-after", value),)) for value in ("7", "86400", "nonsense")]
        engine.outside.says(*asks, OK)
        async with engine.running() as plane:
            await deploy_first(plane)
            await plane.until_end(await start(plane, FIRE, retries=3), limit_s=1000)

        times = [asked.at for asked in engine.outside.asked]
        assert [round(two - one) for one, two in itertools.pairwise(times)] == [7, 300, 4]

    async def test_st_09_without_a_callback_an_accepted_call_is_a_success(self, engine):
        engine.outside.says(ACCEPTED)
        async with engine.running() as plane:
            await deploy_first(plane)
            done = await plane.until_end(await start(plane, FIRE))

        step = done.targets[0].steps[0]
        assert (done.state, step.state) == (DeploymentState.SUCCEEDED, StepState.SUCCEEDED)
        assert (step.webhook.tried, step.webhook.answer.status, step.limit_at) == (1, 202, None)


class TestTheCallback:
    async def test_st_10_a_callback_of_success_lets_the_run_go_on(self, engine):
        engine.outside.says(ACCEPTED)
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, SET_25, CALL, SET_50)
            asked = await until_asked(engine)
            await until_callback_is_awaited(plane, key, "step-2")

            await call_back(engine, plane, asked, message="all **green**")
            done = await plane.until_end(key)

        assert done.state is DeploymentState.SUCCEEDED
        said = done.targets[0].step("step-2").webhook.callback
        assert (said.is_success, said.message, said.by) == (True, "all **green**", "webhook job")

    async def test_st_10_a_callback_of_failure_rolls_back_and_shows_its_message_without_html(self, engine):
        engine.outside.says(ACCEPTED)
        async with engine.running() as plane:
            old = await deploy_first(plane)
            key = await start(plane, SET_25, CALL)
            asked = await until_asked(engine)

            await call_back(engine, plane, asked, success=False, message="3 tests <script>alert(1)</script> failed")
            done = await plane.until_end(key)

        assert done.targets[0].end_reason is EndReason.WEBHOOK_CALLBACK_FAILED
        assert done.targets[0].rollback is Rollback.DONE
        assert "3 tests &lt;script>alert(1)&lt;/script> failed" in done.message
        assert engine.kube.pods() == {old: 4}

    async def test_st_12_the_same_again_changes_nothing_and_a_contradiction_is_refused(self, engine):
        engine.outside.says(ACCEPTED)
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, CALL, APPROVAL)
            asked = await until_asked(engine)
            await call_back(engine, plane, asked, message="done")
            await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)
            before = await plane.deployments.get(key)

            await call_back(engine, plane, asked, message="done")
            with pytest.raises(CallbackContradicts):
                await call_back(engine, plane, asked, success=False, message="done")
            with pytest.raises(CallbackContradicts):
                await call_back(engine, plane, asked, message="done, but otherwise")

            assert await plane.deployments.get(key) == before

    async def test_st_12_a_callback_before_the_answer_counts(self, engine):
        engine.outside.says(never)
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, CALL)
            asked = await until_asked(engine)

            await call_back(engine, plane, asked)
            done = await plane.until_end(key)

        assert done.state is DeploymentState.SUCCEEDED
        assert engine.outside.dropped == 1
        assert done.targets[0].steps[0].webhook.answer is None

    async def test_st_12_a_callback_between_two_tries_ends_them(self, engine):
        engine.outside.says(UNREACHABLE)
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, CALL, retries=9)
            asked = await until_asked(engine, 2)

            await call_back(engine, plane, asked)
            await plane.until_end(key)
            count = len(engine.outside.asked)
            await asyncio.sleep(600)

        assert len(engine.outside.asked) == count

    async def test_st_13_nobody_calls_back_for_24_hours(self, engine):
        engine.outside.says(ACCEPTED)
        async with engine.running() as plane:
            old = await deploy_first(plane)
            key = await start(plane, SET_25, CALL)
            asked = await until_asked(engine)
            await until_callback_is_awaited(plane, key, "step-2")
            engine.clock.jump(DAY_S - 100)
            await asyncio.sleep(60)
            assert not (await plane.deployments.get(key)).state.is_final
            engine.clock.jump(100)
            done = await plane.until_end(key, limit_s=100)

            with pytest.raises(CallbackTooLate):
                await call_back(engine, plane, asked)
        assert done.targets[0].end_reason is EndReason.WEBHOOK_TIMEOUT
        assert (
            "nobody called back for the webhook job within 86400 s; its call was answered 202 Accepted" in done.message
        )
        assert engine.kube.pods() == {old: 4}

    async def test_st_13_the_file_may_say_how_long(self, engine, looptime):
        engine.outside.says(ACCEPTED)
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, CALL, extra="callbackTimeout: {duration: 10, unit: minutes}")
            await until_callback_is_awaited(plane, key)
            before = looptime + 0
            done = await plane.until_end(key, limit_s=700)

            assert looptime - before == pytest.approx(600, abs=20)
        assert done.targets[0].end_reason is EndReason.WEBHOOK_TIMEOUT

    async def test_row_34_the_token_of_one_call_is_good_for_no_other_run(self, engine):
        engine.outside.says(ACCEPTED)
        async with engine.running() as plane:
            await deploy_first(plane)
            first = await start(plane, CALL)
            asked = await until_asked(engine)
            await plane.deployments.cancel(first, plane.wish(persons.CANCEL))
            await plane.until_end(first)
            second = await start(plane, CALL)
            newer = await until_asked(engine, 2)
            await until_callback_is_awaited(plane, second)

            with pytest.raises(CallbackTooLate):
                await call_back(engine, plane, asked)

            assert json.loads(asked.request.body) != json.loads(newer.request.body)
            assert (await plane.deployments.get(second)).targets[0].steps[0].webhook.callback is None
            place = CallbackPlace(deployment=second, target="prod", step="step-2")
            with pytest.raises(WebhookStepNotFound):
                await callbacks_of(engine, plane).report_by(a_caller(DEPLOYER), place, CallbackReport(is_success=True))


class TestWhatIsShown:
    async def test_st_14_the_answer_is_shown_without_secrets(self, engine):
        engine.secrets.known = {"token": "s3cr3t/value"}
        echo = b'{"you sent": "s3cr3t\\/value", "as": "s3cr3t%2Fvalue"}' + b" " * 9000
        engine.outside.says(
            OutsideAnswer(
                status=422, reason="Unprocessable", headers=(("content-type", "application/json"),), body=echo
            )
        )
        extra = "headers: [{key: X-Token, value: '{{secrets.token}}'}]"
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(
                plane, FIRE, extra=extra, uri="https://jobs.example/{{secrets.token}}/run?key={{secrets.token}}"
            )
            done = await plane.until_end(key)

        answer = done.targets[0].steps[0].webhook.answer
        assert (answer.status, answer.reason, answer.content_type) == (422, "Unprocessable", "application/json")
        assert answer.body.startswith('{"you sent": "****", "as": "****"}')
        assert answer.is_cut
        assert len(answer.body) == 8192
        assert answer.request == "POST https://jobs.example/****/run"
        assert "s3cr3t" not in repr(done) + repr(await events_of(engine, key))

    async def test_st_14_nor_is_the_token_of_the_callback(self, engine):
        async def echo(request):
            return replace(ACCEPTED, body=request.body)

        engine.outside.says(echo)
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, CALL)
            asked = await until_asked(engine)
            waiting = await until_callback_is_awaited(plane, key)
            token = json.loads(asked.request.body)["token"]
            await call_back(engine, plane, asked, message=f"done with {token}")
            done = await plane.until_end(key)

        assert '"token": "****"' in waiting.targets[0].steps[0].webhook.answer.body
        assert done.targets[0].steps[0].webhook.callback.message == "done with ****"
        assert token not in repr(done) + repr(await events_of(engine, key))

    async def test_a_wait_for_a_callback_says_since_when_for_whom_and_until_when(self, engine):
        engine.outside.says(BROKEN, ACCEPTED)
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, SET_25, CALL, retries=1)
            await until_asked(engine)
            await asyncio.sleep(0.5)
            (_, trying) = await plane.deployments.explain(key, "")
            await until_callback_is_awaited(plane, key, "step-2")
            (_, waiting) = await plane.deployments.explain(key, "")

        assert (
            "waits for the answer of the webhook job (try 2 of 2; the one before answered 503 Service Unavailable)"
            in trying.sentence
        )
        assert "waits for the callback of the webhook job (since 2026-01-01 " in waiting.sentence
        assert "ended by whoever the webhook job has set to work, by calling back" in waiting.sentence
        assert "at 2026-01-02 " in waiting.sentence
        assert "the target is rolled back; to do: see what the webhook job does, or roll back." in waiting.sentence

    async def test_the_body_of_an_answer_travels_with_the_events_of_its_own_step_alone(self, engine):
        engine.outside.says(ACCEPTED)
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, FIRE, SET_25)
            await plane.until_end(key)

        bodies = {
            event.step: event.target_run.steps[0].webhook.answer.body
            for event in await events_of(engine, key)
            if event.target_run and event.target_run.steps[0].webhook.answer
        }
        assert bodies.pop("step-1") == "soon"
        assert set(bodies.values()) == {""}
