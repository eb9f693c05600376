"""Where a cluster serves a kind: asked of the cluster, remembered, asked again when a kind is missing."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from borealis_server.adapters.cluster.api import KubernetesApi
from borealis_server.domain.errors import ClusterRefused, KindNotServed
from borealis_server.ports.cluster import ObjectRef
from borealis_server.ports.relay import AgentRef

_NOT_FOUND = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """How to address a kind."""

    base: str
    """Path of the API group and version: `/apis/apps/v1`."""
    plural: str
    is_namespaced: bool

    def collection(self, namespace: str) -> str:
        """Path of all objects of the kind in `namespace`."""
        if self.is_namespaced and namespace:
            return f"{self.base}/namespaces/{quote(namespace, safe='')}/{self.plural}"
        return f"{self.base}/{self.plural}"

    def path(self, ref: ObjectRef) -> str:
        """Path of one object."""
        return f"{self.collection(ref.namespace)}/{quote(ref.name, safe='')}"


class Discovery:
    """Knows the resources of each agent's cluster."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api
        self._known: dict[tuple[AgentRef, str], dict[str, Resource]] = {}

    async def resource(self, agent: AgentRef, api_version: str, kind: str) -> Resource:
        """How to address `kind`. Errors: KindNotServed (a CRD may be on its way)."""
        key = (agent, api_version)
        if kind not in self._known.get(key, {}):
            self._known[key] = await self._ask(agent, api_version)
        resource = self._known[key].get(kind)
        if resource is None:
            raise KindNotServed(
                f"the cluster serves no kind {kind} in {api_version}; is its CustomResourceDefinition applied?"
            )
        return resource

    async def _ask(self, agent: AgentRef, api_version: str) -> dict[str, Resource]:
        base = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        try:
            answer = await self._api.json(agent, "GET", base)
        except ClusterRefused as error:
            if error.code == _NOT_FOUND:
                return {}
            raise
        return {item["kind"]: _resource(base, item) for item in answer["resources"] if "/" not in item["name"]}


def _resource(base: str, item: dict[str, Any]) -> Resource:  # Any: JSON
    return Resource(base=base, plural=item["name"], is_namespaced=item["namespaced"])
