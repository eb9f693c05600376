"""Fills in what a manifest leaves out, as the API server does before it stores an object. Changes the object given."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from borealis_sandbox import kinds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from borealis_sandbox.kinds import Kind
    from borealis_sandbox.objects import Object


def set_defaults(kind: Kind, found: Object) -> None:
    """Complete `found`; fields that are there stay."""
    fill = _DEFAULTS.get(kind)
    if fill is not None:
        fill(found)


def drop_nulls(value: Any) -> Any:  # Any: values of any JSON type
    """`value` without the fields that are null: the API server does not keep them."""
    if isinstance(value, dict):
        return {key: drop_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [drop_nulls(inner) for inner in value]
    return value


def _deployment(found: Object) -> None:
    spec = found.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxSurge", "25%")
        rolling.setdefault("maxUnavailable", "25%")
    _template(spec)


def _replica_set(found: Object) -> None:
    spec = found.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    _template(spec)


def _stateful_set(found: Object) -> None:
    _replica_set(found)
    spec = found["spec"]
    spec.setdefault("podManagementPolicy", "OrderedReady")
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        strategy.setdefault("rollingUpdate", {}).setdefault("partition", 0)


def _daemon_set(found: Object) -> None:
    spec = found.setdefault("spec", {})
    spec.setdefault("updateStrategy", {}).setdefault("type", "RollingUpdate")
    _template(spec)


def _job(found: Object) -> None:
    spec = found.setdefault("spec", {})
    spec.setdefault("backoffLimit", 6)
    if "parallelism" not in spec:
        spec.setdefault("completions", 1)
    spec.setdefault("parallelism", 1)
    spec.setdefault("selector", {"matchLabels": {"controller-uid": found["metadata"].get("uid", "")}})
    labels = spec.setdefault("template", {}).setdefault("metadata", {}).setdefault("labels", {})
    labels.setdefault("controller-uid", found["metadata"].get("uid", ""))
    labels.setdefault("job-name", found["metadata"].get("name", ""))
    _template(spec)


def _autoscaler(found: Object) -> None:
    found.setdefault("spec", {}).setdefault("minReplicas", 1)


def _template(spec: Object) -> None:
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    _pod_spec(template.setdefault("spec", {}))


def _pod(found: Object) -> None:
    _pod_spec(found.setdefault("spec", {}))
    found["spec"].setdefault("serviceAccountName", "default")
    found["spec"].setdefault("enableServiceLinks", True)
    found.setdefault("status", {}).setdefault("phase", "Pending")
    found["status"].setdefault("qosClass", "BestEffort")


def _pod_spec(spec: Object) -> None:
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        if isinstance(container, dict):
            _container(container)


def _container(container: Object) -> None:
    container.setdefault("resources", {})
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    image = str(container.get("image", ""))
    tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
    is_moving = "@" not in image and tag in {"", "latest"}
    container.setdefault("imagePullPolicy", "Always" if is_moving else "IfNotPresent")
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if probe in container:
            _probe(container[probe])


def _probe(probe: Object) -> None:
    for name, value in (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)):
        probe.setdefault(name, value)
    if "httpGet" in probe:
        probe["httpGet"].setdefault("path", "/")
        probe["httpGet"].setdefault("scheme", "HTTP")


def _service(found: Object) -> None:
    spec = found.setdefault("spec", {})
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))
    found.setdefault("status", {}).setdefault("loadBalancer", {})


def _secret(found: Object) -> None:
    found.setdefault("type", "Opaque")
    plain = found.pop("stringData", None) or {}
    if plain:
        data = found.setdefault("data", {})
        data.update({key: base64.b64encode(str(value).encode()).decode("ascii") for key, value in plain.items()})


def _namespace(found: Object) -> None:
    found.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    found.setdefault("status", {}).setdefault("phase", "Active")
    labels = found["metadata"].setdefault("labels", {})
    labels.setdefault("kubernetes.io/metadata.name", found["metadata"].get("name", ""))


_DEFAULTS: Mapping[Kind, Callable[[Object], None]] = {
    kinds.DEPLOYMENT: _deployment,
    kinds.REPLICA_SET: _replica_set,
    kinds.STATEFUL_SET: _stateful_set,
    kinds.DAEMON_SET: _daemon_set,
    kinds.JOB: _job,
    kinds.AUTOSCALER: _autoscaler,
    kinds.POD: _pod,
    kinds.SERVICE: _service,
    kinds.SECRET: _secret,
    kinds.NAMESPACE: _namespace,
}
