"""Addresses, deletions, scales, tables and replicas: the small pure rules."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from borealis_sandbox import kinds
from borealis_sandbox.controllers.replicas import surplus
from borealis_sandbox.deletion import Deletion, check_preconditions, marked, parse_deletion
from borealis_sandbox.errors import ApiError
from borealis_sandbox.requests import parse_address
from borealis_sandbox.scale import scale_of
from borealis_sandbox.tables import table

if TYPE_CHECKING:
    from borealis_sandbox.kinds import Kind


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v1/namespaces", (kinds.NAMESPACE, "", "", "")),
        ("/api/v1/namespaces/shop", (kinds.NAMESPACE, "", "shop", "")),
        ("/api/v1/namespaces/shop/status", (kinds.NAMESPACE, "", "shop", "status")),
        ("/api/v1/pods", (kinds.POD, "", "", "")),
        ("/api/v1/namespaces/shop/pods/p/status", (kinds.POD, "shop", "p", "status")),
        ("/apis/apps/v1/namespaces/shop/deployments/web/scale", (kinds.DEPLOYMENT, "shop", "web", "scale")),
    ],
)
def test_an_address_is_read(path: str, expected: tuple[Kind, str, str, str]) -> None:
    address = parse_address(path)

    assert (address.kind, address.namespace, address.name, address.subresource) == expected


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/v1",
        "/api/v2/pods",
        "/api/v1/things",
        "/api/v1/pods/p",
        "/api/v1/namespaces/shop/nodes",
        "/api/v1/namespaces/shop/pods/p/log",
        "/api/v1/namespaces/shop/configmaps/c/scale",
        "/apis/apps/v1/namespaces/shop/deployments/web/scale/more",
        "/api/v1/namespaces/shop/pods//status",
    ],
)
def test_any_other_address_is_not_found(path: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse_address(path)

    assert refused.value.code == 404


def _pod(name: str, *, node: bool = True, phase: str = "Running", ready: bool = True, age: int = 0) -> dict[str, Any]:
    return {
        "metadata": {
            "name": name,
            "creationTimestamp": f"2020-01-01T00:00:{age:02}Z",
            "uid": name,
            "resourceVersion": "7",
        },
        "spec": {"nodeName": "n"} if node else {},
        "status": {"phase": phase, "conditions": [{"type": "Ready", "status": str(ready)}]},
    }


def test_the_least_useful_pods_go_first() -> None:
    pods = [
        _pod("old", age=1),
        _pod("new", age=9),
        _pod("unready", ready=False),
        _pod("pending", phase="Pending", ready=False),
        _pod("unplaced", node=False, phase="Pending", ready=False),
    ]

    order = [pod["metadata"]["name"] for pod in surplus(pods, wanted=0)]
    assert order == ["unplaced", "pending", "unready", "new", "old"]
    assert [pod["metadata"]["name"] for pod in surplus(pods, wanted=3)] == ["unplaced", "pending"]
    assert surplus(pods, wanted=9) == []


@pytest.mark.parametrize(
    ("options", "query", "expected"),
    [
        pytest.param({}, {}, Deletion(), id="background"),
        pytest.param({"propagationPolicy": "Orphan"}, {}, Deletion(policy="Orphan"), id="body"),
        pytest.param(
            {"propagationPolicy": "Orphan"},
            {"propagationPolicy": "Foreground"},
            Deletion(policy="Foreground"),
            id="query",
        ),
        pytest.param({"orphanDependents": True}, {}, Deletion(policy="Orphan"), id="old-style"),
        pytest.param({"gracePeriodSeconds": 0}, {}, Deletion(grace_s=0), id="grace"),
        pytest.param({"dryRun": ["All"]}, {}, Deletion(is_dry_run=True), id="dry-run"),
    ],
)
def test_a_deletion_is_read(options: dict[str, Any], query: dict[str, Any], expected: Deletion) -> None:
    assert parse_deletion(options, query) == expected


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ApiError, match="propagationPolicy is one of"):
        parse_deletion({"propagationPolicy": "Sideways"}, {})


def test_a_running_pod_gets_time_to_end_and_an_unplaced_one_does_not() -> None:
    running, unplaced = _pod("a"), _pod("b", node=False)
    left = marked(kinds.POD, running, Deletion())

    assert left is not None
    assert left["metadata"]["deletionGracePeriodSeconds"] == 30
    assert marked(kinds.POD, running, Deletion(grace_s=0)) is None
    assert marked(kinds.POD, unplaced, Deletion()) is None


def test_preconditions_are_checked() -> None:
    check_preconditions(kinds.POD, _pod("a"), Deletion(uid="a", resource_version="7"))
    with pytest.raises(ApiError, match="UID in precondition: b, UID in object meta: a"):
        check_preconditions(kinds.POD, _pod("a"), Deletion(uid="b"))
    with pytest.raises(ApiError, match="ResourceVersion in precondition: 6"):
        check_preconditions(kinds.POD, _pod("a"), Deletion(resource_version="6"))


def test_a_scale_writes_its_selector_as_text() -> None:
    expressions = [
        {"key": "tier", "operator": "In", "values": ["b", "a"]},
        {"key": "old", "operator": "DoesNotExist"},
        {"key": "new", "operator": "Exists"},
    ]
    metadata = {"name": "web", "namespace": "n", "uid": "u", "resourceVersion": "1", "creationTimestamp": "t"}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": "web"}, "matchExpressions": expressions}}
    scale = scale_of({"metadata": metadata, "spec": spec})

    assert scale["status"] == {"replicas": 0, "selector": "app=web,tier in (a,b),!old,new"}
    assert scale["spec"] == {}


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "0s"), (90, "90s"), (130, "2m"), (7100, "118m"), (7200, "2h"), (200_000, "2d")]
)
def test_ages_are_short(seconds: int, expected: str) -> None:
    now = dt.datetime(2020, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
    found = table(kinds.SERVICE_ACCOUNT, [_pod("a")], {}, now=now)

    assert found["rows"][0]["cells"] == ["a", expected]
