"""Where an effect takes place, and how it names objects there."""

from dataclasses import dataclass

from borealis_server.domain.deployment import DeploymentKey
from borealis_server.domain.kubernetes.json_types import Document, meta
from borealis_server.domain.kubernetes.marks import Origin
from borealis_server.ports.cluster import ObjectRef
from borealis_server.ports.relay import AgentRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where an effect takes place."""

    key: DeploymentKey
    agent: AgentRef
    origin: Origin
    namespaces: frozenset[str]


def ref_of(document: Document) -> ObjectRef:
    """Which object a document is."""
    return ObjectRef(
        api_version=str(document["apiVersion"]),
        kind=str(document["kind"]),
        name=meta(document, "name"),
        namespace=meta(document, "namespace"),
    )


def replica_set_ref(namespace: str, name: str) -> ObjectRef:
    """A ReplicaSet."""
    return ObjectRef(api_version="apps/v1", kind="ReplicaSet", name=name, namespace=namespace)


def deployment_ref(namespace: str, name: str) -> ObjectRef:
    """A native Deployment."""
    return ObjectRef(api_version="apps/v1", kind="Deployment", name=name, namespace=namespace)


def service_ref(namespace: str, name: str) -> ObjectRef:
    """A Service."""
    return ObjectRef(api_version="v1", kind="Service", name=name, namespace=namespace)
