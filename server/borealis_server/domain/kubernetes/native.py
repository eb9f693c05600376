"""The native Deployment that is left at the end of a run, where the deploy file asks for it."""

from typing import Any

from borealis_server.domain.kubernetes.json_types import Document, dig, meta
from borealis_server.domain.kubernetes.marks import Origin


def deployment_of(manifest: Document, replica_set: Document, origin: Origin) -> dict[str, Any]:  # Any: JSON
    """The Deployment of a manifest as the owner of a live ReplicaSet: its very pods, as many as there are.

    The template is the live one, hash label included: a Deployment adopts a ReplicaSet instead of making another one
    only where the two templates are equal.
    """
    metadata = dict(manifest["metadata"])
    metadata["annotations"] = {**(metadata.get("annotations") or {}), **origin.annotations()}
    spec = {
        **manifest["spec"],
        "replicas": int(dig(replica_set, "spec", "replicas") or 0),
        "template": replica_set["spec"]["template"],
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def is_owned_by(document: Document, owner: Document) -> bool:
    """Whether `owner` manages the object."""
    return any(
        reference.get("controller") and reference.get("uid") == meta(owner, "uid")
        for reference in dig(document, "metadata", "ownerReferences") or []
    )


def is_settled(deployment: Document) -> bool:
    """Whether the Deployment's controller has seen its newest version."""
    observed = int(dig(deployment, "status", "observedGeneration") or 0)
    return observed >= int(dig(deployment, "metadata", "generation") or 0)
