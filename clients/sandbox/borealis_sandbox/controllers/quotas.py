"""Shows on each ResourceQuota what it limits and how much of that is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_sandbox import kinds
from borealis_sandbox.admission import pod_limits, pods_used
from borealis_sandbox.objects import name_of, namespace_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from borealis_sandbox.api import Api
    from borealis_sandbox.controllers.loop import Key
    from borealis_sandbox.storage import Change

_MANAGER = "sandbox-controllers"


class QuotaController:
    """Writes the status of quotas; keeping to them is the business of admission."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def affected(self, change: Change) -> Iterable[Key]:
        """The quota that changed, or those of the namespace in which a pod came or went."""
        if change.kind == kinds.RESOURCE_QUOTA:
            yield namespace_of(change.found), name_of(change.found)
        elif change.kind == kinds.POD:
            for quota in self._api.storage.find(kinds.RESOURCE_QUOTA, namespace_of(change.found)):
                yield namespace_of(quota), name_of(quota)

    def reconcile(self, key: Key) -> float | None:
        """Write how much of the quota of that key is used; what is not counted here stays as others wrote it."""
        namespace, name = key
        quota = self._api.storage.get(kinds.RESOURCE_QUOTA, namespace, name)
        if quota is None:
            return None
        old = quota.get("status", {})
        used = {resource: str(pods_used(self._api.storage, namespace)) for resource in pod_limits(quota)}
        status = {**old, "hard": quota.get("spec", {}).get("hard") or {}, "used": {**old.get("used", {}), **used}}
        self._api.set_status(kinds.RESOURCE_QUOTA, quota, status, manager=_MANAGER)
        return None
