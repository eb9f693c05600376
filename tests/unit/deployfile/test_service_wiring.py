"""Blue/green needs a Service for each Deployment; what the manifests say about that must fit."""

from __future__ import annotations

import pytest

from borealis_deployfile.faults import Code
from borealis_deployfile.manifests import FileContent, check_manifests
from borealis_deployfile.parse import check

FILE = """\
application: shop
manifests: [{path: k8s}]
targets: {qa: {account: c, namespace: n, strategy: swap}}
strategies: {swap: {blueGreen: {}}}
"""
PAIR = "trafficManagement: [{kubernetes: [{activeService: shop, previewService: shop-next}]}]\n"
TWO_PAIRS = "trafficManagement: [{kubernetes: [{activeService: shop}, {activeService: api}]}]\n"


def deployment(name, app=None):
    app = app or name
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n"
        f"  selector: {{matchLabels: {{app: {app}}}}}\n"
        f"  template: {{metadata: {{labels: {{app: {app}, tier: front}}}}, spec: {{containers: [{{name: a}}]}}}}\n---\n"
    )


def service(name, selector):
    return f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{selector: {selector}}}\n---\n"


def codes(file, *manifests):
    result = check(file, file_name="f")
    assert result.file is not None
    contents = (FileContent(name="k8s/all.yaml", content="".join(manifests).encode()),)
    return [fault.code for fault in check_manifests(result.file, {"k8s": contents}).faults]


@pytest.mark.parametrize(
    ("file", "manifests", "expected"),
    [
        pytest.param(FILE, [deployment("web")], [Code.ACTIVE_SERVICE_REQUIRED], id="no-service-named"),
        pytest.param(FILE, [service("shop", "{app: web}")], [], id="nothing-to-switch"),
        pytest.param(FILE + PAIR, [deployment("web")], [], id="services-that-are-in-the-cluster"),
        pytest.param(FILE + PAIR, [deployment("web"), service("shop", "{app: web}")], [], id="a-service-that-fits"),
        pytest.param(
            FILE.replace("{blueGreen: {}}", "{blueGreen: {activeService: shop}}"),
            [deployment("web"), service("shop", "{app: web, tier: front}")],
            [],
            id="the-old-place",
        ),
        pytest.param(
            FILE + PAIR,
            [deployment("web"), service("shop", "{app: web}"), service("shop-next", "{app: wep}")],
            [Code.SERVICE_NOT_MATCHED],
            id="a-preview-that-selects-nothing",
        ),
        pytest.param(
            FILE + PAIR,
            [deployment("web"), service("shop", "{}")],
            [Code.SERVICE_NOT_MATCHED, Code.SERVICE_NOT_MATCHED],
            id="a-service-without-a-selector",
        ),
        pytest.param(
            FILE + PAIR,
            [deployment("web"), deployment("api"), service("shop", "{app: web}")],
            [Code.SERVICE_NOT_MATCHED],
            id="a-deployment-that-nobody-selects",
        ),
        pytest.param(
            FILE + TWO_PAIRS,
            [deployment("web"), deployment("api"), service("shop", "{app: web}"), service("api", "{app: api}")],
            [],
            id="two-pairs",
        ),
        pytest.param(
            FILE + TWO_PAIRS,
            [deployment("web"), service("shop", "{app: web}"), service("api", "{tier: front}")],
            [Code.SERVICE_NOT_MATCHED],
            id="two-services-for-one",
        ),
        pytest.param(
            FILE + PAIR,
            [deployment("web", "shop"), deployment("api", "shop"), service("shop", "{app: shop}")],
            [Code.SERVICE_NOT_MATCHED],
            id="one-service-for-two-deployments",
        ),
        pytest.param(
            FILE + TWO_PAIRS.replace("activeService: api", "activeService: api, previewService: shop-next"),
            [
                deployment("web"),
                deployment("api"),
                service("shop", "{app: web}"),
                service("api", "{app: api}"),
                service("shop-next", "{app: web}"),
            ],
            [Code.SERVICE_NOT_MATCHED],
            id="a-preview-of-another-deployment",
        ),
        pytest.param(
            FILE + TWO_PAIRS,
            [deployment("web"), deployment("api"), service("shop", "{app: web}")],
            [],
            id="one-is-in-the-cluster-and-may-select-the-other",
        ),
    ],
)
def test_services_fit_deployments(file, manifests, expected):
    assert codes(file, *manifests) == expected


def test_an_autoscaler_of_a_deployment_is_no_fault():
    scaler = (
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h}\n"
        "spec:\n  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n"
    )
    file = check(FILE.replace("{blueGreen: {}}", "{canary: {steps: []}}"), file_name="f").file
    assert file is not None

    content = FileContent(name="k8s/all.yaml", content=(deployment("web") + scaler).encode())
    result = check_manifests(file, {"k8s": (content,)})

    assert result.faults == ()
