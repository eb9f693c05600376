"""ReplicaSets: made from Deployment manifests, and read back as views."""

import hashlib
from collections.abc import Iterable
from typing import Any

from borealis_server.domain.kubernetes.json_types import Document, dig, meta
from borealis_server.domain.kubernetes.marks import HASH_LABEL, MANAGED_LABEL, WORKLOAD_LABEL, Origin
from borealis_server.domain.observation import PodProblem, ReplicaSetView

_HASH_LETTERS = 10
_LABEL_LIMIT = 63


def version_hash(origin: Origin, namespace: str, workload: str, collisions: int = 0) -> str:
    """Ten letters that only this run of this workload has; `collisions` counts names that turned out to be taken."""
    text = f"{origin.deployment_id}/{origin.target}/{namespace}/{workload}" + (f"/{collisions}" if collisions else "")
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_LETTERS]


def workload_label(workload: str) -> str:
    """A label value for the name of a workload: the name, or a digest where it is too long for a label."""
    if len(workload) <= _LABEL_LIMIT:
        return workload
    return hashlib.sha256(workload.encode()).hexdigest()[:_LABEL_LIMIT]


def replica_set_of(deployment: Document, origin: Origin, name: str = "") -> dict[str, Any]:  # Any: JSON
    """The ReplicaSet, with no pods yet, that stands for the Deployment manifest in this run.

    `name` ends with the hash of the version; empty stands for the usual one. Pods get our annotations and variables; a
    variable that the manifest sets itself is left alone. `strategy`, `revisionHistoryLimit`, `paused` and
    `progressDeadlineSeconds` have no meaning for a ReplicaSet.
    """
    namespace, workload = meta(deployment, "namespace"), meta(deployment, "name")
    name = name or f"{workload}-{version_hash(origin, namespace, workload)}"
    hashed = name.removeprefix(f"{workload}-")
    spec = deployment["spec"]
    # A native Deployment adopts a ReplicaSet by these: they must match the Deployment's selector, as its pods' do.
    labels = {
        **(dig(deployment, "metadata", "labels") or {}),
        **(dig(spec, "template", "metadata", "labels") or {}),
        **_own_labels(workload, hashed),
    }
    selector = dict(spec["selector"])
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: hashed}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": labels,
            "annotations": origin.pod_annotations(name),
        },
        "spec": {
            "replicas": 0,
            "minReadySeconds": spec.get("minReadySeconds") or 0,
            "selector": selector,
            "template": _pod_template(spec["template"], hashed, name, origin),
        },
    }


def view_of(document: Document) -> ReplicaSetView:
    """A live ReplicaSet as decisions need it."""
    status = document.get("status") or {}
    desired = int(dig(document, "spec", "replicas") or 0)
    observed = int(status.get("observedGeneration") or 0)
    return ReplicaSetView(
        name=meta(document, "name"),
        uid=meta(document, "uid"),
        desired=desired,
        total=int(status.get("replicas") or 0),
        available=min(int(status.get("availableReplicas") or 0), desired),
        is_settled=observed >= int(dig(document, "metadata", "generation") or 0),
        failure=_failure(status.get("conditions") or []),
    )


def pod_problems(pods: Iterable[Document]) -> tuple[PodProblem, ...]:
    """Why pods are not ready, by pod name; pods that are ready or going are left out."""
    open_pods = [pod for pod in pods if not dig(pod, "metadata", "deletionTimestamp") and not _is_ready(pod)]
    return tuple(sorted((_problem(pod) for pod in open_pods), key=lambda problem: problem.pod))


def _own_labels(workload: str, hashed: str) -> dict[str, str]:
    return {MANAGED_LABEL: "true", WORKLOAD_LABEL: workload_label(workload), HASH_LABEL: hashed}


def _pod_template(template: Document, hashed: str, name: str, origin: Origin) -> dict[str, Any]:  # Any: JSON
    metadata = dict(template.get("metadata") or {})
    metadata["labels"] = {**(metadata.get("labels") or {}), HASH_LABEL: hashed}
    metadata["annotations"] = {**(metadata.get("annotations") or {}), **origin.pod_annotations(name)}
    spec = dict(template.get("spec") or {})
    for field in ("initContainers", "containers"):
        if spec.get(field):
            spec[field] = [_with_variables(container, origin.pod_variables(name)) for container in spec[field]]
    return {**template, "metadata": metadata, "spec": spec}


def _with_variables(container: Document, variables: dict[str, str]) -> dict[str, Any]:  # Any: JSON
    own = list(container.get("env") or [])
    taken = {variable.get("name") for variable in own}
    added = [{"name": name, "value": value} for name, value in variables.items() if name not in taken]
    return {**container, "env": own + added}


def _failure(conditions: Iterable[Document]) -> str:
    for condition in conditions:
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            return str(condition.get("message") or condition.get("reason") or "unknown")
    return ""


def _is_ready(pod: Document) -> bool:
    conditions = dig(pod, "status", "conditions") or []
    return any(condition.get("type") == "Ready" and condition.get("status") == "True" for condition in conditions)


def _problem(pod: Document) -> PodProblem:
    name = meta(pod, "name")
    statuses = (dig(pod, "status", "initContainerStatuses") or []) + (dig(pod, "status", "containerStatuses") or [])
    for status in statuses:
        waiting = dig(status, "state", "waiting")
        if waiting and waiting.get("reason") not in ("ContainerCreating", "PodInitializing"):
            return PodProblem(pod=name, reason=waiting.get("reason") or "Waiting", detail=waiting.get("message") or "")
    for condition in dig(pod, "status", "conditions") or []:
        if condition.get("status") == "False" and condition.get("reason"):
            return PodProblem(pod=name, reason=condition["reason"], detail=condition.get("message") or "")
    return PodProblem(pod=name, reason="NotReady", detail=_phase(pod))


def _phase(pod: Document) -> str:
    return f"phase {dig(pod, 'status', 'phase') or 'unknown'}"
