"""What callers can do with deployments: start, list, watch, decide. Nothing drives them here."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from borealis_deployfile.manifests import FileContent
from borealis_server.adapters.randomness import SystemRandomness
from borealis_server.domain import persons
from borealis_server.domain.deployment import Deployment, DeploymentKey, Event
from borealis_server.domain.errors import (
    DeployFileInvalid,
    DeploymentInProgress,
    DeploymentNotFound,
    InvalidArgument,
    NotAwaitingApproval,
    PageTokenInvalid,
    RequestIdReused,
)
from borealis_server.domain.paging import PageRequest, page_token
from borealis_server.domain.start import StartRequest
from borealis_server.domain.states import DeploymentState
from borealis_server.services.deployments import Deployments
from borealis_server.services.journal import Journal
from kit.model_engine import KnownAgents, ModelEngine
from kit.shop import SET_25, deploy_file, manifests
from kit.web import KnownAddresses

pytestmark = pytest.mark.looptime


@pytest.fixture
def plane():
    engine = ModelEngine()
    return engine.plane(Journal(engine.store))


def a_request(application="shop", **fields):
    contents = {"shop.yaml": (FileContent(name="shop.yaml", content=manifests("1").encode()),)}
    text = deploy_file("ns", SET_25, application=application).encode()
    return replace(StartRequest(tenant="main", actor="ana", deploy_file=text, files=contents), **fields)


async def started(plane, application="shop", **fields):
    deployment, _ = await plane.deployments.start(a_request(application, **fields))
    return deployment


class TestStart:
    async def test_a_start_is_kept_and_can_be_got(self, plane):
        deployment = await started(plane)

        assert await plane.deployments.get(deployment.key) == deployment
        assert deployment.state is DeploymentState.RUNNING
        assert deployment.started_at == plane.clock.now()

    async def test_faults_are_refused_all_at_once_and_nothing_is_started(self, plane):
        broken = b"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec: {replicas: many}\n"
        request = a_request(
            deploy_file=deploy_file("ns", SET_25, account="cluster-7").encode(),
            files={"shop.yaml": (FileContent(name="shop.yaml", content=broken),)},
        )

        with pytest.raises(DeployFileInvalid) as refused:
            await plane.deployments.start(request)

        assert {"UNKNOWN_ACCOUNT", "INVALID_MANIFEST"} <= {fault.code for fault in refused.value.faults}
        assert (await plane.deployments.list("main", PageRequest())).items == ()

    async def test_agents_of_another_tenant_are_not_known(self, plane):
        with pytest.raises(DeployFileInvalid, match="1 fault"):
            await plane.deployments.start(a_request(tenant="other"))

    async def test_a_repeat_gives_the_first_deployment_also_when_it_has_ended(self, plane):
        first = await started(plane, request_id="r1")
        again = await started(plane, request_id="r1")
        ended = await plane.deployments.cancel(first.key, plane.wish(persons.CANCEL))
        assert ended.state.is_final

        assert again == first
        assert (await started(plane, request_id="r1")).key == first.key

    async def test_the_same_id_for_another_request_is_refused(self, plane):
        await started(plane, request_id="r1")

        with pytest.raises(RequestIdReused):
            await started(plane, "billing", request_id="r1")

    async def test_an_application_in_progress_is_refused_and_the_running_one_named(self, plane):
        first = await started(plane)

        with pytest.raises(DeploymentInProgress, match=first.key.id):
            await started(plane)
        assert (await started(plane, "billing")).key != first.key


class TestList:
    async def test_pages_together_are_the_whole_list_newest_first(self, plane):
        keys = []
        for number in range(7):
            keys.append((await started(plane, f"app-{number}")).key)
            if number % 2:
                plane.clock.jump(1)

        found, token = [], ""
        for _ in range(10):
            page = await plane.deployments.list("main", PageRequest(size=2, token=token))
            assert len(page.items) <= 2
            found += [deployment.key for deployment in page.items]
            token = page.next_token
            if not token:
                break

        assert sorted(found, key=str) == sorted(keys, key=str)
        assert len(found) == 7
        times = [(await plane.deployments.get(key)).started_at for key in found]
        assert times == sorted(times, reverse=True)

    async def test_a_last_page_that_is_just_full_has_no_next_one(self, plane):
        for name in ("a", "b"):
            await started(plane, name)

        assert (await plane.deployments.list("main", PageRequest(size=2))).next_token == ""

    async def test_lists_show_only_what_was_asked_for(self, plane):
        one, two = await started(plane, "one"), await started(plane, "two")
        await plane.deployments.cancel(one.key, plane.wish(persons.CANCEL))

        async def ids(tenant="main", **query):
            return {found.key.id for found in (await plane.deployments.list(tenant, PageRequest(), **query)).items}

        assert await ids() == {one.key.id, two.key.id}
        assert await ids(application="one") == {one.key.id}
        assert await ids(in_progress_only=True) == {two.key.id}
        assert await ids("other") == set()

    @pytest.mark.parametrize(
        "position",
        ["garbage", "2026-01-01T00:00:00 abc", "2026-13-01T00:00:00+00:00 abc"],
        ids=["no", "naive", "month"],
    )
    async def test_a_token_that_somebody_made_up_is_refused(self, plane, position):
        await started(plane)
        token = page_token("deployments/main//False", position)

        with pytest.raises(PageTokenInvalid):
            await plane.deployments.list("main", PageRequest(token=token))

    async def test_a_token_of_another_list_is_refused(self, plane):
        for name in ("a", "b"):
            await started(plane, name)
        token = (await plane.deployments.list("main", PageRequest(size=1))).next_token

        with pytest.raises(PageTokenInvalid):
            await plane.deployments.list("main", PageRequest(size=1, token=token), in_progress_only=True)


class TestWatch:
    async def test_a_watch_begins_with_the_whole_state_and_ends_with_the_deployment(self, plane):
        deployment = await started(plane)
        watch = plane.deployments.watch(deployment.key, 0)
        first = await anext(watch)
        ended = await plane.deployments.cancel(deployment.key, plane.wish(persons.CANCEL))

        rest = [event async for event in watch]

        assert first == deployment
        assert [event.sequence for event in rest] == list(range(deployment.sequence + 1, ended.sequence + 1))

    async def test_a_watch_resumes_with_exactly_the_events_it_has_not_seen(self, plane):
        deployment = await started(plane)
        await plane.deployments.cancel(deployment.key, plane.wish(persons.CANCEL))
        whole = [item async for item in plane.deployments.watch(deployment.key, 1)]

        for seen in range(2, len(whole) + 2):
            rest = [item async for item in plane.deployments.watch(deployment.key, seen)]
            assert rest == whole[seen - 1 :]

        assert all(isinstance(item, Event) for item in whole)

    @pytest.mark.parametrize("sequence", [-1, 999])
    async def test_a_sequence_that_was_never_reached_is_refused(self, plane, sequence):
        deployment = await started(plane)

        with pytest.raises(InvalidArgument, match="after_sequence"):
            await anext(plane.deployments.watch(deployment.key, sequence))

    async def test_what_does_not_exist_cannot_be_watched(self, plane):
        with pytest.raises(DeploymentNotFound):
            await anext(plane.deployments.watch(DeploymentKey(tenant="main", id="none"), 0))


class TestDecisions:
    async def test_an_approval_of_nothing_is_refused_and_leaves_no_trace(self, plane):
        deployment = await started(plane)

        with pytest.raises(NotAwaitingApproval):
            await plane.deployments.approve(deployment.key, plane.wish(persons.APPROVE))

        assert await plane.deployments.get(deployment.key) == deployment

    @pytest.mark.parametrize("kind", [persons.ROLL_BACK, persons.CANCEL])
    async def test_an_abort_is_kept_with_who_asked(self, plane, kind):
        deployment = await started(plane)
        decide = plane.deployments.roll_back if kind == persons.ROLL_BACK else plane.deployments.cancel

        ended = await decide(deployment.key, plane.wish(kind, comment="no"))

        assert isinstance(ended, Deployment)
        assert [(wish.kind, wish.by, wish.comment) for wish in ended.decisions] == [(kind, "ana", "no")]

    @pytest.mark.parametrize(
        ("fields", "field"),
        [({"request_id": "r" * 65}, "request_id"), ({"comment": "c" * 1001}, "comment")],
        ids=["request-id", "comment"],
    )
    async def test_what_is_too_long_is_refused_and_leaves_no_trace(self, plane, fields, field):
        deployment = await started(plane)

        with pytest.raises(InvalidArgument) as refused:
            await plane.deployments.cancel(deployment.key, plane.wish(persons.CANCEL, **fields))

        assert [violation.field for violation in refused.value.violations] == [field]
        assert await plane.deployments.get(deployment.key) == deployment

    async def test_the_time_of_a_decision_is_the_servers(self, plane):
        before = plane.deployments.now()
        plane.clock.jump(60)

        assert plane.deployments.now() - before >= timedelta(seconds=60)


ADDRESS = "https://manifests.example/shop.yaml?key=hidden"


class TestFetching:
    @pytest.fixture
    def fetcher(self):
        return KnownAddresses({ADDRESS: manifests("1").encode()})

    @pytest.fixture
    def fetching(self, plane, fetcher):
        agents = KnownAgents()
        return Deployments(plane.journal, agents, plane.clock, SystemRandomness(), fetcher)

    def a_request(self, **fields):
        text = deploy_file("ns", SET_25).replace("shop.yaml", ADDRESS, 1).encode()
        return a_request(deploy_file=text, files={}, **fields)

    async def test_what_was_not_sent_is_fetched_and_kept(self, plane, fetching, fetcher):
        deployment, _ = await fetching.start(self.a_request())

        inputs = await plane.journal.store.inputs(deployment.key)
        (file,) = inputs.files[ADDRESS]
        assert (file.name, file.content) == ("https://manifests.example/shop.yaml", manifests("1"))
        assert fetcher.asked == [ADDRESS]

    async def test_what_was_sent_is_not_fetched(self, fetching, fetcher):
        sent = {ADDRESS: (FileContent(name="a", content=manifests("2").encode()),)}

        await fetching.start(replace(self.a_request(), files=sent))

        assert fetcher.asked == []

    async def test_nothing_is_fetched_for_a_faulty_file(self, fetching, fetcher):
        request = self.a_request()
        broken = replace(request, deploy_file=request.deploy_file.replace(b"strategies:", b"strategy:"))

        with pytest.raises(DeployFileInvalid):
            await fetching.start(broken)

        assert fetcher.asked == []

    async def test_what_cannot_be_fetched_is_a_fault_and_starts_nothing(self, fetching, fetcher):
        fetcher.contents.clear()

        with pytest.raises(DeployFileInvalid) as refused:
            await fetching.start(self.a_request())

        assert "cannot be fetched: it answers 404 Not Found" in refused.value.faults[0].message
        assert (await fetching.list("main", PageRequest())).items == ()

    async def test_a_repeat_takes_what_was_kept_whatever_the_address_says_by_then(self, fetching, fetcher):
        first, _ = await fetching.start(self.a_request(request_id="r1"))
        fetcher.contents.clear()

        assert (await fetching.start(self.a_request(request_id="r1")))[0] == first
        assert fetcher.asked == [ADDRESS]
        with pytest.raises(DeployFileInvalid):
            await fetching.start(self.a_request(request_id="r1", account="cluster-1"))
