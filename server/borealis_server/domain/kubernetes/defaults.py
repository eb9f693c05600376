"""Defaults that server-side apply needs written out.

API servers up to 1.20 refuse to merge a list of ports whose entries do not name their protocol, although it has a
default (kubernetes/kubernetes#92332); writing the default is harmless everywhere.
"""

from typing import Any

from borealis_server.domain.kubernetes.json_types import Document

_POD_LISTS = ("initContainers", "containers")


def with_protocols(document: Document) -> dict[str, Any]:  # Any: JSON
    """The manifest with `protocol: TCP` on every port of a Service or a pod template that names none."""
    spec = document.get("spec")
    if not isinstance(spec, dict):
        return dict(document)
    if document["kind"] == "Service":
        return {**document, "spec": _with_ports(spec)}
    return {**document, "spec": _walk(spec)}


def _walk(spec: dict[str, Any]) -> dict[str, Any]:  # Any: JSON
    """Pod specs are found at `template.spec`, for a CronJob below `jobTemplate.spec`."""
    walked = dict(spec)
    for name in ("template", "jobTemplate"):
        inner = spec.get(name)
        if isinstance(inner, dict) and isinstance(inner.get("spec"), dict):
            walked[name] = {**inner, "spec": _walk(inner["spec"])}
    for name in _POD_LISTS:
        if isinstance(spec.get(name), list):
            walked[name] = [
                _with_ports(container) if isinstance(container, dict) else container for container in spec[name]
            ]
    return walked


def _with_ports(holder: dict[str, Any]) -> dict[str, Any]:  # Any: JSON
    ports = holder.get("ports")
    if not isinstance(ports, list):
        return holder
    return {**holder, "ports": [{"protocol": "TCP", **port} if isinstance(port, dict) else port for port in ports]}
