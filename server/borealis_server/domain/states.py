"""The words of a deployment's records: states, phases, kinds and reasons. `transitions.py` has their tables."""

from enum import StrEnum


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
    HOLDING_TRAFFIC = "HOLDING_TRAFFIC"
    """Routes are tied to the old version, before there is a new one; only where routes move the traffic."""
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


class StepKind(StrEnum):
    """What a step does; `steps/registry.py` says how."""

    SET_WEIGHT = "SET_WEIGHT"
    PAUSE = "PAUSE"
    ANALYSIS = "ANALYSIS"
    DEPLOY_NEW_VERSION = "DEPLOY_NEW_VERSION"
    """Blue/green: the new version at full size beside the old one, without traffic."""
    REDIRECT_TRAFFIC = "REDIRECT_TRAFFIC"
    """Blue/green: the active Services lead to the new version."""
    SHUT_DOWN_OLD_VERSION = "SHUT_DOWN_OLD_VERSION"
    """Blue/green: the old version goes; there is no way back from here."""
    RUN_WEBHOOK = "RUN_WEBHOOK"
    EXPOSE_SERVICES = "EXPOSE_SERVICES"


class ErrandKind(StrEnum):
    """What a step wants done outside of the cluster; `main.py` says by whom."""

    CALL_WEBHOOK = "CALL_WEBHOOK"
    EXPOSE_SERVICES = "EXPOSE_SERVICES"
    ASK_METRICS = "ASK_METRICS"


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
    ANALYSIS_OUT_OF_LIMITS = "ANALYSIS_OUT_OF_LIMITS"
    ANALYSIS_ERROR = "ANALYSIS_ERROR"
    UNRESOLVED_VARIABLE = "UNRESOLVED_VARIABLE"
    WEBHOOK_TRIGGER_FAILED = "WEBHOOK_TRIGGER_FAILED"
    WEBHOOK_CALLBACK_FAILED = "WEBHOOK_CALLBACK_FAILED"
    WEBHOOK_TIMEOUT = "WEBHOOK_TIMEOUT"
    PREVIEW_FAILED = "PREVIEW_FAILED"
    ROUTE_NOT_MATCHED = "ROUTE_NOT_MATCHED"
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
    JUDGED = "JUDGED"
    """An analysis has made a judgement; the event carries its evidence."""
    WARNING = "WARNING"


class ServiceRole(StrEnum):
    """What a Service is to a run."""

    ACTIVE = "ACTIVE"
    """Carries the traffic; switched at once."""
    PREVIEW = "PREVIEW"
    """Leads to the new version before it has the traffic."""
    SHARED = "SHARED"
    """Led to one version alone since an earlier blue/green run; this run needs it to lead to both."""
