"""What the engine's real preparation reads of the model's cluster: its objects as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from borealis_server.domain.kubernetes.marks import (
    APPLICATION_ANNOTATION,
    DEPLOYMENT_ANNOTATION,
    LIVE_ANNOTATION,
    MANAGED_LABEL,
    WORKLOAD_LABEL,
    Origin,
)
from borealis_server.domain.preparation import LiveObjects, prepare
from kit.checker.cluster import APPLICATION, NAMESPACE, NATIVE_REVISION, WORKLOAD_MARK, owner_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from borealis_server.domain.effects import Prepared, Refused
    from kit.checker.cluster import Cluster, Native, Scaler, Set, Workload


def prepared(cluster: Cluster, loads: Iterable[Workload], origin: Origin) -> Prepared | Refused:
    """What the real preparation makes of this cluster and these manifests."""
    manifests = [_manifest(load) for load in loads]
    live = LiveObjects(
        natives={(NAMESPACE, each.name): _native(each) for each in cluster.natives},
        replica_sets={NAMESPACE: [_document(each, cluster) for each in cluster.sets]},
        objects={index: {"run": run} for index, run in enumerate(cluster.objects) if run},
        autoscalers=[_scaler(each) for each in cluster.scalers],
    )
    return prepare(manifests, [_object(index) for index in range(len(cluster.objects))], live, origin)


def _manifest(load: Workload) -> dict[str, Any]:  # Any: JSON
    rolling = {"maxSurge": load.surge, "maxUnavailable": load.unavailable}
    spec = {"replicas": load.pods, "strategy": {"rollingUpdate": rolling}}
    return {"kind": "Deployment", "metadata": {"name": load.name, "namespace": NAMESPACE}, "spec": spec}


def _native(each: Native) -> dict[str, Any]:  # Any: JSON
    metadata = {"name": each.name, "namespace": NAMESPACE, "uid": str(each.uid)}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"replicas": each.pods}}


def _scaler(each: Scaler) -> dict[str, Any]:  # Any: JSON
    kind, name = each.scales
    target = {"apiVersion": "apps/v1", "kind": kind, "name": name}
    metadata = {"name": each.name, "namespace": NAMESPACE, "uid": str(each.uid)}
    head = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}
    return {**head, "metadata": metadata, "spec": {"scaleTargetRef": target}}


def _object(index: int) -> dict[str, Any]:  # Any: JSON
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": str(index), "namespace": NAMESPACE}}


def _document(each: Set, cluster: Cluster) -> dict[str, Any]:  # Any: JSON
    owner = owner_of(cluster, each)
    marks = {APPLICATION_ANNOTATION: APPLICATION, DEPLOYMENT_ANNOTATION: each.maker} if each.maker else {}
    live = {LIVE_ANNOTATION: "true"} if each.is_live else {}
    revision = {NATIVE_REVISION: "1"} if owner else {}
    metadata: dict[str, Any] = {
        "name": each.name,
        "namespace": NAMESPACE,
        "labels": {MANAGED_LABEL: "true", WORKLOAD_LABEL: each.workload} if each.maker else {},
        "annotations": {WORKLOAD_MARK: each.workload, **marks, **live, **revision},
        "creationTimestamp": each.maker,
    }
    if owner:
        metadata["ownerReferences"] = [{"uid": str(owner.uid), "name": owner.name}]
    return {"metadata": metadata, "spec": {"replicas": each.desired}, "status": {"availableReplicas": each.ready}}
