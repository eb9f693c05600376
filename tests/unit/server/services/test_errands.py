"""Errands: kept before they are run, run beside the drives, dropped as soon as nobody wants them."""

from __future__ import annotations

import asyncio

import pytest

from borealis_server.domain import persons
from borealis_server.domain.states import DeploymentState, EndReason, StepState
from borealis_server.services.errands import Turns
from kit.leaks import own_tasks
from kit.model_runs import deploy_first, settle_down
from kit.outside import ACCEPTED, BROKEN, OK, UNREACHABLE, never
from kit.shop import SET_25
from kit.webhook_files import CALL, FIRE
from kit.webhook_runs import start, until_asked

pytestmark = [pytest.mark.looptime, pytest.mark.usefixtures("logs")]


def errand_tasks():
    return [task for task in own_tasks() if task.get_name().startswith("run errand")]


class TestBesideTheDrives:
    async def test_a_rollback_wins_at_once_over_a_call_that_hangs(self, engine, looptime):
        engine.outside.says(never)
        async with engine.running() as plane:
            old = await deploy_first(plane)
            key = await start(plane, SET_25, CALL)
            await until_asked(engine)
            before = looptime + 0

            await plane.deployments.roll_back(key, plane.wish(persons.ROLL_BACK))
            done = await plane.until_end(key)

            assert done.targets[0].end_reason is EndReason.USER_ROLLED_BACK
            assert looptime - before < 10
            assert engine.kube.pods() == {old: 4}
            assert engine.outside.dropped == 1
            assert errand_tasks() == []

    async def test_what_comes_back_after_the_step_is_over_changes_nothing(self, engine):
        answer = asyncio.Event()

        async def late(_request):
            while not answer.is_set():
                try:
                    await answer.wait()
                except asyncio.CancelledError:
                    answer.set()  # somebody who does not go when told to
            return ACCEPTED

        engine.outside.says(late)
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, CALL)
            await until_asked(engine)
            await plane.deployments.cancel(key, plane.wish(persons.CANCEL))
            done = await plane.until_end(key)
            await settle_down()

            assert await plane.deployments.get(key) == done
        assert done.targets[0].steps[0].state is StepState.CANCELLED

    async def test_waiting_for_the_next_try_and_for_the_callback_costs_no_task(self, engine):
        engine.outside.says(BROKEN, ACCEPTED)
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, CALL, retries=1)
            await until_asked(engine)
            await settle_down()
            assert errand_tasks() == []

            await until_asked(engine, 2)
            await settle_down()

            waiting = await plane.deployments.get(key)
            assert errand_tasks() == []
            assert waiting.targets[0].wait.what == "the callback of the webhook job"

    async def test_a_bug_costs_ten_seconds_and_no_more(self, engine, logs):
        async def bug(_request):
            raise RuntimeError("bug")

        engine.outside.says(bug, OK)
        async with engine.running() as plane:
            await deploy_first(plane)
            done = await plane.until_end(await start(plane, FIRE))

        assert done.state is DeploymentState.SUCCEEDED
        first, second = (asked.at for asked in engine.outside.asked)
        assert second - first == pytest.approx(10, abs=0.5)
        assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["errand.failed"]


class TestCrashes:
    async def test_a_call_without_its_report_is_made_again_with_the_same_key(self, engine):
        engine.outside.says(never)
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, FIRE)
            await until_asked(engine)
        engine.outside.says(OK)

        async with engine.running() as plane:
            done = await plane.until_end(key)

        assert done.state is DeploymentState.SUCCEEDED
        first, second = engine.outside.asked
        assert first.header("Idempotency-Key") == second.header("Idempotency-Key") != ""
        assert first.request.body == second.request.body

    async def test_a_wait_for_the_callback_is_not_a_reason_to_call_again(self, engine):
        engine.outside.says(ACCEPTED)
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, CALL)
            await plane.until(key, lambda now: now.targets[0].steps[0].limit_at is not None)

        async with engine.running() as plane:
            await asyncio.sleep(3600)
            waiting = await plane.deployments.get(key)

        assert len(engine.outside.asked) == 1
        assert waiting.targets[0].wait.what == "the callback of the webhook job"

    async def test_a_try_that_is_due_later_keeps_its_time(self, engine):
        engine.outside.says(*[UNREACHABLE] * 5, OK)
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, FIRE, retries=5)
            await until_asked(engine, 5)
            await settle_down()

        async with engine.running() as plane:
            done = await plane.until_end(key)

        assert done.state is DeploymentState.SUCCEEDED
        gaps = [
            round(two.at - one.at) for one, two in zip(engine.outside.asked, engine.outside.asked[1:], strict=False)
        ]
        assert gaps == [1, 2, 4, 8, 16]


class TestFairness:
    async def test_no_more_are_run_at_once_than_the_limit_says_and_the_rest_follows(self, engine):
        under_way = []

        async def slow(request):
            under_way.append(request)
            most.append(len(under_way))
            await asyncio.sleep(1)
            under_way.remove(request)
            return OK

        most: list[int] = []
        engine.outside.says(slow)
        engine.errand_limit = 2
        async with engine.running() as plane:
            await deploy_first(plane)
            done = await plane.until_end(await start(plane, SET_25, before=";".join([FIRE] * 5)))

        assert done.state is DeploymentState.SUCCEEDED
        assert max(most) == 2
        assert len(engine.outside.asked) == 5

    async def test_who_has_the_fewest_under_way_goes_first(self):
        order = Turns[str]()
        for tenant, count in {"big": 10, "small": 2}.items():
            for number in range(count):
                order.add(tenant, f"{tenant}-{number}")

        taken = [order.take() for _ in range(5)]

        assert taken == ["big-0", "small-0", "big-1", "small-1", "big-2"]
