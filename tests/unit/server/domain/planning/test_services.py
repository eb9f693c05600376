"""Which Service leads to which workload, and the selectors that it has from phase to phase."""

from __future__ import annotations

import json

import pytest

from borealis_server.domain.deployment import RoutedService, ServicePair, Workload
from borealis_server.domain.effects import Refused
from borealis_server.domain.kubernetes.service_selectors import version_in
from borealis_server.domain.planning.pod_ratio import Bounds
from borealis_server.domain.planning.services import KnownServices, Side, route, unpin
from borealis_server.domain.states import EndReason, ServiceRole

OURS = {"app": "web", "armory-pod-template-hash": "one"}
NATIVE = {"app": "web", "pod-template-hash": "abc"}
PAIR = (ServicePair(active="web"),)
TO_NEW = (("app", "web"), ("armory-pod-template-hash", "two"))


def side(name="web", old=None, namespace="ns"):
    copy = json.dumps({"spec": {"template": {"metadata": {"labels": old}}}}) if old else ""
    load = Workload(
        name=name, namespace=namespace, replicas=2, bounds=Bounds.of(2), new_name=f"{name}-two", old_copy=copy
    )
    return Side(load=load, new_labels={"app": name})


def service(name="web", namespace="ns", **selector):
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"selector": selector}}


def routed(pairs, sides, *, applied=(), live=()):
    return route(pairs, sides, KnownServices.of(applied, live))


@pytest.mark.parametrize(
    ("old", "applied", "live", "held", "before"),
    [
        pytest.param(OURS, service(app="web"), None, OURS, None, id="made-by-this-run"),
        pytest.param(OURS, service(app="web"), service(app="web"), OURS, {"app": "web"}, id="not-yet-at-one-version"),
        pytest.param(OURS, service(app="web"), service(**OURS), OURS, OURS, id="as-the-last-run-left-it"),
        pytest.param(NATIVE, service(app="web"), service(app="web"), NATIVE, {"app": "web"}, id="native"),
        pytest.param(NATIVE, None, service(app="web"), NATIVE, {"app": "web"}, id="only-in-the-cluster"),
        pytest.param(
            {"app": "old-web", "pod-template-hash": "abc"},
            service(app="web"),
            service(app="old-web"),
            {"app": "old-web", "pod-template-hash": "abc"},
            {"app": "old-web"},
            id="labels-of-old-pods-differ",
        ),
        pytest.param(
            NATIVE,
            service(app="web"),
            service(app="elsewhere"),
            NATIVE,
            {"app": "elsewhere"},
            id="it-led-elsewhere-and-the-manifest-wants-it-here",
        ),
        pytest.param(
            {"app": "old-web", "pod-template-hash": "abc"},
            service(app="web"),
            service(app="elsewhere"),
            {"app": "elsewhere"},
            {"app": "elsewhere"},
            id="it-leads-elsewhere-and-never-led-to-the-old-pods",
        ),
        pytest.param(None, service(app="web"), None, dict(TO_NEW), None, id="nothing-live"),
        pytest.param(None, service(app="web"), service(app="web"), {"app": "web"}, {"app": "web"}, id="no-old-version"),
    ],
)
def test_selectors_before_and_after_the_switch(old, applied, live, held, before):
    (one,) = routed(PAIR, [side(old=old)], applied=[applied] if applied else [], live=[live] if live else [])

    assert (dict(one.held), one.wanted) == (held, TO_NEW)
    assert (dict(one.before) if one.before is not None else None) == before
    assert one.index == (0 if applied else None)


def test_the_hash_of_ours_tells_versions_even_where_kubernetes_has_one_too():
    assert version_in({**OURS, **NATIVE}) == (("armory-pod-template-hash", "one"),)


def test_a_preview_leads_to_the_deployment_of_its_active_service():
    pairs = (ServicePair(active="web", preview="web-next"), ServicePair(active="api"))
    services = [service(app="web"), service("web-next", app="web"), service("api", app="api")]

    found = routed(pairs, [side(), side("api")], applied=services)

    assert [(one.name, one.role, one.workload) for one in found] == [
        ("web", ServiceRole.ACTIVE, "web"),
        ("web-next", ServiceRole.PREVIEW, "web"),
        ("api", ServiceRole.ACTIVE, "api"),
    ]


@pytest.mark.parametrize(
    ("pairs", "sides", "live", "text"),
    [
        pytest.param(PAIR, [side()], [], "Service web does not exist in namespace ns: create it, or add", id="missing"),
        pytest.param(
            PAIR,
            [side(), side("api", namespace="other")],
            [],
            "Service web does not exist in namespace ns or other",
            id="missing-in-both",
        ),
        pytest.param(
            PAIR,
            [side()],
            [service(app="shop")],
            "Service web does not select the pods of Deployment web",
            id="another",
        ),
        pytest.param(PAIR, [side()], [service()], "Service web does not select the pods", id="without-a-selector"),
        pytest.param(
            (ServicePair(active="web", preview="next"),),
            [side()],
            [service(app="web"), service("next", app="shop")],
            "Service next does not select the pods of Deployment web",
            id="preview",
        ),
        pytest.param(
            PAIR,
            [side(), Side(load=side("api").load, new_labels={"app": "web"})],
            [service(app="web")],
            "Service web selects the pods of web and api: each Deployment needs an active Service of its own",
            id="several-deployments",
        ),
        pytest.param(
            PAIR,
            [side(), side("api")],
            [service(app="web")],
            "no active Service selects the pods of Deployment api: each Deployment needs one entry",
            id="a-deployment-without-one",
        ),
        pytest.param(
            (*PAIR, ServicePair(active="web-2")),
            [side()],
            [service(app="web"), service("web-2", app="web")],
            "2 active Services select the pods of Deployment web",
            id="two-for-one",
        ),
        pytest.param(
            PAIR,
            [side(old={"app": "web"})],
            [service(app="web")],
            "run `kubectl rollout restart deployment web` once, then start again",
            id="old-pods-that-nothing-tells-from-new-ones",
        ),
    ],
)
def test_what_does_not_fit_ends_the_run_before_it_changes_anything(pairs, sides, live, text):
    refused = routed(pairs, sides, live=live)

    assert isinstance(refused, Refused)
    assert refused.reason is EndReason.SERVICE_NOT_MATCHED
    assert text in refused.message


def test_a_service_that_leads_to_the_old_version_alone_leads_to_both_in_a_canary():
    services = [
        service(**OURS),
        service("plain", app="web"),
        service("of-kubernetes", **NATIVE),
        service("of-another", app="api", **{"armory-pod-template-hash": "other"}),
        service("web", "elsewhere", **OURS),
    ]

    known = KnownServices.of([{"apiVersion": "v1", "kind": "ConfigMap"}, service(app="web")], services)

    assert unpin([side(old=OURS), side("fresh")], known) == (
        RoutedService(
            namespace="ns",
            name="web",
            role=ServiceRole.SHARED,
            workload="web",
            index=1,
            before=tuple(sorted(OURS.items())),
            held=(("app", "web"),),
            wanted=(("app", "web"),),
        ),
    )
    assert unpin([side(old=NATIVE)], known) == ()
