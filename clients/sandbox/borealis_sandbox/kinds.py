"""The kinds of object this server knows from the start, and how they are addressed; one table, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field

_EVERYWHERE = frozenset({"metadata.name", "metadata.namespace"})
_INVOLVED = frozenset({"kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of object and the resource under which it is served."""

    group: str = ""
    """Empty for the core group."""
    version: str = "v1"
    """The only version served."""
    kind: str
    """For example `ReplicaSet`."""
    plural: str
    """As in the address: `replicasets`."""
    short_names: tuple[str, ...] = ()
    """What kubectl also accepts."""
    is_namespaced: bool = True
    """False for what belongs to the whole cluster."""
    has_status: bool = False
    """Whether `status` is a subresource, closed to ordinary writes."""
    has_scale: bool = False
    """Whether there is a `scale` subresource."""
    has_generation: bool = False
    """Whether changes of the specification are counted."""
    selectable_fields: frozenset[str] = field(default=_EVERYWHERE)
    """Paths that a field selector may name."""

    @property
    def api_version(self) -> str:
        """`apps/v1`; for the core group only the version."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """As error messages name it: `replicasets.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified(self) -> str:
        """As validation messages name it: `ReplicaSet.apps`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind


NAMESPACE = Kind(kind="Namespace", plural="namespaces", short_names=("ns",), is_namespaced=False, has_status=True)
NODE = Kind(kind="Node", plural="nodes", short_names=("no",), is_namespaced=False, has_status=True)
POD = Kind(
    kind="Pod",
    plural="pods",
    short_names=("po",),
    has_status=True,
    selectable_fields=_EVERYWHERE | {"spec.nodeName", "spec.restartPolicy", "status.phase", "status.podIP"},
)
SERVICE = Kind(kind="Service", plural="services", short_names=("svc",), has_status=True)
ENDPOINTS = Kind(kind="Endpoints", plural="endpoints", short_names=("ep",))
CONFIG_MAP = Kind(kind="ConfigMap", plural="configmaps", short_names=("cm",))
SECRET = Kind(kind="Secret", plural="secrets", selectable_fields=_EVERYWHERE | {"type"})
SERVICE_ACCOUNT = Kind(kind="ServiceAccount", plural="serviceaccounts", short_names=("sa",))
RESOURCE_QUOTA = Kind(kind="ResourceQuota", plural="resourcequotas", short_names=("quota",), has_status=True)
EVENT = Kind(
    kind="Event",
    plural="events",
    short_names=("ev",),
    selectable_fields=_EVERYWHERE | {f"involvedObject.{name}" for name in _INVOLVED} | {"reason", "type", "source"},
)
DEPLOYMENT = Kind(
    group="apps",
    kind="Deployment",
    plural="deployments",
    short_names=("deploy",),
    has_status=True,
    has_scale=True,
    has_generation=True,
)
REPLICA_SET = Kind(
    group="apps",
    kind="ReplicaSet",
    plural="replicasets",
    short_names=("rs",),
    has_status=True,
    has_scale=True,
    has_generation=True,
)
STATEFUL_SET = Kind(
    group="apps",
    kind="StatefulSet",
    plural="statefulsets",
    short_names=("sts",),
    has_status=True,
    has_scale=True,
    has_generation=True,
)
DAEMON_SET = Kind(
    group="apps", kind="DaemonSet", plural="daemonsets", short_names=("ds",), has_status=True, has_generation=True
)
JOB = Kind(group="batch", kind="Job", plural="jobs", has_status=True, has_generation=True)
CRON_JOB = Kind(group="batch", kind="CronJob", plural="cronjobs", short_names=("cj",), has_status=True)
AUTOSCALER = Kind(
    group="autoscaling",
    version="v2",
    kind="HorizontalPodAutoscaler",
    plural="horizontalpodautoscalers",
    short_names=("hpa",),
    has_status=True,
)
CUSTOM_DEFINITION = Kind(
    group="apiextensions.k8s.io",
    kind="CustomResourceDefinition",
    plural="customresourcedefinitions",
    short_names=("crd", "crds"),
    is_namespaced=False,
    has_status=True,
    has_generation=True,
)
INGRESS = Kind(
    group="networking.k8s.io",
    kind="Ingress",
    plural="ingresses",
    short_names=("ing",),
    has_status=True,
    has_generation=True,
)

KINDS = (
    NAMESPACE,
    NODE,
    POD,
    SERVICE,
    ENDPOINTS,
    CONFIG_MAP,
    SECRET,
    SERVICE_ACCOUNT,
    RESOURCE_QUOTA,
    EVENT,
    DEPLOYMENT,
    REPLICA_SET,
    STATEFUL_SET,
    DAEMON_SET,
    JOB,
    CRON_JOB,
    AUTOSCALER,
    CUSTOM_DEFINITION,
    INGRESS,
)
