"""What a run finds before it changes anything: which version is old, who owns what, and copies to go back to."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from borealis_server.domain.deployment import EndReason, SavedObject, Workload
from borealis_server.domain.effects import Prepared, Refused
from borealis_server.domain.kubernetes.json_types import Document, annotation, dig, label, meta
from borealis_server.domain.kubernetes.marks import (
    APPLICATION_ANNOTATION,
    DEPLOYMENT_ANNOTATION,
    LIVE_ANNOTATION,
    MANAGED_LABEL,
    WORKLOAD_LABEL,
    Origin,
)
from borealis_server.domain.kubernetes.replica_set import version_hash, workload_label
from borealis_server.domain.planning.pod_ratio import DEFAULT_MAX_SURGE, DEFAULT_MAX_UNAVAILABLE, Bounds

_REVISION_ANNOTATION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveObjects:
    """What was read from the cluster, as JSON."""

    natives: Mapping[tuple[str, str], Document]
    """Native Deployments that exist, by namespace and name of the workload."""
    replica_sets: Mapping[str, Sequence[Document]]
    """Every ReplicaSet, by namespace."""
    objects: Mapping[int, Document]
    """Objects that the run is going to apply and that exist, by their index."""


def prepare(
    deployments: Iterable[Document], others: Sequence[Document], live: LiveObjects, origin: Origin
) -> Prepared | Refused:
    """The workloads with their old versions, and a copy of every object that will be applied.

    Shape: `deployments` and `others` are the target's manifests, namespaces settled; `live.objects` is indexed as
    `others`.
    """
    workloads: list[Workload] = []
    warnings: list[str] = []
    for manifest in deployments:
        found = _workload(manifest, live, origin)
        if isinstance(found, Refused):
            return found
        workloads.append(found)
        if found.leftovers and not found.native:
            warnings.append(f"{found.name}: removes what ended runs left: {', '.join(found.leftovers)}")
    saved = tuple(_saved(manifest, live.objects.get(index)) for index, manifest in enumerate(others))
    return Prepared(workloads=tuple(workloads), saved=saved, warnings=tuple(warnings))


def _workload(manifest: Document, live: LiveObjects, origin: Origin) -> Workload | Refused:
    namespace, name = meta(manifest, "namespace"), meta(manifest, "name")
    ours = [
        document
        for document in live.replica_sets.get(namespace, ())
        if label(document, MANAGED_LABEL) == "true" and label(document, WORKLOAD_LABEL) == workload_label(name)
    ]
    for document in ours:
        owner = annotation(document, APPLICATION_ANNOTATION)
        if owner != origin.application:
            place = f"Deployment {name} in namespace {namespace}"
            message = f"{place} belongs to application {owner}: rename it, or remove it there"
            return Refused(reason=EndReason.OBJECT_OWNED_BY, message=message)
    native = live.natives.get((namespace, name))
    candidates = owned_by(native, live.replica_sets.get(namespace, ())) if native else []
    old, leftovers = old_version([document for document in ours if not _is_from(document, origin)], candidates)
    replicas = _replicas(manifest, native, old)
    return Workload(
        name=name,
        namespace=namespace,
        replicas=replicas,
        bounds=_bounds(manifest, replicas),
        new_name=f"{name}-{version_hash(origin, namespace, name)}",
        old_name=meta(old, "name") if old else "",
        old_replicas=int(dig(old, "spec", "replicas") or 0) if old else 0,
        leftovers=tuple(meta(document, "name") for document in leftovers),
        native=json.dumps(native) if native else "",
    )


def _is_from(document: Document, origin: Origin) -> bool:
    return annotation(document, DEPLOYMENT_ANNOTATION) == origin.deployment_id


def owned_by(native: Document, replica_sets: Iterable[Document]) -> list[Document]:
    """ReplicaSets of a native Deployment, the newest revision first."""
    uid = meta(native, "uid")
    owned = [
        document
        for document in replica_sets
        if any(owner.get("uid") == uid for owner in dig(document, "metadata", "ownerReferences") or [])
    ]
    return sorted(owned, key=lambda document: int(annotation(document, _REVISION_ANNOTATION) or 0), reverse=True)


def old_version(ours: list[Document], natives: list[Document]) -> tuple[Document | None, list[Document]]:
    """The version that serves now, and the rest: a native Deployment's newest, else the live one, else what serves."""
    newest_first = sorted(ours, key=lambda document: meta(document, "creationTimestamp"), reverse=True)
    ranked = [
        *natives[:1],
        *(document for document in newest_first if annotation(document, LIVE_ANNOTATION) == "true"),
        *(document for document in newest_first if int(dig(document, "status", "availableReplicas") or 0) > 0),
    ]
    old = ranked[0] if ranked else None
    return old, [document for document in (*natives, *newest_first) if document is not old]


def _replicas(manifest: Document, native: Document | None, old: Document | None) -> int:
    """Pods wanted: as written, else as many as live, else one."""
    for document in (manifest, native, old):
        written = dig(document, "spec", "replicas") if document else None
        if written is not None:
            return int(written)
    return 1


def _bounds(manifest: Document, replicas: int) -> Bounds:
    rolling = dig(manifest, "spec", "strategy", "rollingUpdate") or {}
    surge, unavailable = rolling.get("maxSurge"), rolling.get("maxUnavailable")
    return Bounds.of(
        replicas,
        DEFAULT_MAX_SURGE if surge is None else surge,
        DEFAULT_MAX_UNAVAILABLE if unavailable is None else unavailable,
    )


def _saved(manifest: Document, before: Document | None) -> SavedObject:
    return SavedObject(
        api_version=str(manifest["apiVersion"]),
        kind=str(manifest["kind"]),
        name=meta(manifest, "name"),
        namespace=meta(manifest, "namespace"),
        before=json.dumps(before) if before else "",
    )
