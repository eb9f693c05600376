"""What must hold around an object before it is created: its namespace is there and open, and no quota is exceeded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_sandbox import kinds
from borealis_sandbox.errors import forbidden, not_found
from borealis_sandbox.objects import is_terminating, name_of

if TYPE_CHECKING:
    from borealis_sandbox.kinds import Kind
    from borealis_sandbox.objects import Object
    from borealis_sandbox.storage import Storage

_POD_RESOURCES = ("pods", "count/pods")
_FINISHED = frozenset({"Succeeded", "Failed"})


def admit(storage: Storage, kind: Kind, namespace: str, name: str) -> None:
    """Raise not-found or forbidden unless an object of this kind may be created in `namespace` now."""
    if not kind.is_namespaced:
        return
    home = storage.get(kinds.NAMESPACE, "", namespace)
    if home is None:
        raise not_found(kinds.NAMESPACE, namespace)
    if is_terminating(home):
        why = f"unable to create new content in namespace {namespace} because it is being terminated"
        raise forbidden(kind, name, why)
    if kind == kinds.POD:
        _check_quotas(storage, namespace, name)


def pods_used(storage: Storage, namespace: str) -> int:
    """How many pods of `namespace` count against a quota."""
    return sum(pod.get("status", {}).get("phase") not in _FINISHED for pod in storage.find(kinds.POD, namespace))


def pod_limits(quota: Object) -> dict[str, int]:
    """The limits on pods that `quota` sets, by the name of the resource."""
    hard = quota.get("spec", {}).get("hard") or {}
    return {name: int(hard[name]) for name in _POD_RESOURCES if name in hard}


def _check_quotas(storage: Storage, namespace: str, name: str) -> None:
    for quota in storage.find(kinds.RESOURCE_QUOTA, namespace):
        for resource, limit in pod_limits(quota).items():
            used = pods_used(storage, namespace)
            if used + 1 > limit:
                state = f"requested: {resource}=1, used: {resource}={used}, limited: {resource}={limit}"
                raise forbidden(kinds.POD, name, f"exceeded quota: {name_of(quota)}, {state}")
