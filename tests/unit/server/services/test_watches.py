"""Watches of namespaces: one for all who wait there, none when nobody does, and they survive everything."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from borealis_server.domain.deployment import DeploymentKey
from borealis_server.domain.errors import AgentUnavailable, ClusterBusy, RelayRefused
from borealis_server.domain.observation import Watched
from borealis_server.services.targets import TargetKey
from borealis_server.services.watches import Watches
from kit.leaks import own_tasks
from kit.manifests import replica_set
from kit.model_engine import AGENT
from kit.model_kube import ModelKube

pytestmark = [pytest.mark.looptime, pytest.mark.usefixtures("logs")]

ONE, TWO = (TargetKey(DeploymentKey(tenant="main", id="abc"), name) for name in ("one", "two"))


def sets(*namespaces: str) -> list[Watched]:
    """All ReplicaSets of these namespaces."""
    return [Watched(api_version="apps/v1", kind="ReplicaSet", namespace=namespace) for namespace in namespaces]


class Post:
    """Watches at work over a model cluster, and who was woken."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self.kube = ModelKube()
        self.woken: list[str] = []
        self.watches = Watches(self.kube, lambda key: self.woken.append(key.target), group)

    def live(self) -> dict[str, int]:
        return {namespace: len(alarms) for namespace, alarms in self.kube.watchers.items() if alarms}

    async def change(self, namespace: str) -> list[str]:
        """Something changes; who is woken by it."""
        await asyncio.sleep(0.1)
        self.woken.clear()
        document = replica_set()
        self.kube.put({**document, "metadata": {**document["metadata"], "namespace": namespace}})
        await asyncio.sleep(0.1)
        return sorted(self.woken)


@asynccontextmanager
async def watching():
    async with asyncio.TaskGroup() as group:
        before = own_tasks()
        yield Post(group)
        for task in own_tasks() - before:
            task.cancel()


async def test_everybody_in_a_namespace_shares_one_watch_and_is_woken_by_it():
    async with watching() as post:
        post.watches.want(ONE, AGENT, sets("a"))
        post.watches.want(TWO, AGENT, sets("a", "b"))
        post.watches.want(TWO, AGENT, sets("a", "b"))

        assert await post.change("a") == ["one", "two"]
        assert await post.change("b") == ["two"]
        assert await post.change("c") == []
        assert post.live() == {"a": 1, "b": 1}


async def test_a_watch_ends_when_nobody_wants_it_any_more():
    async with watching() as post:
        post.watches.want(ONE, AGENT, sets("a"))
        post.watches.want(TWO, AGENT, sets("a"))
        await asyncio.sleep(1)

        post.watches.release(ONE)
        assert await post.change("a") == ["two"]
        post.watches.release(TWO)
        post.watches.release(TWO)
        assert await post.change("a") == []
        assert post.live() == {}


async def test_who_wants_another_namespace_leaves_the_one_before():
    async with watching() as post:
        post.watches.want(ONE, AGENT, sets("a", "b"))
        await asyncio.sleep(1)

        post.watches.want(ONE, AGENT, sets("b", "c"))

        assert await post.change("a") == []
        assert await post.change("b") == ["one"]
        assert post.live() == {"b": 1, "c": 1}


async def test_a_namespace_can_be_wanted_again():
    async with watching() as post:
        post.watches.want(ONE, AGENT, sets("a"))
        await asyncio.sleep(1)
        post.watches.release(ONE)
        post.watches.want(ONE, AGENT, sets("a"))

        assert await post.change("a") == ["one"]
        assert post.live() == {"a": 1}


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(AgentUnavailable("cluster-1", dispatched=False), id="agent"),
        pytest.param(ClusterBusy("503", retry_after_s=1.0), id="cluster"),
        pytest.param(RelayRefused("cluster-1", "IDLE", "no more came", dispatched=True), id="relay"),
        pytest.param(ValueError("not JSON"), id="a-bug"),
        pytest.param(ExceptionGroup("several", [ClusterBusy("503")]), id="several-at-once"),
    ],
)
async def test_a_watch_that_fails_is_tried_again_and_everybody_looks_meanwhile(error):
    async with watching() as post:
        failures = 3

        async def fail(_call):
            nonlocal failures
            failures -= 1
            if failures >= 0:
                raise error

        post.kube.before = fail
        post.watches.want(ONE, AGENT, sets("a"))
        await asyncio.sleep(3.5)

        assert post.woken == ["one"] * 3
        assert await post.change("a") == ["one"]


async def test_a_cluster_that_asks_to_be_left_alone_is_left_alone():
    async with watching() as post:

        async def fail(_call):
            raise ClusterBusy("429", retry_after_s=20.0)

        post.kube.before = fail
        post.watches.want(ONE, AGENT, sets("a"))
        await asyncio.sleep(19.5)
        assert post.woken == []

        await asyncio.sleep(1)

        assert post.woken == ["one"]


async def test_a_watch_that_breaks_off_is_renewed_and_everybody_looks_once():
    async with watching() as post:
        post.watches.want(ONE, AGENT, sets("a"))
        await asyncio.sleep(0.1)
        post.kube.is_away = True
        assert await post.change("a") == []

        post.kube.is_away = False
        await asyncio.sleep(1.5)

        assert post.woken == ["one"]
        assert await post.change("a") == ["one"]


async def test_a_watch_is_not_missed_by_those_who_left_while_it_failed():
    async with watching() as post:
        post.kube.is_away = True
        post.watches.want(ONE, AGENT, sets("a"))
        await asyncio.sleep(0.5)
        post.watches.release(ONE)
        await asyncio.sleep(10)

        assert post.woken == []
