"""HorizontalPodAutoscalers: whose pods one scales, and how it is pointed at other pods."""

import json
from collections.abc import Collection
from typing import Any, Final

from borealis_server.domain.autoscaler import Autoscaler
from borealis_server.domain.kubernetes.json_types import Document, dig, meta
from borealis_server.domain.kubernetes.ownership import without_server_fields

KIND: Final = "HorizontalPodAutoscaler"
API_VERSIONS: Final = ("autoscaling/v2", "autoscaling/v2beta2", "autoscaling/v1")
"""Versions to read by, the ones that show most first: every cluster serves one of them."""
_GROUP: Final = "autoscaling"


def is_autoscaler(document: Document) -> bool:
    """Whether the object is a HorizontalPodAutoscaler, of whatever version."""
    return document["kind"] == KIND and str(document["apiVersion"]).startswith(f"{_GROUP}/")


def scales_deployment(document: Document, name: str) -> bool:
    """Whether it scales the Deployment of that name."""
    return _target(document) == ("Deployment", name)


def scales_replica_set(document: Document, names: Collection[str]) -> bool:
    """Whether it scales one of the ReplicaSets."""
    kind, name = _target(document)
    return kind == "ReplicaSet" and name in names


def scales(document: Document, kind: str, name: str) -> bool:
    """Whether it scales the object of that kind and name."""
    return _target(document) == (kind, name)


def retargeted(document: Document, *, replica_set: str, deployment: str) -> dict[str, Any]:  # Any: JSON
    """The autoscaler with the ReplicaSet to scale, or the Deployment where `replica_set` is empty."""
    kind, name = ("ReplicaSet", replica_set) if replica_set else ("Deployment", deployment)
    target = {"apiVersion": "apps/v1", "kind": kind, "name": name}
    return {**document, "spec": {**(document.get("spec") or {}), "scaleTargetRef": target}}


def saved_document(autoscaler: Autoscaler) -> dict[str, Any]:  # Any: JSON
    """The autoscaler as it was before the run, ready to be created."""
    document: dict[str, Any] = json.loads(autoscaler.before)
    return without_server_fields(document)


def _target(document: Document) -> tuple[str, str]:
    return str(dig(document, "spec", "scaleTargetRef", "kind") or ""), str(
        dig(document, "spec", "scaleTargetRef", "name") or ""
    )


def key_of(document: Document) -> tuple[str, str]:
    """Namespace and name."""
    return meta(document, "namespace"), meta(document, "name")
