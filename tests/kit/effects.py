"""Effects of one run on a model cluster: where they take place, and who performs them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from borealis_server.adapters.store.memory import MemoryDeploymentStore
from borealis_server.domain.deployment import DeploymentInputs, DeploymentKey
from borealis_server.domain.kubernetes.marks import Origin
from borealis_server.domain.kubernetes.replica_set import version_hash
from borealis_server.services.effects.manifests import ManifestShelf
from borealis_server.services.effects.performer import Performer
from borealis_server.services.effects.site import Site
from kit.delivery import a_deployment
from kit.model_engine import AGENT

if TYPE_CHECKING:
    from kit.model_kube import ModelKube

KEY = DeploymentKey(tenant="main", id="abc")
ORIGIN = Origin(application="shop", deployment_id="abc", target="prod")
NEW = f"web-{version_hash(ORIGIN, 'ns', 'web')}"
SITE = Site(key=KEY, agent=AGENT, origin=ORIGIN, namespaces=frozenset({"ns"}))

# Any throughout: JSON of Kubernetes objects.


def placed(document: dict[str, Any]) -> dict[str, Any]:
    """The document in the namespace of the run."""
    return {**document, "metadata": {**document["metadata"], "namespace": "ns"}}


async def performer_of(kube: ModelKube, *documents: dict[str, Any]) -> Performer:
    """A performer for a target of these documents."""
    store = MemoryDeploymentStore()
    inputs = DeploymentInputs(deploy_file="", objects={"prod": tuple(json.dumps(each) for each in documents)})
    await store.insert(replace(a_deployment().deployment, sequence=0), inputs, ())
    return Performer(kube, ManifestShelf(store))
