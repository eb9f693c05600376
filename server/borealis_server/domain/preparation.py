"""What a run finds before it changes anything: which version is old, who owns what, and copies to go back to."""

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from borealis_server.domain.autoscaler import Autoscaler
from borealis_server.domain.deployment import SavedObject, ServicePair, Workload
from borealis_server.domain.effects import Prepared, Refused
from borealis_server.domain.kubernetes import autoscalers
from borealis_server.domain.kubernetes.json_types import Document, annotation, dig, label, meta
from borealis_server.domain.kubernetes.marks import (
    APPLICATION_ANNOTATION,
    DEPLOYMENT_ANNOTATION,
    LIVE_ANNOTATION,
    MANAGED_LABEL,
    WORKLOAD_LABEL,
    Origin,
)
from borealis_server.domain.kubernetes.ownership import without_server_fields
from borealis_server.domain.kubernetes.readiness import is_awaited
from borealis_server.domain.kubernetes.replica_set import version_hash, workload_label
from borealis_server.domain.planning.pod_ratio import DEFAULT_MAX_SURGE, DEFAULT_MAX_UNAVAILABLE, Bounds
from borealis_server.domain.planning.routes import plan_routes
from borealis_server.domain.planning.services import KnownServices, Side, route, unpin
from borealis_server.domain.routes import RouteSpec
from borealis_server.domain.routing.provider import KnownObjects
from borealis_server.domain.states import EndReason

_REVISION_ANNOTATION = "deployment.kubernetes.io/revision"
_SHARED = ("Namespace", "CustomResourceDefinition")
"""Kinds that several applications bring along by right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveObjects:
    """What was read from the cluster, as JSON."""

    natives: Mapping[tuple[str, str], Document]
    """Native Deployments that exist, by namespace and name of the workload."""
    replica_sets: Mapping[str, Sequence[Document]]
    """Every ReplicaSet, by namespace."""
    objects: Mapping[int, Document]
    """Objects that the run is going to apply and that exist, by their index."""
    autoscalers: Sequence[Document] = ()
    """Every HorizontalPodAutoscaler of the workloads' namespaces."""
    services: Sequence[Document] = ()
    """Every Service of the workloads' namespaces."""
    routes: Sequence[Document] = ()
    """Objects by which routes divide traffic, of the workloads' namespaces."""
    served: Mapping[str, str] = field(default_factory=dict)
    """By kind of such objects, the newest version that the cluster serves."""


def prepare(
    deployments: Iterable[Document],
    others: Sequence[Document],
    live: LiveObjects,
    origin: Origin,
    pairs: Sequence[ServicePair] = (),
    specs: Sequence[RouteSpec] = (),
) -> Prepared | Refused:
    """The workloads with their old versions, and a copy of every object that will be applied.

    Shape: `deployments` and `others` are the target's manifests, namespaces settled; `live.objects` is indexed as
    `others`. `pairs` are the Services of a blue/green run, `specs` the routes of a canary.
    """
    deployments = tuple(deployments)
    foreign = _foreign_owner(live, origin, {name for pair in pairs for name in (pair.active, pair.preview)})
    if foreign:
        return foreign
    workloads: list[Workload] = []
    found_scalers: list[Autoscaler] = []
    warnings: list[str] = []
    for manifest in deployments:
        load = _workload(manifest, live, origin)
        if isinstance(load, Refused):
            return load
        if load.leftovers and not load.native:
            warnings.append(f"{load.name}: removes what ended runs left: {', '.join(load.leftovers)}")
        scalers = _autoscalers(load, others, live)
        if len(scalers) > 1:
            named = ", ".join(one.name for one in scalers)
            warnings.append(f"{load.name}: several autoscalers scale it ({named}): keep one of them")
        found_scalers += scalers
        workloads.append(_sized(load, manifest, live, is_autoscaled=any(one.before for one in scalers)))
    sides = _sides(workloads, deployments)
    known = KnownServices.of(others, live.services)
    services = route(pairs, sides, known) if pairs else unpin(sides, known)
    if isinstance(services, Refused):
        return services
    routes = plan_routes(specs, sides, KnownObjects.of(others, (*live.services, *live.routes), live.served))
    if isinstance(routes, Refused):
        return routes
    own = {(one.namespace, part.name) for one in routes for part in one.parts if part.kind == "Service"}
    services = tuple(one for one in services if (one.namespace, one.name) not in own)
    routed = {(one.namespace, one.workload) for one in routes}
    workloads = [replace(load, is_routed=(load.namespace, load.name) in routed) for load in workloads]
    names = {meta(manifest, "name") for manifest in deployments}
    saved = tuple(_saved(manifest, live.objects.get(index), names) for index, manifest in enumerate(others))
    return Prepared(
        workloads=tuple(workloads),
        saved=saved,
        autoscalers=tuple(found_scalers),
        services=services,
        routes=routes,
        warnings=tuple(warnings),
    )


def _sides(loads: Sequence[Workload], deployments: Sequence[Document]) -> list[Side]:
    return [
        Side(load=load, new_labels=dig(manifest, "spec", "template", "metadata", "labels") or {})
        for load, manifest in zip(loads, deployments, strict=True)
    ]


def _foreign_owner(live: LiveObjects, origin: Origin, named: Container[str]) -> Refused | None:
    """Another application's claim on anything that this run would change."""
    services = [document for document in live.services if meta(document, "name") in named]
    for document in (*live.natives.values(), *live.objects.values(), *services):
        owner = annotation(document, APPLICATION_ANNOTATION)
        if owner and owner != origin.application and document["kind"] not in _SHARED:
            return _owned_by_another(document["kind"], meta(document, "name"), meta(document, "namespace"), owner)
    return None


def _owned_by_another(kind: str, name: str, namespace: str, owner: str) -> Refused:
    place = f"{kind} {name}" + (f" in namespace {namespace}" if namespace else "")
    advice = f"rename it, leave it to {owner}, or remove it there"
    return Refused(reason=EndReason.OBJECT_OWNED_BY, message=f"{place} belongs to application {owner}: {advice}")


def _workload(manifest: Document, live: LiveObjects, origin: Origin) -> Workload | Refused:
    namespace, name = meta(manifest, "namespace"), meta(manifest, "name")
    replica_sets = live.replica_sets.get(namespace, ())
    ours = [
        document
        for document in replica_sets
        if label(document, MANAGED_LABEL) == "true" and label(document, WORKLOAD_LABEL) == workload_label(name)
    ]
    for document in ours:
        owner = annotation(document, APPLICATION_ANNOTATION)
        if owner != origin.application:
            return _owned_by_another("Deployment", name, namespace, owner)
    native = live.natives.get((namespace, name))
    candidates = owned_by(native, replica_sets) if native else []
    others = [document for document in ours if not _is_from(document, origin) and document not in candidates]
    old, leftovers = old_version(others, candidates)
    old_replicas = int(dig(old, "spec", "replicas") or 0) if old else 0
    return Workload(
        name=name,
        namespace=namespace,
        replicas=0,
        bounds=Bounds.of(0),
        new_name=_new_name(origin, namespace, name, replica_sets),
        old_name=meta(old, "name") if old else "",
        old_replicas=old_replicas,
        old_pods=old_replicas,
        old_copy=json.dumps(_empty_copy(old)) if old else "",
        leftovers=tuple(meta(document, "name") for document in leftovers),
        native=json.dumps(native) if native else "",
    )


def _sized(load: Workload, manifest: Document, live: LiveObjects, *, is_autoscaled: bool) -> Workload:
    """The workload with as many pods as an autoscaler made, else as written, else as live, else one."""
    native = live.natives.get((load.namespace, load.name))
    current = dig(native, "spec", "replicas") if native else load.old_replicas if load.old_name else None
    written = dig(manifest, "spec", "replicas")
    choices = (current, written) if is_autoscaled else (written, current)
    replicas = int(next((count for count in choices if count is not None), 1))
    rolling = dig(manifest, "spec", "strategy", "rollingUpdate") or {}
    surge, unavailable = rolling.get("maxSurge"), rolling.get("maxUnavailable")
    surge = DEFAULT_MAX_SURGE if surge is None else surge
    unavailable = DEFAULT_MAX_UNAVAILABLE if unavailable is None else unavailable
    return replace(
        load,
        replicas=replicas,
        bounds=Bounds.of(replicas, surge, unavailable),
        max_surge=surge,
        max_unavailable=unavailable,
        is_autoscaled=is_autoscaled,
    )


def _autoscalers(load: Workload, others: Sequence[Document], live: LiveObjects) -> list[Autoscaler]:
    """Autoscalers of the workload: live ones, and those that the manifests bring, each once."""
    replica_sets = {load.old_name, *load.leftovers} - {""}
    indices = {
        autoscalers.key_of(manifest): index
        for index, manifest in enumerate(others)
        if autoscalers.is_autoscaler(manifest)
        and meta(manifest, "namespace") == load.namespace
        and autoscalers.scales_deployment(manifest, load.name)
    }
    found = {
        autoscalers.key_of(document): document
        for document in live.autoscalers
        if meta(document, "namespace") == load.namespace
        and (
            autoscalers.key_of(document) in indices
            or autoscalers.scales_deployment(document, load.name)
            or autoscalers.scales_replica_set(document, replica_sets)
        )
    }
    return [
        Autoscaler(
            namespace=namespace,
            name=name,
            workload=load.name,
            before=json.dumps(found[namespace, name]) if (namespace, name) in found else "",
            index=indices.get((namespace, name)),
        )
        for namespace, name in dict.fromkeys((*found, *indices))
    ]


def _new_name(origin: Origin, namespace: str, name: str, replica_sets: Iterable[Document]) -> str:
    """The name of the new version's ReplicaSet: another one where somebody else has taken it."""
    taken = {meta(document, "name") for document in replica_sets if not _is_from(document, origin)}
    collisions = 0
    while (chosen := f"{name}-{version_hash(origin, namespace, name, collisions)}") in taken:
        collisions += 1
    return chosen


def _is_from(document: Document, origin: Origin) -> bool:
    return annotation(document, DEPLOYMENT_ANNOTATION) == origin.deployment_id


def _empty_copy(replica_set: Document) -> dict[str, object]:
    """The ReplicaSet as it would be created again: without pods and without an owner that may be gone."""
    copy = without_server_fields(replica_set)
    metadata = {name: value for name, value in copy["metadata"].items() if name != "ownerReferences"}
    return {**copy, "metadata": metadata, "spec": {**copy["spec"], "replicas": 0}}


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


def _saved(manifest: Document, before: Document | None, workloads: Iterable[str]) -> SavedObject:
    return SavedObject(
        api_version=str(manifest["apiVersion"]),
        kind=str(manifest["kind"]),
        name=meta(manifest, "name"),
        namespace=meta(manifest, "namespace"),
        before=json.dumps(before) if before else "",
        is_awaited=is_awaited(manifest["apiVersion"], manifest["kind"]) and not _waits_for_pods(manifest, workloads),
    )


def _waits_for_pods(manifest: Document, workloads: Iterable[str]) -> bool:
    """Whether the object can only be ready once the pods are there that this run moves after it."""
    scaled = dig(manifest, "spec", "scaleTargetRef", "name")
    return scaled in workloads or (manifest["kind"] == "APIService" and any(workloads))
