"""Whether one manifest makes sense by itself: its header, its kind, and the shape of a Deployment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from borealis_deployfile.faults import Code
from borealis_deployfile.kinds import DEPLOYMENT, POD, REPLICA_SET, GroupKind, group_kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from borealis_deployfile.faults import Fault
    from borealis_deployfile.manifest_documents import Json, ManifestDocument
    from borealis_deployfile.paths import Path

_ROLLING: Final = ("spec", "strategy", "rollingUpdate")
_SHARE: Final = re.compile(r"[0-9]{1,4}%")
_QUOTES: Final = "put it in quotes"
_UNSUPPORTED: Final[dict[GroupKind, str]] = {
    POD: "a Pod by itself cannot be rolled out",
    REPLICA_SET: "a ReplicaSet by itself cannot be rolled out",
}
_OLD_DEPLOYMENTS: Final = frozenset({"extensions", "apps"})
_DEPLOYMENT_VERSION: Final = "apps/v1"
_TEXT_MAPS: Final[tuple[Path, ...]] = (("metadata", "labels"), ("metadata", "annotations"))
_TEMPLATE_TEXT_MAPS: Final[tuple[Path, ...]] = tuple(("spec", "template", *path) for path in _TEXT_MAPS)


def check_object(document: ManifestDocument) -> list[Fault]:
    """Every fault of the object by itself; without any, it has a text apiVersion, kind and metadata.name."""
    return list(_header_faults(document)) or list(_content_faults(document))


def value_at(value: Json, *path: str) -> Json:
    """The part of a JSON value that `path` leads to, or None."""
    for part in path:
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def kind_of(document: ManifestDocument) -> GroupKind:
    """The kind of a sound object."""
    return group_kind(document.value["apiVersion"], document.value["kind"])


def _header_faults(document: ManifestDocument) -> Iterator[Fault]:
    if not isinstance(document.value, dict):
        yield document.fault(Code.INVALID_MANIFEST, "a manifest must be a map with apiVersion, kind and metadata.name")
        return
    for path in (("apiVersion",), ("kind",), ("metadata", "name")):
        written = value_at(document.value, *path)
        if written is None or written == "":
            yield document.fault(Code.INVALID_MANIFEST, f"the manifest has no {'.'.join(path)}", "", *path)
        elif not isinstance(written, str):
            yield document.fault(Code.INVALID_MANIFEST, f"{'.'.join(path)} must be text", _QUOTES, *path)
    namespace = value_at(document.value, "metadata", "namespace")
    if namespace is not None and not isinstance(namespace, str):
        path = ("metadata", "namespace")
        yield document.fault(Code.INVALID_MANIFEST, "metadata.namespace must be text", _QUOTES, *path)


def _content_faults(document: ManifestDocument) -> Iterator[Fault]:
    api_version, identity = document.value["apiVersion"], kind_of(document)
    problem = _UNSUPPORTED.get(identity)
    if problem is not None:
        yield document.fault(Code.UNSUPPORTED_MANIFEST, problem, "write a Deployment", "kind")
        return
    if identity[1] == DEPLOYMENT[1] and identity[0] in _OLD_DEPLOYMENTS and api_version != _DEPLOYMENT_VERSION:
        message = f"Deployments of {api_version} are no longer part of Kubernetes"
        advice = f"write `apiVersion: {_DEPLOYMENT_VERSION}`"
        yield document.fault(Code.UNSUPPORTED_MANIFEST, message, advice, "apiVersion")
        return
    yield from _text_map_faults(document, _TEXT_MAPS)
    if identity == DEPLOYMENT:
        yield from _text_map_faults(document, _TEMPLATE_TEXT_MAPS)
        yield from _deployment_faults(document)


def _text_map_faults(document: ManifestDocument, paths: tuple[Path, ...]) -> Iterator[Fault]:
    for path in paths:
        entries = value_at(document.value, *map(str, path))
        if entries is None:
            continue
        where = ".".join(map(str, path))
        if not isinstance(entries, dict):
            yield document.fault(Code.INVALID_MANIFEST, f"{where} must be a map", "", *path)
            continue
        for name, value in entries.items():
            if not isinstance(value, str):
                yield document.fault(Code.INVALID_MANIFEST, f"{where}.{name} must be text", _QUOTES, *path, name)


def _deployment_faults(document: ManifestDocument) -> Iterator[Fault]:
    spec = value_at(document.value, "spec")
    if not isinstance(spec, dict):
        yield document.fault(Code.INVALID_MANIFEST, "a Deployment needs a spec", "", "spec")
        return
    yield from _number_faults(document, spec)
    yield from _bound_faults(document)
    yield from _selector_faults(document, spec)
    containers = value_at(spec, "template", "spec", "containers")
    if not isinstance(containers, list) or not containers:
        path = ("spec", "template", "spec", "containers")
        yield document.fault(Code.INVALID_MANIFEST, "the pods of a Deployment need at least one container", "", *path)


def _number_faults(document: ManifestDocument, spec: Json) -> Iterator[Fault]:
    for name in ("replicas", "minReadySeconds"):
        number = spec.get(name)
        if number is not None and not _is_count(number):
            message = f"spec.{name} must be a whole number, 0 or more"
            yield document.fault(Code.INVALID_MANIFEST, message, "", "spec", name)


def _bound_faults(document: ManifestDocument) -> Iterator[Fault]:
    for path in (_ROLLING[:-1], _ROLLING):
        part = value_at(document.value, *path)
        if part is not None and not isinstance(part, dict):
            yield document.fault(Code.INVALID_MANIFEST, f"{'.'.join(path)} must be a map", "", *path)
            return
    for name in ("maxSurge", "maxUnavailable"):
        bound = value_at(document.value, *_ROLLING, name)
        is_share = isinstance(bound, str) and _SHARE.fullmatch(bound)
        if bound is not None and not is_share and not _is_count(bound):
            message = f"{name} must be a number of pods or a share of them"
            yield document.fault(Code.INVALID_MANIFEST, message, 'write for example 1 or "25%"', *_ROLLING, name)


def _is_count(value: Json) -> bool:
    return type(value) is int and value >= 0


def _selector_faults(document: ManifestDocument, spec: Json) -> Iterator[Fault]:
    wanted = value_at(spec, "selector", "matchLabels")
    if not isinstance(wanted, dict) or not wanted:
        message = "a Deployment needs spec.selector.matchLabels"
        yield document.fault(Code.INVALID_MANIFEST, message, "name the labels of its pods", "spec", "selector")
        return
    labels = value_at(spec, "template", "metadata", "labels")
    labels = labels if isinstance(labels, dict) else {}
    for name, value in wanted.items():
        if labels.get(name) != value:
            message = f'the selector wants the label "{name}: {value}", which the pod template does not have'
            path = ("spec", "selector", "matchLabels", name)
            yield document.fault(Code.INVALID_MANIFEST, message, "add it to spec.template.metadata.labels", *path)
