"""Shaping and releasing objects of routes in a cluster of plain dictionaries; fields go back to their owners."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from borealis_server.domain.effects import Busy, Done, Outdated, Refused, ReleaseRoute, ShapeRoute
from borealis_server.domain.kubernetes.field_owners import releasing_patch
from borealis_server.ports.cluster import ObjectRef
from borealis_server.services.effects.routes import RouteEffects, part_ref, read_routes
from borealis_server.services.route_observer import RouteObserver
from kit.delivery import a_target
from kit.effects import SITE
from kit.lab import service
from kit.manifests import replica_set
from kit.meshes import destination_rule, virtual_service
from kit.model_kube import ModelKube
from kit.routing import ISTIO, SMI, RouteLab, placed

VERSION = "armory-pod-template-hash"


def lab_in(kube, spec, *documents):
    for each in placed(*documents):
        kube.put(each)
    return RouteLab.of(spec, *documents).route


def the(kube, kind, name):
    found = kube.find(kind, name)
    assert found is not None
    return found


def shape(route, number, percent):
    return ShapeRoute(route=route, part=route.parts[number], percent=percent)


def release(route, number, **options):
    return ReleaseRoute(route=route, part=route.parts[number], stays=route.new, gone=options.pop("gone", ()), **options)


async def test_an_object_is_shaped_in_one_write_and_not_again():
    kube = ModelKube()
    route = lab_in(kube, ISTIO, virtual_service(), destination_rule())
    effects = RouteEffects(kube)

    assert await effects.shape(SITE, shape(route, 1, 25)) == Done()
    assert await effects.shape(SITE, shape(route, 1, 25)) == Done()

    assert kube.writes == ["patch VirtualService shop"]
    entries = the(kube, "VirtualService", "shop")["spec"]["http"][0]["route"]
    assert [each["weight"] for each in entries] == [75, 25]


async def test_an_object_that_has_changed_meanwhile_is_looked_at_again():
    kube = ModelKube(refuses_patches=True)
    route = lab_in(kube, ISTIO, virtual_service(), destination_rule())

    assert await RouteEffects(kube).shape(SITE, shape(route, 1, 25)) == Outdated()


async def test_an_object_that_is_gone_is_refused_by_name():
    route = RouteLab.of(ISTIO, virtual_service(), destination_rule()).route

    outcome = await RouteEffects(ModelKube()).shape(SITE, shape(route, 0, 25))

    assert isinstance(outcome, Refused)
    assert outcome.message.startswith("DestinationRule shop is gone")


async def test_what_the_run_makes_says_whose_it_is_and_goes_at_the_end():
    kube = ModelKube()
    route = lab_in(kube, SMI, service("shop"))
    effects = RouteEffects(kube)
    for number in range(3):
        assert await effects.shape(SITE, shape(route, number, 10)) == Done()
    made = the(kube, "TrafficSplit", "shop")
    assert made["metadata"]["annotations"]["deploy.armory.io/deployment-id"] == "abc"

    for number in (2, 1, 0):
        assert await effects.release(SITE, release(route, number)) == Done()
        assert await effects.release(SITE, release(route, number)) == Done()

    assert [ref.name for ref in kube.objects] == ["shop"]


async def test_somebody_who_makes_the_same_object_meanwhile_is_seen():
    kube = ModelKube()
    route = lab_in(kube, SMI, service("shop"))

    async def comes(call):
        if call.verb == "create":
            kube.put(placed(service("shop-stable"))[0])

    kube.before = comes
    assert await RouteEffects(kube).shape(SITE, shape(route, 0, 0)) == Outdated()


async def test_nothing_is_released_while_pods_of_the_other_version_are_there():
    kube = ModelKube()
    route = lab_in(kube, ISTIO, virtual_service(), destination_rule())
    pods = placed(replica_set("shop-old"))[0]
    pods["spec"]["template"]["metadata"]["labels"][VERSION] = "old"
    kube.put(pods)
    effects = RouteEffects(kube)

    assert isinstance(await effects.release(SITE, release(route, 1, gone=route.old)), Busy)
    kube.pods_are_going = True
    assert await effects.release(SITE, release(route, 1, gone=route.old)) == Done()


async def test_a_route_that_cannot_be_left_as_it_was_is_refused_by_name():
    kube = ModelKube()
    route = lab_in(kube, ISTIO, virtual_service(), destination_rule())
    the(kube, "VirtualService", "shop")["spec"]["http"] = []

    assert isinstance(await RouteEffects(kube).release(SITE, release(route, 1)), Refused)


async def test_fields_go_back_to_their_owners_in_a_write_of_their_own():
    kube = ModelKube()
    service_ = virtual_service()
    service_["metadata"]["managedFields"] = [entry("helm", "Apply", {"f:spec": {"f:http": {}, "f:hosts": {}}})]
    route = lab_in(kube, ISTIO, service_, destination_rule())
    effects = RouteEffects(kube)
    await effects.shape(SITE, shape(route, 1, 50))
    live = the(kube, "VirtualService", "shop")
    live["metadata"]["managedFields"] = [
        entry("helm", "Apply", {"f:spec": {"f:hosts": {}}}),
        entry("borealis", "Update", {"f:spec": {"f:http": {}}}),
    ]

    assert await effects.release(SITE, release(route, 1)) == Done()

    (owner,) = the(kube, "VirtualService", "shop")["metadata"]["managedFields"]
    assert owner == entry("helm", "Apply", {"f:spec": {"f:hosts": {}, "f:http": {}}})


def entry(manager, operation, fields):
    return {"manager": manager, "operation": operation, "apiVersion": "x/v1", "fieldsV1": fields}


@pytest.mark.parametrize(
    ("live", "before", "wanted"),
    [
        pytest.param([entry("helm", "Apply", {"f:a": {}})], [], None, id="nothing-of-ours"),
        pytest.param([entry("borealis", "Update", {"f:a": {}})], [], [], id="nobody-before"),
        pytest.param(
            [entry("borealis", "Update", {"f:a": {}})],
            [entry("helm", "Apply", {"f:a": {}, "f:b": {}}), entry("borealis", "Update", {"f:a": {}})],
            [entry("helm", "Apply", {"f:a": {}})],
            id="an-owner-that-had-lost-everything",
        ),
        pytest.param(
            [entry("borealis", "Apply", {"f:b": {}}), entry("borealis", "Update", {"f:a": {"f:x": {}}})],
            [entry("borealis", "Apply", {"f:a": {"f:x": {}, "f:y": {}}}), entry("kubectl", "Update", {"f:c": {}})],
            [entry("borealis", "Apply", {"f:b": {}, "f:a": {"f:x": {}}})],
            id="ourselves-by-another-operation",
        ),
    ],
)
def test_owners_of_fields(live, before, wanted):
    document = {"metadata": {"resourceVersion": "7", "managedFields": live}}
    patch = releasing_patch(document, json.dumps({"metadata": {"managedFields": before}}))

    assert (patch[1]["value"] if patch else None) == wanted
    assert patch is None or patch[0]["value"] == "7"


def test_an_object_without_a_copy_has_no_earlier_owners():
    document = {"metadata": {"managedFields": [entry("borealis", "Update", {"f:a": {}})]}}

    patch = releasing_patch(document, "")
    assert patch is not None
    assert patch[1]["value"] == []


async def test_objects_of_the_newest_version_that_is_served_are_read():
    kube = ModelKube()
    lab_in(kube, ISTIO, virtual_service(), destination_rule())

    found, served = await read_routes(kube, SITE, [ISTIO, ISTIO])

    assert sorted(each["kind"] for each in found) == ["DestinationRule", "VirtualService"]
    assert served["VirtualService"] == "networking.istio.io/v1"
    kube.unserved.add("VirtualService")
    found, served = await read_routes(kube, SITE, [ISTIO])
    assert list(served) == ["DestinationRule"]


async def test_the_observer_sees_every_object_and_the_endpoints_of_the_new_version():
    kube = ModelKube()
    route = lab_in(kube, SMI, service("shop"))
    await RouteEffects(kube).shape(SITE, shape(route, 1, 0))

    seen = await RouteObserver(kube).observe(SITE.agent, replace(a_target(), routes=(route,)))

    assert set(seen[route.key]) == {("Service", "shop-canary"), ("Endpoints", "shop-canary")}
    assert part_ref(route, route.parts[2]) == ObjectRef(
        api_version="split.smi-spec.io/v1alpha2", kind="TrafficSplit", name="shop", namespace="ns"
    )
