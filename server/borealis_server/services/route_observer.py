"""Looks at the objects of a run's routes, and at the endpoints of the Services that they lead to."""

from borealis_server.domain.deployment import TargetRun
from borealis_server.domain.kubernetes.json_types import Document
from borealis_server.domain.routes import Route
from borealis_server.domain.routing.steering import ENDPOINTS
from borealis_server.ports.cluster import Cluster, ObjectRef
from borealis_server.ports.relay import AgentRef
from borealis_server.services.effects.routes import part_ref


class RouteObserver:
    """Reads every object of every route."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def observe(
        self, agent: AgentRef, run: TargetRun
    ) -> dict[tuple[str, str, str, str], dict[tuple[str, str], Document]]:
        """By route: its live objects by kind and name."""
        return {route.key: await self._objects(agent, route) for route in run.routes}

    async def _objects(self, agent: AgentRef, route: Route) -> dict[tuple[str, str], Document]:
        refs = [part_ref(route, part) for part in route.parts]
        name = route.spec.canary_service
        if name:
            refs.append(ObjectRef(api_version="v1", kind=ENDPOINTS, name=name, namespace=route.namespace))
        found = {(ref.kind, ref.name): await self._cluster.get(agent, ref) for ref in refs}
        return {key: document for key, document in found.items() if document is not None}
