"""Whether an object that was applied is ready, from nothing but the object itself.

The rules are those of kstatus (sigs.k8s.io/cli-utils): what an object's controller says counts once it has seen the
newest specification. Kinds that no controller reports on are ready as soon as they exist.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from borealis_server.domain.kubernetes.json_types import Document, dig
from borealis_server.domain.observation import Readiness

_READY: Final = Readiness()
_GOOD_CONDITIONS: Final = ("Ready", "Available", "Reconciled")
_BUILT_IN_GROUPS: Final = frozenset({"", "apps", "autoscaling", "batch", "extensions", "policy"})
_COUNTING: Final = (("apps", "StatefulSet"), ("apps", "DaemonSet"), ("apps", "ReplicaSet"))
_BUILT_IN_SUFFIX: Final = ".k8s.io"
_CUSTOM_SUFFIXES: Final = (".x-k8s.io", "gateway.networking.k8s.io", "snapshot.storage.k8s.io")


def is_awaited(api_version: str, kind: str) -> bool:
    """Whether an object of the kind may take time to become ready; all others are ready once they exist."""
    group = api_version.rpartition("/")[0]
    if (group, kind) in _RULES:
        return True
    is_built_in = group in _BUILT_IN_GROUPS or (
        group.endswith(_BUILT_IN_SUFFIX) and not group.endswith(_CUSTOM_SUFFIXES)
    )
    return not is_built_in


def readiness_of(live: Document) -> Readiness:
    """Whether a live object is ready, is still on its way, or has failed for good."""
    generation = int(dig(live, "metadata", "generation") or 0)
    seen = dig(live, "status", "observedGeneration")
    if dig(live, "metadata", "deletionTimestamp"):
        return Readiness.pending("it is being deleted")
    if seen is not None and int(seen) < generation:
        return Readiness.pending("its controller has not seen the newest version yet")
    group = str(live["apiVersion"]).rpartition("/")[0]
    if seen is None and (group, live["kind"]) in _COUNTING:
        return Readiness.pending("its controller has not seen it yet")
    return _RULES.get((group, str(live["kind"])), _custom)(live)


def _stateful_set(live: Document) -> Readiness:
    if dig(live, "spec", "updateStrategy", "type") == "OnDelete":
        return _READY
    wanted = _count(live, "spec", "replicas", default=1)
    partition = _count(live, "spec", "updateStrategy", "rollingUpdate", "partition")
    available = _count(live, "status", "availableReplicas", default=wanted)
    # Releases before 1.22 count no available pods; where they are counted, `minReadySeconds` has passed for them.
    counts = (
        ("ready", _count(live, "status", "readyReplicas"), wanted),
        ("available", available if dig(live, "spec", "minReadySeconds") else wanted, wanted),
        ("updated", _count(live, "status", "updatedReplicas"), wanted - partition),
    )
    for word, count, needed in counts:
        if count < needed:
            return Readiness.pending(f"{count} of {needed} pods {word}")
    if not partition and dig(live, "status", "currentRevision") != dig(live, "status", "updateRevision"):
        return Readiness.pending("the update is being completed")
    return _READY


def _daemon_set(live: Document) -> Readiness:
    wanted = _count(live, "status", "desiredNumberScheduled")
    updated, available = _count(live, "status", "updatedNumberScheduled"), _count(live, "status", "numberAvailable")
    if dig(live, "spec", "updateStrategy", "type") != "OnDelete" and updated < wanted:
        return Readiness.pending(f"{updated} of {wanted} pods updated")
    if available < wanted:
        return Readiness.pending(f"{available} of {wanted} pods available")
    return _READY


def _replica_set(live: Document) -> Readiness:
    wanted, available = _count(live, "spec", "replicas", default=1), _count(live, "status", "availableReplicas")
    if available < wanted:
        failure = _condition(live, "ReplicaFailure")
        why = f": {failure['message']}" if failure.get("status") == "True" and failure.get("message") else ""
        return Readiness.pending(f"{available} of {wanted} pods available{why}")
    return _READY


def _job(live: Document) -> Readiness:
    if _condition(live, "Failed").get("status") == "True":
        return Readiness.failed(_said(_condition(live, "Failed")) or "it failed")
    if _condition(live, "Complete").get("status") == "True" or dig(live, "spec", "suspend"):
        return _READY
    succeeded, wanted = _count(live, "status", "succeeded"), _count(live, "spec", "completions", default=1)
    return Readiness.pending(f"{succeeded} of {wanted} pods succeeded")


def _pod(live: Document) -> Readiness:
    phase = dig(live, "status", "phase")
    if phase == "Failed":
        return Readiness.failed(str(dig(live, "status", "message") or dig(live, "status", "reason") or "it failed"))
    if phase == "Succeeded" or _condition(live, "Ready").get("status") == "True":
        return _READY
    return Readiness.pending("it is not ready")


def _namespace(live: Document) -> Readiness:
    return _READY if dig(live, "status", "phase") in (None, "Active") else Readiness.pending("it is being deleted")


def _definition(live: Document) -> Readiness:
    names, established = _condition(live, "NamesAccepted"), _condition(live, "Established")
    if names.get("status") == "False":
        return Readiness.failed(f"its names are taken: {_said(names)}")
    return _READY if established.get("status") == "True" else Readiness.pending("it is not established yet")


def _api_service(live: Document) -> Readiness:
    available = _condition(live, "Available")
    if available.get("status") == "True":
        return _READY
    return Readiness.pending(_said(available) or "it is not available yet")


def _custom(live: Document) -> Readiness:
    """Conditions that controllers of custom resources agree on; without any of them there is nothing to wait for."""
    stalled, reconciling = _condition(live, "Stalled"), _condition(live, "Reconciling")
    if stalled.get("status") == "True":
        return Readiness.failed(f"its controller is stalled: {_said(stalled)}")
    if reconciling.get("status") == "True":
        return Readiness.pending(f"it is being reconciled: {_said(reconciling)}")
    for name in _GOOD_CONDITIONS:
        condition = _condition(live, name)
        if condition and condition.get("status") != "True":
            said = _said(condition)
            return Readiness.pending(f"condition {name} is {condition.get('status')}" + (f": {said}" if said else ""))
    return _READY


_RULES: Final[Mapping[tuple[str, str], Callable[[Document], Readiness]]] = {
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "ReplicaSet"): _replica_set,
    ("batch", "Job"): _job,
    ("", "Pod"): _pod,
    ("", "ReplicationController"): _replica_set,
    ("", "Namespace"): _namespace,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
    ("apiregistration.k8s.io", "APIService"): _api_service,
}


def _count(live: Document, *path: str, default: int = 0) -> int:
    value = dig(live, *path)
    return default if value is None else int(value)


def _condition(live: Document, kind: str) -> Document:
    conditions: Iterable[Document] = dig(live, "status", "conditions") or []
    return next((one for one in conditions if isinstance(one, Mapping) and one.get("type") == kind), {})


def _said(condition: Document) -> str:
    return str(condition.get("message") or condition.get("reason") or "")
