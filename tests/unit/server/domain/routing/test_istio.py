"""Istio: weights of the named http route, subsets of the DestinationRule, all left as it was. Rows CN-10 to CN-14."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_server.domain.effects import Refused
from borealis_server.domain.routing.registry import PROVIDERS
from kit.meshes import destination_rule, virtual_service
from kit.routing import ISTIO, RouteLab, planned, side

HASH = "armory-pod-template-hash"


def entry(host="shop", subset="stable", **more):
    return {"destination": {"host": host, **({"subset": subset} if subset else {})}, **more}


def http(*entries, name=""):
    return {**({"name": name} if name else {}), "route": list(entries)}


def subset(name, **labels):
    return {"name": name, "labels": labels}


def rule(*subsets, host="shop", name="shop"):
    document = destination_rule(name, host=host)
    return {**document, "spec": {**document["spec"], "subsets": list(subsets)}} if subsets else document


def lab_of(*routes, rules=None, spec=ISTIO):
    return RouteLab.of(spec, *(rules or [rule()]), virtual_service(http=list(routes) or None))


def entries(lab, number=0):
    return [
        (each["destination"].get("subset"), each.get("weight"))
        for each in lab.spec("VirtualService")["http"][number]["route"]
    ]


def test_a_share_ties_both_subsets_and_divides_the_only_destination():
    lab = lab_of().share(25)

    assert entries(lab) == [("stable", 75), ("stable-canary", 25)]
    stable, canary = lab.spec("DestinationRule")["subsets"]
    assert (stable["labels"][HASH], canary["labels"][HASH]) == ("old", "new")
    assert canary["trafficPolicy"] == stable["trafficPolicy"]
    assert lab.percent == 25


SHAPES = (
    [http(entry())],
    [http(entry(weight=100))],
    [http(entry(weight=60), entry("legacy", "", weight=40))],
    [http(entry("legacy", "", weight=40), entry(weight=60, headers={"x": 1}))],
    [http(entry(weight=60), entry(subset="stable-canary", weight=0), entry("legacy", "", weight=40))],
)


@given(st.sampled_from(SHAPES), st.lists(st.integers(0, 100), max_size=5), st.booleans())
def test_weights_always_add_up_and_everything_is_left_as_it_was(routes, percents, is_back):
    lab = lab_of(*copy.deepcopy(routes))
    before = copy.deepcopy(lab.live)
    for percent in percents:
        lab.share(percent)
        weights = [weight for _, weight in entries(lab)]
        assert sum(weights) == 100
        assert lab.percent is not None
        assert abs(lab.percent - percent) <= 1

    assert lab.release(is_back=is_back).live == before


def test_cn_12_only_the_named_route_changes():
    lab = lab_of(http(entry(), name="one"), http(entry(), name="two"), spec=replace(ISTIO, rule="two")).share(10)

    assert entries(lab, 0) == [("stable", None)]
    assert entries(lab, 1) == [("stable", 90), ("stable-canary", 10)]


@pytest.mark.parametrize("host", ["shop", "shop.ns", "shop.ns.svc", "shop.ns.svc.cluster.local", "SHOP.ns.svc.home."])
def test_cn_14_hosts_of_every_length_are_one(host):
    assert lab_of(http(entry(host)), rules=[rule(host="shop.ns.svc.cluster.local")]).share(50).percent == 50


def test_what_a_failed_rollback_left_is_no_part_of_what_was_there():
    left = [
        {**subset("stable", app="shop", **{HASH: "gone"})},
        subset("stable-canary", app="shop", **{HASH: "dead"}),
    ]
    routes = http(entry(weight=70), entry(subset="stable-canary", weight=30))

    lab = lab_of(routes, rules=[rule(*left)]).share(50).release()

    assert lab.spec("DestinationRule")["subsets"] == [subset("stable", app="shop")]
    assert entries(lab) == [("stable", 100)]


def test_what_somebody_changes_of_the_rest_stays():
    lab = lab_of(http(entry(weight=60), entry("legacy", "", weight=40))).share(50)
    service = lab.live["VirtualService", "shop"]["spec"]
    service["hosts"] = ["shop", "store"]
    service["http"][0]["route"][-1]["weight"] = 20
    lab.live["DestinationRule", "shop"]["spec"]["subsets"].append(subset("other", app="shop"))

    assert sum(weight for _, weight in entries(lab.share(50))) == 100
    lab.release()

    assert entries(lab) == [("stable", 80), (None, 20)]
    assert lab.spec("VirtualService")["hosts"] == ["shop", "store"]
    assert [each["name"] for each in lab.spec("DestinationRule")["subsets"]] == ["stable", "other"]


def test_a_subset_that_somebody_removed_comes_back():
    lab = lab_of().share(50)
    lab.live["DestinationRule", "shop"]["spec"]["subsets"].clear()
    lab.live["VirtualService", "shop"]["spec"]["http"][0]["route"] = [entry("else", "")]

    assert lab.share(50).percent is not None
    assert [each["name"] for each in lab.spec("DestinationRule")["subsets"]] == ["stable", "stable-canary"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        pytest.param(lambda spec: spec.update(http=[]), "has no http route", id="no-route"),
        pytest.param(lambda spec: spec["http"][0].pop("route"), "has no destinations", id="a-redirect"),
        pytest.param(
            lambda spec: spec["http"][0].update(route=[entry("a", "", weight=90), entry("b", "", weight=20)]),
            "add up to more than 100",
            id="too-much",
        ),
    ],
)
def test_what_cannot_be_divided_any_more_is_told(change, text):
    lab = lab_of().share(50)
    change(lab.live["VirtualService", "shop"]["spec"])

    assert text in lab.misfit("VirtualService")


def test_an_object_that_is_gone_is_told():
    lab = lab_of()
    lab.live.clear()

    assert lab.misfit("VirtualService") == "VirtualService shop is gone: somebody else deleted it; create it again"
    assert lab.percent is None


@pytest.mark.parametrize(
    ("spec", "live", "text"),
    [
        pytest.param(ISTIO, [rule()], "VirtualService shop does not exist in namespace ns", id="no-service"),
        pytest.param(ISTIO, [virtual_service()], "no DestinationRule is for a host", id="no-rule"),
        pytest.param(
            ISTIO, [virtual_service(), rule(), rule(name="two")], "2 DestinationRules are for a host", id="two-rules"
        ),
        pytest.param(
            replace(ISTIO, destination_rule="gone"),
            [virtual_service()],
            "DestinationRule gone does not",
            id="named-rule",
        ),
        pytest.param(
            replace(ISTIO, active_subset="blue"), [virtual_service(), rule()], "has no subset blue", id="named-subset"
        ),
        pytest.param(
            ISTIO,
            [virtual_service(), rule(subset("one"), subset("two"))],
            "has the subsets one, two: name one",
            id="several-subsets",
        ),
        pytest.param(
            ISTIO,
            [virtual_service(http=[http(entry(), name="a"), http(entry(), name="b")]), rule()],
            "has 2 http routes: name one in virtualService.httpRouteName",
            id="cn-12-several-routes",
        ),
        pytest.param(
            replace(ISTIO, rule="c"),
            [virtual_service(http=[http(entry(), name="a")]), rule()],
            "has no http route c",
            id="no-such-route",
        ),
        pytest.param(
            ISTIO, [virtual_service(http=[http(entry(subset=""))]), rule()], "has no destination with", id="no-subset"
        ),
        pytest.param(
            ISTIO,
            [virtual_service(http=[http(entry(weight=50), entry(weight=50))]), rule()],
            "has 2 destinations with host shop and subset stable",
            id="twice",
        ),
        pytest.param(
            ISTIO,
            [virtual_service(http=[http(entry(weight=1), entry("else", "", weight=1))]), rule()],
            "add up to 2, not to 100",
            id="not-100",
        ),
        pytest.param(
            ISTIO,
            [virtual_service(http=[http(entry(weight=0), entry("else", "", weight=100))]), rule()],
            "has no traffic",
            id="nothing-to-divide",
        ),
        pytest.param(
            ISTIO,
            [virtual_service(), rule(subset("stable", app="other"))],
            "does not lead to the pods",
            id="other-pods",
        ),
    ],
)
def test_what_does_not_fit_is_told_before_anything_is_changed(spec, live, text):
    found = planned(spec, *live)

    assert isinstance(found, Refused)
    assert text in found.message


def test_versions_that_cannot_be_told_apart_are_told():
    found = planned(ISTIO, virtual_service(), rule(), sides=(side(old={"app": "shop"}),))

    assert isinstance(found, Refused)
    assert "kubectl rollout restart deployment shop" in found.message


def test_a_subset_for_two_deployments_is_told():
    bare = rule({"name": "stable"})
    found = planned(ISTIO, virtual_service(), bare, sides=(side(), side("api")))

    assert isinstance(found, Refused)
    assert "leads to the pods of shop and api" in found.message


def test_what_was_there_and_went_before_the_first_change_is_told():
    lab = lab_of()
    service, rule_ = (
        copy.deepcopy(lab.live["VirtualService", "shop"]),
        copy.deepcopy(lab.live["DestinationRule", "shop"]),
    )
    rule_["spec"]["subsets"] = []
    service["spec"]["http"][0]["route"] = [entry("else", "")]
    lab.remember(rule_, service)
    assert "had no subset stable when the run began" in lab.misfit("DestinationRule")
    assert "had no destination of subset stable when the run began" in lab.misfit("VirtualService")

    service["spec"]["http"] = []
    lab.remember(rule_, service)
    assert "has no http route" in lab.misfit("VirtualService")


def test_what_a_failed_rollback_left_of_a_route_that_went_meanwhile_is_no_matter():
    left = [subset("stable", app="shop"), subset("stable-canary", app="shop", **{HASH: "dead"})]
    lab = lab_of(rules=[rule(*left)])
    gone = {**lab.live, ("VirtualService", "shop"): virtual_service(http=[{"name": "other"}])}

    noted = PROVIDERS[ISTIO.provider].noted(lab.route, gone)

    assert noted["VirtualService", "shop"]["spec"]["http"] == [{"name": "other"}]


def test_a_rule_that_is_named_is_the_one_whatever_else_has_its_host():
    found = planned(replace(ISTIO, destination_rule="two"), virtual_service(), rule(), rule(name="two"))

    assert found.parts[0].name == "two"
