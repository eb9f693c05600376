"""What a request to a Kubernetes API needs."""

from __future__ import annotations

import pytest

from borealis_server.domain.access import Permission, api
from borealis_server.domain.errors import InvalidArgument
from borealis_server.domain.kube_access import cluster_groups, needed_permission, relayed_headers
from borealis_server.domain.roles import SYSTEM_ROLES, Role

DISCOVERY, READ, WRITE = Permission.AGENTS_READ, Permission.KUBE_READ, Permission.KUBE_WRITE
POD = "/api/v1/namespaces/shop/pods/web"

CASES = [
    ("GET", "/", DISCOVERY),
    ("GET", "/api", DISCOVERY),
    ("GET", "/api/v1?timeout=32s", DISCOVERY),
    ("GET", "/apis/apps", DISCOVERY),
    ("GET", "/apis/apps/v1", DISCOVERY),
    ("GET", "/apis/apps/v1/", DISCOVERY),
    ("GET", "/openapi/v2", DISCOVERY),
    ("GET", "/openapi/v3/apis/apps/v1", DISCOVERY),
    ("GET", "/version", DISCOVERY),
    ("GET", "/metrics", READ),
    ("GET", "/logs/secret.log", READ),
    ("GET", "/version/more", READ),
    ("GET", "/api/v1/pods", READ),
    ("GET", "/api/v1/namespaces/shop/pods?watch=1", READ),
    ("HEAD", POD, READ),
    ("OPTIONS", POD, READ),
    ("GET", f"{POD}/log?follow=true", READ),
    ("GET", "/apis/apps/v1/namespaces/shop/deployments/web", READ),
    ("GET", "/api/v1/namespaces/shop/configmaps/exec", READ),
    ("GET", "/api/v1/namespaces/proxy/pods", READ),
    ("GET", "/api/v1/namespaces/proxy", READ),
    ("POST", "/api/v1/namespaces/shop/pods", WRITE),
    ("PUT", POD, WRITE),
    ("PATCH", POD, WRITE),
    ("DELETE", POD, WRITE),
    ("GET", f"{POD}/exec?command=sh", WRITE),
    ("GET", f"{POD}/attach", WRITE),
    ("GET", f"{POD}/portforward", WRITE),
    ("GET", f"{POD}/proxy/", WRITE),
    ("GET", f"{POD}%2Fexec?command=sh", WRITE),
    ("GET", "/api/v1/namespaces/shop/pods/web/e%78ec", WRITE),
    ("GET", "/%61pi/v1/namespaces/shop/pods/web/exec", WRITE),
    ("GET", "/api/v1/nodes/node-1/proxy/run/shop/web", WRITE),
    ("GET", "/api/v1/namespaces/shop/services/https:web:443/proxy/admin", WRITE),
    ("GET", "/api/v1/proxy/nodes/node-1", WRITE),
    ("POST", "/api", WRITE),
]


@pytest.mark.parametrize(("method", "path", "permission"), CASES)
def test_method_and_path_say_what_is_needed(method, path, permission):
    assert needed_permission(method, path) is permission


@pytest.mark.parametrize("path", ["/api", POD, "/apis/subresources.kubevirt.io/v1/namespaces/a/vms/b/console"])
def test_every_switch_of_protocols_writes(path):
    assert needed_permission("GET", path, is_upgrade=True) is WRITE


@pytest.mark.parametrize(
    "path",
    [
        "",
        "api",
        "https://other/api",
        "/api//v1",
        "/api/v1/../../etc",
        "/api/v1/%2e%2e/x",
        "/api/./v1",
        "/api/%00",
        "/api/%5c",
        "/api/a b",
        "/api/ü",
        "/api#x",
        "/" + "a" * 8192,
    ],
)
def test_a_path_that_could_be_read_in_two_ways_is_refused(path):
    with pytest.raises(InvalidArgument, match="path"):
        needed_permission("GET", path)


@pytest.mark.parametrize("method", ["", "get", "TRACE", "CONNECT", "X" * 1000])
def test_a_method_that_no_kubernetes_api_knows_is_refused(method):
    with pytest.raises(InvalidArgument, match="method"):
        needed_permission(method, "/api")


def test_credentials_and_what_concerns_the_callers_own_connection_stay_behind():
    headers = [
        ("Authorization", "Bearer secret"),
        ("Cookie", "secret"),
        ("Host", "localhost"),
        ("Connection", "keep-alive, X-Mine"),
        ("X-Mine", "of this connection"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Length", "3"),
        ("Accept", "application/json"),
        ("Accept", "*/*"),
    ]

    assert relayed_headers(headers) == (("content-length", "3"), ("accept", "application/json"), ("accept", "*/*"))


def test_a_switch_of_protocols_is_asked_for_again():
    headers = [("connection", "Upgrade"), ("upgrade", "SPDY/3.1"), ("x-stream-protocol-version", "v4.channel.k8s.io")]

    assert relayed_headers(headers, upgrade="SPDY/3.1") == (
        ("x-stream-protocol-version", "v4.channel.k8s.io"),
        ("connection", "Upgrade"),
        ("upgrade", "SPDY/3.1"),
    )


@pytest.mark.parametrize("name", ["Impersonate-User", "impersonate-extra-a", "X-Remote-Group"])
def test_an_identity_is_refused_and_not_dropped(name):
    with pytest.raises(InvalidArgument, match="--as"):
        relayed_headers([(name, "system:admin")])


def test_groups_are_never_names_of_kubernetes_own():
    assert cluster_groups(SYSTEM_ROLES.values()) == (
        "borealis:admin",
        "borealis:deployer",
        "borealis:viewer",
        "borealis:agent",
    )


@pytest.mark.parametrize(
    ("name", "tenant", "group"),
    [
        ("Release Manager", "", "borealis:role:release-manager"),
        ("Release Manager", "main", "borealis:tenant-role:release-manager"),
        ("admin", "main", "borealis:tenant-role:admin"),
        ("Größe & Co", "", "borealis:role:gr%C3%B6sse-%26-co"),
    ],
)
def test_roles_of_ones_own_make_groups_that_cannot_be_taken_for_others(name, tenant, group):
    role = Role(id="abc", name=name, tenant=tenant, grants=(api("deployment"),))

    assert cluster_groups([role]) == (group,)
