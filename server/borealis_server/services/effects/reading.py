"""Reading what is live before anything is changed, and refusing at once what can never work."""

from collections.abc import Mapping, Sequence
from typing import Any

from borealis_server.domain.effects import Outcome, Prepare, Refused
from borealis_server.domain.errors import ClusterRefused, KindNotServed
from borealis_server.domain.kubernetes import autoscalers
from borealis_server.domain.kubernetes.json_types import Document, dig, meta
from borealis_server.domain.preparation import LiveObjects, prepare
from borealis_server.domain.states import EndReason
from borealis_server.ports.cluster import Cluster, ObjectRef
from borealis_server.ports.relay import AgentRef
from borealis_server.services.effects.manifests import ManifestShelf, TargetManifests
from borealis_server.services.effects.routes import read_routes
from borealis_server.services.effects.site import Site, ref_of

_FORBIDDEN = 403


class ReadingEffects:
    """What is live, as preparation needs it."""

    def __init__(self, cluster: Cluster, shelf: ManifestShelf) -> None:
        self._cluster = cluster
        self._shelf = shelf

    async def prepare(self, site: Site, effect: Prepare) -> Outcome:
        """Old versions, owners and copies of everything that the run is going to touch."""
        manifests = await self._shelf.of(site.key, site.origin.target)
        missing = await self._missing_namespace(site.agent, manifests)
        if missing:
            return Refused(reason=EndReason.APPLY_ERROR, message=missing)
        try:
            objects = await self._live_objects(site, manifests)
        except KindNotServed as error:
            return Refused(reason=EndReason.APPLY_ERROR, message=error.detail)
        routes, served = await read_routes(self._cluster, site, effect.routes)
        live = LiveObjects(
            natives=await self._natives(site, manifests),
            replica_sets={
                namespace: await self._cluster.list(site.agent, "apps/v1", "ReplicaSet", namespace)
                for namespace in sorted(site.namespaces)
            },
            objects=objects,
            autoscalers=await list_autoscalers(self._cluster, site.agent, site.namespaces),
            services=await self._services(site, is_needed=bool(effect.pairs or effect.routes)),
            routes=routes,
            served=served,
        )
        return prepare(manifests.deployments, manifests.others, live, site.origin, effect.pairs, effect.routes)

    async def _services(self, site: Site, *, is_needed: bool) -> list[Mapping[str, Any]]:  # Any: JSON
        """Every Service beside the pods; none where they may not be read and the run can do without."""
        found: list[Mapping[str, Any]] = []
        for namespace in sorted(site.namespaces):
            try:
                found += await self._cluster.list(site.agent, "v1", "Service", namespace)
            except ClusterRefused as error:
                if is_needed or error.code != _FORBIDDEN:
                    raise
        return found

    async def _missing_namespace(self, agent: AgentRef, manifests: TargetManifests) -> str:
        """Why a namespace that the manifests do not bring cannot be used; empty where all can, or may not be read."""
        brought = {meta(document, "name") for document in manifests.others if document["kind"] == "Namespace"}
        used = {meta(document, "namespace") for document in (*manifests.others, *manifests.deployments)}
        for name in sorted(used - brought - {""}):
            try:
                live = await self._cluster.get(agent, ObjectRef(api_version="v1", kind="Namespace", name=name))
            except ClusterRefused as error:
                if error.code != _FORBIDDEN:
                    raise
                continue
            if live is None:
                return f"namespace {name} does not exist: create it, or add a Namespace to the manifests"
            if dig(live, "metadata", "deletionTimestamp"):
                return f"namespace {name} is being deleted: start again when it is gone and created anew"
        return ""

    async def _natives(self, site: Site, manifests: TargetManifests) -> dict[tuple[str, str], Any]:
        found = {}
        for manifest in manifests.deployments:
            ref = ref_of(manifest)
            live = await self._cluster.get(site.agent, ref)
            if live:
                found[ref.namespace, ref.name] = live
        return found

    async def _live_objects(self, site: Site, manifests: TargetManifests) -> dict[int, Any]:
        found = {}
        for index, manifest in enumerate(manifests.others):
            try:
                live = await self._cluster.get(site.agent, ref_of(manifest))
            except KindNotServed:
                if not _is_defined(manifest, manifests.others):
                    raise
                # This very run brings the definition: nothing of the kind can exist yet.
                continue
            if live:
                found[index] = live
        return found


async def list_autoscalers(
    cluster: Cluster, agent: AgentRef, namespaces: frozenset[str]
) -> Sequence[Mapping[str, Any]]:
    """Every HorizontalPodAutoscaler of the namespaces, by the version that shows most of it."""
    found: list[Mapping[str, Any]] = []
    for namespace in sorted(namespaces):
        for api_version in autoscalers.API_VERSIONS:
            try:
                found += await cluster.list(agent, api_version, autoscalers.KIND, namespace)
            except KindNotServed:
                continue
            break
    return found


def _is_defined(manifest: Document, others: Sequence[Document]) -> bool:
    """Whether the manifests themselves make the cluster serve the kind of the manifest."""
    group = str(manifest["apiVersion"]).rpartition("/")[0]
    return any(
        document["kind"] in ("CustomResourceDefinition", "APIService") and dig(document, "spec", "group") == group
        for document in others
    )
