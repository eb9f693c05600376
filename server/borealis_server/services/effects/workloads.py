"""ReplicaSets and native Deployments: making, scaling, marking, handing over and removing them."""

import json
from typing import Any

from borealis_server.domain.effects import (
    Busy,
    CreateReplicaSet,
    DeleteReplicaSet,
    Done,
    KeepDeployment,
    MarkLive,
    OrphanDeployment,
    Outcome,
    Outdated,
    Refused,
    RestoreDeployment,
    RestoreReplicaSet,
    Scale,
)
from borealis_server.domain.errors import ClusterRefused
from borealis_server.domain.kubernetes.json_types import Document, annotation, dig, meta
from borealis_server.domain.kubernetes.marks import DEPLOYMENT_ANNOTATION, LIVE_ANNOTATION
from borealis_server.domain.kubernetes.native import deployment_of, is_owned_by, is_settled
from borealis_server.domain.kubernetes.ownership import without_server_fields
from borealis_server.domain.kubernetes.replica_set import replica_set_of
from borealis_server.domain.states import EndReason
from borealis_server.ports.cluster import Cluster
from borealis_server.services.effects.manifests import ManifestShelf
from borealis_server.services.effects.site import Site, deployment_ref, ref_of, replica_set_ref

_NOT_FOUND = 404


class WorkloadEffects:
    """ReplicaSets of versions, and the Deployments that own them before and after a run."""

    def __init__(self, cluster: Cluster, shelf: ManifestShelf) -> None:
        self._cluster = cluster
        self._shelf = shelf

    async def orphan_deployment(self, site: Site, effect: OrphanDeployment) -> Outcome:
        """Delete a native Deployment alone; a request that comes late finds another one, and leaves it."""
        ref = deployment_ref(effect.namespace, effect.name)
        await self._cluster.delete(site.agent, ref, orphans=True, uid=effect.uid)
        live = await self._cluster.get(site.agent, ref)
        if live is None:
            return Done()
        if meta(live, "uid") != effect.uid:
            message = f"somebody else created a Deployment {effect.name} during the run: delete it and start again"
            return Refused(reason=EndReason.OBJECT_OWNED_BY, message=message)
        # The API server removes it only after its ReplicaSets were let go: go on when that is done.
        return Busy(detail="it is being let go")

    async def create_replica_set(self, site: Site, effect: CreateReplicaSet) -> Outcome:
        """Create the new version's ReplicaSet, or find the one that an earlier try made."""
        manifests = await self._shelf.of(site.key, site.origin.target)
        manifest = manifests.deployment(effect.namespace, effect.workload)
        document = replica_set_of(manifest, site.origin, effect.name)
        if await self._cluster.create(site.agent, document):
            return Done()
        live = await self._cluster.get(site.agent, ref_of(document))
        if live is None or dig(live, "metadata", "deletionTimestamp"):
            return Busy(detail=f"an earlier ReplicaSet {effect.name} is being deleted")
        is_ours = annotation(live, DEPLOYMENT_ANNOTATION) == site.origin.deployment_id
        if is_ours and not dig(live, "metadata", "ownerReferences"):
            return Done()
        message = f"a ReplicaSet {effect.name} exists that this run did not make: delete it and start again"
        return Refused(reason=EndReason.OBJECT_OWNED_BY, message=message)

    async def restore_replica_set(self, site: Site, effect: RestoreReplicaSet) -> Outcome:
        """Create the old version's ReplicaSet again."""
        await self._cluster.create(site.agent, json.loads(effect.document))
        return Done()

    async def scale(self, site: Site, effect: Scale) -> Outcome:
        """Set the pods of a ReplicaSet, provided nobody else has."""
        patch: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/uid", "value": effect.uid},
            {"op": "test", "path": "/spec/replicas", "value": effect.from_pods},
            {"op": "replace", "path": "/spec/replicas", "value": effect.to_pods},
        ]
        try:
            is_done = await self._cluster.patch(site.agent, replica_set_ref(effect.namespace, effect.name), patch)
        except ClusterRefused as error:
            if error.code == _NOT_FOUND:
                return Outdated()
            raise
        return Done() if is_done else Outdated()

    async def mark_live(self, site: Site, effect: MarkLive) -> Outcome:
        """Mark the version that serves."""
        patch = {"metadata": {"annotations": {LIVE_ANNOTATION: "true"}}}
        await self._cluster.patch(site.agent, replica_set_ref(effect.namespace, effect.name), patch)
        return Done()

    async def delete_replica_set(self, site: Site, effect: DeleteReplicaSet) -> Outcome:
        """Delete a ReplicaSet and its pods."""
        await self._cluster.delete(site.agent, replica_set_ref(effect.namespace, effect.name))
        return Done()

    async def keep_deployment(self, site: Site, effect: KeepDeployment) -> Outcome:
        """Create the native Deployment, and go on once it owns the ReplicaSet."""
        manifests = await self._shelf.of(site.key, site.origin.target)
        manifest = manifests.deployment(effect.namespace, effect.name)
        ref = replica_set_ref(effect.namespace, effect.replica_set)
        replica_set = await self._cluster.get(site.agent, ref)
        if replica_set is None:
            return Refused(reason=EndReason.APPLY_ERROR, message=f"ReplicaSet {effect.replica_set} is gone")
        await self._cluster.create(site.agent, deployment_of(manifest, replica_set, site.origin))
        owner = await self._cluster.get(site.agent, deployment_ref(effect.namespace, effect.name))
        if owner and annotation(owner, DEPLOYMENT_ANNOTATION) != site.origin.deployment_id:
            message = f"somebody else created a Deployment {effect.name} during the run: delete one of the two"
            return Refused(reason=EndReason.OBJECT_OWNED_BY, message=message)
        return _adopted(owner, await self._cluster.get(site.agent, ref))

    async def restore_deployment(self, site: Site, effect: RestoreDeployment) -> Outcome:
        """Create a native Deployment again, and go on once it owns its old ReplicaSet."""
        await self._cluster.create(site.agent, without_server_fields(json.loads(effect.document)))
        owner = await self._cluster.get(site.agent, deployment_ref(effect.namespace, effect.name))
        if owner is None or dig(owner, "metadata", "deletionTimestamp"):
            # Taken over a moment ago, it may still be there on its way out; then it has to come back after that.
            return Busy(detail="it is still being let go", retry_after_s=0.5)
        if not effect.replica_set:
            return Done()
        replica_set = await self._cluster.get(site.agent, replica_set_ref(effect.namespace, effect.replica_set))
        return _adopted(owner, replica_set)


def _adopted(owner: Document | None, replica_set: Document | None) -> Outcome:
    if owner and replica_set and is_owned_by(replica_set, owner) and is_settled(owner):
        return Done()
    return Busy(detail="its controller has not adopted the ReplicaSet yet", retry_after_s=0.5)
