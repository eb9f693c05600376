"""What is known of Kubernetes kinds without asking a cluster: their scope, and when they are applied.

Tables only. A cluster may know better: a kind that is not listed counts as namespaced and as an ordinary workload.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

GroupKind = tuple[str, str]
"""API group (empty for the core) and kind."""

DEPLOYMENT: Final[GroupKind] = ("apps", "Deployment")
POD: Final[GroupKind] = ("", "Pod")
REPLICA_SET: Final[GroupKind] = ("apps", "ReplicaSet")
AUTOSCALER: Final[GroupKind] = ("autoscaling", "HorizontalPodAutoscaler")
CUSTOM_DEFINITION: Final[GroupKind] = ("apiextensions.k8s.io", "CustomResourceDefinition")


class ApplyPhase(IntEnum):
    """When an object is applied; a phase starts once the one before it is in place."""

    NAMESPACE = 1
    DEFINITION = 2
    CLUSTER_POLICY = 3
    IDENTITY = 4
    CONFIGURATION = 5
    STORAGE = 6
    NETWORK = 7
    WORKLOAD = 8
    DEPLOYMENT = 9
    AVAILABILITY = 10


CLUSTER_SCOPED: Final[frozenset[GroupKind]] = frozenset(
    {
        ("", "Namespace"),
        ("", "Node"),
        ("", "PersistentVolume"),
        CUSTOM_DEFINITION,
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("apiregistration.k8s.io", "APIService"),
        ("certificates.k8s.io", "CertificateSigningRequest"),
        ("certificates.k8s.io", "ClusterTrustBundle"),
        ("cert-manager.io", "ClusterIssuer"),
        ("external-secrets.io", "ClusterExternalSecret"),
        ("external-secrets.io", "ClusterSecretStore"),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
        ("gateway.networking.k8s.io", "GatewayClass"),
        ("networking.k8s.io", "IPAddress"),
        ("networking.k8s.io", "IngressClass"),
        ("networking.k8s.io", "ServiceCIDR"),
        ("node.k8s.io", "RuntimeClass"),
        ("policy", "PodSecurityPolicy"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("resource.k8s.io", "DeviceClass"),
        ("resource.k8s.io", "ResourceSlice"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("storage.k8s.io", "CSIDriver"),
        ("storage.k8s.io", "CSINode"),
        ("storage.k8s.io", "StorageClass"),
        ("storage.k8s.io", "VolumeAttachment"),
        ("storage.k8s.io", "VolumeAttributesClass"),
    },
)
"""Kinds that never have a namespace."""

_PHASES: Final[dict[GroupKind, ApplyPhase]] = {
    ("", "Namespace"): ApplyPhase.NAMESPACE,
    CUSTOM_DEFINITION: ApplyPhase.DEFINITION,
    ("", "LimitRange"): ApplyPhase.CLUSTER_POLICY,
    ("", "ResourceQuota"): ApplyPhase.CLUSTER_POLICY,
    ("node.k8s.io", "RuntimeClass"): ApplyPhase.CLUSTER_POLICY,
    ("policy", "PodSecurityPolicy"): ApplyPhase.CLUSTER_POLICY,
    ("scheduling.k8s.io", "PriorityClass"): ApplyPhase.CLUSTER_POLICY,
    ("storage.k8s.io", "StorageClass"): ApplyPhase.CLUSTER_POLICY,
    ("", "ServiceAccount"): ApplyPhase.IDENTITY,
    ("", "ConfigMap"): ApplyPhase.CONFIGURATION,
    ("", "Secret"): ApplyPhase.CONFIGURATION,
    ("", "PersistentVolume"): ApplyPhase.STORAGE,
    ("", "PersistentVolumeClaim"): ApplyPhase.STORAGE,
    ("", "Endpoints"): ApplyPhase.NETWORK,
    ("", "Service"): ApplyPhase.NETWORK,
    DEPLOYMENT: ApplyPhase.DEPLOYMENT,
    AUTOSCALER: ApplyPhase.AVAILABILITY,
    ("policy", "PodDisruptionBudget"): ApplyPhase.AVAILABILITY,
}
_GROUP_PHASES: Final[dict[str, ApplyPhase]] = {
    "discovery.k8s.io": ApplyPhase.NETWORK,
    "gateway.networking.k8s.io": ApplyPhase.NETWORK,
    "networking.istio.io": ApplyPhase.NETWORK,
    "networking.k8s.io": ApplyPhase.NETWORK,
    "rbac.authorization.k8s.io": ApplyPhase.IDENTITY,
    "split.smi-spec.io": ApplyPhase.NETWORK,
}


def group_kind(api_version: str, kind: str) -> GroupKind:
    """The kind without its version: `apps/v1`, `Deployment` becomes `("apps", "Deployment")`."""
    group, slash, _ = api_version.rpartition("/")
    return (group if slash else "", kind)


def phase_of(kind: GroupKind) -> ApplyPhase:
    """When objects of the kind are applied."""
    return _PHASES.get(kind) or _GROUP_PHASES.get(kind[0], ApplyPhase.WORKLOAD)
