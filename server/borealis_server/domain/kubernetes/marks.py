"""The marks we leave on objects: labels to select by, annotations to explain, variables for the pods."""

from dataclasses import dataclass

MANAGED_LABEL = "deploy.borealis.dev/managed"
"""`true` on every ReplicaSet of ours."""
WORKLOAD_LABEL = "deploy.borealis.dev/workload"
"""Name of the Kubernetes Deployment that a ReplicaSet stands for."""
HELPER_LABEL = "deploy.borealis.dev/helper"
"""`true` on objects that a run made for its routes alone, and takes away at its end."""
HASH_LABEL = "armory-pod-template-hash"
"""Tells the pods of one version from another's; part of the ReplicaSet's selector. The reference's name."""
LIVE_ANNOTATION = "deploy.borealis.dev/live"
"""`true` on the ReplicaSet that the last successful run left."""

APPLICATION_ANNOTATION = "deploy.armory.io/application"
DEPLOYMENT_ANNOTATION = "deploy.armory.io/deployment-id"
ENVIRONMENT_ANNOTATION = "deploy.armory.io/environment"
REPLICA_SET_ANNOTATION = "deploy.armory.io/replica-set-name"

FIELD_MANAGER = "borealis"
"""Our name in `managedFields`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Which run an object comes from."""

    application: str
    deployment_id: str
    target: str

    def annotations(self) -> dict[str, str]:
        """For every object of the run."""
        return {
            APPLICATION_ANNOTATION: self.application,
            DEPLOYMENT_ANNOTATION: self.deployment_id,
            ENVIRONMENT_ANNOTATION: self.target,
        }

    def pod_annotations(self, replica_set: str) -> dict[str, str]:
        """For the pods of one ReplicaSet."""
        return {**self.annotations(), REPLICA_SET_ANNOTATION: replica_set}

    def pod_variables(self, replica_set: str) -> dict[str, str]:
        """Environment of every container, as the reference names it."""
        return {
            "ARMORY_APPLICATION_NAME": self.application,
            "ARMORY_DEPLOYMENT_ID": self.deployment_id,
            "ARMORY_ENVIRONMENT_NAME": self.target,
            "ARMORY_REPLICA_SET_NAME": replica_set,
        }
