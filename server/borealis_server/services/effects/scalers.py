"""HorizontalPodAutoscalers of the workloads: away while pods move, then back at the version that serves."""

import json
from typing import Any

from borealis_server.domain.effects import Done, Outcome, PlaceAutoscaler, RemoveAutoscaler, RestoreAutoscaler
from borealis_server.domain.kubernetes import autoscalers
from borealis_server.domain.kubernetes.json_types import meta
from borealis_server.ports.cluster import Cluster
from borealis_server.services.effects.manifests import ManifestShelf
from borealis_server.services.effects.objects import apply_explained
from borealis_server.services.effects.site import Site, ref_of


class ScalerEffects:
    """Autoscalers that scale a workload of the target."""

    def __init__(self, cluster: Cluster, shelf: ManifestShelf) -> None:
        self._cluster = cluster
        self._shelf = shelf

    async def remove(self, site: Site, effect: RemoveAutoscaler) -> Outcome:
        """Delete the autoscaler of which the record has a copy; a request that comes late leaves the next one alone."""
        before = json.loads(effect.autoscaler.before)
        await self._cluster.delete(site.agent, ref_of(before), uid=meta(before, "uid"))
        return Done()

    async def place(self, site: Site, effect: PlaceAutoscaler) -> Outcome:
        """Create the autoscaler of the manifests, or else the one that was there, for the version that serves now."""
        one = effect.autoscaler
        if one.index is None:
            document = autoscalers.saved_document(one)
        else:
            document = dict((await self._shelf.of(site.key, site.origin.target)).others[one.index])
        metadata = document["metadata"]
        marked = {**metadata, "annotations": {**(metadata.get("annotations") or {}), **site.origin.annotations()}}
        wanted = autoscalers.retargeted(
            {**document, "metadata": marked}, replica_set=effect.replica_set, deployment=one.workload
        )
        if one.index is not None:
            return await apply_explained(self._cluster, site, wanted)
        if not await self._cluster.create(site.agent, wanted):
            patch: dict[str, Any] = {"spec": {"scaleTargetRef": wanted["spec"]["scaleTargetRef"]}}
            await self._cluster.patch(site.agent, ref_of(wanted), patch)
        return Done()

    async def restore(self, site: Site, effect: RestoreAutoscaler) -> Outcome:
        """Create the autoscaler as it was; one that is there was never removed."""
        await self._cluster.create(site.agent, autoscalers.saved_document(effect.autoscaler))
        return Done()
