"""Steps that expose Services, over a model cluster and in virtual time: the rows of the feature list."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from borealis_server.domain import persons
from borealis_server.domain.errors import PreviewEnded, PreviewNotFound, RelayRefused
from borealis_server.domain.paging import PageRequest
from borealis_server.domain.preview import Preview, PreviewName, PreviewRule, PreviewState
from borealis_server.domain.roles import ADMINISTRATOR
from borealis_server.domain.states import DeploymentState, EndReason, Rollback, StepState
from borealis_server.services.previews import LivePreview
from kit.callers import a_caller
from kit.control_plane import TENANT
from kit.model_runs import deploy_first, events_of
from kit.outside import OK
from kit.shop import APPROVAL, SET_25, blue_green_file, deploy_file, manifests
from kit.webhook_files import webhook_file

pytestmark = [pytest.mark.looptime, pytest.mark.usefixtures("logs")]
EXPOSE = "exposeServices: {services: [shop]}"
HOUR, MINUTE = "{duration: 1, unit: hours}", "{duration: 60, unit: seconds}"
NOISE = RelayRefused("cluster-1", "TARGET_RESET", "the answer is not HTTP", dispatched=True)
LINKS = json.dumps({"link": "{{armory.preview.shop}}"})


def exposing(*services: str, **fields: str) -> str:
    more = "".join(f", {name}: {text}" for name, text in fields.items())
    return f"exposeServices: {{services: [{', '.join(services)}]{more}}}"


async def run(plane, text: str, version: str = "2", *, more: str = ""):
    return (await plane.start(text, shop_yaml=manifests(version) + more)).key


def was_tried_in_vain(deployment) -> bool:
    return any(one.exposure and one.exposure.tried for one in deployment.targets[0].steps)


async def found(engine, link):
    return await engine.previews.find(link.url.removeprefix("https://").partition(".")[0])


class TestTheStep:
    async def test_st_25_the_addresses_are_there_when_the_step_is_over(self, engine):
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await run(plane, deploy_file("ns", SET_25, exposing("shop", ttl=HOUR), APPROVAL))
            waiting = await plane.until(key, lambda now: now.state is DeploymentState.AWAITING_APPROVAL)
            (link,) = waiting.targets[0].steps[1].exposure.links
            live = await found(engine, link)

        assert waiting.targets[0].steps[1].state is StepState.SUCCEEDED
        assert link.service == "shop"
        assert live.preview.agent_target == "preview:ns/shop:80"
        told = [event.message for event in await events_of(engine, key)]
        assert any(link.url in text for text in told)

    async def test_st_26_an_address_has_160_bits_of_chance_and_lives_as_long_as_the_file_says(self, engine):
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await run(plane, deploy_file("ns", EXPOSE, exposing("shop", ttl=MINUTE), APPROVAL))
            waiting = await plane.until(key, lambda now: now.state is DeploymentState.AWAITING_APPROVAL)
            usual, short = (step.exposure.links[0] for step in waiting.targets[0].steps[:2])
            await asyncio.sleep(61)
            states = [await found(engine, link) for link in (usual, short)]

        made = [step.ended_at for step in waiting.targets[0].steps[:2]]
        assert usual.expires_at - made[0] <= timedelta(seconds=300) < usual.expires_at - made[0] + timedelta(seconds=2)
        assert [type(one) for one in states] == [LivePreview, Preview]
        assert states[1].state(engine.clock.now()) is PreviewState.EXPIRED
        labels = {link.url.removeprefix("https://").partition(".")[0] for link in (usual, short)}
        assert len(labels) == 2
        assert {len(label) * 5 for label in labels} == {160}

    async def test_st_27_later_steps_and_conditions_after_the_target_know_the_address(self, engine):
        engine.outside.says(OK)
        async with engine.running() as plane:
            await deploy_first(plane)
            text = webhook_file(EXPOSE, "runWebhook: {name: fire}", after="runWebhook: {name: fire}", body=LINKS)
            done = await plane.until_end(await run(plane, text))

        (link,) = done.targets[0].steps[0].exposure.links
        assert done.state is DeploymentState.SUCCEEDED
        assert [json.loads(asked.request.body)["link"] for asked in engine.outside.asked] == [link.url, link.url]

    async def test_st_28_in_a_group_the_step_that_uses_an_address_waits_for_the_one_that_makes_it(self, engine):
        engine.outside.says(OK)
        engine.relay.answers.appendleft(
            RelayRefused("cluster-1", "TARGET_RESET", "it is just starting", dispatched=True)
        )
        webhooks = webhook_file(body=LINKS).partition("webhooks:")[2]
        group = f"{{runWebhook: {{name: fire}}}}, {{{EXPOSE}}}, {{pause: {{duration: 60, unit: seconds}}}}"
        text = blue_green_file("ns", redirect=group) + "webhooks:" + webhooks
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await run(plane, text)
            tried = await plane.until(key, was_tried_in_vain)
            fire = tried.targets[0].step("step-2")
            done = await plane.until_end(key, limit_s=200)

        assert (fire.state, fire.wait.what) == (StepState.NOT_STARTED, "what step-3 makes")
        assert tried.targets[0].step("step-4").state is StepState.RUNNING
        (asked,) = engine.outside.asked
        (link,) = done.targets[0].step("step-3").exposure.links
        assert json.loads(asked.request.body)["link"] == link.url
        assert done.state is DeploymentState.SUCCEEDED

    @pytest.mark.parametrize(
        ("service", "spec", "words"),
        [
            pytest.param("missing", None, "there is no Service missing in namespace ns", id="missing"),
            pytest.param("x", {"ports": [{"port": 80}, {"port": 443}]}, "it has 2: 80, 443", id="two-ports"),
            pytest.param("x", {"ports": []}, "it has 0: none", id="no-port"),
            pytest.param("x", {"ports": [{"port": 53, "protocol": "UDP"}]}, "port 53 of the Service x", id="udp"),
            pytest.param("x", {"ports": [{"port": 443, "appProtocol": "https"}]}, "speaks https", id="https"),
            pytest.param(
                "x", {"type": "ExternalName", "externalName": "a.b", "ports": [{"port": 80}]}, "leads out", id="outside"
            ),
        ],
    )
    async def test_st_29_a_service_that_cannot_be_exposed_fails_the_step_by_its_name(
        self, engine, service, spec, words
    ):
        document = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": spec}
        more = f"---\n{json.dumps(document)}\n" if spec else ""
        async with engine.running() as plane:
            old = await deploy_first(plane)
            text = deploy_file("ns", SET_25, exposing(service))
            done = await plane.until_end(await run(plane, text, more=more))

        run_ = done.targets[0]
        assert (done.state, run_.end_reason, run_.rollback) == (
            DeploymentState.FAILED,
            EndReason.PREVIEW_FAILED,
            Rollback.DONE,
        )
        assert words in done.message
        assert engine.kube.pods() == {old: 4}

    async def test_st_29_what_does_not_speak_http_is_found_out_and_what_starts_late_is_not_taken_for_it(self, engine):
        engine.relay.answers.clear()
        engine.relay.answers.extend([NOISE, NOISE, None, NOISE])
        async with engine.running() as plane:
            await deploy_first(plane)
            good = await plane.until_end(await run(plane, deploy_file("ns", EXPOSE)))
            bad = await plane.until_end(await run(plane, deploy_file("ns", EXPOSE), "3"))

        assert good.state is DeploymentState.SUCCEEDED
        assert bad.state is DeploymentState.FAILED
        assert "port 80 of the Service shop does not speak HTTP" in bad.message

    async def test_an_agent_that_lets_no_previews_through_says_what_to_add(self, engine):
        engine.relay.answers[0] = RelayRefused("cluster-1", "DENIED", "no target", dispatched=False)
        async with engine.running() as plane:
            await deploy_first(plane)
            done = await plane.until_end(await run(plane, deploy_file("ns", EXPOSE)))

        assert "give it a range `[services.preview]` in its targets file" in done.message

    async def test_a_service_without_ready_pods_is_exposed_all_the_same(self, engine):
        engine.relay.answers[0] = RelayRefused("cluster-1", "DIAL_FAILED", "nobody is there", dispatched=False)
        async with engine.running() as plane:
            await deploy_first(plane)
            done = await plane.until_end(await run(plane, deploy_file("ns", EXPOSE)))

        assert done.state is DeploymentState.SUCCEEDED

    async def test_a_tenant_that_forbids_previews_fails_the_step(self, engine):
        async with engine.running() as plane:
            await deploy_first(plane)
            await engine.previews.set_rule(TENANT, PreviewRule.FORBIDDEN)
            done = await plane.until_end(await run(plane, deploy_file("ns", EXPOSE)))

        assert "the tenant main allows no previews" in done.message

    async def test_a_first_deployment_has_its_addresses_too(self, engine):
        async with engine.running() as plane:
            done = await plane.until_end(await run(plane, deploy_file("ns", SET_25, EXPOSE), "1"))

        assert done.state is DeploymentState.SUCCEEDED
        assert len(done.targets[0].steps[1].exposure.links) == 1

    async def test_an_agent_that_is_away_is_waited_for_by_name_and_within_a_limit(self, engine):
        async with engine.running() as plane:
            await deploy_first(plane)
            text = deploy_file("ns", "pause: {duration: 60, unit: seconds}", EXPOSE)
            key = await run(plane, text)
            await plane.until(key, lambda now: now.state is DeploymentState.PAUSED)
            engine.relay.leave()
            waiting = await plane.until(key, was_tried_in_vain, limit_s=200)
            engine.relay.come()
            done = await plane.until_end(key)

        wait = waiting.targets[0].step("step-2").wait
        assert wait.what.startswith("the addresses of shop (now: ")
        assert wait.limit_at is not None
        assert done.state is DeploymentState.SUCCEEDED


class TestTheirEnd:
    async def test_a_rollback_ends_the_addresses_before_anything_else_is_done(self, engine):
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await run(plane, deploy_file("ns", SET_25, EXPOSE, APPROVAL))
            waiting = await plane.until(key, lambda now: now.state is DeploymentState.AWAITING_APPROVAL)
            (link,) = waiting.targets[0].steps[1].exposure.links
            live = await found(engine, link)
            await plane.deployments.roll_back(key, plane.wish(persons.ROLL_BACK))
            assert live.ended.is_set()
            await plane.until_end(key)
            ended = await found(engine, link)

        assert (ended.state(engine.clock.now()), ended.revoked_why) == (
            PreviewState.REVOKED,
            "the deployment was rolled back",
        )

    async def test_a_rollback_that_a_server_died_over_ends_them_at_its_next_start(self, engine):
        async with engine.running() as plane:
            await deploy_first(plane)
            key = await run(plane, deploy_file("ns", SET_25, EXPOSE, APPROVAL))
            waiting = await plane.until(key, lambda now: now.state is DeploymentState.AWAITING_APPROVAL)
            (link,) = waiting.targets[0].steps[1].exposure.links
        async with engine.running() as plane:
            engine.previews._on_commit = lambda _: None
            await plane.deployments.roll_back(key, plane.wish(persons.ROLL_BACK))
        kept = engine.preview_store
        async with engine.running():
            await asyncio.sleep(1)
            state = (await found(engine, link)).state(engine.clock.now())

        assert kept is engine.preview_store
        assert state is PreviewState.REVOKED

    async def test_success_leaves_them_until_their_time(self, engine):
        async with engine.running() as plane:
            await deploy_first(plane)
            done = await plane.until_end(await run(plane, deploy_file("ns", EXPOSE)))
            (link,) = done.targets[0].steps[0].exposure.links

            assert isinstance(await found(engine, link), LivePreview)

    async def test_they_are_listed_in_pages_and_ended_by_people_of_their_tenant(self, engine):
        async with engine.running() as plane:
            await deploy_first(plane)
            for version in ("2", "3", "4"):
                await plane.until_end(await run(plane, deploy_file("ns", EXPOSE), version))
            previews = engine.previews
            first = await previews.list(TENANT, PageRequest(size=2))
            rest = await previews.list(TENANT, PageRequest(size=2, token=first.next_token))
            name = first.items[0].name
            with pytest.raises(PreviewNotFound):
                await previews.revoke(a_caller(ADMINISTRATOR, tenant="other"), name)
            with pytest.raises(PreviewNotFound):
                await previews.entry(TENANT, PreviewName(TENANT, "none"), subject="ann")
            ended = await previews.revoke(a_caller(ADMINISTRATOR, name="ann"), name)
            again = await previews.revoke(a_caller(ADMINISTRATOR, name="bob"), name)
            with pytest.raises(PreviewEnded):
                await previews.entry(TENANT, name, subject="ann")
            active = await previews.list(TENANT, PageRequest(), active_only=True)

        assert (len(first.items), len(rest.items), rest.next_token) == (2, 1, "")
        assert ended == again
        assert ended.revoked_why == "revoked by ann"
        assert {one.name for one in active.items} == {one.name for one in (first.items[1], *rest.items)}
