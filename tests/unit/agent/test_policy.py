"""The allow-list: what is not written is refused, and a refusal says which rule it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_agent.targets.policy import (
    KubeDeny,
    KubeRule,
    Policy,
    ServiceRange,
    TcpAddress,
    WebTarget,
    fault_of_http,
    faults_of,
)

POD = "/api/v1/namespaces/shop/pods/web"


@pytest.mark.parametrize(
    ("rule", "method", "path", "says"),
    [
        pytest.param(KubeRule(), "DELETE", POD, None, id="open"),
        pytest.param(KubeRule(), "GET", "/api/v1/namespaces/a%2f..%2fb/pods", "encoded slash", id="slash"),
        pytest.param(KubeRule(), "GET", "/api/v1/pods?fieldSelector=a%2Fb", None, id="slash-in-query"),
        pytest.param(KubeRule(methods=("GET",)), "POST", POD, "not POST", id="method"),
        pytest.param(KubeRule(paths=("/api",)), "GET", POD, None, id="path"),
        pytest.param(KubeRule(paths=("/api",)), "GET", "/apis/apps/v1", "may not call this path", id="path-next"),
        pytest.param(KubeRule(paths=("/api/v1/nodes",)), "GET", "/api/v1/%6eodes", None, id="path-encoded"),
        pytest.param(KubeRule(verbs=("get", "list")), "GET", "/api/v1/pods", None, id="verb"),
        pytest.param(KubeRule(verbs=("get", "list")), "GET", "/api/v1/pods?watch=1", "not watch", id="verb-other"),
        pytest.param(KubeRule(namespaces=("shop",)), "GET", POD, None, id="namespace"),
        pytest.param(KubeRule(namespaces=("shop-*",)), "GET", "/api/v1/namespaces/shop-eu/pods", None, id="pattern"),
        pytest.param(KubeRule(namespaces=("other",)), "GET", POD, "not namespace shop", id="namespace-other"),
        pytest.param(KubeRule(namespaces=("shop",)), "GET", "/api/v1/pods", "not all namespaces", id="namespace-all"),
        pytest.param(KubeRule(namespaces=("shop",)), "GET", "/api/v1/nodes/a", "not all namespaces", id="no-namespace"),
        pytest.param(KubeRule(namespaces=("shop",)), "GET", "/apis/apps/v1", None, id="discovery"),
    ],
)
def test_rules_of_kube(rule, method, path, says):
    fault = rule.fault_of(method, path)

    assert fault is None if says is None else says in str(fault)


@pytest.mark.parametrize(
    ("deny", "method", "path", "is_denied"),
    [
        pytest.param(KubeDeny(resources=("secrets",)), "GET", "/api/v1/namespaces/shop/secrets/x", True, id="resource"),
        pytest.param(KubeDeny(resources=("secrets",)), "GET", "/api/v1/secrets", True, id="everywhere"),
        pytest.param(KubeDeny(resources=("secrets",)), "GET", POD, False, id="other-resource"),
        pytest.param(KubeDeny(resources=("secrets",)), "GET", "/version", False, id="no-resource"),
        pytest.param(KubeDeny(resources=("pods",)), "POST", POD + "/exec", True, id="part-of-resource"),
        pytest.param(KubeDeny(resources=("pods/exec",)), "POST", POD + "/exec", True, id="exec"),
        pytest.param(KubeDeny(resources=("pods/exec",)), "GET", POD, False, id="not-exec"),
        pytest.param(KubeDeny(resources=("*/proxy",)), "GET", "/api/v1/nodes/n/proxy/x", True, id="any-proxy"),
        pytest.param(KubeDeny(verbs=("delete*",)), "DELETE", "/api/v1/namespaces/shop/pods", True, id="verb-pattern"),
        pytest.param(KubeDeny(verbs=("delete",)), "GET", POD, False, id="other-verb"),
        pytest.param(KubeDeny(namespaces=("kube-*",)), "GET", "/api/v1/namespaces/kube-system/pods", True, id="space"),
        pytest.param(KubeDeny(namespaces=("kube-*",)), "GET", "/api/v1/pods", True, id="space-in-all"),
        pytest.param(KubeDeny(namespaces=("kube-*",)), "GET", POD, False, id="other-space"),
        pytest.param(KubeDeny(namespaces=("kube-*",)), "GET", "/version", False, id="space-and-no-resource"),
        pytest.param(KubeDeny(paths=("/apis/x",)), "GET", "/apis/x/v1/things", True, id="path"),
        pytest.param(KubeDeny(paths=("/apis/x",)), "GET", "/apis/xy/v1/things", False, id="other-path"),
    ],
)
def test_what_is_denied_is_denied_whatever_allows_it(deny, method, path, is_denied):
    fault = KubeRule(deny=(deny,)).fault_of(method, path)

    assert (fault is not None) is is_denied


@pytest.mark.parametrize(
    ("method", "path", "says"),
    [
        ("GET", "/api/v1/query?q=1", None),
        ("GET", "/api", None),
        ("POST", "/api/v1/query", "allows GET, HEAD here, not POST"),
        ("GET", "/apis", "allows /api here"),
        ("GET", "/", "allows /api here"),
    ],
)
def test_rules_of_web_targets(method, path, says):
    fault = fault_of_http(WebTarget(url="http://x", paths=("/api",)), method, path)

    assert fault is None if says is None else says in str(fault)


@given(st.text(max_size=30))
def test_nothing_outside_of_its_paths_is_allowed(text):
    path = "/" + text
    if fault_of_http(WebTarget(url="http://x", paths=("/a/b",)), "GET", path) is None:
        assert path.partition("?")[0] == "/a/b" or path.startswith("/a/b/")


FULL = Policy(
    kube=KubeRule(deny=(KubeDeny(resources=("secrets",)),)),
    http={"prometheus": WebTarget(url="https://prometheus:9090")},
    tcp={"database": TcpAddress(host="db", port=5432)},
    services={"preview": ServiceRange(namespaces=("shop",), ports=(80,))},
)


def test_a_policy_names_its_targets():
    assert FULL.names == ("kube", "prometheus", "database", "preview")
    assert Policy().names == ()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(FULL, kube=None), id="kube"),
        pytest.param(replace(FULL, kube=KubeRule()), id="deny"),
        pytest.param(replace(FULL, kube=replace(FULL.kube or KubeRule(), impersonate=True)), id="impersonate"),
        pytest.param(replace(FULL, http={"prometheus": WebTarget(url="https://other:9090")}), id="url"),
        pytest.param(replace(FULL, http={}), id="http"),
        pytest.param(replace(FULL, tcp={"database": TcpAddress(host="db", port=5433)}), id="port"),
        pytest.param(replace(FULL, services={"preview": ServiceRange(namespaces=("*",), ports=(80,))}), id="range"),
    ],
)
def test_the_digest_covers_all_of_it(other):
    assert FULL.digest == replace(FULL).digest
    assert other.digest != FULL.digest
    assert len(FULL.digest) == 64


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        pytest.param(Policy(http={"Web": WebTarget(url="http://x")}), "http.Web: a target's name", id="name"),
        pytest.param(Policy(http={"kube": WebTarget(url="http://x")}), "take another name", id="kube"),
        pytest.param(
            Policy(http={"x": WebTarget(url="http://x")}, tcp={"x": TcpAddress(host="x", port=1)}),
            "tcp.x: two targets have this name",
            id="twice",
        ),
        pytest.param(Policy(kube=KubeRule(methods=("get",))), "kube.methods: get", id="method"),
        pytest.param(Policy(kube=KubeRule(paths=("api",))), "kube.paths: api", id="path"),
        pytest.param(Policy(kube=KubeRule(deny=(KubeDeny(paths=("x",)),))), "kube.deny[0].paths: x", id="deny-path"),
        pytest.param(Policy(http={"x": WebTarget(url="x:80")}), "http.x.url: give http", id="url"),
        pytest.param(Policy(http={"x": WebTarget(url="http://h:99999")}), "http.x.url: http://h:99999", id="url-port"),
        pytest.param(Policy(http={"x": WebTarget(url="http://u:p@h")}), "a user cannot", id="url-user"),
        pytest.param(
            Policy(http={"x": WebTarget(url="http://h", proxy="ftp://x")}), "http.x.proxy: a proxy", id="proxy"
        ),
        pytest.param(Policy(http={"x": WebTarget(url="http://h", key_file=Path("x"))}), "given together", id="key"),
        pytest.param(Policy(tcp={"x": TcpAddress(host="", port=1)}), "tcp.x.host: give", id="host"),
        pytest.param(Policy(tcp={"x": TcpAddress(host="x", port=0)}), "tcp.x.port: 0", id="port"),
        pytest.param(
            Policy(services={"x": ServiceRange(namespaces=("a",), ports=(0,))}), "services.x.ports: 0", id="ports"
        ),
    ],
)
def test_what_is_wrong_with_a_policy_is_said_with_its_place(policy, says):
    assert any(says in fault for fault in faults_of(policy))


def test_nothing_is_wrong_with_a_good_policy():
    assert faults_of(FULL) == []
