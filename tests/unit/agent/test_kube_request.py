"""What a request to the Kubernetes API asks for, read as the API server reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_agent.targets.kube_request import parse_kube_request


@pytest.mark.parametrize(
    ("method", "path", "verb", "namespace", "resource", "name"),
    [
        ("GET", "/version", "get", "", "", ""),
        ("GET", "/", "get", "", "", ""),
        ("GET", "/api", "get", "", "", ""),
        ("GET", "/api/v1", "get", "", "", ""),
        ("GET", "/apis/apps/v1", "get", "", "", ""),
        ("GET", "/api/v1/pods", "list", "", "pods", ""),
        ("GET", "/api/v1/pods?limit=5&watch=0", "list", "", "pods", ""),
        ("GET", "/api/v1/pods?watch=1", "watch", "", "pods", ""),
        ("GET", "/api/v1/pods?watch=True", "watch", "", "pods", ""),
        ("GET", "/api/v1/watch/namespaces/shop/pods", "watch", "shop", "pods", ""),
        ("GET", "/api/v1/namespaces", "list", "", "namespaces", ""),
        ("GET", "/api/v1/namespaces/shop", "get", "shop", "namespaces", "shop"),
        ("PUT", "/api/v1/namespaces/shop/finalize", "update", "shop", "namespaces/finalize", "shop"),
        ("GET", "/api/v1/namespaces/shop/pods", "list", "shop", "pods", ""),
        ("GET", "/api/v1/namespaces/shop/pods/web-1", "get", "shop", "pods", "web-1"),
        ("HEAD", "/api/v1/namespaces/shop/pods/web-1", "get", "shop", "pods", "web-1"),
        ("POST", "/api/v1/namespaces/shop/pods/web-1/exec", "create", "shop", "pods/exec", "web-1"),
        ("GET", "/api/v1/namespaces/shop/services/web:80/proxy/a/b", "get", "shop", "services/proxy", "web:80"),
        ("POST", "/apis/apps/v1/namespaces/shop/deployments", "create", "shop", "deployments", ""),
        ("PATCH", "/apis/apps/v1/namespaces/shop/deployments/web", "patch", "shop", "deployments", "web"),
        ("PUT", "/apis/apps/v1/namespaces/shop/deployments/web/scale", "update", "shop", "deployments/scale", "web"),
        ("DELETE", "/apis/apps/v1/namespaces/shop/deployments/web", "delete", "shop", "deployments", "web"),
        ("DELETE", "/apis/apps/v1/namespaces/shop/deployments", "deletecollection", "shop", "deployments", ""),
        ("GET", "/api/v1/namespaces/kube%2dsystem/%73ecrets", "list", "kube-system", "secrets", ""),
        ("GET", "/api/v1/namespaces/shop/pods/", "list", "shop", "pods", ""),
        ("GET", "/metrics", "get", "", "", ""),
    ],
)
def test_what_a_request_asks_for(method, path, verb, namespace, resource, name):
    request = parse_kube_request(method, path)

    assert (request.verb, request.namespace, request.resource, request.name) == (verb, namespace, resource, name)


@given(st.sampled_from(["GET", "POST", "DELETE", "PATCH"]), st.text(max_size=60))
def test_any_path_has_a_reading(method, text):
    request = parse_kube_request(method, "/" + text)

    assert request.verb
