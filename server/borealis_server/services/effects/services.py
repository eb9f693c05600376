"""Services: giving them another selector, and with it the traffic another version."""

from typing import Any

from borealis_server.domain.deployment import Selector
from borealis_server.domain.effects import Done, Outcome, Outdated, PointService, Refused
from borealis_server.domain.kubernetes.json_types import meta
from borealis_server.domain.kubernetes.service_selectors import selector_of, without_version
from borealis_server.domain.states import EndReason
from borealis_server.ports.cluster import Cluster
from borealis_server.services.effects.site import Site, service_ref


class ServiceEffects:
    """Services of blue/green runs."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def point(self, site: Site, effect: PointService) -> Outcome:
        """Replace the whole selector in one patch, provided the Service is as it was read a moment ago.

        A version that somebody else wrote into it is replaced; another selector altogether is theirs, and is left.
        """
        ref = service_ref(effect.namespace, effect.name)
        live = await self._cluster.get(site.agent, ref)
        if live is None:
            return _refused(f"Service {effect.name} is gone: somebody else deleted it; create it again")
        selector = selector_of(live)
        if selector == effect.selector:
            return Done()
        if without_version(selector) not in {without_version(known) for known in effect.known}:
            found = f"Service {effect.name} now selects {_text(selector)}"
            return _refused(f"{found}: somebody else changed it during the run; give it the selector of its manifest")
        patch: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/uid", "value": meta(live, "uid")},
            {"op": "test", "path": "/spec/selector", "value": dict(selector)},
            {"op": "replace", "path": "/spec/selector", "value": dict(effect.selector)},
        ]
        return Done() if await self._cluster.patch(site.agent, ref, patch) else Outdated()


def _refused(message: str) -> Refused:
    return Refused(reason=EndReason.APPLY_ERROR, message=message)


def _text(selector: Selector) -> str:
    return " ".join(f"{name}={value}" for name, value in selector) or "nothing"
