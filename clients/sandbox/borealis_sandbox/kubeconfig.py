"""Renders the kubeconfig with which kubectl, the agent and the tests reach a cluster; knows nothing of the server."""

from __future__ import annotations

import base64

import yaml


def render_kubeconfig(*, name: str, url: str, token: str, ca_pem: bytes, namespace: str = "default") -> str:
    """A kubeconfig with one cluster, one user and one context, all called `name`, and the context current."""
    cluster = {"server": url, "certificate-authority-data": base64.b64encode(ca_pem).decode("ascii")}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": namespace}}],
        "current-context": name,
    }
    return yaml.safe_dump(document, sort_keys=False)
