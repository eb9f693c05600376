"""How many pods of a Kubernetes Deployment are live, as a deployment that starts now would find it."""

from collections.abc import Sequence
from dataclasses import dataclass

from borealis_server.domain.errors import InvalidArgument
from borealis_server.domain.kubernetes.json_types import Document, dig, label, meta
from borealis_server.domain.kubernetes.marks import MANAGED_LABEL, WORKLOAD_LABEL
from borealis_server.domain.kubernetes.replica_set import workload_label
from borealis_server.domain.preparation import LiveObjects, old_version, owned_by

PLACES_LIMIT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadPlace:
    """Where a Kubernetes Deployment is."""

    account: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveReplicas:
    """What is live of it."""

    place: WorkloadPlace
    replicas: int | None = None
    """Pods that the live version is to have; None when there is no such version, or nobody knows."""
    unknown: str = ""
    """Why nobody knows; empty when it is known."""
    autoscaler: str = ""
    """HorizontalPodAutoscaler that decides on the number; empty when there is none."""


def check_places(places: Sequence[WorkloadPlace]) -> None:
    """Errors: InvalidArgument when there are none, too many, or one is not wholly named."""
    if not 1 <= len(places) <= PLACES_LIMIT:
        raise InvalidArgument.of("workloads", f"must be 1 to {PLACES_LIMIT}, not {len(places)}")
    for index, place in enumerate(places):
        if not (place.account and place.namespace and place.name):
            raise InvalidArgument.of(f"workloads[{index}]", "needs an account, a namespace and a name")


def live_replicas(place: WorkloadPlace, live: LiveObjects, autoscalers: Sequence[Document]) -> LiveReplicas:
    """What is live at the place; `live` and `autoscalers` were read in its namespace."""
    sets = live.replica_sets.get(place.namespace, ())
    native = live.natives.get((place.namespace, place.name))
    ours = [
        document
        for document in sets
        if label(document, MANAGED_LABEL) == "true" and label(document, WORKLOAD_LABEL) == workload_label(place.name)
    ]
    old, _ = old_version(ours, owned_by(native, sets) if native else [])
    found = [dig(document, "spec", "replicas") for document in (native, old) if document]
    replicas = next((int(number) for number in found if number is not None), None)
    targets = {("Deployment", place.name), ("ReplicaSet", meta(old, "name") if old else "")}
    names = (meta(one, "name") for one in autoscalers if _target_of(one) in targets)
    return LiveReplicas(place=place, replicas=replicas, autoscaler=next(names, ""))


def _target_of(autoscaler: Document) -> tuple[str, str]:
    target = dig(autoscaler, "spec", "scaleTargetRef") or {}
    return str(target.get("kind")), str(target.get("name"))
