"""The records of a deployment: what is kept, and nothing about how it changes.

Every record is frozen; `transitions.py` holds the states' tables, `decide.py` the decisions.
"""

# Long on purpose: the records of a deployment are one thing that is read together, and each of them is short.

from dataclasses import dataclass, field, replace
from datetime import datetime

from borealis_server.domain.analysis.evidence import Judgement
from borealis_server.domain.analysis.verdict import AnalysisRun
from borealis_server.domain.autoscaler import Autoscaler
from borealis_server.domain.errand import Errand
from borealis_server.domain.exposure import Exposure
from borealis_server.domain.planning.pod_ratio import DEFAULT_MAX_SURGE, DEFAULT_MAX_UNAVAILABLE, Bounds
from borealis_server.domain.routes import Route, RouteSpec
from borealis_server.domain.states import (
    DeploymentState,
    EndReason,
    EventKind,
    Phase,
    Rollback,
    ServiceRole,
    StepKind,
    StepPart,
    StepState,
    TargetState,
)
from borealis_server.domain.webhook import WebhookRun

_PART_OF_PHASE = {Phase.BEFORE: StepPart.BEFORE, Phase.STEPPING: StepPart.STRATEGY, Phase.AFTER: StepPart.AFTER}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentKey:
    """Which deployment: identifiers are unique in a tenant."""

    tenant: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A named wait: what, since when, who or what ends it, and what happens at the limit."""

    what: str
    since: datetime
    ended_by: str
    limit_at: datetime | None = None
    at_limit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A person's yes: to an approval, or to going on before a pause is over."""

    by: str
    at: datetime
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """The run of one step.

    Shape: steps of one `part` and `stage` run at the same time, stages one after the other. Refs are `before-1` …,
    `step-1` …, `after-1` …, by part.
    Units: `duration_s` and `expires_after_s` in seconds, `weight_percent` 0 to 100.
    """

    ref: str
    kind: StepKind
    part: StepPart = StepPart.STRATEGY
    stage: int = 0
    """From 1; 0 only in stored records that knew no stages, where each step is one of its own."""
    weight_percent: int = 0
    duration_s: float | None = None
    until_approved: bool = False
    requires_roles: tuple[str, ...] = ()
    """Roles of which a person needs one to approve; none means whoever may approve deployments."""
    expires_after_s: float | None = None
    state: StepState = StepState.NOT_STARTED
    started_at: datetime | None = None
    ended_at: datetime | None = None
    limit_at: datetime | None = None
    """When a timed pause ends or an approval expires; None before the start and where there is no limit."""
    wait: Wait | None = None
    """What the step waits for; None when it works, has not started or is over."""
    approval: Approval | None = None
    skip: Approval | None = None
    """Who ended a timed pause early; None when nobody did."""
    errand: Errand | None = None
    """What the step wants done outside of the cluster; None when nothing is, or its report has come."""
    analysis: AnalysisRun | None = None
    """What a step of the kind ANALYSIS judges, and what it found; None for the others."""
    webhook: WebhookRun | None = None
    """For a step that runs a webhook alone."""
    exposure: Exposure | None = None
    """For a step that exposes Services alone."""
    awaits: tuple[str, ...] = ()
    """Refs of steps of the same stage that must be over before this one starts: it uses what they make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One Kubernetes Deployment of a target: its new version, its old one, and how pods move between them."""

    name: str
    namespace: str
    replicas: int
    bounds: Bounds
    """Of `replicas`, by `max_surge` and `max_unavailable`."""
    new_name: str
    """ReplicaSet of the new version; deterministic, known before it exists."""
    old_name: str = ""
    """ReplicaSet of the old version; empty when nothing was live."""
    old_replicas: int = 0
    """Pods the old version had before the run; a rollback brings back as many."""
    leftovers: tuple[str, ...] = ()
    """ReplicaSets of ended runs that serve nothing; removed."""
    native: str = ""
    """JSON of the native Deployment that was live before; empty when there was none."""
    max_surge: int | str = DEFAULT_MAX_SURGE
    max_unavailable: int | str = DEFAULT_MAX_UNAVAILABLE
    is_autoscaled: bool = False
    """Whether a live autoscaler chose the number of pods before the run."""
    old_copy: str = ""
    """JSON of the old version's ReplicaSet as it was before the run; empty when there was none."""
    new_pods: int = 0
    """Pods the new version was asked for when it was last seen."""
    old_pods: int = 0
    """Pods the old version was asked for when it was last seen."""
    new_wanted: int | None = None
    """Pods we last asked of the new version; None before we asked for any."""
    old_wanted: int | None = None
    """Pods we last asked of the old version; None before we asked for any."""
    new_available: int = 0
    old_available: int = 0
    asked_weight_percent: int = 0
    traffic_percent: int | None = None
    """Share of the new version by its active Service or its routes; None where pods share the traffic."""
    is_routed: bool = False
    """Whether routes divide its traffic, so that both versions have their full size beside each other."""
    is_left: bool = False
    """Whether the way back leaves it as it is, since its traffic could not be led back."""


Selector = tuple[tuple[str, str], ...]
"""Labels that a Service selects pods by, in the order of their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePair:
    """Services that a blue/green deploy file names."""

    active: str
    preview: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedService:
    """A Service whose selector the run changes."""

    namespace: str
    name: str
    role: ServiceRole
    workload: str
    """Name of the workload whose pods it selects."""
    index: int | None = None
    """Its place among the objects to apply; None when it is only in the cluster."""
    before: Selector | None = None
    """Its selector before the run; None when it did not exist."""
    held: Selector
    """Its selector until traffic is redirected: it leads to the old version alone, where there is one."""
    wanted: Selector
    """Its selector from then on: it leads to the new version alone."""
    is_left: bool = False
    """Whether the way back leaves it where it leads, since pods of both versions stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedObject:
    """An object as it was before the run touched it."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""
    before: str = ""
    """JSON of the live object; empty when it did not exist."""
    is_awaited: bool = False
    """Whether the run waits until it is ready before pods move."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRun:
    """The run of one target."""

    name: str
    account: str
    namespace: str
    depends_on: tuple[str, ...] = ()
    steps: tuple[StepRun, ...] = ()
    state: TargetState = TargetState.NOT_STARTED
    phase: Phase = Phase.WAITING
    revision: int = 0
    """Grows with every change of this target: a decision made on an older one is dropped."""
    message: str = ""
    end_reason: EndReason | None = None
    rollback: Rollback = Rollback.NONE
    workloads: tuple[Workload, ...] = ()
    saved: tuple[SavedObject, ...] = ()
    """Every object to apply, Deployments apart, in that order, as it was before."""
    autoscalers: tuple[Autoscaler, ...] = ()
    service_pairs: tuple[ServicePair, ...] = ()
    """What the deploy file names; for blue/green alone."""
    services: tuple[RoutedService, ...] = ()
    """Services whose selectors the run changes, known once it was prepared."""
    route_specs: tuple[RouteSpec, ...] = ()
    """What the deploy file names; for canaries alone."""
    routes: tuple[Route, ...] = ()
    """Routes that the run moves, known once it was prepared; none into a workload that has no old version."""
    cursor: int = 0
    """How many objects the phase has applied or restored."""
    settled: int = 0
    """How many of the objects that were applied are known to be ready."""
    has_taken_over: bool = False
    """Whether the run has begun to change the workloads themselves."""
    intent: str = ""
    """The change in the cluster that is being made; empty when none is."""
    intent_limit_at: datetime | None = None
    """When that change, should its outcome never be learnt, can arrive no more; None when none is being made."""
    late_limit_at: datetime | None = None
    """When every change whose outcome was lost can arrive no more; None when none was."""
    wait: Wait | None = None
    """What holds the target as a whole: the most urgent of its steps' waits, its agent, or other targets."""
    ready_limit_at: datetime | None = None
    """When pods, or objects, must be ready; starts anew with every scaling."""
    effect_limit_at: datetime | None = None
    """When a change that a busy cluster does not take is given up; each change has a limit of its own."""
    refused_since: datetime | None = None
    """Since when the cluster refuses to create pods of the new version; None while it creates them."""
    agent_lost_at: datetime | None = None
    """Since when the agent is away; None while it answers."""
    warnings: tuple[str, ...] = ()
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Whether somebody has to drive it."""
        return self.phase not in (Phase.WAITING, Phase.ENDED)

    @property
    def current_steps(self) -> tuple[StepRun, ...]:
        """The open steps of the stage that the target is in: they run at the same time. None in other phases."""
        part = _PART_OF_PHASE.get(self.phase)
        open_steps = [step for step in self.steps if step.part is part and not step.state.is_final]
        return tuple(step for step in open_steps if step.stage == open_steps[0].stage)

    def step(self, ref: str) -> StepRun:
        """The step `ref`. Errors: KeyError when there is none."""
        for step in self.steps:
            if step.ref == ref:
                return step
        raise KeyError(ref)

    def with_step(self, step: StepRun) -> "TargetRun":
        """The same run with `step` in place of the one of its ref."""
        return replace(self, steps=tuple(step if step.ref == old.ref else old for old in self.steps))

    def with_workload(self, workload: Workload) -> "TargetRun":
        """The same run with `workload` in place of the one of its namespace and name."""
        key, loads = (workload.namespace, workload.name), self.workloads
        return replace(self, workloads=tuple(workload if (old.namespace, old.name) == key else old for old in loads))


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonsDecision:
    """What a person decided about a deployment, kept for the record and to recognise repeats."""

    kind: str
    """`approve`, `skip`, `roll_back` or `cancel`."""
    by: str
    at: datetime
    roles: tuple[str, ...] = ()
    """Names of the roles that the person held then."""
    is_administrator: bool = False
    """Whether the person administrated the tenant then."""
    request_id: str = ""
    target: str = ""
    step: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One run of a deploy file."""

    key: DeploymentKey
    application: str
    targets: tuple[TargetRun, ...]
    started_by: str
    started_at: datetime
    readiness_timeout_s: float
    keeps_deployment_object: bool = False
    """Whether a native Deployment owns the new version's pods after success."""
    description: str = ""
    state: DeploymentState = DeploymentState.RUNNING
    message: str = ""
    ended_at: datetime | None = None
    sequence: int = 0
    """Number of the newest event."""
    revision: int = 0
    """Grows with every commit; the etag."""
    request_id: str = ""
    digest: str = ""
    """SHA-256 of the start request, to tell a repeat from another request of the same id."""
    decisions: tuple[PersonsDecision, ...] = ()
    context: dict[str, str] = field(default_factory=dict, hash=False)
    """Variables that were given at the start."""
    blocked_by: str = ""
    """Id of the deployment that it waited for in the queue; empty when it never waited."""
    replaced_by: str = ""
    """Id of the newer deployment that took its place in the queue."""
    redeploy_of: str = ""
    """Id of the deployment whose stored files it brings out again."""

    def target(self, name: str) -> TargetRun:
        """The run of target `name`. Errors: KeyError when there is none."""
        for run in self.targets:
            if run.name == name:
                return run
        raise KeyError(name)

    def with_target(self, run: TargetRun) -> "Deployment":
        """The same deployment with `run` in place of the target of its name."""
        return replace(self, targets=tuple(run if run.name == old.name else old for old in self.targets))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened. Shape: sequences run from 1 without gaps."""

    sequence: int
    at: datetime
    kind: EventKind
    message: str
    actor: str
    deployment_state: DeploymentState
    target: str = ""
    step: str = ""
    target_run: TargetRun | None = None
    """The target concerned, after the event."""
    deployment_message: str = ""
    """What the deployment waits for, or why it ended, after the event."""
    judgement: Judgement | None = None
    """The evidence of a judgement that was made; None for every other event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file that the deploy file names, as it was read or fetched at the start."""

    name: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentInputs:
    """What a deployment was started with; written once, never changed. Enough to start the same once more."""

    deploy_file: str
    objects: dict[str, tuple[str, ...]]
    """By target: the Kubernetes objects as JSON, in the order to apply them, Deployments last."""
    file_name: str = ""
    files: dict[str, tuple[StoredFile, ...]] = field(default_factory=dict)
    """What the paths and addresses of the deploy file held, by how they are written there."""
    application: str = ""
    """What was given in place of the deploy file's; empty where nothing was. The same for those below."""
    account: str = ""
    targets: tuple[str, ...] = ()
    context: dict[str, str] = field(default_factory=dict, hash=False)
