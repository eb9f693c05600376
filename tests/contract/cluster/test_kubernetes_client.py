"""Our client of Kubernetes APIs does with the simulated server what it does with a real one."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager

import pytest

from borealis_server.adapters.clock import SystemClock
from borealis_server.adapters.cluster.kubernetes import Changed, ChangeType, KubernetesClient, Listed
from borealis_server.domain.errors import ClusterBusy, ClusterRefused
from kit.direct_relay import DirectCluster, DirectRelay
from kit.kubelet import POD, open_kubelet
from kit.manifests import deployment
from kit.model_engine import AGENT

LIMIT_S = 20.0


@pytest.fixture
async def relay(any_api):
    direct = DirectCluster(url=any_api.url, ca_pem=any_api.ca_pem.decode(), token=any_api.token)
    async with DirectRelay({AGENT: direct}, SystemClock()) as relay:
        yield relay


@pytest.fixture
def client(relay):
    return KubernetesClient(relay, pause_s=0.01)


@pytest.fixture
def config_maps(any_namespace):
    return f"/api/v1/namespaces/{any_namespace}/configmaps"


def config_map(name, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"app": name}}, "data": data}


async def create(client, path, *names):
    for name in names:
        await client.create(AGENT, path, config_map(name), manager="test")


async def test_a_list_is_read_in_pages_and_filtered_by_the_server(client, config_maps):
    names = [f"c{number}" for number in range(7)]
    await create(client, config_maps, *names)

    listed = await client.list(AGENT, config_maps, page=3)
    labelled = await client.list(AGENT, config_maps, labels="app=c4")
    named = await client.list(AGENT, config_maps, fields="metadata.name=c5")

    assert set(names) <= {item["metadata"]["name"] for item in listed.items}
    assert listed.resource_version
    assert [item["metadata"]["name"] for item in (*labelled.items, *named.items)] == ["c4", "c5"]


async def test_following_tells_what_is_there_and_then_what_changes(client, config_maps):
    await create(client, config_maps, "first")
    seen: list[Changed] = []

    changes = client.follow(AGENT, config_maps, fields="metadata.name!=kube-root-ca.crt")
    async with asyncio.timeout(LIMIT_S), aclosing(changes):
        listed = await anext(changes)
        await create(client, config_maps, "second")
        await client.merge(AGENT, f"{config_maps}/second", {"data": {"a": "1"}}, manager="test")
        await client.delete(AGENT, f"{config_maps}/first")
        while len(seen) < 3:
            change = await anext(changes)
            assert isinstance(change, Changed)
            seen.append(change)

    assert isinstance(listed, Listed)
    assert [item["metadata"]["name"] for item in listed.items] == ["first"]
    assert [(one.type, one.object["metadata"]["name"]) for one in seen] == [
        (ChangeType.ADDED, "second"),
        (ChangeType.MODIFIED, "second"),
        (ChangeType.DELETED, "first"),
    ]


async def test_apply_owns_fields_and_names_who_stands_in_the_way(client, config_maps):
    path = f"{config_maps}/one"
    await client.apply(AGENT, path, config_map("one", a="1"), manager="first")

    with pytest.raises(ClusterRefused, match='conflict with "first"') as caught:
        await client.apply(AGENT, path, config_map("one", a="2"), manager="second")
    forced = await client.apply(AGENT, path, config_map("one", a="3"), manager="second", is_forced=True)

    assert (caught.value.code, forced["data"]) == (409, {"a": "3"})


async def test_each_kind_of_patch(client, config_maps, any_namespace):
    await create(client, config_maps, "one")
    path, web = f"{config_maps}/one", f"/apis/apps/v1/namespaces/{any_namespace}/deployments/web"
    await client.create(AGENT, web.rpartition("/")[0], deployment(replicas=0), manager="test")

    merged = await client.merge(AGENT, path, {"data": {"a": "1"}}, manager="test")
    edited = await client.edit(AGENT, path, [{"op": "add", "path": "/data/b", "value": "2"}], manager="test")
    added = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "example/side"}]}}}}
    by_keys = await client.merge_by_keys(AGENT, web, added, manager="test")

    assert merged["data"] == {"a": "1"}
    assert edited["data"] == {"a": "1", "b": "2"}
    assert {one["name"] for one in by_keys["spec"]["template"]["spec"]["containers"]} == {"web", "side"}


async def test_a_patch_of_an_older_version_is_refused(client, config_maps):
    await create(client, config_maps, "one")
    path = f"{config_maps}/one"
    old = await client.get(AGENT, path)
    await client.merge(AGENT, path, {"data": {"a": "1"}}, manager="test")

    stale = {"metadata": {"resourceVersion": old["metadata"]["resourceVersion"]}, "data": {"a": "2"}}
    with pytest.raises(ClusterRefused) as caught:
        await client.merge(AGENT, path, stale, manager="test")

    assert caught.value.code == 409
    assert (await client.get(AGENT, path))["data"] == {"a": "1"}


async def test_scale_sets_replicas_of_the_version_that_was_seen(client, any_namespace):
    web = f"/apis/apps/v1/namespaces/{any_namespace}/deployments/web"
    await client.create(AGENT, web.rpartition("/")[0], deployment(replicas=0), manager="test")

    scaled = await client.scale(AGENT, web, 2)

    assert scaled["spec"]["replicas"] == 2
    with pytest.raises(ClusterRefused) as caught:
        await client.scale(AGENT, web, 3, version="1")
    assert caught.value.code == 409


async def test_delete_spares_another_object_of_the_same_name(client, config_maps):
    await create(client, config_maps, "one")
    path = f"{config_maps}/one"
    uid = (await client.get(AGENT, path))["metadata"]["uid"]

    with pytest.raises(ClusterRefused) as caught:
        await client.delete(AGENT, path, uid="00000000-0000-0000-0000-000000000000")
    await client.delete(AGENT, path, uid=uid)

    assert caught.value.code == 409
    with pytest.raises(ClusterRefused) as gone:
        await client.get(AGENT, path)
    assert (gone.value.code, gone.value.cluster_reason) == (404, "NotFound")


class ForgetfulRelay(DirectRelay):
    """Answers some requests as an API does that has forgotten what was; passes the others on."""

    def __init__(self, relay, answers):
        super().__init__({}, SystemClock())
        self.relay = relay
        self.answers = answers
        self.asked = []

    def call(self, agent, request):
        self.asked.append(request.path)
        answer = self.answers(request.path, len(self.asked))
        return self.relay.call(agent, request) if answer is None else _answered(answer)


class Canned:
    def __init__(self, status, body):
        self.status, self.body, self.headers = status, body, ()

    async def read(self):
        return self.body

    async def chunks(self):
        yield self.body


@asynccontextmanager
async def _answered(answer):
    yield answer


GONE = b'{"kind":"Status","status":"Failure","reason":"Expired","message":"too old resource version","code":410}'


async def test_a_list_whose_pages_grew_too_old_begins_again(relay, client, config_maps):
    names = [f"c{number}" for number in range(5)]
    await create(client, config_maps, *names)
    forgetful = ForgetfulRelay(
        relay, lambda path, count: Canned(410, GONE) if count == 2 and "continue" in path else None
    )

    listed = await KubernetesClient(forgetful).list(AGENT, config_maps, page=2)

    found = [item["metadata"]["name"] for item in listed.items]
    assert sorted(set(found)) == sorted(found)
    assert set(names) <= set(found)
    assert "continue" not in forgetful.asked[2]


async def test_a_list_that_is_always_too_old_is_given_up(relay, config_maps):
    forgetful = ForgetfulRelay(relay, lambda *_: Canned(410, GONE))

    with pytest.raises(ClusterBusy, match="grew too old 3 times"):
        await KubernetesClient(forgetful).list(AGENT, config_maps)


@pytest.mark.parametrize("form", ["status", "event"])
async def test_a_watch_of_a_forgotten_version_lists_again(relay, client, config_maps, form):
    await create(client, config_maps, "first")
    canned = Canned(410, GONE) if form == "status" else Canned(200, b'{"type":"ERROR","object":' + GONE + b"}\n")
    forgetful = ForgetfulRelay(relay, lambda _, count: canned if count == 2 else None)
    changes = KubernetesClient(forgetful, pause_s=0.01).follow(AGENT, config_maps)

    async with asyncio.timeout(LIMIT_S), aclosing(changes):
        before = await anext(changes)
        await create(client, config_maps, "second")
        after = await anext(changes)
        await create(client, config_maps, "third")
        third = await anext(changes)

    assert isinstance(before, Listed)
    assert isinstance(after, Listed)
    assert "second" in {item["metadata"]["name"] for item in after.items}
    assert isinstance(third, Changed)
    assert third.object["metadata"]["name"] == "third"


async def test_a_watch_that_ends_goes_on_from_its_last_bookmark(relay, client, config_maps):
    await create(client, config_maps, "first")
    version = (await client.list(AGENT, config_maps)).resource_version
    bookmark = b'{"type":"BOOKMARK","object":{"kind":"ConfigMap","metadata":{"resourceVersion":"%s"}}}\n'
    forgetful = ForgetfulRelay(relay, lambda _, count: Canned(200, bookmark % version.encode()) if count == 2 else None)
    changes = KubernetesClient(forgetful, pause_s=0.01).follow(AGENT, config_maps)

    async with asyncio.timeout(LIMIT_S), aclosing(changes):
        await anext(changes)
        await create(client, config_maps, "second")
        change = await anext(changes)

    assert isinstance(change, Changed)
    assert change.object["metadata"]["name"] == "second"
    assert f"resourceVersion={version}" in forgetful.asked[2]


async def test_logs_come_whole_and_follow_until_they_are_left(kube_cluster, kube_namespace):
    """Of a real API server only: the simulated one runs no containers."""
    pod = f"/api/v1/namespaces/{kube_namespace}/pods/{POD}"
    api = kube_cluster.api
    direct = DirectCluster(url=api.url, ca_pem=api.ca_pem.decode(), token=api.token)
    async with (
        open_kubelet(kube_cluster, kube_namespace) as kubelet,
        DirectRelay({AGENT: direct}, SystemClock()) as relay,
    ):
        client = KubernetesClient(relay)
        async with asyncio.timeout(LIMIT_S):
            async with client.logs(AGENT, pod, container="main") as chunks:
                whole = b"".join([chunk async for chunk in chunks])
            async with client.logs(AGENT, pod, follows=True) as chunks:
                followed = b""
                while b"line 5\n" not in followed:
                    followed += await anext(chunks)
            while kubelet.following:
                await asyncio.sleep(0.01)

    assert whole == b"line 1\nline 2\n"
