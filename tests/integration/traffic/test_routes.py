"""Canaries whose traffic routes divide, on both kinds of cluster: Istio, SMI, Gateway API. Rows CN-07 to CN-15, RB-02.

A watch follows every write of each run: no version ever has a larger share than its ready pods can carry.
"""

from __future__ import annotations

import asyncio
import copy
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from borealis_server.domain.states import DeploymentState, EndReason, Rollback
from kit import meshes
from kit.control_plane import describe
from kit.lab import APPROVAL, NEVER, service, web, weight
from kit.shares import open_share_history

# The first one of a test run starts a cluster and has it serve the kinds.
pytestmark = pytest.mark.timeout(120)

CORE = "v1"
ISTIO_BLOCK = {"istio": [{"virtualService": {"name": "shop"}}]}
SMI_BLOCK = {"smi": [{"rootServiceName": "shop"}]}
GATEWAY_BLOCK = {"gatewayApi": [{"route": {"name": "shop"}}]}
GRPC_BLOCK = {"gatewayApi": [{"route": {"name": "shop", "kind": "GRPCRoute"}}]}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A provider: what is in the cluster before, and what the deploy file says."""

    name: str
    block: dict
    objects: tuple = field(default=())

    def __str__(self):
        return self.name


PROVIDERS = (
    Kind(name="istio", block=ISTIO_BLOCK, objects=(meshes.destination_rule(), meshes.virtual_service())),
    Kind(name="smi", block=SMI_BLOCK),
    Kind(name="http-route", block=GATEWAY_BLOCK, objects=(meshes.route(),)),
    Kind(name="grpc-route", block=GRPC_BLOCK, objects=(meshes.route("GRPCRoute"),)),
)
every_provider = pytest.mark.parametrize("provider", PROVIDERS, ids=str)
# Both routes of the Gateway API go the same way: once through is enough for the second.
each_once = pytest.mark.parametrize("provider", PROVIDERS[:3], ids=str)


def place(document):
    kind = document["kind"]
    return ("services" if kind == "Service" else meshes.PLURALS[kind]), document["apiVersion"]


async def prepared(lab, provider):
    """Version 1 runs behind a Service; the objects of the provider are somebody else's. Gives its ReplicaSet."""
    await lab.create("services", service("shop"), group=CORE)
    await applied(lab, *provider.objects)
    done = await lab.deploy(web("1"), traffic=provider.block)
    return done.targets[0].workloads[0].new_name


def settled(document):
    """An object without what every write changes."""
    kept = copy.deepcopy(document)
    for name in ("resourceVersion", "generation"):
        kept["metadata"].pop(name, None)
    # The order of the entries has no meaning.
    kept["metadata"]["managedFields"] = sorted(
        ({**each, "time": ""} for each in kept["metadata"].get("managedFields") or []), key=str
    )
    return kept


async def everything(lab):
    """Every Service and every object of a provider, by kind and name."""
    found = {}
    kinds = {**{plural: group_of(kind) for kind, plural in meshes.PLURALS.items()}, "services": CORE}
    for plural, group in kinds.items():
        for each in (await lab.rest.get(lab.path(plural, group=group))).ok()["items"]:
            found[plural, each["metadata"]["name"]] = settled(each)
    return found


def group_of(kind):
    return {"VirtualService": meshes.ISTIO, "DestinationRule": meshes.ISTIO, "TrafficSplit": meshes.SMI}.get(
        kind, meshes.GATEWAY
    )


@asynccontextmanager
async def safe_shares(lab, replicas=4):
    """No version ever had a larger share of the traffic than its ready pods can carry."""
    async with open_share_history(lab.api, lab.namespace) as history:
        yield history
    history.check(replicas=replicas)


async def start(lab, provider, version="2", *steps, **options):
    steps = steps or (weight(25), APPROVAL)
    return await lab.start(web(version), steps=steps, traffic=provider.block, **options)


def weights_of(provider, found):
    """Weights by what is led to, of the first rule."""
    if provider.name == "istio":
        entries = found["virtualservices", "shop"]["spec"]["http"][0]["route"]
        return {each["destination"]["subset"]: each["weight"] for each in entries}
    if provider.name == "smi":
        return {each["service"]: each["weight"] for each in found["trafficsplits", "shop"]["spec"]["backends"]}
    plural = {"http-route": "httproutes", "grpc-route": "grpcroutes"}[provider.name]
    return {each["name"]: each["weight"] for each in found[plural, "shop"]["spec"]["rules"][0]["backendRefs"]}


def selectors(found, *names):
    return [found["services", name]["spec"]["selector"].get("armory-pod-template-hash") for name in names]


@every_provider
async def test_every_step_in_turn_and_everything_as_it_was_after_success(lab, provider):
    """CN-07, CN-10, CN-11: the weights of each step, full-size versions beside each other, nothing left behind."""
    one = await prepared(lab, provider)
    before = await everything(lab)
    async with safe_shares(lab) as history, lab.sampled(at_least=4, at_most=8):
        key = await start(lab, provider, "2", weight(25), APPROVAL, weight(60), APPROVAL)

        quarter = await lab.until_approval(key)
        two = quarter.targets[0].workloads[0].new_name
        assert await lab.replica_sets() == {one: 4, two: 4}
        found = await everything(lab)
        assert list(weights_of(provider, found).values()) == [75, 25]
        load = quarter.targets[0].workloads[0]
        assert (load.asked_weight_percent, load.traffic_percent) == (25, 25)
        check_versions(provider, found, one, two)
        await lab.plane.deployments.approve(key, lab.plane.wish("approve", step="step-2"))

        await lab.plane.until(key, lambda now: now.targets[0].step("step-4").state == "AWAITING_APPROVAL")
        assert list(weights_of(provider, await everything(lab)).values()) == [40, 60]
        done = await lab.approve(key)

    assert done.state is DeploymentState.SUCCEEDED, describe(done)
    assert await lab.replica_sets() == {two: 4}
    assert await everything(lab) == before
    assert history.check(replicas=4) == [0, 25, 60, 100]


def check_versions(provider, found, one, two):
    """CN-10: the hash of each version is where traffic is divided."""
    old, new = one.removeprefix("shop-"), two.removeprefix("shop-")
    if provider.name == "istio":
        subsets = found["destinationrules", "shop"]["spec"]["subsets"]
        assert [(each["name"], each["labels"]["armory-pod-template-hash"]) for each in subsets] == [
            ("stable", old),
            ("stable-canary", new),
        ]
        assert all(each["trafficPolicy"] == subsets[0]["trafficPolicy"] for each in subsets)
    elif provider.name == "smi":
        assert selectors(found, "shop", "shop-stable", "shop-canary") == [None, old, new]
    else:
        assert selectors(found, "shop", "shop-canary") == [old, new]


@each_once
async def test_rb_02_and_cn_15_the_way_back_is_weight_then_pods_then_the_rest(lab, provider):
    """RB-02, CN-15, CN-09: by what the API server was asked to change, in that order."""
    one = await prepared(lab, provider)
    before = await everything(lab)
    async with safe_shares(lab), lab.sampled(at_least=4, at_most=8):
        key = await start(lab, provider)
        await lab.until_approval(key)
        sent = len(lab.plane.writes)
        done = await lab.roll_back(key)

    assert (done.state, done.targets[0].rollback) == (DeploymentState.CANCELLED, Rollback.DONE), describe(done)
    assert await lab.replica_sets() == {one: 4}
    assert await everything(lab) == before
    writes = [text.split("?")[0].rsplit("/", 2)[-2:] for text in lab.plane.writes[sent:]]
    kinds = [plural for plural, _ in writes]
    first_pods = kinds.index("replicasets")
    last_pods = len(kinds) - 1 - kinds[::-1].index("replicasets")
    # One write leads all traffic back; nothing of the rest is touched before the pods of the new version are gone.
    assert len(kinds[:first_pods]) == 1
    assert "replicasets" not in kinds[last_pods + 1 :]
    assert len(kinds[last_pods + 1 :]) >= 2


@each_once
async def test_what_somebody_changes_in_the_middle_is_put_right_and_told(lab, provider):
    await prepared(lab, provider)
    before = await everything(lab)
    key = await start(lab, provider)
    waiting = await lab.until_approval(key)
    for document in provider.objects or (meshes.traffic_split(shop_stable=10, shop_canary=90),):
        plural, group = place(document)
        path = lab.path(plural, "shop", group=group)
        (await lab.rest.patch(path, {"spec": document["spec"]}, fieldManager="helm")).ok()
    lab.plane.look_again(waiting)

    await until_repaired(lab, key, waiting.sequence)
    assert list(weights_of(provider, await everything(lab)).values()) == [75, 25]
    done = await lab.approve(key)
    assert done.state is DeploymentState.SUCCEEDED, describe(done)
    after = await everything(lab)
    assert {name: each["spec"] for name, each in after.items()} == {name: each["spec"] for name, each in before.items()}


async def until_repaired(lab, key, sequence):
    """Wait until somebody else's change is told, and the routes are as they were asked to be."""
    async with asyncio.timeout(30):
        while True:
            events = await lab.plane.journal.store.events(key, after_sequence=sequence, limit=100)
            run = (await lab.plane.deployments.get(key)).targets[0]
            is_told = any("somebody else changed it during the run" in each.message for each in events)
            if is_told and all(route.is_reached and route.real_percent == 25 for route in run.routes):
                return
            await asyncio.sleep(0.05)


async def test_a_first_deployment_divides_nothing(lab):
    await lab.create("services", service("shop"), group=CORE)
    done = await lab.deploy(web("1"), steps=(weight(10), APPROVAL), traffic=SMI_BLOCK)

    assert done.targets[0].routes == ()
    assert [name for _, name in await everything(lab)] == ["shop"]


async def test_a_route_that_is_nowhere_ends_the_run_before_it_changes_anything(lab):
    done = await lab.ended(web("1"), traffic=ISTIO_BLOCK)

    assert done.targets[0].end_reason is EndReason.ROUTE_NOT_MATCHED
    assert "VirtualService shop does not exist in namespace" in done.targets[0].message
    assert await lab.replica_sets() == {}


async def applied(lab, *documents):
    """Objects as somebody else has applied them."""
    for document in documents:
        plural, group = place(document)
        path = lab.path(plural, document["metadata"]["name"], group=group)
        (await lab.rest.apply(path, document, manager="helm")).ok()


async def test_cn_12_cn_14_a_named_route_among_several_with_hosts_of_every_length(lab):
    """CN-12, CN-14: only the named route changes, whichever way its host is written; others keep their share."""
    await lab.create("services", service("shop"), group=CORE)
    full = f"shop.{lab.namespace}.svc.cluster.local"
    routes = [
        {"name": "admin", "route": [{"destination": {"host": "admin", "subset": "stable"}}]},
        {
            "name": "buy",
            "route": [
                {"destination": {"host": full, "subset": "stable"}, "weight": 70},
                {"destination": {"host": "legacy"}, "weight": 30},
            ],
        },
    ]
    other = meshes.destination_rule("another", host="another")
    await applied(lab, meshes.destination_rule(), other, meshes.virtual_service(http=routes))
    block = {"istio": [{"virtualService": {"name": "shop", "httpRouteName": "buy"}}]}
    await lab.deploy(web("1"), traffic=block)
    before = await everything(lab)
    key = await lab.start(web("2"), steps=(weight(50), APPROVAL), traffic=block)
    await lab.until_approval(key)

    live = (await everything(lab))["virtualservices", "shop"]["spec"]["http"]
    assert live[0] == routes[0]
    assert [each["weight"] for each in live[1]["route"]] == [35, 35, 30]
    assert sum(each["weight"] for each in live[1]["route"]) == 100
    done = await lab.approve(key)
    assert done.state is DeploymentState.SUCCEEDED, describe(done)
    assert await everything(lab) == before


@pytest.mark.parametrize("ends", ["approved", "rolled-back"])
async def test_cn_13_routes_that_come_with_the_very_run(lab, ends):
    """CN-13: they are applied first, then divided; at the end they are as the manifests say, or were never there."""
    objects = (service("shop"), meshes.destination_rule(), meshes.virtual_service())
    one = (await lab.deploy(service("shop"), web("1"))).targets[0].workloads[0].new_name
    async with safe_shares(lab):
        key = await lab.start(*objects, web("2"), steps=(weight(25), APPROVAL), traffic=ISTIO_BLOCK)
        await lab.until_approval(key)
        found = await everything(lab)
        entries = found["virtualservices", "shop"]["spec"]["http"][0]["route"]
        assert [each["weight"] for each in entries] == [75, 25]
        done = await (lab.approve(key) if ends == "approved" else lab.roll_back(key))

    found = await everything(lab)
    if ends == "approved":
        assert done.state is DeploymentState.SUCCEEDED, describe(done)
        for document in objects[1:]:
            plural, _ = place(document)
            assert found[plural, "shop"]["spec"] == document["spec"]
        # Applying once more is no conflict with ourselves, and changes nothing.
        await lab.deploy(*objects, web("3"), traffic=ISTIO_BLOCK)
        assert {name: each["spec"] for name, each in (await everything(lab)).items()} == {
            name: each["spec"] for name, each in found.items()
        }
    else:
        assert done.targets[0].rollback is Rollback.DONE, describe(done)
        assert [name for name in found if name[0] != "services"] == []
        assert await lab.replica_sets() == {one: 4}


@pytest.mark.parametrize("block", [SMI_BLOCK, GATEWAY_BLOCK], ids=["smi", "gateway-api"])
async def test_cn_08_a_canary_service_is_made_only_where_none_is_given(lab, block):
    """CN-08, CN-09: one that is given is tied to the new version for the time of the run, and stays."""
    await lab.create("services", service("shop"), group=CORE)
    await lab.create("services", service("shop-next"), group=CORE)
    await applied(lab, meshes.route())
    ((name, (entry,)),) = block.items()
    given = {name: [{**entry, "canaryServiceName": "shop-next"}]}
    await lab.deploy(web("1"), traffic=given)
    before = await everything(lab)
    key = await lab.start(web("2"), steps=(weight(10), APPROVAL), traffic=given)
    waiting = await lab.until_approval(key)

    found = await everything(lab)
    new = waiting.targets[0].workloads[0].new_name.removeprefix("shop-")
    assert selectors(found, "shop-next") == [new]
    assert ("services", "shop-canary") not in found
    done = await lab.approve(key)
    assert done.state is DeploymentState.SUCCEEDED, describe(done)
    assert await everything(lab) == before


async def test_two_deployments_each_with_its_route_and_a_third_without(lab):
    """RB-04: routes of all Deployments move in the same step and go back together; a worker shares by pods."""
    names = ("shop", "api")
    for name in names:
        await lab.create("services", service(name, app=name), group=CORE)
    await applied(
        lab,
        *(meshes.destination_rule(name, host=name, app=name) for name in names),
        *(meshes.virtual_service(name, host=name) for name in names),
    )
    block = {"istio": [{"virtualService": {"name": name}} for name in names]}

    def version(text):
        return [web(text, name=name, replicas=2) for name in (*names, "worker")]

    first = await lab.deploy(*version("1"), traffic=block)
    before, pods = await everything(lab), await lab.replica_sets()
    key = await lab.start(*version("2"), steps=(weight(50), APPROVAL), traffic=block)
    waiting = await lab.until_approval(key)

    live = await everything(lab)
    for name in names:
        entries = live["virtualservices", name]["spec"]["http"][0]["route"]
        assert [each["weight"] for each in entries] == [50, 50]
    counts = {load.name: (load.new_pods, load.old_pods) for load in waiting.targets[0].workloads}
    assert counts == {"shop": (2, 2), "api": (2, 2), "worker": (1, 1)}
    done = await lab.roll_back(key)
    assert done.targets[0].rollback is Rollback.DONE, describe(done)
    assert await everything(lab) == before
    assert await lab.replica_sets() == pods
    assert len(first.targets[0].workloads) == 3


async def test_a_version_that_never_gets_ready_has_no_traffic(lab):
    await prepared(lab, PROVIDERS[0])
    before = await everything(lab)
    async with safe_shares(lab) as history:
        broken = web("2", pod={"readinessGates": NEVER})
        key = await lab.start(broken, steps=(weight(50),), traffic=ISTIO_BLOCK)
        await lab.until_wait(key, "pods of the new version available")
        lab.plane.clock.jump(61)
        done = await lab.plane.until_end(key)

    assert (done.targets[0].end_reason, done.targets[0].rollback) == (EndReason.READINESS_TIMEOUT, Rollback.DONE)
    assert set(history.check(replicas=4)) <= {0}
    assert await everything(lab) == before


async def test_a_route_that_somebody_deletes_ends_the_run_and_pods_go_back(lab):
    one = await prepared(lab, PROVIDERS[0])
    key = await start(lab, PROVIDERS[0])
    waiting = await lab.until_approval(key)
    (await lab.rest.delete(lab.path("virtualservices", "shop", group=meshes.ISTIO))).ok()
    lab.plane.look_again(waiting)
    done = await lab.plane.until_end(key)

    assert done.state is DeploymentState.FAILED
    assert "VirtualService shop is gone: somebody else deleted it" in done.targets[0].message
    assert done.targets[0].rollback is Rollback.DONE, describe(done)
    assert await lab.replica_sets() == {one: 4}
