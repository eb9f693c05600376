"""Routes of a deploy file as a run keeps them. Row CN-14: one provider for a target."""

from __future__ import annotations

import json

import pytest

from borealis_deployfile.faults import Code
from borealis_deployfile.parse import check
from borealis_server.domain.effects import Refused
from borealis_server.domain.planning.routes import plan_routes, plan_specs
from borealis_server.domain.routes import RouteProvider, RouteSpec
from borealis_server.domain.routing.provider import KnownObjects
from kit.lab import service
from kit.meshes import destination_rule, virtual_service
from kit.routing import ISTIO, SERVED, SMI, placed, side

HEAD = {
    "application": "shop",
    "manifests": [{"path": "k8s"}],
    "targets": {"qa": {"account": "c", "namespace": "n", "strategy": "s"}},
    "strategies": {"s": {"canary": {"steps": []}}},
}


def specs(*traffic):
    result = check(json.dumps({**HEAD, "trafficManagement": list(traffic)}), file_name="d")
    return plan_specs(result.file, "qa") if result.file else [fault.code for fault in result.faults]


@pytest.mark.parametrize(
    ("traffic", "spec"),
    [
        pytest.param(
            {
                "istio": [
                    {
                        "virtualService": {"name": "v", "httpRouteName": "r"},
                        "destinationRule": {"name": "d", "activeSubsetName": "a", "canarySubsetName": "c"},
                    }
                ]
            },
            RouteSpec(
                provider=RouteProvider.ISTIO,
                kind="VirtualService",
                name="v",
                rule="r",
                destination_rule="d",
                active_subset="a",
                canary_subset="c",
            ),
            id="istio",
        ),
        pytest.param(
            {"smi": [{"rootServiceName": "r", "canaryServiceName": "c"}]},
            RouteSpec(provider=RouteProvider.SMI, kind="TrafficSplit", name="r", root_service="r", canary_service="c"),
            id="smi",
        ),
        pytest.param(
            {"gatewayApi": [{"route": {"name": "g", "kind": "GRPCRoute", "ruleName": "x"}}]},
            RouteSpec(provider=RouteProvider.GATEWAY_API, kind="GRPCRoute", name="g", rule="x"),
            id="gateway-api",
        ),
    ],
)
def test_every_field_is_kept(traffic, spec):
    assert specs({"kubernetes": [{"activeService": "x"}]}, traffic) == (spec,)


def test_cn_14_two_providers_for_one_target_are_refused():
    smi, istio = {"smi": [{"rootServiceName": "r"}]}, {"istio": [{"virtualService": {"name": "v"}}]}

    assert specs(smi, istio) == [Code.INVALID_VALUE]


def test_two_entries_that_mean_the_same_are_refused():
    known = KnownObjects.of([], placed(service("shop")), SERVED)
    found = plan_routes([SMI, SMI], [side()], known)

    assert isinstance(found, Refused)
    assert "two entries of the deploy file mean TrafficSplit shop" in found.message


def test_what_is_applied_goes_before_what_is_live_and_nothing_live_is_nothing_to_divide():
    live = placed(virtual_service(), destination_rule())
    applied = placed(virtual_service(), destination_rule())
    known = KnownObjects.of(applied, live, {})

    (route,) = plan_routes([ISTIO], [side()], known)  # type: ignore[misc]  # it fits
    assert [part.index for part in route.parts] == [1, 0]
    assert plan_routes([ISTIO], [side(is_live=False)], known) == ()
