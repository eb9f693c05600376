"""What the server tells clients about itself: its version, and the kinds it serves. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from borealis_sandbox.kinds import Kind
    from borealis_sandbox.objects import Object

_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
# An OpenAPI document in protobuf form with only `swagger: "2.0"`: kubectl then skips its own validation.
OPENAPI_PROTOBUF = b"\n\x032.0"
OPENAPI_JSON: Object = {
    "swagger": "2.0",
    "info": {"title": "Borealis sandbox", "version": "v1.30.0"},
    "paths": {},
    "definitions": {},
}


def version() -> Object:
    """The answer of `/version`; its text says that this is a simulation."""
    return {
        "major": "1",
        "minor": "30",
        "gitVersion": "v1.30.0+borealis-sandbox",
        "gitCommit": "simulated",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "none",
        "compiler": "none",
        "platform": "simulated/none",
    }


def core_versions() -> Object:
    """The answer of `/api`."""
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def group_list(kinds: Iterable[Kind]) -> Object:
    """The answer of `/apis`."""
    groups = sorted({(kind.group, kind.version) for kind in kinds if kind.group})
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(*each) for each in groups]}


def group(kinds: Iterable[Kind], name: str) -> Object | None:
    """The answer of `/apis/{group}`; None if there is no such group."""
    found = next((kind for kind in kinds if kind.group and kind.group == name), None)
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(found.group, found.version)} if found else None


def resource_list(kinds: Iterable[Kind], group_name: str, version_name: str) -> Object | None:
    """The kinds of one group and version; None if there is no such group and version."""
    served = [kind for kind in kinds if (kind.group, kind.version) == (group_name, version_name)]
    if not served:
        return None
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": served[0].api_version,
        "resources": [resource for kind in served for resource in _resources(kind)],
    }


def _group(name: str, version_name: str) -> Object:
    served = {"groupVersion": f"{name}/{version_name}", "version": version_name}
    return {"name": name, "versions": [served], "preferredVersion": served}


def _resources(kind: Kind) -> list[Object]:
    about = {"singularName": "", "namespaced": kind.is_namespaced, "kind": kind.kind}
    main = {**about, "name": kind.plural, "verbs": _VERBS, "shortNames": list(kind.short_names)}
    main["singularName"] = kind.kind.lower()
    if kind.kind in {"Pod", "Service", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob"}:
        main["categories"] = ["all"]
    resources = [main]
    if kind.has_status:
        resources.append({**about, "name": f"{kind.plural}/status", "verbs": ["get", "patch", "update"]})
    if kind.has_scale:
        view = {"group": "autoscaling", "version": "v1", "kind": "Scale"}
        resources.append({**about, **view, "name": f"{kind.plural}/scale", "verbs": ["get", "patch", "update"]})
    return resources
