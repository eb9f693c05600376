"""Applying the objects around the pods, and bringing them back to what they were."""

import json

from borealis_server.domain.deployment import SavedObject
from borealis_server.domain.effects import ApplyObject, Done, Outcome, Outdated, Refused, RestoreObject
from borealis_server.domain.errors import ClusterRefused, KindNotServed
from borealis_server.domain.kubernetes import autoscalers
from borealis_server.domain.kubernetes.adoption import adopting_patch, without_contested_replicas
from borealis_server.domain.kubernetes.defaults import with_protocols
from borealis_server.domain.kubernetes.json_types import Document, annotation, dig
from borealis_server.domain.kubernetes.marks import DEPLOYMENT_ANNOTATION
from borealis_server.domain.kubernetes.ownership import (
    applied_document,
    may_delete,
    restoring_patch,
    without_server_fields,
)
from borealis_server.domain.kubernetes.refusals import explained
from borealis_server.domain.states import EndReason
from borealis_server.ports.cluster import Cluster, ObjectRef
from borealis_server.services.effects.manifests import ManifestShelf
from borealis_server.services.effects.reading import list_autoscalers
from borealis_server.services.effects.site import Site, ref_of


class ObjectEffects:
    """Every object but pods, their ReplicaSets, Deployments and autoscalers."""

    def __init__(self, cluster: Cluster, shelf: ManifestShelf) -> None:
        self._cluster = cluster
        self._shelf = shelf

    async def apply(self, site: Site, effect: ApplyObject) -> Outcome:
        """Apply one object server-side, after taking over what `kubectl apply` owned of it."""
        manifest = (await self._shelf.of(site.key, site.origin.target)).others[effect.index]
        ref = ref_of(manifest)
        live = await self._cluster.get(site.agent, ref)
        adoption = adopting_patch(live) if live else None
        if adoption and not await self._cluster.patch(site.agent, ref, adoption):
            return Outdated()
        document = with_protocols(manifest)
        if isinstance(dig(manifest, "spec", "replicas"), int) and await self._is_autoscaled(site, ref):
            document = without_contested_replicas(document, live)
        if effect.selector:
            document = {**document, "spec": {**document["spec"], "selector": dict(effect.selector)}}
        metadata = dict(manifest["metadata"])
        metadata["annotations"] = {**(metadata.get("annotations") or {}), **site.origin.annotations()}
        return await apply_explained(self._cluster, site, {**document, "metadata": metadata})

    async def restore(self, site: Site, effect: RestoreObject) -> Outcome:
        """Bring one object back to its copy, or delete it where the run created it."""
        ref = _saved_ref(effect.saved)
        try:
            live = await self._cluster.get(site.agent, ref)
        except KindNotServed:
            if effect.saved.before:
                raise
            # The object was never created, or went with its definition.
            return Done()
        is_ours = live is not None and annotation(live, DEPLOYMENT_ANNOTATION) == site.origin.deployment_id
        if live is None or not is_ours:
            return await self._recreate(site, effect.saved, is_missing=live is None)
        if not effect.saved.before:
            if may_delete(effect.saved.kind):
                await self._cluster.delete(site.agent, ref)
            return Done()
        before = json.loads(effect.saved.before)
        applied = applied_document(before)
        if applied:
            return await apply_explained(self._cluster, site, applied)
        await self._cluster.patch(site.agent, ref, restoring_patch(before, live))
        return Done()

    async def _recreate(self, site: Site, saved: SavedObject, *, is_missing: bool) -> Outcome:
        """An object that the run did not change stays as it is; one that went missing meanwhile comes back."""
        if is_missing and saved.before:
            await self._cluster.create(site.agent, without_server_fields(json.loads(saved.before)))
        return Done()

    async def _is_autoscaled(self, site: Site, ref: ObjectRef) -> bool:
        """Whether an autoscaler, live or among the manifests, scales the object."""
        others = (await self._shelf.of(site.key, site.origin.target)).others
        brought = [document for document in others if autoscalers.is_autoscaler(document)]
        live = await list_autoscalers(self._cluster, site.agent, frozenset({ref.namespace}))
        return any(
            autoscalers.key_of(document)[0] == ref.namespace and autoscalers.scales(document, ref.kind, ref.name)
            for document in (*brought, *live)
        )


async def apply_explained(cluster: Cluster, site: Site, document: Document) -> Outcome:
    """Apply the document; a refusal that people can do something about says what."""
    try:
        await cluster.apply(site.agent, document)
    except ClusterRefused as error:
        message = explained(error.code, error.causes, error.detail, str(ref_of(document)))
        if not message:
            raise
        return Refused(reason=EndReason.APPLY_ERROR, message=message)
    return Done()


def _saved_ref(saved: SavedObject) -> ObjectRef:
    return ObjectRef(api_version=saved.api_version, kind=saved.kind, name=saved.name, namespace=saved.namespace)
