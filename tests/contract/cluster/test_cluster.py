"""`ports.cluster.Cluster`: the model that unit tests use and the real client mean the same by every method."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from borealis_server.adapters.clock import SystemClock
from borealis_server.adapters.cluster.client import RelayedCluster
from borealis_server.domain.errors import ClusterRefused, KindNotServed
from borealis_server.ports.cluster import ObjectRef
from kit.direct_relay import DirectCluster, DirectRelay
from kit.manifests import config_map, replica_set
from kit.model_engine import AGENT
from kit.model_kube import ModelKube, ref_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from borealis_server.ports.cluster import Cluster
    from kit.api_server import ApiServer

_LIMIT_S = 10.0


def placed(document: dict[str, Any]) -> dict[str, Any]:
    document["metadata"]["namespace"] = "default"
    return document


@pytest.fixture
def model_cluster() -> ModelKube:
    return ModelKube(unserved={"Unheard"})


@asynccontextmanager
async def relayed(api: ApiServer) -> AsyncIterator[RelayedCluster]:
    direct = DirectCluster(url=api.url, ca_pem=api.ca_pem.decode(), token=api.token)
    async with DirectRelay({AGENT: direct}, SystemClock()) as relay:
        yield RelayedCluster(relay)


@pytest.fixture
async def sandbox_cluster(sandbox_api: ApiServer) -> AsyncIterator[RelayedCluster]:
    async with relayed(sandbox_api) as cluster:
        yield cluster


@pytest.fixture
async def real_cluster(real_api: ApiServer) -> AsyncIterator[RelayedCluster]:
    async with relayed(real_api) as cluster:
        yield cluster


@pytest.fixture(params=["model", "sandbox"])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    found: Cluster = request.getfixturevalue(f"{request.param}_cluster")
    return found


@pytest.fixture(params=["model", "sandbox", "real"])
def any_cluster(request: pytest.FixtureRequest) -> Cluster:
    """Also a real API server, which many tests share: for tests whose names are their own."""
    found: Cluster = request.getfixturevalue(f"{request.param}_cluster")
    return found


SETTINGS = ref_of(placed(config_map()))
WEB = ref_of(placed(replica_set()))


async def test_what_does_not_exist_is_none_and_deleting_it_is_no_error(cluster):
    assert await cluster.get(AGENT, SETTINGS) is None
    await cluster.delete(AGENT, SETTINGS)


async def test_a_kind_that_is_not_served_is_told_apart_from_a_busy_cluster(cluster):
    with pytest.raises(KindNotServed):
        await cluster.get(AGENT, ObjectRef(api_version="example.com/v1", kind="Unheard", name="x", namespace="default"))


async def test_an_object_is_created_once(cluster):
    assert await cluster.create(AGENT, placed(config_map(a="1")))
    assert not await cluster.create(AGENT, placed(config_map(a="2")))
    assert (await cluster.get(AGENT, SETTINGS))["data"] == {"a": "1"}


async def test_an_apply_creates_changes_and_takes_away_what_it_no_longer_names(cluster):
    labelled = placed(config_map(a="1", b="1"))
    labelled["metadata"]["labels"] = {"app": "web"}
    await cluster.apply(AGENT, labelled)
    newer = placed(config_map(a="2"))
    newer["metadata"]["labels"] = {"app": "web"}
    await cluster.apply(AGENT, newer)

    live = await cluster.get(AGENT, SETTINGS)

    assert live["data"] == {"a": "2"}
    assert [(entry["manager"], entry["operation"]) for entry in live["metadata"]["managedFields"]] == [
        ("borealis", "Apply")
    ]


async def test_a_merge_patch_changes_and_removes(cluster):
    await cluster.create(AGENT, placed(config_map(a="1", b="1")))

    assert await cluster.patch(AGENT, SETTINGS, {"data": {"a": "2", "b": None}})

    assert (await cluster.get(AGENT, SETTINGS))["data"] == {"a": "2"}


@pytest.mark.parametrize(("tested", "is_done"), [(2, True), (1, False)], ids=["holds", "does-not-hold"])
async def test_a_json_patch_is_made_only_if_its_tests_hold(cluster, tested, is_done):
    await cluster.create(AGENT, placed(replica_set(replicas=2)))
    patch = [
        {"op": "test", "path": "/spec/replicas", "value": tested},
        {"op": "replace", "path": "/spec/replicas", "value": 3},
    ]

    assert await cluster.patch(AGENT, WEB, patch) is is_done

    assert (await cluster.get(AGENT, WEB))["spec"]["replicas"] == (3 if is_done else 2)


@pytest.mark.parametrize(
    "patch", [{"data": {}}, [{"op": "test", "path": "/kind", "value": "X"}]], ids=["merge", "json"]
)
async def test_a_patch_of_what_does_not_exist_is_refused_as_not_found(cluster, patch):
    with pytest.raises(ClusterRefused) as refused:
        await cluster.patch(AGENT, SETTINGS, patch)

    assert refused.value.code == 404


async def test_a_list_has_exactly_the_objects_with_the_labels_and_says_what_they_are(cluster):
    for name in ("one", "two"):
        document = placed(config_map(name))
        document["metadata"]["labels"] = {"which": name}
        await cluster.create(AGENT, document)

    found = await cluster.list(AGENT, "v1", "ConfigMap", "default", labels={"which": "two"})

    assert [(each["kind"], each["metadata"]["name"]) for each in found] == [("ConfigMap", "two")]


async def test_a_generation_counts_changes_of_the_spec(cluster):
    await cluster.create(AGENT, placed(replica_set(replicas=2)))
    before = (await cluster.get(AGENT, WEB))["metadata"]["generation"]

    await cluster.patch(AGENT, WEB, {"metadata": {"annotations": {"a": "b"}}})
    same = (await cluster.get(AGENT, WEB))["metadata"]["generation"]
    await cluster.patch(AGENT, WEB, {"spec": {"replicas": 0}})

    assert (same, (await cluster.get(AGENT, WEB))["metadata"]["generation"]) == (before, before + 1)


async def test_a_watch_speaks_when_something_changes(cluster):
    await cluster.create(AGENT, placed(replica_set(replicas=0)))
    async with asyncio.timeout(_LIMIT_S), cluster.watch(AGENT, "apps/v1", "ReplicaSet", "default") as changes:
        await cluster.patch(AGENT, WEB, {"metadata": {"annotations": {"a": "b"}}})

        assert await anext(changes) is None


@pytest.mark.parametrize("orphans", [False, True])
async def test_a_delete_that_carries_a_uid_leaves_a_newer_object_of_the_name_alone(any_cluster, orphans):
    document = placed(config_map(name=f"uid-{uuid.uuid4().hex[:8]}", a="1"))
    ref = ref_of(document)
    await any_cluster.create(AGENT, document)
    first = (await any_cluster.get(AGENT, ref))["metadata"]["uid"]
    await any_cluster.delete(AGENT, ref, uid=first)
    assert await any_cluster.get(AGENT, ref) is None
    await any_cluster.create(AGENT, document)

    await any_cluster.delete(AGENT, ref, orphans=orphans, uid=first)

    live = await any_cluster.get(AGENT, ref)
    assert live["metadata"]["uid"] != first
    assert "deletionTimestamp" not in live["metadata"]
    await any_cluster.delete(AGENT, ref, uid=live["metadata"]["uid"])
    assert await any_cluster.get(AGENT, ref) is None
