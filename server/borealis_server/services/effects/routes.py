"""Routes: reading what they are made of, giving them a share, and leaving them as they were before."""

from collections.abc import Mapping, Sequence
from typing import Any

from borealis_server.domain.effects import Busy, Done, Outcome, Outdated, Refused, ReleaseRoute, ShapeRoute
from borealis_server.domain.errors import KindNotServed
from borealis_server.domain.kubernetes.field_owners import releasing_patch
from borealis_server.domain.kubernetes.json_types import Document, dig, meta
from borealis_server.domain.routes import Labels, Route, RoutePart, RouteSpec
from borealis_server.domain.routing.provider import AsBefore, Misfit, Share
from borealis_server.domain.routing.registry import PROVIDERS
from borealis_server.domain.states import EndReason
from borealis_server.ports.cluster import Cluster, ObjectRef
from borealis_server.services.effects.site import Site


class RouteEffects:
    """Objects of meshes and gateways, and the Services that they lead to."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def shape(self, site: Site, effect: ShapeRoute) -> Outcome:
        """Give the object its share in one write, provided it is as it was read a moment ago."""
        live = await self._cluster.get(site.agent, part_ref(effect.route, effect.part))
        provider = PROVIDERS[effect.route.spec.provider]
        shape = provider.shaped(effect.route, effect.part, live, Share(percent=effect.percent))
        if isinstance(shape, Misfit):
            return _refused(shape)
        return await self._write(site, effect.route, effect.part, live, shape)

    async def release(self, site: Site, effect: ReleaseRoute) -> Outcome:
        """Leave the object as it was, then give its fields back to whoever had them."""
        if effect.gone and await self._has_pods(site, effect.route.namespace, effect.gone):
            return Busy(detail="pods of the other version are still about to go", retry_after_s=0.5)
        ref = part_ref(effect.route, effect.part)
        live = await self._cluster.get(site.agent, ref)
        if live is None:
            return Done()
        provider = PROVIDERS[effect.route.spec.provider]
        shape = provider.shaped(
            effect.route, effect.part, live, AsBefore(stays=effect.stays, keeps_canary=effect.is_opening)
        )
        if isinstance(shape, Misfit):
            return _refused(shape)
        written = await self._write(site, effect.route, effect.part, live, shape)
        if shape is None or effect.is_opening or not isinstance(written, Done):
            return written
        now = await self._cluster.get(site.agent, ref)
        patch = releasing_patch(now, effect.part.before) if now else None
        if patch is None:
            return Done()
        return Done() if await self._cluster.patch(site.agent, ref, patch) else Outdated()

    async def _write(
        self, site: Site, route: Route, part: RoutePart, live: Document | None, shape: Document | None
    ) -> Outcome:
        ref = part_ref(route, part)
        if shape is None:
            await self._cluster.delete(site.agent, ref, uid=meta(live or {}, "uid"))
            return Done()
        if live is None:
            metadata = {**shape["metadata"], "annotations": site.origin.annotations()}
            return Done() if await self._cluster.create(site.agent, {**shape, "metadata": metadata}) else Outdated()
        if shape == live:
            return Done()
        patch: list[dict[str, Any]] = [  # Any: JSON
            {"op": "test", "path": "/metadata/uid", "value": meta(live, "uid")},
            {"op": "test", "path": "/metadata/resourceVersion", "value": meta(live, "resourceVersion")},
            {"op": "replace", "path": "/spec", "value": shape["spec"]},
        ]
        return Done() if await self._cluster.patch(site.agent, ref, patch) else Outdated()

    async def _has_pods(self, site: Site, namespace: str, version: Labels) -> bool:
        """Whether pods of a version are left that nobody has told to go."""
        pods = await self._cluster.list(site.agent, "v1", "Pod", namespace, labels=dict(version))
        return any(dig(pod, "metadata", "deletionTimestamp") is None for pod in pods)


async def read_routes(
    cluster: Cluster, site: Site, specs: Sequence[RouteSpec]
) -> tuple[list[Mapping[str, Any]], dict[str, str]]:
    """Every object of the kinds that the routes are made of, and the newest version by which each kind is served."""
    found: list[Mapping[str, Any]] = []  # Any: JSON
    served: dict[str, str] = {}
    kinds = {one.kind: one for spec in specs for one in PROVIDERS[spec.provider].kinds}
    for kind in kinds.values():
        for api_version in kind.api_versions:
            try:
                for namespace in sorted(site.namespaces):
                    found += await cluster.list(site.agent, api_version, kind.kind, namespace)
            except KindNotServed:
                continue
            served[kind.kind] = api_version
            break
    return found, served


def part_ref(route: Route, part: RoutePart) -> ObjectRef:
    """Which object a part of a route is."""
    return ObjectRef(api_version=part.api_version, kind=part.kind, name=part.name, namespace=route.namespace)


def _refused(misfit: Misfit) -> Refused:
    return Refused(reason=EndReason.APPLY_ERROR, message=misfit.message)
