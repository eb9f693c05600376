"""Which Deployments a plan counts at full size beside each other, and which share by pods."""

from __future__ import annotations

import json

import pytest

from borealis_deployfile.manifests import FileContent, check_manifests
from borealis_deployfile.parse import check
from borealis_deployfile.planning.planner import make_plan

HEAD = {
    "application": "shop",
    "manifests": [{"path": "k8s"}],
    "targets": {"qa": {"account": "c", "namespace": "n", "strategy": "s"}},
    "strategies": {"s": {"canary": {"steps": [{"setWeight": {"weight": 50}}]}}},
}
SMI = {"smi": [{"rootServiceName": "shop"}]}
ISTIO = {"istio": [{"virtualService": {"name": "shop"}}]}
GATEWAY = {"gatewayApi": [{"route": {"name": "shop"}}]}


def deployment(name):
    labels = {"app": name}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 4, "selector": {"matchLabels": labels}, "template": pod}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def other(api_version, kind, **spec):
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "shop"}, "spec": spec}


SERVICE = other("v1", "Service", selector={"app": "shop"}, ports=[{"port": 80}])
ROUTE = other("gateway.networking.k8s.io/v1", "HTTPRoute", rules=[{"backendRefs": [{"name": "shop"}]}])
ENTRY = {"destination": {"host": "shop.n.svc", "subset": "stable"}}
VIRTUAL_SERVICE = other("networking.istio.io/v1", "VirtualService", http=[{"route": [ENTRY]}])


def pods_of(traffic, *documents):
    file = check(json.dumps({**HEAD, "trafficManagement": [traffic]}), file_name="d").file
    assert file is not None
    content = FileContent(name="k8s/all.yaml", content="\n---\n".join(map(json.dumps, documents)).encode())
    manifests = check_manifests(file, {"k8s": (content,)})
    assert manifests.faults == ()
    step = make_plan(file, manifests.objects_by_target).targets[0].steps[0]
    return {one.name: (one.pods.new, one.pods.old) for one in step.deployments}, step.extra_pods


@pytest.mark.parametrize(
    ("traffic", "documents"),
    [
        pytest.param(SMI, [SERVICE], id="smi"),
        pytest.param(GATEWAY, [SERVICE, ROUTE], id="gateway-api"),
        pytest.param(ISTIO, [SERVICE, VIRTUAL_SERVICE], id="istio"),
    ],
)
def test_a_worker_that_no_route_leads_to_shares_by_pods(traffic, documents):
    pods, extra = pods_of(traffic, *documents, deployment("shop"), deployment("worker"))

    assert pods == {"shop": (4, 4), "worker": (2, 2)}
    assert extra == 5  # four beside the shop's, and one by the worker's surge


@pytest.mark.parametrize("traffic", [SMI, GATEWAY, ISTIO], ids=["smi", "gateway-api", "istio"])
def test_where_routes_are_only_in_the_cluster_every_deployment_counts_as_divided(traffic):
    pods, _ = pods_of(traffic, deployment("shop"), deployment("worker"))

    assert pods == {"shop": (4, 4), "worker": (4, 4)}


def test_the_only_deployment_is_the_one_that_is_meant():
    assert pods_of(SMI, deployment("shop"))[0] == {"shop": (4, 4)}


def test_without_a_mesh_pods_share():
    assert pods_of({"kubernetes": [{"activeService": "x"}]}, deployment("shop"))[0] == {"shop": (2, 2)}
