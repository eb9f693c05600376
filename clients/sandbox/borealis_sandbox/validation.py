"""The rules that an object must keep to be stored: names, labels, and what each kind demands. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from borealis_sandbox import kinds
from borealis_sandbox.errors import Cause
from borealis_sandbox.selectors import matches, requirements_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from borealis_sandbox.kinds import Kind
    from borealis_sandbox.objects import Object

_LABEL_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_QUALIFIED = re.compile(r"([a-z0-9.-]{1,253}/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_LABEL_LIMIT = 63
_NAME_LIMIT = 253
_REQUIRED = "FieldValueRequired"
_FREE_OF_SETS = ("replicas", "template", "updateStrategy", "minReadySeconds")
_FIXED_OF_SETS = (
    "Forbidden: updates to statefulset spec for fields other than 'replicas', 'template', and 'updateStrategy' "
    "are forbidden"
)


def faults_of(kind: Kind, found: Object) -> list[Cause]:
    """Every rule that `found` breaks."""
    faults = [*_name_faults(kind, found), *_label_faults(found["metadata"].get("labels") or {}, "metadata.labels")]
    spec = found.get("spec") or {}
    if kind in {kinds.DEPLOYMENT, kinds.REPLICA_SET, kinds.STATEFUL_SET}:
        faults += [*_replica_faults(spec), *_workload_faults(spec)]
    elif kind in {kinds.DAEMON_SET, kinds.JOB}:
        faults += _workload_faults(spec)
    elif kind == kinds.AUTOSCALER:
        faults += _autoscaler_faults(spec)
    elif kind == kinds.POD:
        faults += _pod_spec_faults(spec, "spec")
    elif kind == kinds.SERVICE:
        faults += _service_faults(spec)
    return faults


def change_faults(kind: Kind, old: Object, new: Object) -> list[Cause]:
    """Every rule about what may not change that the step from `old` to `new` breaks."""
    before, after = old.get("spec") or {}, new.get("spec") or {}
    if kind in {kinds.DEPLOYMENT, kinds.REPLICA_SET} and before.get("selector") != after.get("selector"):
        value = _shown(after.get("selector"))
        return [Cause(field="spec.selector", message=f"Invalid value: {value}: field is immutable")]
    if kind == kinds.JOB and before.get("template") != after.get("template"):
        return [Cause(field="spec.template", message=f"Invalid value: {_shown(after['template'])}: field is immutable")]
    if kind == kinds.STATEFUL_SET and _without(before, _FREE_OF_SETS) != _without(after, _FREE_OF_SETS):
        return [Cause(field="spec", message=_FIXED_OF_SETS, reason="FieldValueForbidden")]
    if kind == kinds.POD and _fixed_part(before) != _fixed_part(after):
        why = "Forbidden: pod updates may not change fields other than container images, tolerations and deadlines"
        return [Cause(field="spec", message=why, reason="FieldValueForbidden")]
    if kind in {kinds.CONFIG_MAP, kinds.SECRET} and old.get("immutable"):
        parts = ("data", "binaryData", "immutable")
        if any(old.get(part) != new.get(part) for part in parts):
            why = "Forbidden: field is immutable when `immutable` is set"
            return [Cause(field="data", message=why, reason="FieldValueForbidden")]
    return []


def _name_faults(kind: Kind, found: Object) -> Iterable[Cause]:
    name = found["metadata"].get("name") or ""
    if not name:
        yield Cause(field="metadata.name", message="Required value: name or generateName is required", reason=_REQUIRED)
        return
    is_label = kind in {kinds.NAMESPACE, kinds.SERVICE}
    pattern, limit = (_LABEL_NAME, _LABEL_LIMIT) if is_label else (_SUBDOMAIN, _NAME_LIMIT)
    if not pattern.fullmatch(name) or len(name) > limit:
        rule = "an RFC 1123 label" if is_label else "an RFC 1123 subdomain"
        why = "lower case letters, digits, '-' and, in a subdomain, '.'; it starts and ends with a letter or digit"
        yield Cause(field="metadata.name", message=f'Invalid value: "{name}": must be {rule}: {why}')


def _label_faults(labels: Mapping[str, object], field: str) -> Iterable[Cause]:
    for key, value in labels.items():
        if not _QUALIFIED.fullmatch(key) or len(key.rpartition("/")[2]) > _LABEL_LIMIT:
            yield Cause(field=field, message=f'Invalid value: "{key}": is no valid label key')
        if not isinstance(value, str) or not _LABEL_VALUE.fullmatch(value) or len(value) > _LABEL_LIMIT:
            yield Cause(field=field, message=f'Invalid value: "{value}": is no valid label value')


def _replica_faults(spec: Object) -> Iterable[Cause]:
    replicas = spec.get("replicas")
    if not isinstance(replicas, int) or isinstance(replicas, bool) or replicas < 0:
        yield Cause(field="spec.replicas", message=f"Invalid value: {replicas}: must be greater than or equal to 0")


def _workload_faults(spec: Object) -> Iterable[Cause]:
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    if not requirements_of(spec.get("selector")):
        yield Cause(field="spec.selector", message="Required value", reason=_REQUIRED)
    elif not matches(spec.get("selector"), labels):
        why = f"Invalid value: {_shown(labels)}: `selector` does not match template `labels`"
        yield Cause(field="spec.template.metadata.labels", message=why)
    yield from _label_faults(labels, "spec.template.metadata.labels")
    yield from _pod_spec_faults(template.get("spec") or {}, "spec.template.spec")


def _pod_spec_faults(spec: Object, field: str) -> Iterable[Cause]:
    containers = spec.get("containers") or []
    if not containers:
        yield Cause(field=f"{field}.containers", message="Required value", reason=_REQUIRED)
    seen = set()
    for position, container in enumerate(containers):
        at, name = f"{field}.containers[{position}]", container.get("name")
        if not name:
            yield Cause(field=f"{at}.name", message="Required value", reason=_REQUIRED)
        elif not _LABEL_NAME.fullmatch(name):
            yield Cause(field=f"{at}.name", message=f'Invalid value: "{name}": must be an RFC 1123 label')
        elif name in seen:
            yield Cause(field=f"{at}.name", message=f'Duplicate value: "{name}"', reason="FieldValueDuplicate")
        if not container.get("image"):
            yield Cause(field=f"{at}.image", message="Required value", reason=_REQUIRED)
        seen.add(name)


def _autoscaler_faults(spec: Object) -> Iterable[Cause]:
    target = spec.get("scaleTargetRef") or {}
    for name in ("kind", "name"):
        if not target.get(name):
            yield Cause(field=f"spec.scaleTargetRef.{name}", message="Required value", reason=_REQUIRED)
    if not isinstance(spec.get("maxReplicas"), int) or spec["maxReplicas"] < spec["minReplicas"]:
        why = f"Invalid value: {spec.get('maxReplicas')}: must be greater than or equal to `minReplicas`"
        yield Cause(field="spec.maxReplicas", message=why)


def _service_faults(spec: Object) -> Iterable[Cause]:
    if not spec.get("ports") and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        yield Cause(field="spec.ports", message="Required value", reason=_REQUIRED)
    for position, port in enumerate(spec.get("ports") or ()):
        number = port.get("port")
        if not isinstance(number, int) or not 0 < number < 1 << 16:
            why = f"Invalid value: {number}: must be between 1 and 65535, inclusive"
            yield Cause(field=f"spec.ports[{position}].port", message=why)


def _fixed_part(spec: Object) -> Object:
    free = {"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName"}
    fixed = {key: value for key, value in spec.items() if key not in free}
    for name in ("containers", "initContainers"):
        if name in fixed:
            fixed[name] = [{**container, "image": None} for container in fixed[name]]
    return fixed


def _without(spec: Object, names: Iterable[str]) -> Object:
    return {key: value for key, value in spec.items() if key not in names}


def _shown(value: object) -> str:
    return str(value).replace("'", '"')
