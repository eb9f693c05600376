"""Performs effects on a cluster. Each effect may be performed twice without harm; failures become outcomes."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from borealis_server.domain.deployment import DeploymentKey, EndReason, SavedObject
from borealis_server.domain.effects import (
    AgentAway,
    ApplyObject,
    Busy,
    CreateReplicaSet,
    DeleteReplicaSet,
    Done,
    Effect,
    MarkLive,
    OrphanDeployment,
    Outcome,
    Outdated,
    Prepare,
    Refused,
    RestoreDeployment,
    RestoreObject,
    Scale,
)
from borealis_server.domain.errors import AgentUnavailable, ClusterBusy, ClusterRefused, KindNotServed, RelayRefused
from borealis_server.domain.kubernetes.defaults import with_protocols
from borealis_server.domain.kubernetes.json_types import annotation
from borealis_server.domain.kubernetes.marks import DEPLOYMENT_ANNOTATION, LIVE_ANNOTATION, Origin
from borealis_server.domain.kubernetes.ownership import (
    applied_document,
    may_delete,
    restoring_patch,
    without_server_fields,
)
from borealis_server.domain.kubernetes.replica_set import replica_set_of
from borealis_server.domain.preparation import LiveObjects, prepare
from borealis_server.ports.cluster import Cluster, ObjectRef
from borealis_server.ports.relay import AgentRef
from borealis_server.services.effects.manifests import ManifestShelf, TargetManifests

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_DENIED = "DENIED"
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where an effect takes place."""

    key: DeploymentKey
    agent: AgentRef
    origin: Origin
    namespaces: frozenset[str]


class Performer:
    """Joins effects to the cluster."""

    def __init__(self, cluster: Cluster, shelf: ManifestShelf) -> None:
        self._cluster = cluster
        self._shelf = shelf
        self._executors: dict[type, Callable[[Site, Any], Awaitable[Outcome]]] = {  # Any: the effect of the key's type
            Prepare: self._prepare,
            ApplyObject: self._apply_object,
            OrphanDeployment: self._orphan_deployment,
            CreateReplicaSet: self._create_replica_set,
            Scale: self._scale,
            MarkLive: self._mark_live,
            DeleteReplicaSet: self._delete_replica_set,
            RestoreObject: self._restore_object,
            RestoreDeployment: self._restore_deployment,
        }

    async def perform(self, site: Site, effect: Effect) -> Outcome:
        """Perform `effect`, and say what came of it."""
        try:
            return await self._executors[type(effect)](site, effect)
        except AgentUnavailable as error:
            return AgentAway(detail=error.detail)
        except ClusterBusy as error:
            return Busy(detail=error.detail)
        except RelayRefused as error:
            if error.code == _DENIED:
                return Refused(reason=EndReason.APPLY_ERROR, message=error.message)
            return Busy(detail=f"agent {error.agent}: {error.detail}")
        except ClusterRefused as error:
            return Refused(reason=EndReason.APPLY_ERROR, message=error.message)

    async def _prepare(self, site: Site, _effect: Prepare) -> Outcome:
        manifests = await self._shelf.of(site.key, site.origin.target)
        live = LiveObjects(
            natives=await self._natives(site, manifests),
            replica_sets={
                namespace: await self._cluster.list(site.agent, "apps/v1", "ReplicaSet", namespace)
                for namespace in sorted(site.namespaces)
            },
            objects=await self._live_objects(site, manifests),
        )
        return prepare(manifests.deployments, manifests.others, live, site.origin)

    async def _natives(self, site: Site, manifests: TargetManifests) -> dict[tuple[str, str], Any]:
        found = {}
        for manifest in manifests.deployments:
            ref = _ref_of(manifest)
            live = await self._cluster.get(site.agent, ref)
            if live:
                found[ref.namespace, ref.name] = live
        return found

    async def _live_objects(self, site: Site, manifests: TargetManifests) -> dict[int, Any]:
        found = {}
        for index, manifest in enumerate(manifests.others):
            try:
                live = await self._cluster.get(site.agent, _ref_of(manifest))
            except KindNotServed:
                # A kind that a CRD of this very run will define: nothing of it can exist yet.
                continue
            if live:
                found[index] = live
        return found

    async def _apply_object(self, site: Site, effect: ApplyObject) -> Outcome:
        manifest = (await self._shelf.of(site.key, site.origin.target)).others[effect.index]
        metadata = dict(manifest["metadata"])
        metadata["annotations"] = {**(metadata.get("annotations") or {}), **site.origin.annotations()}
        await self._cluster.apply(site.agent, {**with_protocols(manifest), "metadata": metadata})
        return Done()

    async def _orphan_deployment(self, site: Site, effect: OrphanDeployment) -> Outcome:
        ref = ObjectRef(api_version="apps/v1", kind="Deployment", name=effect.name, namespace=effect.namespace)
        await self._cluster.delete(site.agent, ref, orphans=True)
        # The API server removes it only after its ReplicaSets were let go: go on when that is done.
        return Busy(detail="it is being let go") if await self._cluster.get(site.agent, ref) else Done()

    async def _create_replica_set(self, site: Site, effect: CreateReplicaSet) -> Outcome:
        manifests = await self._shelf.of(site.key, site.origin.target)
        document = replica_set_of(manifests.deployment(effect.namespace, effect.workload), site.origin)
        if await self._cluster.create(site.agent, document):
            return Done()
        live = await self._cluster.get(site.agent, _ref_of(document))
        if live and annotation(live, DEPLOYMENT_ANNOTATION) == site.origin.deployment_id:
            return Done()
        message = f"a ReplicaSet {effect.name} exists that this run did not make: delete it and start again"
        return Refused(reason=EndReason.OBJECT_OWNED_BY, message=message)

    async def _scale(self, site: Site, effect: Scale) -> Outcome:
        patch: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/uid", "value": effect.uid},
            {"op": "test", "path": "/spec/replicas", "value": effect.from_pods},
            {"op": "replace", "path": "/spec/replicas", "value": effect.to_pods},
        ]
        try:
            is_done = await self._cluster.patch(site.agent, _replica_set(effect.namespace, effect.name), patch)
        except ClusterRefused as error:
            if error.code == _NOT_FOUND:
                return Outdated()
            raise
        return Done() if is_done else Outdated()

    async def _mark_live(self, site: Site, effect: MarkLive) -> Outcome:
        patch = {"metadata": {"annotations": {LIVE_ANNOTATION: "true"}}}
        await self._cluster.patch(site.agent, _replica_set(effect.namespace, effect.name), patch)
        return Done()

    async def _delete_replica_set(self, site: Site, effect: DeleteReplicaSet) -> Outcome:
        await self._cluster.delete(site.agent, _replica_set(effect.namespace, effect.name))
        return Done()

    async def _restore_object(self, site: Site, effect: RestoreObject) -> Outcome:
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
            await self._cluster.apply(site.agent, applied)
        else:
            await self._cluster.patch(site.agent, ref, restoring_patch(before, live))
        return Done()

    async def _recreate(self, site: Site, saved: SavedObject, *, is_missing: bool) -> Outcome:
        """An object that the run did not change stays as it is; one that went missing meanwhile comes back."""
        if is_missing and saved.before:
            await self._cluster.create(site.agent, without_server_fields(json.loads(saved.before)))
        return Done()

    async def _restore_deployment(self, site: Site, effect: RestoreDeployment) -> Outcome:
        document = json.loads(effect.document)
        if await self._cluster.create(site.agent, without_server_fields(document)):
            return Done()
        live = await self._cluster.get(site.agent, _ref_of(document))
        # Taken over a moment ago, it may still be there on its way out; then it has to come back after that.
        is_going = live is None or bool(live["metadata"].get("deletionTimestamp"))
        return Busy(detail="it is still being let go") if is_going else Done()


def _replica_set(namespace: str, name: str) -> ObjectRef:
    return ObjectRef(api_version="apps/v1", kind="ReplicaSet", name=name, namespace=namespace)


def _saved_ref(saved: SavedObject) -> ObjectRef:
    return ObjectRef(api_version=saved.api_version, kind=saved.kind, name=saved.name, namespace=saved.namespace)


def _ref_of(document: Any) -> ObjectRef:  # Any: JSON
    metadata = document["metadata"]
    return ObjectRef(
        api_version=document["apiVersion"],
        kind=document["kind"],
        name=metadata["name"],
        namespace=metadata.get("namespace") or "",
    )
