"""Pointing Services at versions, and looking at whose pods stand behind them, in a cluster of plain dictionaries."""

from __future__ import annotations

from dataclasses import replace

import pytest

from borealis_server.domain.deployment import DeploymentKey
from borealis_server.domain.effects import Done, Outdated, PointService, Refused
from borealis_server.domain.kubernetes.marks import Origin
from borealis_server.domain.observation import ServiceView
from borealis_server.domain.states import EndReason
from borealis_server.ports.cluster import ObjectRef
from borealis_server.ports.relay import AgentRef
from borealis_server.services.effects.services import ServiceEffects
from borealis_server.services.effects.site import Site
from borealis_server.services.service_observer import ServiceObserver
from kit.blue_green import BASE, TO_NEW, TO_OLD, blue_green_drive
from kit.delivery import NEW, OLD
from kit.manifests import replica_set, service
from kit.model_kube import ModelKube

AGENT = AgentRef(tenant="main", name="cluster")
SITE = Site(
    key=DeploymentKey(tenant="main", id="abc"),
    agent=AGENT,
    origin=Origin(application="shop", deployment_id="abc", target="prod"),
    namespaces=frozenset({"shop"}),
)
REF = ObjectRef(api_version="v1", kind="Service", name="shop", namespace="shop")
TO_THE_OLD = PointService(namespace="shop", name="shop", selector=TO_OLD, known=(BASE, TO_OLD, TO_NEW))


def in_shop(document):
    return {**document, "metadata": {**document["metadata"], "namespace": "shop"}}


def put_service(kube, selector, name="shop"):
    live = in_shop(service(name))
    live["spec"]["selector"] = dict(selector)
    return kube.put(live)


@pytest.mark.parametrize(
    ("selector", "writes"),
    [
        pytest.param(BASE, 1, id="not-at-one-version-yet"),
        pytest.param(TO_NEW, 1, id="at-the-other-version"),
        pytest.param((("app", "shop"), ("pod-template-hash", "x")), 1, id="at-a-version-nobody-knows"),
        pytest.param(TO_OLD, 0, id="there-already"),
    ],
)
async def test_the_whole_selector_is_replaced_in_one_patch(selector, writes):
    kube = ModelKube()
    put_service(kube, selector)

    assert await ServiceEffects(kube).point(SITE, TO_THE_OLD) == Done()
    assert kube.objects[REF]["spec"]["selector"] == dict(TO_OLD)
    assert len(kube.writes) == writes


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        pytest.param({"app": "maintenance"}, "now selects app=maintenance: somebody else changed it", id="elsewhere"),
        pytest.param({}, "now selects nothing", id="nothing"),
        pytest.param(None, "is gone: somebody else deleted it", id="deleted"),
    ],
)
async def test_a_service_that_somebody_else_took_is_left(selector, text):
    kube = ModelKube()
    if selector is not None:
        put_service(kube, selector.items())

    refused = await ServiceEffects(kube).point(SITE, TO_THE_OLD)

    assert isinstance(refused, Refused)
    assert refused.reason is EndReason.APPLY_ERROR
    assert text in refused.message
    assert kube.writes == []


async def test_a_change_between_look_and_patch_is_looked_at_again():
    kube = ModelKube()
    put_service(kube, BASE)

    async def meddle(call):
        if call.verb == "patch":
            put_service(kube, TO_NEW)

    kube.before = meddle

    assert await ServiceEffects(kube).point(SITE, TO_THE_OLD) == Outdated()
    assert kube.objects[REF]["spec"]["selector"] == dict(TO_NEW)


async def test_endpoints_are_counted_by_version():
    kube = ModelKube()
    for name, version, pods in ((OLD, "old", 2), (NEW, "new", 3), ("shop-other", "other", 1)):
        live = in_shop(replica_set(name, replicas=pods))
        live["spec"]["template"]["metadata"]["labels"] = {"app": "shop", "armory-pod-template-hash": version}
        kube.put(live)
    for _ in range(3):
        kube.advance()
    put_service(kube, BASE)
    run = blue_green_drive().until_hold().run

    views = await ServiceObserver(kube).observe(AGENT, run)

    assert views == {
        ("shop", "shop"): ServiceView(selector=BASE, new=3, old=2, others=1),
        ("shop", "shop-next"): ServiceView(selector=None),
    }
    put_service(kube, TO_NEW, "shop-next")
    views = await ServiceObserver(kube).observe(AGENT, run)
    assert views["shop", "shop-next"] == ServiceView(selector=TO_NEW, new=3)


async def test_addresses_that_are_no_pods_count_as_others():
    kube = ModelKube()
    put_service(kube, BASE)
    run = blue_green_drive().until_hold().run
    run = replace(run, services=run.services[:1])
    addresses = [{"ip": "192.0.2.1"}, {"ip": "192.0.2.2"}]
    endpoints = {"subsets": [{"addresses": addresses}, {"addresses": addresses}, {"notReadyAddresses": addresses}]}

    class Odd(ModelKube):
        async def get(self, agent, ref):
            return endpoints if ref.kind == "Endpoints" else await kube.get(agent, ref)

    views = await ServiceObserver(Odd()).observe(AGENT, run)

    assert views["shop", "shop"] == ServiceView(selector=BASE, others=2)
