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
from kit.checker.services import base_of, labels_of, workload_of

if TYPE_CHECKING:
    from borealis_server.domain.effects import Prepared, Refused
    from kit.checker.cluster import Cluster, Native, Scaler, Set, Workload
    from kit.checker.scenarios import TargetPlan
    from kit.checker.services import Service


def prepared(cluster: Cluster, plan: TargetPlan, origin: Origin) -> Prepared | Refused:
    """What the real preparation makes of this cluster and the manifests of a target."""
    manifests = [_manifest(load) for load in plan.workloads]
    settings = [_object(index) for index in range(plan.objects)]
    services = [_service_manifest(name) for name in plan.applied_services]
    scalers = [_scaler_manifest(name, ("Deployment", name)) for name in plan.applied_scalers]
    live_scalers = [_scaler(each, cluster, plan) for each in cluster.scalers]
    placed = {each["metadata"]["name"]: each for each in live_scalers if plan.applies_scalers}
    live = LiveObjects(
        natives={(NAMESPACE, each.name): _native(each) for each in cluster.natives},
        replica_sets={NAMESPACE: [_document(each, cluster) for each in cluster.sets]},
        objects={
            index: {**settings[index], "run": run} for index, run in enumerate(cluster.objects[: plan.objects]) if run
        }
        | {each.place: _service(each, cluster) for each in cluster.services if each.place >= 0}
        | {plan.place_of(f"HorizontalPodAutoscaler {name}"): each for name, each in placed.items()},
        autoscalers=live_scalers,
        services=[_service(each, cluster) for each in cluster.services],
    )
    return prepare(manifests, [*settings, *services, *scalers], live, origin, plan.pairs)


def _manifest(load: Workload) -> dict[str, Any]:  # Any: JSON
    rolling = {"maxSurge": load.surge, "maxUnavailable": load.unavailable}
    spec = {"replicas": load.pods, "strategy": {"rollingUpdate": rolling}, "template": _template(base_of(load.name))}
    return {"kind": "Deployment", "metadata": {"name": load.name, "namespace": NAMESPACE}, "spec": spec}


def _native(each: Native) -> dict[str, Any]:  # Any: JSON
    metadata = {"name": each.name, "namespace": NAMESPACE, "uid": str(each.uid)}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"replicas": each.pods}}


def _scaler(each: Scaler, cluster: Cluster, plan: TargetPlan) -> dict[str, Any]:  # Any: JSON
    manifest, place = _scaler_manifest(each.name, each.scales), plan.place_of(f"HorizontalPodAutoscaler {each.name}")
    metadata = {**manifest["metadata"], "uid": str(each.uid)}
    return {**manifest, "metadata": metadata, "run": cluster.objects[place] if place >= 0 else ""}


def _scaler_manifest(workload: str, scales: tuple[str, str]) -> dict[str, Any]:  # Any: JSON
    kind, name = scales
    target = {"apiVersion": "apps/v1", "kind": kind, "name": name}
    head = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}
    return {**head, "metadata": {"name": workload, "namespace": NAMESPACE}, "spec": {"scaleTargetRef": target}}


def _template(labels: Any) -> dict[str, Any]:  # Any: JSON
    return {"metadata": {"labels": dict(labels)}}


def _service_manifest(name: str) -> dict[str, Any]:  # Any: JSON
    head = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": NAMESPACE}}
    return {**head, "spec": {"selector": dict(base_of(workload_of(name)))}}


def _service(each: Service, cluster: Cluster) -> dict[str, Any]:  # Any: JSON
    run = cluster.objects[each.place] if each.place >= 0 else ""
    return {**_service_manifest(each.name), "spec": {"selector": dict(each.selector)}, "run": run, "place": each.place}


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
    spec = {"replicas": each.desired, "template": _template(labels_of(each))}
    return {"metadata": metadata, "spec": spec, "status": {"availableReplicas": each.ready}}
