"""Performs effects on a cluster. Each effect may be performed twice without harm; failures become outcomes."""

from typing import TYPE_CHECKING, Any

from borealis_server.domain.effects import (
    AgentAway,
    ApplyObject,
    Busy,
    CreateReplicaSet,
    DeleteReplicaSet,
    Effect,
    KeepDeployment,
    MarkLive,
    OrphanDeployment,
    Outcome,
    PlaceAutoscaler,
    PointService,
    Prepare,
    Refused,
    ReleaseRoute,
    RemoveAutoscaler,
    RestoreAutoscaler,
    RestoreDeployment,
    RestoreObject,
    RestoreReplicaSet,
    Scale,
    ShapeRoute,
)
from borealis_server.domain.errors import AgentUnavailable, ClusterBusy, ClusterRefused, RelayRefused
from borealis_server.domain.states import EndReason
from borealis_server.ports.cluster import Cluster
from borealis_server.services.effects.manifests import ManifestShelf
from borealis_server.services.effects.objects import ObjectEffects
from borealis_server.services.effects.reading import ReadingEffects
from borealis_server.services.effects.routes import RouteEffects
from borealis_server.services.effects.scalers import ScalerEffects
from borealis_server.services.effects.services import ServiceEffects
from borealis_server.services.effects.site import Site
from borealis_server.services.effects.workloads import WorkloadEffects

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_DENIED = "DENIED"


class Performer:
    """Joins effects to the cluster: one executor for each, in families."""

    def __init__(self, cluster: Cluster, shelf: ManifestShelf) -> None:
        objects, workloads = ObjectEffects(cluster, shelf), WorkloadEffects(cluster, shelf)
        reading, scalers = ReadingEffects(cluster, shelf), ScalerEffects(cluster, shelf)
        services, routes = ServiceEffects(cluster), RouteEffects(cluster)
        self._executors: dict[type, Callable[[Site, Any], Awaitable[Outcome]]] = {  # Any: the effect of the key's type
            Prepare: reading.prepare,
            ApplyObject: objects.apply,
            RestoreObject: objects.restore,
            RemoveAutoscaler: scalers.remove,
            PlaceAutoscaler: scalers.place,
            RestoreAutoscaler: scalers.restore,
            PointService: services.point,
            ShapeRoute: routes.shape,
            ReleaseRoute: routes.release,
            OrphanDeployment: workloads.orphan_deployment,
            CreateReplicaSet: workloads.create_replica_set,
            RestoreReplicaSet: workloads.restore_replica_set,
            Scale: workloads.scale,
            MarkLive: workloads.mark_live,
            KeepDeployment: workloads.keep_deployment,
            DeleteReplicaSet: workloads.delete_replica_set,
            RestoreDeployment: workloads.restore_deployment,
        }

    async def perform(self, site: Site, effect: Effect) -> Outcome:
        """Perform `effect`, and say what came of it."""
        try:
            return await self._executors[type(effect)](site, effect)
        except AgentUnavailable as error:
            return AgentAway(detail=error.detail, may_arrive=error.dispatched is not False)
        except ClusterBusy as error:
            return Busy(detail=error.detail, retry_after_s=error.retry_after_s)
        except RelayRefused as error:
            if error.code == _DENIED:
                return Refused(reason=EndReason.APPLY_ERROR, message=error.message)
            may_arrive = error.dispatched is not False
            return Busy(detail=f"agent {error.agent}: {error.detail}", may_arrive=may_arrive)
        except ClusterRefused as error:
            return Refused(reason=EndReason.APPLY_ERROR, message=error.message)
