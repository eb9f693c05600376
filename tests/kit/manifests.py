"""Small manifests for tests; each is complete and valid, and a test changes only what it is about."""

from __future__ import annotations

from typing import Any

# Any throughout: the JSON of an object has as many shapes as there are kinds.
NEVER_SET_GATE = "tests.borealis.dev/never-set"


def pod_template(*, app: str = "web", image: str = "example/web:1", never_ready: bool = False) -> dict[str, Any]:
    """A pod template with one container; `never_ready` waits for a condition that nobody sets."""
    spec: dict[str, Any] = {"containers": [{"name": "web", "image": image}]}
    if never_ready:
        spec["readinessGates"] = [{"conditionType": NEVER_SET_GATE}]
    return {"metadata": {"labels": {"app": app}}, "spec": spec}


def deployment(
    name: str = "web", *, replicas: int = 2, image: str = "example/web:1", **template: Any
) -> dict[str, Any]:
    """A Deployment called `name`, which is also its pods' label `app`."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": _workload(name, replicas, image, **template),
    }


def replica_set(
    name: str = "web", *, replicas: int = 2, image: str = "example/web:1", **template: Any
) -> dict[str, Any]:
    """A ReplicaSet called `name`, which is also its pods' label `app`."""
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": _workload(name, replicas, image, **template),
    }


def config_map(name: str = "settings", **data: str) -> dict[str, Any]:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def service(name: str = "web") -> dict[str, Any]:
    """A Service for the pods with label `app` equal to `name`."""
    # Kubernetes 1.20 cannot apply a port that leaves out its protocol.
    port = {"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}
    spec = {"selector": {"app": name}, "ports": [port]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def _workload(app: str, replicas: int, image: str, **template: Any) -> dict[str, Any]:
    return {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": app}},
        "template": pod_template(app=app, image=image, **template),
    }
