"""Looking for live pods: what the cluster says, and what is said instead when it does not."""

from __future__ import annotations

import asyncio

import pytest

from borealis_server.domain.errors import (
    AgentUnavailable,
    ClusterBusy,
    ClusterRefused,
    InvalidArgument,
    KindNotServed,
    RelayRefused,
)
from borealis_server.domain.live_replicas import WorkloadPlace
from borealis_server.services.live_replicas import LiveReplicasReader
from kit.model_kube import ModelKube

pytestmark = pytest.mark.looptime


class Agents:
    async def agent_names(self, _tenant):
        return ("east", "west")


def place(account="east", namespace="ns", name="web"):
    return WorkloadPlace(account=account, namespace=namespace, name=name)


def a_deployment(name="web", namespace="ns", replicas=4):
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "uid": name},
        "spec": {"replicas": replicas},
    }


def an_autoscaler():
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "cpu", "namespace": "ns"},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}},
    }


async def found(kube, *places):
    return await LiveReplicasReader(kube, Agents()).get("main", places)


async def test_every_place_is_answered_in_its_order():
    kube = ModelKube()
    for document in (a_deployment(), a_deployment("api", replicas=0), an_autoscaler()):
        kube.put(document)

    answers = await found(kube, place(name="api"), place(), place("nowhere"), place(namespace="other"), place())

    assert [(one.replicas, one.autoscaler, one.unknown) for one in answers] == [
        (0, "", ""),
        (4, "cpu", ""),
        (None, "", "there is no agent nowhere"),
        (None, "", ""),
        (4, "cpu", ""),
    ]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (AgentUnavailable("east", dispatched=False), "agent east cannot be asked: it is not connected"),
        (ClusterBusy("throttled"), "the cluster of east did not say: throttled"),
        (ClusterRefused(403, "Forbidden", "no list"), "the cluster of east did not say: no list"),
        (
            RelayRefused("east", "DENIED", "not allowed", dispatched=False),
            "the cluster of east did not say: not allowed",
        ),
    ],
)
async def test_a_cluster_that_cannot_be_read_is_named_with_the_reason(error, reason):
    async def fail(_call):
        raise error

    (answer,) = await found(ModelKube(before=fail), place())

    assert (answer.replicas, answer.unknown) == (None, reason)


async def test_one_cluster_that_hangs_costs_the_others_nothing(looptime):
    async def hang(call):
        if call.ref.namespace == "slow":
            await asyncio.Event().wait()

    kube = ModelKube(before=hang)
    kube.put(a_deployment())

    answers = await found(kube, place(namespace="slow"), place())

    assert [one.unknown or one.replicas for one in answers] == ["the cluster of east did not answer within 8 s", 4]
    assert looptime == 8


@pytest.mark.parametrize("error", [ClusterRefused(403, "Forbidden", "no list"), KindNotServed("no such kind")])
async def test_a_cluster_that_does_not_show_autoscalers_still_counts_pods(error):
    async def fail(call):
        if call.ref.kind == "HorizontalPodAutoscaler":
            raise error

    kube = ModelKube(before=fail)
    kube.put(a_deployment())

    (answer,) = await found(kube, place())

    assert (answer.replicas, answer.autoscaler) == (4, "")


async def test_nothing_asked_is_refused():
    with pytest.raises(InvalidArgument):
        await found(ModelKube())
