"""Deliveries by the runner over a model cluster, in virtual time."""

from __future__ import annotations

import asyncio
import copy

import pytest

from borealis_server.domain import persons
from borealis_server.domain.errors import ClusterBusy
from borealis_server.domain.states import DeploymentState, EndReason, EventKind, Phase, Rollback, StepState, TargetState
from borealis_server.ports.relay import AgentRef
from kit.leaks import own_tasks
from kit.model_runs import deploy_first, events_of, settle_down, start
from kit.shop import APPROVAL, SET_25, SET_50, blue_green_file, deploy_file, manifests

pytestmark = [pytest.mark.looptime, pytest.mark.usefixtures("logs")]

TIMED_PAUSE = "pause: {duration: 30, unit: seconds}"


class TestDelivery:
    async def test_a_canary_waits_for_its_approval_and_then_serves_alone(self, engine):
        async with engine.running() as plane:
            old = await deploy_first(plane)
            key = await start(plane, SET_25, APPROVAL, version="2")
            waiting = await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)
            new = waiting.targets[0].workloads[0].new_name
            assert engine.kube.pods() == {old: 3, new: 1}

            await plane.deployments.approve(key, plane.wish(persons.APPROVE))
            done = await plane.until_end(key)

        assert done.state is DeploymentState.SUCCEEDED
        assert engine.kube.pods() == {new: 4}
        assert engine.kube.find("ConfigMap", "shop-settings")["data"] == {"version": "2"}

    async def test_a_timed_pause_takes_its_time_and_no_more(self, engine, looptime):
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, SET_50, TIMED_PAUSE, version="2")
            await plane.until_state(key, DeploymentState.PAUSED)
            before = looptime + 0

            await plane.until(key, lambda now: now.targets[0].state is TargetState.RUNNING)

        assert looptime - before == pytest.approx(30, abs=0.01)

    async def test_a_version_that_never_gets_ready_is_rolled_back_and_names_its_pod(self, engine):
        engine.kube.broken = {"example.com/shop:2"}
        async with engine.running() as plane:
            old = await deploy_first(plane)
            done = await plane.until_end(await start(plane, SET_25, version="2"), limit_s=100)

        assert (done.state, done.targets[0].end_reason) == (DeploymentState.FAILED, EndReason.READINESS_TIMEOUT)
        assert "ImagePullBackOff (no such image)" in done.message
        assert engine.kube.pods() == {old: 4}
        assert engine.kube.find("ConfigMap", "shop-settings")["data"] == {"version": "1"}

    async def test_waiting_costs_no_task_and_no_decision(self, engine):
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, APPROVAL, version="2")
            await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)
            await settle_down()
            before = await plane.deployments.get(key)
            looks = []

            async def count(call):
                looks.append(call)

            engine.kube.before = count
            await asyncio.sleep(600)

            names = {task.get_name() for task in own_tasks()}
            assert not [name for name in names if name.startswith(("drive", "watch"))]
            assert looks == []
            assert await plane.deployments.get(key) == before

    async def test_pods_are_watched_only_while_they_are_waited_for(self, engine):
        async with engine.running() as plane:
            await deploy_first(plane)
            engine.kube.broken = {"example.com/shop:2"}
            key = await start(plane, SET_25, version="2")
            await plane.until(key, lambda now: now.targets[0].wait is not None)
            await settle_down()
            assert len(engine.kube.watchers["ns"]) == 1

            await plane.deployments.cancel(key, plane.wish(persons.CANCEL))
            await plane.until_end(key)
            await settle_down()

            assert engine.kube.watchers["ns"] == []

    async def test_a_service_that_somebody_leads_away_during_a_wait_is_led_back_at_once(self, engine, looptime):
        async with engine.running() as plane:
            await deploy_first(plane)
            started = await plane.start(blue_green_file("ns", redirect=APPROVAL), shop_yaml=manifests("2"))
            await plane.until_state(started.key, DeploymentState.AWAITING_APPROVAL)
            await settle_down()
            service = copy.deepcopy(engine.kube.find("Service", "shop"))
            before = looptime + 0

            engine.kube.put({**service, "spec": {**service["spec"], "selector": {"app": "shop"}}})
            await settle_down()

            assert engine.kube.find("Service", "shop")["spec"] == service["spec"]
            told = [event.message for event in await events_of(engine, started.key) if event.kind is EventKind.WARNING]
            assert told == [
                "somebody else changed Service shop during the wait; it is to lead to the version that it led to"
            ]
            assert len(engine.kube.watchers["ns"]) == 1

        assert looptime - before < 1

    async def test_a_missed_word_of_a_watch_only_costs_seconds(self, engine):
        async with engine.running() as plane:
            await deploy_first(plane)
            engine.kube._tell = lambda _namespace: None

            done = await plane.until_end(await start(plane, SET_25, version="2"), limit_s=60)

        assert done.state is DeploymentState.SUCCEEDED


class TestTargets:
    async def test_a_target_runs_after_the_one_it_depends_on_and_is_not_looked_at_before(self, engine):
        line = "  prod: {account: cluster-1, namespace: ns, strategy: careful}"
        two = (
            "  qa: {account: cluster-1, namespace: qa, strategy: careful}\n"
            "  prod: {account: cluster-1, namespace: ns, strategy: careful, constraints: {dependsOn: [qa]}}"
        )
        text = deploy_file("ns").replace(line, two)
        places = []

        async def note(call):
            if call.ref.namespace:
                places.append(call.ref.namespace)

        engine.kube.before = note
        async with engine.running() as plane:
            key = (await plane.start(text, shop_yaml=manifests("1"))).key
            done = await plane.until_end(key)

        assert done.state is DeploymentState.SUCCEEDED
        assert "qa" not in places[places.index("ns") :]
        assert [run.started_at < run.ended_at for run in done.targets] == [True, True]
        assert done.target("prod").started_at == done.target("qa").ended_at

    async def test_independent_targets_run_at_the_same_time(self, engine, looptime):
        line = "  prod: {account: cluster-1, namespace: ns, strategy: careful}"
        both = line.replace("prod", "east").replace("ns,", "e,") + "\n" + line.replace("prod", "west")
        async with engine.running() as plane:
            key = (await plane.start(deploy_file("ns").replace(line, both), shop_yaml=manifests("1"))).key
            done = await plane.until_end(key)

        assert done.state is DeploymentState.SUCCEEDED
        assert {run.name for run in done.targets} == {"east", "west"}
        assert looptime < 10


class TestAgent:
    async def test_the_coming_and_going_of_another_agent_wakes_nobody(self, engine):
        async with engine.running() as plane:
            await deploy_first(plane)
            engine.kube.broken = {"example.com/shop:2"}
            key = await start(plane, SET_50, version="2")
            await plane.until(key, lambda now: now.targets[0].wait is not None)
            await settle_down()
            looks = []

            async def count(call):
                looks.append(call)

            engine.kube.before = count
            engine.relay.come(AgentRef(tenant="main", name="another"))
            await settle_down()
            assert looks == []
            engine.relay.come()
            await settle_down()
            assert looks

    async def test_an_agent_that_is_away_is_waited_for_by_name_and_its_return_wakes_the_target(self, engine, looptime):
        async with engine.running() as plane:
            await deploy_first(plane)
            engine.relay.leave()
            key = await start(plane, version="2")
            waiting = await plane.until(key, lambda now: now.targets[0].wait is not None)
            assert waiting.targets[0].wait.what == "agent cluster-1: it is not connected"
            await asyncio.sleep(1.5)

            engine.relay.come()
            came_at = looptime + 0
            await plane.until(key, lambda now: now.targets[0].phase is Phase.STEPPING)

            assert looptime - came_at < 0.1
            assert (await plane.until_end(key)).state is DeploymentState.SUCCEEDED

    async def test_an_agent_that_is_lost_while_pods_are_looked_at_is_waited_for(self, engine):
        async with engine.running() as plane:
            await deploy_first(plane)
            engine.kube.broken = {"example.com/shop:2"}
            key = await start(plane, SET_50, version="2")
            await plane.until(key, lambda now: now.targets[0].wait is not None)
            engine.kube.is_away = True

            waiting = await plane.until(key, lambda now: bool(now.targets[0].agent_lost_at))

        assert waiting.targets[0].wait.what == "agent cluster-1: it is not connected"

    async def test_a_tunnel_that_is_lost_in_the_middle_costs_nothing_but_time(self, engine):
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, SET_50, APPROVAL, version="2")
            await plane.until(key, lambda now: now.targets[0].phase is Phase.STEPPING)
            engine.kube.is_away = True
            await plane.until(key, lambda now: bool(now.targets[0].agent_lost_at))
            await asyncio.sleep(20)
            engine.kube.is_away = False
            await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)

        assert sorted(engine.kube.pods().values()) == [2, 2]

    async def test_a_pause_goes_on_while_the_agent_is_away(self, engine):
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, APPROVAL, version="2")
            await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)

            engine.relay.leave()
            await asyncio.sleep(100)

            run = (await plane.deployments.get(key)).targets[0]
            assert run.wait.what == "approval"


class TestPersons:
    async def test_a_decision_between_intent_and_effect_wins_and_what_was_done_is_told(self, engine):
        async with engine.running() as plane:
            old = await deploy_first(plane)
            key = await start(plane, SET_50, version="2")

            async def cancel_at_the_first_scaling(call):
                if call.verb == "patch":
                    engine.kube.before = None
                    await plane.deployments.cancel(key, plane.wish(persons.CANCEL))

            engine.kube.before = cancel_at_the_first_scaling
            done = await plane.until_end(key)

        assert done.state is DeploymentState.CANCELLED
        assert done.targets[0].rollback is Rollback.DONE
        assert engine.kube.pods() == {old: 4}
        told = [event.message for event in await events_of(engine, key) if event.kind is EventKind.EFFECT_DONE]
        assert any(text.startswith("scale") and text.endswith("from 0 to 1") for text in told)

    async def test_nothing_is_told_about_a_deployment_after_its_end(self, engine):
        async with engine.running() as plane:
            key = await start(plane)

            async def cancel_and_fail(_call):
                await plane.deployments.cancel(key, plane.wish(persons.CANCEL))
                raise ClusterBusy("429 TooManyRequests")

            engine.kube.before = cancel_and_fail
            await plane.until_end(key)
            await settle_down()

        assert (await events_of(engine, key))[-1].kind is EventKind.DEPLOYMENT_ENDED

    async def test_a_decision_between_a_look_and_its_intent_wins_and_nothing_more_is_done(self, engine):
        async with engine.running() as plane:
            old = await deploy_first(plane)
            key = await start(plane, SET_50, version="2")

            async def cancel_at_the_first_look_at_pods(call):
                run = (await plane.deployments.get(key)).targets[0]
                if call.verb == "list" and run.steps[0].state is StepState.RUNNING:
                    engine.kube.before = None
                    await plane.deployments.cancel(key, plane.wish(persons.CANCEL))

            engine.kube.before = cancel_at_the_first_look_at_pods
            done = await plane.until_end(key, limit_s=20)

        assert done.state is DeploymentState.CANCELLED
        assert engine.kube.pods() == {old: 4}
        assert not [write for write in engine.kube.writes if write.startswith("patch") and write.endswith(" 0")]

    async def test_what_happens_while_the_cluster_hangs_takes_effect_when_it_answers(self, engine):
        gate = asyncio.Event()
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await start(plane, SET_50, version="2")

            async def hang(call):
                if call.verb == "patch":
                    await gate.wait()

            engine.kube.before = hang
            await asyncio.sleep(1)
            engine.relay.come()
            await settle_down()
            turned = await plane.deployments.cancel(key, plane.wish(persons.CANCEL))
            assert turned.targets[0].state is TargetState.ROLLING_BACK
            await asyncio.sleep(60)
            assert (await plane.deployments.get(key)) == turned
            gate.set()
            done = await plane.until_end(key, limit_s=20)

        assert done.state is DeploymentState.CANCELLED
        assert done.targets[0].rollback is Rollback.DONE

    async def test_rollbacks_never_queue_behind_other_work(self, engine):
        engine.lanes = 1
        gate = asyncio.Event()
        async with engine.running() as plane:
            old = await deploy_first(plane)
            key = await start(plane, SET_50, APPROVAL, version="2")
            await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)

            async def block_the_other_application(call):
                if call.ref.name.startswith("billing"):
                    await gate.wait()

            engine.kube.before = block_the_other_application
            blocked = await start(plane, application="billing")
            waiting = await start(plane, application="orders")
            await settle_down()
            assert (await plane.deployments.get(waiting)).targets[0].phase is Phase.PREPARING

            await plane.deployments.roll_back(key, plane.wish(persons.ROLL_BACK))
            done = await plane.until_end(key, limit_s=20)
            assert engine.kube.pods() == {old: 4}
            gate.set()
            for other in (blocked, waiting):
                assert (await plane.until_end(other)).state is DeploymentState.SUCCEEDED

        assert done.targets[0].rollback is Rollback.DONE
