"""The Kubernetes objects of one target, as a run needs them again and again."""

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from borealis_server.domain.deployment import DeploymentKey
from borealis_server.domain.kubernetes.json_types import meta
from borealis_server.ports.store import DeploymentStore

_KEPT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetManifests:
    """Parsed objects of a target, in the order to apply them."""

    others: tuple[Mapping[str, Any], ...]  # Any: JSON
    """Everything but Deployments."""
    deployments: tuple[Mapping[str, Any], ...]  # Any: JSON

    @property
    def labels(self) -> tuple[str, ...]:
        """`kind name` of each of `others`."""
        return tuple(f"{document['kind']} {meta(document, 'name')}" for document in self.others)

    @property
    def deployment_namespaces(self) -> frozenset[str]:
        """Where the target's pods live."""
        return frozenset(meta(document, "namespace") for document in self.deployments)

    def deployment(self, namespace: str, name: str) -> Mapping[str, Any]:  # Any: JSON
        """The Deployment of that name. Errors: KeyError."""
        for document in self.deployments:
            if (meta(document, "namespace"), meta(document, "name")) == (namespace, name):
                return document
        raise KeyError(name)


class ManifestShelf:
    """Reads manifests from the store; keeps the last few parsed."""

    def __init__(self, store: DeploymentStore) -> None:
        self._store = store
        self._kept: OrderedDict[tuple[DeploymentKey, str], TargetManifests] = OrderedDict()

    async def of(self, key: DeploymentKey, target: str) -> TargetManifests:
        """The manifests of a target. Errors: DeploymentNotFound."""
        if (key, target) not in self._kept:
            inputs = await self._store.inputs(key)
            self._kept[key, target] = _parse(inputs.objects.get(target, ()))
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return self._kept[key, target]


def _parse(texts: tuple[str, ...]) -> TargetManifests:
    documents = [json.loads(text) for text in texts]
    is_deployment = [_is_deployment(document) for document in documents]
    return TargetManifests(
        others=tuple(document for document, is_one in zip(documents, is_deployment, strict=True) if not is_one),
        deployments=tuple(document for document, is_one in zip(documents, is_deployment, strict=True) if is_one),
    )


def _is_deployment(document: Mapping[str, Any]) -> bool:
    return document["kind"] == "Deployment" and str(document["apiVersion"]).startswith("apps/")
