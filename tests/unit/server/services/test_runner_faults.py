"""The runner on bad days: bugs, a busy cluster, a store that is away, and a server that dies at any moment."""

from __future__ import annotations

import asyncio

import pytest

from borealis_server.adapters.store.memory import MemoryDeploymentStore
from borealis_server.domain import persons
from borealis_server.domain.errors import ClusterBusy, ServerUnavailable
from borealis_server.domain.states import DeploymentState, EventKind, Phase, Rollback, TargetState
from borealis_server.services.journal import Journal
from kit.leaks import own_tasks
from kit.model_engine import ModelEngine
from kit.model_runs import deploy_first, events_of, settle_down, start
from kit.shop import APPROVAL, SET_50

pytestmark = [pytest.mark.looptime, pytest.mark.usefixtures("logs")]

TIMED_PAUSE = "pause: {duration: 30, unit: seconds}"


class TestFailures:
    async def test_a_bug_in_a_drive_is_logged_and_tried_again_and_hurts_nobody_else(self, engine, logs, looptime):
        async with engine.running() as plane:
            failures = 2

            async def fail(call):
                nonlocal failures
                if call.ref.name.startswith("shop") and failures:
                    failures -= 1
                    raise RuntimeError("a bug")

            engine.kube.before = fail
            key, other = await start(plane), await start(plane, application="billing")

            assert (await plane.until_end(other)).state is DeploymentState.SUCCEEDED
            assert looptime < 10
            assert (await plane.until_end(key)).state is DeploymentState.SUCCEEDED
            assert looptime >= 20
        failed = [entry for entry in logs if entry["event"] == "target.drive_failed"]
        assert [(entry["deployment"], entry["target"]) for entry in failed] == [(key.id, "prod")] * 2

    async def test_a_store_that_is_away_for_a_while_stops_nothing_for_good(self, engine):
        async with engine.running() as plane:
            key = await start(plane)
            update, engine.store.update = engine.store.update, _refuse
            await asyncio.sleep(15)
            engine.store.update = update

            assert (await plane.until_end(key)).state is DeploymentState.SUCCEEDED

    async def test_a_busy_cluster_is_asked_again_in_a_moment(self, engine):
        async with engine.running() as plane:
            failures = 4

            async def fail(_call):
                nonlocal failures
                failures -= 1
                if failures >= 0:
                    raise ClusterBusy("429 TooManyRequests")

            engine.kube.before = fail
            key = await start(plane)
            waiting = await plane.until(key, lambda now: now.targets[0].wait is not None)
            assert waiting.targets[0].wait.what.startswith("the cluster, to read what is live: 429")

            assert (await plane.until_end(key)).state is DeploymentState.SUCCEEDED

    async def test_a_change_that_is_tried_again_and_again_is_told_once(self, engine):
        async with engine.running() as plane:
            failures = 6

            async def fail(call):
                nonlocal failures
                if call.verb == "create" and failures:
                    failures -= 1
                    raise ClusterBusy("429 TooManyRequests")

            engine.kube.before = fail
            done = await plane.until_end(await start(plane))
            events = await plane.journal.store.events(done.key, after_sequence=0, limit=200)

        assert done.state is DeploymentState.SUCCEEDED
        assert failures == 0
        told = [event.message for event in events if event.kind is EventKind.EFFECT_INTENDED]
        assert len([text for text in told if text.startswith("create")]) == 1

    async def test_a_cluster_that_cannot_show_its_pods_is_waited_for_by_name(self, engine):
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, SET_50, APPROVAL, version="2")
            await plane.until(key, lambda now: now.targets[0].phase is Phase.STEPPING)

            async def fail(call):
                if call.verb == "list":
                    raise ClusterBusy("503 ServiceUnavailable")

            engine.kube.before = fail
            text = "the cluster, to look at pods: "
            await plane.until(key, lambda now: now.targets[0].wait and now.targets[0].wait.what.startswith(text))
            engine.kube.before = None
            await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)

    async def test_a_cluster_that_always_answers_outdated_is_not_asked_without_a_pause(self, engine, looptime):
        async with engine.running() as plane:
            await deploy_first(plane)
            patch, tries = engine.kube.patch, []

            async def somebody_was_faster(_agent, ref, _patch):
                tries.append(ref.name)
                return False

            engine.kube.patch = somebody_was_faster
            key = await start(plane, SET_50, version="2")
            began = looptime + 0
            await asyncio.sleep(10)
            assert 6 <= len(tries) <= 7 * (looptime - began)
            engine.kube.patch = patch

            assert (await plane.until_end(key)).state is DeploymentState.SUCCEEDED


async def _refuse(*_):
    raise ServerUnavailable("the disk is full")


class TestRestart:
    async def test_a_start_takes_up_whatever_is_not_final(self, engine):
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, SET_50, TIMED_PAUSE, version="2")
            await plane.until_state(key, DeploymentState.PAUSED)
        await asyncio.sleep(3600)

        async with engine.running() as plane:
            done = await plane.until_end(key)

        assert done.state is DeploymentState.SUCCEEDED

    async def test_a_deployment_that_was_started_without_a_runner_is_found(self, engine):
        key = await start(engine.plane(Journal(engine.store)))

        async with engine.running() as plane:
            assert (await plane.until_end(key)).state is DeploymentState.SUCCEEDED

    async def test_after_the_end_nothing_of_the_runner_is_left(self, engine):
        before = own_tasks()
        async with engine.running() as plane:
            await deploy_first(plane)
            engine.kube.broken = {"example.com/shop:2"}
            await start(plane, SET_50, version="2")
            await asyncio.sleep(2)
            assert len(own_tasks()) > len(before) + 3

        assert own_tasks() == before
        assert not any(engine.kube.watchers.values())

    async def test_a_commit_after_the_runner_was_closed_disturbs_nobody(self, engine):
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, APPROVAL, version="2")
            await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)

        approved = await plane.deployments.approve(key, plane.wish(persons.APPROVE))

        assert approved.targets[0].state is TargetState.RUNNING
        async with engine.running() as plane:
            assert (await plane.until_end(key)).state is DeploymentState.SUCCEEDED


class StepStore(MemoryDeploymentStore):
    """Yields at every call, so that a cancellation can hit before and after each."""

    def __init__(self, wait) -> None:
        super().__init__()
        self._wait = wait

    async def update(self, key, change):
        await self._wait("store")
        committed = await super().update(key, change)
        await self._wait("store")
        return committed

    async def get(self, key):
        await self._wait("store")
        return await super().get(key)


class Stopper:
    """Blocks the runner for ever at its step number `stop_at`, and tells; 0 never does."""

    def __init__(self) -> None:
        self.stop_at = 0
        self.steps = 0
        self.stopped = asyncio.Event()

    async def wait(self, _place) -> None:
        task = asyncio.current_task()
        if task is None or not task.get_name().startswith("drive"):
            return
        self.steps += 1
        if self.steps == self.stop_at:
            self.stopped.set()
            await asyncio.Event().wait()


async def crash_at(step, *, goes_back):
    """A canary whose server dies at `step` and is started again; None past the last step.

    `goes_back`: a person rolls back at the approval, and the steps count from there.
    """
    stopper = Stopper()
    engine = ModelEngine(store=StepStore(stopper.wait))
    engine.kube.before = stopper.wait
    async with engine.running() as plane:
        old = await deploy_first(plane, replicas=2)
        if goes_back:
            key = await start(plane, SET_50, APPROVAL, version="2", replicas=2)
            await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)
        engine.kube.writes.clear()
        stopper.steps, stopper.stop_at = 0, step
        if goes_back:
            await plane.deployments.roll_back(key, plane.wish(persons.ROLL_BACK))
        else:
            key = await start(plane, SET_50, version="2", replicas=2)
        was_stopped = await stopped_before_the_end(plane, key, stopper)
    if not was_stopped:
        return None
    assert not [task for task in own_tasks() if task.get_name().startswith(("drive", "watch", "runner"))]
    async with engine.running() as plane:
        done = await plane.until_end(key)
    left = old if goes_back else done.targets[0].workloads[0].new_name
    assert engine.kube.pods() == {left: 2}, step
    return engine, done


async def stopped_before_the_end(plane, key, stopper):
    async with asyncio.TaskGroup() as group:
        end = group.create_task(plane.until_end(key))
        stop = group.create_task(stopper.stopped.wait())
        await asyncio.wait({end, stop}, return_when=asyncio.FIRST_COMPLETED)
        was_stopped = not end.done()
        end.cancel()
        stop.cancel()
    stopper.stop_at = 0
    return was_stopped


@pytest.mark.parametrize("goes_back", [False, True], ids=["forward", "back"])
async def test_a_server_that_dies_at_any_await_completes_and_does_nothing_twice(goes_back):
    step = 1
    while crashed := await crash_at(step, goes_back=goes_back):
        engine, done = crashed
        assert done.state is (DeploymentState.CANCELLED if goes_back else DeploymentState.SUCCEEDED), done.message
        assert done.targets[0].rollback is (Rollback.DONE if goes_back else Rollback.NONE)
        assert len(engine.kube.writes) == len(set(engine.kube.writes)), (step, engine.kube.writes)
        events = await events_of(engine, done.key)
        assert [event.sequence for event in events] == list(range(1, done.sequence + 1)), step
        step += 1

    assert step > 40


class LateStore(MemoryDeploymentStore):
    """Once told to, reads a deployment, and hands it out only when the gate opens: it is old news by then."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.is_late = False

    async def get(self, key):
        found = await super().get(key)
        task = asyncio.current_task()
        if self.is_late and task is not None and task.get_name().startswith("drive"):
            self.is_late = False
            await self.gate.wait()
        return found


async def test_a_decision_that_comes_while_a_drive_looks_at_old_news_is_not_lost():
    store = LateStore()
    engine = ModelEngine(store=store)
    async with engine.running() as plane:
        await deploy_first(plane)
        key = await start(plane, APPROVAL, version="2")
        await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)
        await settle_down()
        store.is_late = True
        engine.relay.come()
        await settle_down()
        assert not store.is_late

        await plane.deployments.approve(key, plane.wish(persons.APPROVE))
        store.gate.set()

        assert (await plane.until_end(key)).state is DeploymentState.SUCCEEDED
