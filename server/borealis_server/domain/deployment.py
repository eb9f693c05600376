"""The records of a deployment: what is kept, and nothing about how it changes.

Every record is frozen; `transitions.py` holds the states' tables, `decide.py` the decisions.
"""

# Long on purpose: these records are one thing in the store, and are read together.

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from borealis_server.domain.planning.pod_ratio import DEFAULT_MAX_SURGE, DEFAULT_MAX_UNAVAILABLE, Bounds


class DeploymentState(StrEnum):
    """Where a deployment is."""

    QUEUED = "QUEUED"
    """Waits until another deployment of its application has ended; nothing is touched."""
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    REPLACED = "REPLACED"
    """Never started: a newer one took its place in the queue."""
    REJECTED = "REJECTED"
    """Never started: when its turn came it could not be carried out any more."""

    @property
    def is_final(self) -> bool:
        """Whether nothing can change any more."""
        return self in _FINAL


_FINAL = frozenset(
    {
        DeploymentState.SUCCEEDED,
        DeploymentState.FAILED,
        DeploymentState.CANCELLED,
        DeploymentState.REPLACED,
        DeploymentState.REJECTED,
    }
)


class TargetState(StrEnum):
    """Where a target is."""

    NOT_STARTED = "NOT_STARTED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    ROLLING_BACK = "ROLLING_BACK"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_final(self) -> bool:
        """Whether nothing can change any more."""
        return self in (TargetState.SUCCEEDED, TargetState.FAILED, TargetState.CANCELLED)


class Phase(StrEnum):
    """What a target works on; finer than its state, and only for ourselves."""

    WAITING = "WAITING"
    BEFORE = "BEFORE"
    """Conditions before the deployment; nothing is touched yet."""
    PREPARING = "PREPARING"
    APPLYING = "APPLYING"
    SETTLING = "SETTLING"
    TAKING_OVER = "TAKING_OVER"
    STEPPING = "STEPPING"
    FINISHING = "FINISHING"
    AFTER = "AFTER"
    """Conditions after the deployment; the new version serves alone."""
    RESTORING_TRAFFIC = "RESTORING_TRAFFIC"
    RESTORING_SETTINGS = "RESTORING_SETTINGS"
    RESTORING_PODS = "RESTORING_PODS"
    REMOVING_NEW = "REMOVING_NEW"
    RESTORING_OBJECTS = "RESTORING_OBJECTS"
    ENDED = "ENDED"


class StepState(StrEnum):
    """Where a step is."""

    NOT_STARTED = "NOT_STARTED"
    RUNNING = "RUNNING"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"

    @property
    def is_final(self) -> bool:
        """Whether the step is over."""
        return self not in (StepState.NOT_STARTED, StepState.RUNNING, StepState.AWAITING_APPROVAL)


class StepPart(StrEnum):
    """Where in its target a step stands."""

    BEFORE = "BEFORE"
    STRATEGY = "STRATEGY"
    AFTER = "AFTER"


_PART_OF_PHASE = {
    Phase.BEFORE: StepPart.BEFORE,
    Phase.STEPPING: StepPart.STRATEGY,
    Phase.AFTER: StepPart.AFTER,
}


class StepKind(StrEnum):
    """What a step does; `steps/registry.py` says how."""

    SET_WEIGHT = "SET_WEIGHT"
    PAUSE = "PAUSE"
    DEPLOY_NEW_VERSION = "DEPLOY_NEW_VERSION"
    """Blue/green: the new version at full size beside the old one, without traffic."""
    REDIRECT_TRAFFIC = "REDIRECT_TRAFFIC"
    """Blue/green: the active Services lead to the new version."""
    SHUT_DOWN_OLD_VERSION = "SHUT_DOWN_OLD_VERSION"
    """Blue/green: the old version goes; there is no way back from here."""


class EndReason(StrEnum):
    """Why a target ended, other than by success."""

    USER_CANCELLED = "USER_CANCELLED"
    USER_ROLLED_BACK = "USER_ROLLED_BACK"
    APPROVAL_EXPIRED = "APPROVAL_EXPIRED"
    APPLY_ERROR = "APPLY_ERROR"
    READINESS_TIMEOUT = "READINESS_TIMEOUT"
    AGENT_LOST = "AGENT_LOST"
    UPSTREAM_FAILED = "UPSTREAM_FAILED"
    OBJECT_OWNED_BY = "OBJECT_OWNED_BY"
    SERVICE_NOT_MATCHED = "SERVICE_NOT_MATCHED"
    REPLACED = "REPLACED"
    REJECTED = "REJECTED"

    @property
    def is_a_persons(self) -> bool:
        """Whether the end counts as cancelled rather than failed."""
        return self in (
            EndReason.USER_CANCELLED,
            EndReason.USER_ROLLED_BACK,
            EndReason.APPROVAL_EXPIRED,
            EndReason.UPSTREAM_FAILED,
            EndReason.REPLACED,
            EndReason.REJECTED,
        )


class Rollback(StrEnum):
    """How the way back went."""

    NONE = "NONE"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"


class EventKind(StrEnum):
    """What kind of thing happened; mirrors `borealis.deployment.v1.DeploymentEvent.Kind`."""

    DEPLOYMENT_QUEUED = "DEPLOYMENT_QUEUED"
    DEPLOYMENT_STARTED = "DEPLOYMENT_STARTED"
    DEPLOYMENT_ENDED = "DEPLOYMENT_ENDED"
    TARGET_CHANGED = "TARGET_CHANGED"
    STEP_CHANGED = "STEP_CHANGED"
    EFFECT_INTENDED = "EFFECT_INTENDED"
    EFFECT_DONE = "EFFECT_DONE"
    PROGRESS = "PROGRESS"
    DECISION = "DECISION"
    WARNING = "WARNING"


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
    """Share of the new version among the endpoints of its active Service; None where pods share the traffic."""
    is_left: bool = False
    """Whether the way back leaves it as it is, since its traffic could not be led back."""


Selector = tuple[tuple[str, str], ...]
"""Labels that a Service selects pods by, in the order of their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePair:
    """Services that a blue/green deploy file names."""

    active: str
    preview: str = ""


class ServiceRole(StrEnum):
    """What a Service is to a run."""

    ACTIVE = "ACTIVE"
    """Carries the traffic; switched at once."""
    PREVIEW = "PREVIEW"
    """Leads to the new version before it has the traffic."""
    SHARED = "SHARED"
    """Led to one version alone since an earlier blue/green run; this run needs it to lead to both."""


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
class Autoscaler:
    """A HorizontalPodAutoscaler of a workload: it is away while the run moves pods."""

    namespace: str
    name: str
    workload: str
    """Name of the workload whose pods it scales."""
    before: str = ""
    """JSON of the live object; empty when the run brings it."""
    index: int | None = None
    """Its place among the objects to apply; None when the manifests leave it as it is."""


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
        key = (workload.namespace, workload.name)
        return replace(
            self, workloads=tuple(workload if (old.namespace, old.name) == key else old for old in self.workloads)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonsDecision:
    """What a person decided about a deployment, kept for the record and to recognise repeats."""

    kind: str
    """`approve`, `skip`, `roll_back` or `cancel`."""
    by: str
    at: datetime
    roles: tuple[str, ...] = ()
    """Roles that the person held then."""
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
