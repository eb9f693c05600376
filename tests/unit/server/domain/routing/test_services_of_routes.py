"""SMI and the Gateway API: weights between Services, helpers that come and go. Rows CN-07 to CN-09."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_server.domain.effects import Refused
from borealis_server.domain.routes import RouteProvider
from borealis_server.domain.routing.smi import PROVIDER as SMI_PROVIDER
from kit.lab import service
from kit.meshes import route, traffic_split
from kit.routing import GATEWAY, SMI, RouteLab, placed, planned

HASH = "armory-pod-template-hash"
ROOT = service("shop")


def ref(name="shop", weight=None, **more):
    return {"name": name, "port": 80, **({} if weight is None else {"weight": weight}), **more}


def rules(*lists):
    return [{"backendRefs": list(each)} for each in lists]


def split_weights(lab):
    return {each["service"]: each["weight"] for each in lab.spec("TrafficSplit")["backends"]}


def route_weights(lab, number=0):
    return {each["name"]: each.get("weight") for each in lab.spec("HTTPRoute")["rules"][number]["backendRefs"]}


def hash_of(lab, name):
    return lab.spec("Service", name)["selector"].get(HASH)


def test_cn_07_a_split_is_made_with_both_services():
    lab = RouteLab.of(SMI, ROOT).share(30)

    assert split_weights(lab) == {"shop-stable": 70, "shop-canary": 30}
    assert lab.spec("TrafficSplit")["service"] == "shop"
    assert [hash_of(lab, name) for name in ("shop", "shop-stable", "shop-canary")] == [None, "old", "new"]
    assert lab.percent == 30


@pytest.mark.parametrize("version", [4, 3, 2, 1])
def test_cn_07_a_split_is_made_by_the_newest_version_that_is_served(version):
    served = {"TrafficSplit": f"split.smi-spec.io/v1alpha{version}"}
    found = planned(SMI, ROOT, served=served)

    assert found.parts[-1].api_version == served["TrafficSplit"]
    assert list(SMI_PROVIDER.kinds[0].api_versions) == sorted(SMI_PROVIDER.kinds[0].api_versions, reverse=True)


@given(st.lists(st.integers(0, 100), max_size=4), st.booleans(), st.booleans())
def test_cn_09_helpers_go_and_given_objects_stay_as_they_were(percents, is_given, is_back):
    """Hard case 43."""
    given_objects = [service("next"), traffic_split(shop=1)] if is_given else []
    lab = RouteLab.of(replace(SMI, canary_service="next" if is_given else ""), ROOT, *given_objects)
    before = copy.deepcopy(lab.live)
    for percent in percents:
        assert lab.share(percent).percent == percent

    assert lab.release(is_back=is_back).live == before


@pytest.mark.parametrize(("weight", "percent"), [("250m", 25), ("1", 50)])
def test_weights_of_the_oldest_version_are_quantities(weight, percent):
    lab = RouteLab.of(SMI, ROOT).share(50)
    lab.spec("TrafficSplit")["backends"] = [
        {"service": "shop-stable", "weight": "750m" if weight.endswith("m") else "1"},
        {"service": "shop-canary", "weight": weight},
    ]

    assert lab.percent == percent


ROUTES = (
    [ref()],
    [ref(weight=7)],
    [ref(weight=1), ref("legacy", weight=3)],
    [ref("legacy", weight=300), ref(weight=100, filters=[1])],
    [ref(weight=900_001), ref("legacy", weight=2)],
)


@given(
    st.lists(st.sampled_from(ROUTES), min_size=1, max_size=3), st.lists(st.integers(0, 100), max_size=4), st.booleans()
)
def test_a_route_keeps_the_shares_of_others_and_is_left_as_it_was(lists, percents, is_back):
    spec = replace(GATEWAY, root_service="shop")
    lab = RouteLab.of(spec, ROOT, route(rules=rules(*map(copy.deepcopy, lists))))
    before = copy.deepcopy(lab.live)
    for percent in percents:
        assert abs((lab.share(percent).percent or 0) - percent) <= 1
        for number, refs in enumerate(lists):
            weights = route_weights(lab, number)
            others = sum(each.get("weight", 1) for each in refs if each["name"] == "legacy")
            root = sum(each.get("weight", 1) for each in refs if each["name"] == "shop")
            ours = weights["shop"] + weights["shop-canary"]
            if others:
                assert ours * others == root * weights["legacy"]

    assert lab.release(is_back=is_back).live == before


def test_the_root_service_is_tied_to_the_old_version():
    lab = RouteLab.of(GATEWAY, ROOT, route()).share(10)

    assert (hash_of(lab, "shop"), hash_of(lab, "shop-canary")) == ("old", "new")


@pytest.mark.parametrize(("is_back", "left"), [(True, "old"), (False, None)])
def test_a_root_service_that_was_tied_before_is_tied_again_only_to_what_stays(is_back, left):
    lab = RouteLab.of(GATEWAY, service("shop", **{HASH: "old"}), route()).share(10).release(is_back=is_back)

    assert hash_of(lab, "shop") == left


def test_only_the_named_rule_changes():
    both = [{"name": "a", "backendRefs": [ref()]}, {"name": "b", "backendRefs": [ref()]}]
    lab = RouteLab.of(replace(GATEWAY, rule="b"), ROOT, route(rules=both)).share(10)

    assert route_weights(lab, 0) == {"shop": None}
    assert route_weights(lab, 1) == {"shop": 90, "shop-canary": 10}


def test_what_a_failed_rollback_left_in_a_route_is_no_part_of_what_was_there():
    left = RouteLab.of(GATEWAY, ROOT, route()).share(40)
    live = [{**each, "metadata": {"name": each["metadata"]["name"], **_labels(each)}} for each in left.live.values()]

    lab = RouteLab.of(replace(GATEWAY, root_service="shop"), *live).share(60).release()

    assert route_weights(lab) == {"shop": 100}
    assert ("Service", "shop-canary") not in lab.live
    assert hash_of(lab, "shop") is None


def _labels(document):
    labels = document["metadata"].get("labels")
    return {"labels": labels} if labels else {}


def test_rules_that_somebody_adds_are_divided_and_keep_their_share():
    lab = RouteLab.of(GATEWAY, ROOT, route()).share(50)
    lab.spec("HTTPRoute")["rules"].append({"backendRefs": [ref(weight=5)]})
    assert route_weights(lab.share(50), 1) == {"shop": 50, "shop-canary": 50}
    lab.spec("HTTPRoute")["rules"].append({"backendRefs": [ref("shop-canary", weight=4)]})

    lab.release()

    assert [route_weights(lab, number) for number in range(3)] == [{"shop": 100}, {"shop": 100}, {"shop": 4}]


@pytest.mark.parametrize(
    ("spec", "kind", "name", "change", "text"),
    [
        pytest.param(GATEWAY, "HTTPRoute", "shop", None, "HTTPRoute shop is gone", id="route-gone"),
        pytest.param(GATEWAY, "Service", "shop", None, "Service shop is gone", id="root-gone"),
        pytest.param(
            GATEWAY, "HTTPRoute", "shop", {"rules": []}, "no rule of HTTPRoute shop leads to Service shop", id="no-rule"
        ),
        pytest.param(
            GATEWAY,
            "Service",
            "shop",
            {"selector": {"app": "maintenance"}},
            "Service shop now selects app=maintenance: somebody else changed it",
            id="root-elsewhere",
        ),
    ],
)
def test_what_cannot_be_divided_any_more_is_told(spec, kind, name, change, text):
    lab = RouteLab.of(spec, ROOT, route()).share(50)
    if change is None:
        del lab.live[kind, name]
    else:
        lab.live[kind, name]["spec"] = change

    assert text in lab.misfit(kind, name)


@pytest.mark.parametrize(("kind", "name"), [("Service", "shop-canary"), ("TrafficSplit", "shop")])
def test_somebody_elses_object_of_the_same_name_is_left(kind, name):
    lab = RouteLab.of(SMI, ROOT).share(50)
    del lab.live[kind, name]["metadata"]["labels"]

    assert f"somebody else made a {kind} {name} during the run" in lab.misfit(kind, name)


def test_a_split_that_somebody_deleted_is_told_and_one_of_ours_comes_back():
    lab = RouteLab.of(SMI, ROOT, traffic_split(shop=1)).share(50)
    del lab.live["TrafficSplit", "shop"]
    assert "TrafficSplit shop is gone" in lab.misfit("TrafficSplit")
    assert lab.percent is None
    ours = RouteLab.of(SMI, ROOT).share(50)
    del ours.live["TrafficSplit", "shop"]
    assert ours.share(50).percent == 50


def test_a_headless_root_has_headless_services_beside_it():
    headless = {**ROOT, "spec": {**ROOT["spec"], "clusterIP": "None"}}

    assert RouteLab.of(SMI, headless).share(1).spec("Service", "shop-canary")["clusterIP"] == "None"


@pytest.mark.parametrize(
    ("spec", "live", "text"),
    [
        pytest.param(SMI, [], "Service shop does not exist in namespace ns", id="no-root"),
        pytest.param(SMI, [service("shop", app="x")], "Service shop does not lead to the pods", id="other-pods"),
        pytest.param(SMI, [ROOT, service("shop-canary")], "Service shop-canary exists already", id="taken"),
        pytest.param(SMI, [ROOT, service("shop-stable")], "Service shop-stable exists already", id="taken-stable"),
        pytest.param(
            replace(SMI, canary_service="next"), [ROOT], "Service next does not exist in namespace ns", id="cn-08-given"
        ),
        pytest.param(
            SMI,
            [ROOT, traffic_split("other", x=1)],
            "TrafficSplit other splits Service shop already",
            id="another-split",
        ),
        pytest.param(GATEWAY, [ROOT], "HTTPRoute shop does not exist in namespace ns", id="no-route"),
        pytest.param(GATEWAY, [ROOT, route(rules=[])], "HTTPRoute shop has no rule", id="no-rules"),
        pytest.param(replace(GATEWAY, rule="x"), [ROOT, route()], "HTTPRoute shop has no rule x", id="no-such-rule"),
        pytest.param(
            GATEWAY, [ROOT, route(rules=rules([ref(), ref("two")]))], "leads to several Services", id="several"
        ),
        pytest.param(
            replace(GATEWAY, root_service="two"),
            [ROOT, route()],
            "no rule of HTTPRoute shop leads to Service two",
            id="not-led-to",
        ),
        pytest.param(GATEWAY, [route()], "Service shop does not exist in namespace ns", id="no-service"),
        pytest.param(
            GATEWAY,
            [service("shop", app="x"), route()],
            "Service shop does not lead to the pods",
            id="gateway-other-pods",
        ),
        pytest.param(
            GATEWAY, [ROOT, route(), service("shop-canary")], "Service shop-canary exists already", id="gateway-taken"
        ),
    ],
)
def test_what_does_not_fit_is_told_before_anything_is_changed(spec, live, text):
    found = planned(spec, *live)

    assert isinstance(found, Refused)
    assert text in found.message


def test_a_cluster_without_splits_is_told():
    found = planned(SMI, ROOT, served={})

    assert isinstance(found, Refused)
    assert "the cluster serves no TrafficSplit" in found.message


def test_services_of_other_kinds_and_places_are_none():
    refs = [ref(), ref("pool", kind="InferencePool", group="x"), ref("far", namespace="other")]

    assert RouteLab.of(GATEWAY, ROOT, route(rules=rules(refs))).route.spec.root_service == "shop"
    assert GATEWAY.provider is RouteProvider.GATEWAY_API


def test_a_split_that_somebody_else_made_or_deleted_is_no_business_of_the_end():
    ours = RouteLab.of(SMI, ROOT).share(50)
    foreign = placed(traffic_split(shop=1))[0]
    ours.live["TrafficSplit", "shop"] = foreign
    assert ours.release().live["TrafficSplit", "shop"] == foreign
    theirs = RouteLab.of(SMI, ROOT, traffic_split(shop=1)).share(50)
    del theirs.live["TrafficSplit", "shop"]
    assert ("TrafficSplit", "shop") not in theirs.release().live


def test_splits_of_other_services_are_nobodys_business():
    assert planned(SMI, ROOT, traffic_split("other", service="api", x=1)).parts[-1].template


def test_rules_without_what_a_failed_rollback_left_stay_as_they_are():
    left = RouteLab.of(GATEWAY, ROOT, route(rules=rules([ref()], [ref()]))).share(40)
    document = left.live["HTTPRoute", "shop"]
    document["spec"]["rules"][1]["backendRefs"] = [ref(weight=3)]
    canary = left.live["Service", "shop-canary"]

    lab = RouteLab.of(replace(GATEWAY, root_service="shop"), ROOT, _bare(document), _bare(canary))

    assert lab.share(10).release().spec("HTTPRoute")["rules"][1]["backendRefs"] == [ref(weight=3)]


def _bare(document):
    return {**document, "metadata": {"name": document["metadata"]["name"], **_labels(document)}}


def test_a_route_that_is_gone_gives_nobody_a_share():
    lab = RouteLab.of(GATEWAY, ROOT, route())
    del lab.live["HTTPRoute", "shop"]

    assert lab.percent is None
