"""The deploy file as data: what a file means once it has been checked.

Owns the shapes that clients, server and planner share. It does not read YAML (`source`), nor judge it (`parse`,
`rules`). What a user may write is in `language`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_READINESS_TIMEOUT_S: Final = 1800.0
"""How long pods may take to become Ready where the file does not say."""
DEFAULT_TTL_S: Final = 300.0
"""How long exposed Services stay reachable where the file does not say."""

Mode = Literal["automatic", "manual"]
"""Who acts on the result of an analysis."""
Outcome = Literal["fail", "pass", "inconclusive"]
"""What a judgement counts as that has no number to judge."""
Comparison = Literal["difference", "ratio"]
"""How a value is set against that of the baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where in the deploy file something was written; line and columns count from 1."""

    file: str
    line: int
    column: int
    end_column: int
    path: str = field(default="", compare=False)
    """The place as in `targets.qa.account`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentConfig:
    """Settings for every target of the file."""

    readiness_timeout_s: float = DEFAULT_READINESS_TIMEOUT_S
    """Limit of each wait for pods to become Ready; pauses and approvals do not count."""
    keeps_deployment_object: bool = False
    """Whether a native Deployment object is there again after the deployment."""
    enqueues: bool = False
    """Whether a start waits while another deployment of the application is in progress."""
    enqueue_origin: Origin | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetWeight:
    """Give the new version a share of the pods."""

    weight_percent: int
    origin: Origin | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Wait, for a time or for a person. Exactly one of `duration_s` and `until_approved` is set."""

    duration_s: float | None = None
    until_approved: bool = False
    requires_roles: tuple[str, ...] = ()
    """Roles that may approve; empty means everybody who may see the deployment."""
    expires_after_s: float | None = None
    """Limit of the wait for an approval; None waits for ever."""
    origin: Origin | None = field(default=None, compare=False, repr=False)
    roles_origin: Origin | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Judge the new version by metrics, `runs` times."""

    queries: tuple[str, ...]
    interval_s: float
    """Length of the window that each judgement looks at."""
    runs: int
    provider: str | None = None
    """Asked by queries that name no provider themselves; None for the default of the file."""
    context: Mapping[str, str] = field(default_factory=dict)
    roll_back: Mode = "automatic"
    roll_forward: Mode = "automatic"
    is_growing: bool = False
    """Whether each window starts at the first one's start."""
    aborts_early: bool = False
    """Whether the first judgement out of limits ends the step."""
    initial_delay_s: float = 0.0
    """From the start of the step to that of the first window."""
    scrape_delay_s: float = 0.0
    """From the end of each window to its question."""
    min_passing: int = 0
    """Judgements of each query that must pass one by one; 0 leaves it to the average."""
    errors_in_a_row: int | None = None
    """Failed questions in a row that do not count; None: each one fails the step at its end."""
    origin: Origin | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWebhook:
    """Call a webhook and wait for its success."""

    name: str
    context: Mapping[str, str] = field(default_factory=dict)
    origin: Origin | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposeServices:
    """Make Services reachable under temporary addresses."""

    services: tuple[str, ...]
    ttl_s: float = DEFAULT_TTL_S
    requires_login: bool = False
    origin: Origin | None = field(default=None, compare=False, repr=False)


Condition = Pause | Analysis | RunWebhook | ExposeServices
"""What may be waited for."""
Step = SetWeight | Condition
"""One unit of a canary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A named canary recipe. No steps means straight to 100 %; after the last step the target goes to 100 %."""

    name: str
    steps: tuple[Step, ...] = ()
    origin: Origin | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlueGreen:
    """A named blue/green recipe; the conditions of a list run at the same time."""

    name: str
    redirect_after: tuple[Condition, ...] = ()
    shut_down_after: tuple[Condition, ...] = ()
    active_service: str | None = None
    """From the old place; `KubernetesTraffic` is the current one."""
    preview_service: str | None = None
    origin: Origin | None = field(default=None, compare=False, repr=False)


Strategy = Canary | BlueGreen
"""How a new version takes over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A named place to deploy to: a namespace of the cluster behind an agent."""

    name: str
    account: str
    """Name of the agent in the cluster."""
    namespace: str | None = None
    """Overrides the namespace of every namespaced manifest; None keeps what the manifests say."""
    strategy: str | None = None
    """Key of `DeployFile.strategies`; needed only where a Deployment manifest reaches the target."""
    depends_on: tuple[str, ...] = ()
    """Targets that must have succeeded before this one starts."""
    before: tuple[Condition, ...] = ()
    """Run together once the dependencies are met; all must succeed before the strategy starts."""
    after: tuple[Condition, ...] = ()
    """Run together once the strategy has succeeded; all must succeed before dependants start."""
    account_origin: Origin | None = field(default=None, compare=False, repr=False)
    """Where the account stands: only a server knows which accounts exist."""
    origin: Origin | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestSource:
    """Where manifests come from: a path that the client reads, an address, or text in the file. Exactly one is set."""

    path: str | None = None
    url: str | None = None
    inline: str | None = None
    targets: tuple[str, ...] | None = None
    """Targets that receive these manifests; None means all."""
    origin: Origin | None = field(default=None, compare=False, repr=False)
    """Where the entry stands; for fault messages only, so two files that say the same are equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question to a metric provider, and the limits of its answer; at least one limit is set."""

    name: str
    template: str
    upper_limit: float | None = None
    lower_limit: float | None = None
    provider: str | None = None
    """Goes before the provider of the step and the default."""
    on_no_data: Outcome = "fail"
    on_nan: Outcome = "fail"
    is_dry_run: bool = False
    """Whether its result is shown and decides nothing."""
    baseline: str = ""
    """Template of the question about the version to compare with; empty judges the value itself."""
    compare_by: Comparison = "difference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A call that steps make."""

    name: str
    uri: str
    method: str = "POST"
    """In capitals."""
    is_through_agent: bool = False
    """Whether an agent makes the call from inside its network."""
    agent: str | None = None
    """Agent that makes the call; None for the one of the target."""
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    body_path: str | None = None
    """File or address that holds the body, until it has been read; at most one of the two is set."""
    retries: int = 0
    has_callback: bool = True
    """Whether the step waits for a callback after the call."""
    callback_timeout_s: float | None = None
    """How long it waits; None where the file does not say."""
    origin: Origin | None = field(default=None, compare=False, repr=False)
    body_origin: Origin | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesTraffic:
    """The Services of a blue/green deployment."""

    active_service: str
    preview_service: str | None = None
    origin: Origin | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmiTraffic:
    """A Service whose traffic an SMI TrafficSplit divides."""

    root_service: str
    canary_service: str | None = None
    """An existing Service; None makes one."""
    traffic_split: str
    origin: Origin | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IstioTraffic:
    """Istio objects that divide traffic; what is None is found in the cluster where only one can be meant."""

    virtual_service: str
    http_route: str | None = None
    destination_rule: str | None = None
    active_subset: str | None = None
    canary_subset: str | None = None
    """None means the name of the active subset with `-canary` behind it."""
    origin: Origin | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayTraffic:
    """A route of the Gateway API that divides traffic; what is None is found where only one can be meant."""

    route: str
    kind: str = "HTTPRoute"
    """`HTTPRoute` or `GRPCRoute`."""
    rule: str | None = None
    """Name of the only rule that is moved; None moves every rule that leads to the root Service."""
    root_service: str | None = None
    canary_service: str | None = None
    """An existing Service; None makes one."""
    origin: Origin | None = field(default=None, compare=False, repr=False)


MeshRoute = SmiTraffic | IstioTraffic | GatewayTraffic
"""One way in which a canary's traffic is moved by weight."""

Route = KubernetesTraffic | MeshRoute
"""One way in which traffic is moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """How traffic is moved for some targets."""

    routes: tuple[Route, ...]
    targets: tuple[str, ...] | None = None
    """None means all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretUse:
    """A place that names a secret."""

    name: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployFile:
    """A deploy file without faults."""

    application: str
    description: str = ""
    context: Mapping[str, str] = field(default_factory=dict)
    """Variables that the file writes for all steps."""
    given_context: Mapping[str, str] = field(default_factory=dict)
    """Variables that were given at the start; `contexts.context_of` says what a step sees."""
    config: DeploymentConfig = field(default_factory=DeploymentConfig)
    targets: tuple[Target, ...]
    """In the order of the file."""
    manifests: tuple[ManifestSource, ...]
    strategies: Mapping[str, Strategy]
    queries: Mapping[str, Query] = field(default_factory=dict)
    default_provider: str | None = None
    """Metric provider of queries and steps that name none."""
    webhooks: Mapping[str, Webhook] = field(default_factory=dict)
    traffic: tuple[Traffic, ...] = ()
    secrets: tuple[SecretUse, ...] = field(default=(), compare=False, repr=False)
    """Every place that names a secret, in the order of the text."""

    def routes_of(self, target: str) -> tuple[Route, ...]:
        """How traffic is moved for the target, in the order of the file."""
        return tuple(
            route
            for entry in self.traffic
            if entry.targets is None or target in entry.targets
            for route in entry.routes
        )
