"""How many pods are live, from what a namespace holds."""

import pytest

from borealis_server.domain.errors import InvalidArgument
from borealis_server.domain.live_replicas import LiveReplicas, WorkloadPlace, check_places, live_replicas
from borealis_server.domain.preparation import LiveObjects

WEB = WorkloadPlace(account="c", namespace="ns", name="web")


def ours(name, *, pods, live=False, workload="web"):
    return {
        "metadata": {
            "name": name,
            "labels": {"deploy.borealis.dev/managed": "true", "deploy.borealis.dev/workload": workload},
            "annotations": {"deploy.borealis.dev/live": "true"} if live else {},
        },
        "spec": {"replicas": pods},
        "status": {"availableReplicas": pods},
    }


def native(pods):
    return {"metadata": {"name": "web", "uid": "u"}, "spec": {} if pods is None else {"replicas": pods}}


def of_native(name, pods):
    return {
        "metadata": {"name": name, "ownerReferences": [{"kind": "Deployment", "name": "web", "uid": "u"}]},
        "spec": {"replicas": pods},
    }


def scaler(kind, name):
    return {"metadata": {"name": "cpu"}, "spec": {"scaleTargetRef": {"kind": kind, "name": name}}}


def found(*sets, native=None, scalers=()):
    live = LiveObjects(natives={("ns", "web"): native} if native else {}, replica_sets={"ns": sets}, objects={})
    result = live_replicas(WEB, live, scalers)
    return result.replicas, result.autoscaler


@pytest.mark.parametrize(
    ("sets", "of_kubernetes", "replicas"),
    [
        pytest.param((), None, None, id="nothing-is-live"),
        pytest.param((ours("web-a", pods=3, live=True), ours("web-b", pods=9)), None, 3, id="the-live-version"),
        pytest.param((ours("web-a", pods=0, live=True),), None, 0, id="scaled-to-none"),
        pytest.param((ours("api-a", pods=3, live=True, workload="api"),), None, None, id="another-workload"),
        pytest.param((of_native("web-x", 4), ours("web-a", pods=3, live=True)), native(5), 5, id="a-native-deployment"),
        pytest.param((of_native("web-x", 4),), native(None), 4, id="a-native-one-that-does-not-say"),
        pytest.param((), native(2), 2, id="a-native-one-without-pods-yet"),
    ],
)
def test_the_number_is_what_a_deployment_would_keep(sets, of_kubernetes, replicas):
    assert found(*sets, native=of_kubernetes) == (replicas, "")


@pytest.mark.parametrize(
    ("kind", "name", "autoscaler"),
    [
        ("Deployment", "web", "cpu"),
        ("ReplicaSet", "web-a", "cpu"),
        ("Deployment", "api", ""),
        ("ReplicaSet", "web-b", ""),
    ],
)
def test_an_autoscaler_is_found_by_the_deployment_or_its_live_version(kind, name, autoscaler):
    assert found(ours("web-a", pods=7, live=True), scalers=[scaler(kind, name)]) == (7, autoscaler)
    assert found(scalers=[{"metadata": {"name": "empty"}}]) == (None, "")


def test_places_are_named_wholly_and_not_too_many():
    check_places([WEB] * 500)
    for places in ([], [WEB] * 501, [WEB, WorkloadPlace(account="c", namespace="", name="web")]):
        with pytest.raises(InvalidArgument, match="workloads"):
            check_places(places)


def test_a_place_that_is_not_known_says_why():
    assert LiveReplicas(place=WEB, unknown="away").replicas is None
