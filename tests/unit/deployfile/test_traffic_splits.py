"""TrafficSplits become HTTPRoutes that divide the same traffic, and what cannot be carried over is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_deployfile.traffic_splits import MOST_WEIGHT, convert_split, is_traffic_split, port_of, whole_weights

if TYPE_CHECKING:
    from fractions import Fraction


def split(*backends, service="shop", **more):
    spec = {"service": service, "backends": [{"service": name, "weight": weight} for name, weight in backends], **more}
    return {
        "apiVersion": "split.smi-spec.io/v1alpha2",
        "kind": "TrafficSplit",
        "metadata": {"name": "shop", "namespace": "prod", "labels": {"app": "shop"}, "uid": "1"},
        "spec": spec,
    }


def refs(converted):
    (rule,) = converted.document["spec"]["rules"]
    return {each["name"]: each["weight"] for each in rule["backendRefs"]}


def test_a_split_becomes_a_route_of_its_root_service():
    converted = convert_split(split(("stable", 90), ("canary", 10)), port=80)

    assert converted.document == {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "shop", "namespace": "prod", "labels": {"app": "shop"}},
        "spec": {
            "parentRefs": [{"group": "", "kind": "Service", "name": "shop", "port": 80}],
            "rules": [
                {
                    "backendRefs": [
                        {"name": "stable", "port": 80, "weight": 90},
                        {"name": "canary", "port": 80, "weight": 10},
                    ]
                }
            ],
        },
    }
    assert converted.remarks == ()


def test_a_gateway_takes_the_place_of_the_root_service():
    converted = convert_split(split(("stable", 1)), port=80, gateway="door")

    assert converted.document["spec"]["parentRefs"] == [{"name": "door"}]


@pytest.mark.parametrize(
    ("weights", "wanted"),
    [
        pytest.param((90, 10), (90, 10), id="percent-stays"),
        pytest.param((1, 3), (25, 75), id="shares-become-percent"),
        pytest.param(("900m", "100m"), (90, 10), id="thousandths-of-v1alpha1"),
        pytest.param(("1", "500m"), (2, 1), id="mixed-quantities"),
        pytest.param(("1k", 1000), (50, 50), id="thousands"),
        pytest.param((200, 400), (1, 2), id="as-small-as-they-get"),
        pytest.param((0, 5), (0, 100), id="none-stays-none"),
    ],
)
def test_weights_are_round_numbers_of_the_same_proportions(weights, wanted):
    converted = convert_split(split(("a", weights[0]), ("b", weights[1])), port=80)

    assert tuple(refs(converted).values()) == wanted


@given(st.lists(st.fractions(min_value=0, max_value=10**9, max_denominator=1000), min_size=1, max_size=5))
def test_proportions_are_kept_or_told_to_be_rounded(weights: list[Fraction]):
    whole, is_rounded = whole_weights(weights)

    assert all(0 <= weight <= MOST_WEIGHT for weight in whole)
    assert [bool(weight) for weight in whole] == [bool(weight) for weight in weights]
    if not is_rounded:
        assert all(whole[0] * other == each * weights[0] for each, other in zip(whole, weights, strict=True))


def test_weights_beyond_the_limit_are_rounded_and_told():
    converted = convert_split(split(("a", 3_000_000), ("b", 1)), port=80)

    assert refs(converted) == {"a": MOST_WEIGHT, "b": 1}
    assert converted.remarks == ("weights had to be rounded",)


@pytest.mark.parametrize("weight", ["much", "-1", "1/0"])
def test_what_is_no_weight_is_refused(weight):
    with pytest.raises(ValueError, match="the weight"):
        convert_split(split(("a", weight)), port=80)


def test_what_cannot_be_carried_over_is_told():
    matches = [{"kind": "HTTPRouteGroup", "name": "users"}]
    elsewhere = convert_split(split(("a.other.svc.cluster.local", 0), matches=matches), port=80)

    assert elsewhere.document["spec"]["rules"][0]["backendRefs"][0]["namespace"] == "other"
    assert [remark.split()[0] for remark in elsewhere.remarks] == ["matches", "all", "Service"]
    assert convert_split(split(), port=80).remarks[0].startswith("it has no backends")


def test_what_kubectl_remembers_stays_behind():
    document = split(("a", 1))
    document["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "team": "cart"}

    assert convert_split(document, port=80).document["metadata"]["annotations"] == {"team": "cart"}


def test_the_port_is_the_only_one_of_the_root_service():
    root = {"kind": "Service", "metadata": {"name": "shop"}, "spec": {"ports": [{"port": 8080}]}}
    two = {**root, "spec": {"ports": [{"port": 1}, {"port": 2}]}}

    assert port_of(split(service="shop.prod"), [root]) == 8080
    assert port_of(split(), [two]) is None
    assert port_of(split(), []) is None


def test_only_traffic_splits_are_some():
    assert is_traffic_split(split())
    assert not is_traffic_split({"apiVersion": "v1", "kind": "TrafficSplit"})
