import datetime

from borealis.analysis.v1 import analysis_pb2 as _analysis_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Deployment(_message.Message):
    __slots__ = ("name", "application", "description", "state", "message", "targets", "started_by", "start_time", "end_time", "sequence", "etag", "context", "blocked_by", "replaced_by", "redeploy_of")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Deployment.State]
        STATE_RUNNING: _ClassVar[Deployment.State]
        STATE_PAUSED: _ClassVar[Deployment.State]
        STATE_AWAITING_APPROVAL: _ClassVar[Deployment.State]
        STATE_SUCCEEDED: _ClassVar[Deployment.State]
        STATE_FAILED: _ClassVar[Deployment.State]
        STATE_CANCELLED: _ClassVar[Deployment.State]
        STATE_QUEUED: _ClassVar[Deployment.State]
        STATE_REPLACED: _ClassVar[Deployment.State]
        STATE_REJECTED: _ClassVar[Deployment.State]
    STATE_UNSPECIFIED: Deployment.State
    STATE_RUNNING: Deployment.State
    STATE_PAUSED: Deployment.State
    STATE_AWAITING_APPROVAL: Deployment.State
    STATE_SUCCEEDED: Deployment.State
    STATE_FAILED: Deployment.State
    STATE_CANCELLED: Deployment.State
    STATE_QUEUED: Deployment.State
    STATE_REPLACED: Deployment.State
    STATE_REJECTED: Deployment.State
    class ContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    APPLICATION_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    STARTED_BY_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_BY_FIELD_NUMBER: _ClassVar[int]
    REPLACED_BY_FIELD_NUMBER: _ClassVar[int]
    REDEPLOY_OF_FIELD_NUMBER: _ClassVar[int]
    name: str
    application: str
    description: str
    state: Deployment.State
    message: str
    targets: _containers.RepeatedCompositeFieldContainer[TargetRun]
    started_by: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    sequence: int
    etag: str
    context: _containers.ScalarMap[str, str]
    blocked_by: str
    replaced_by: str
    redeploy_of: str
    def __init__(self, name: _Optional[str] = ..., application: _Optional[str] = ..., description: _Optional[str] = ..., state: _Optional[_Union[Deployment.State, str]] = ..., message: _Optional[str] = ..., targets: _Optional[_Iterable[_Union[TargetRun, _Mapping]]] = ..., started_by: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sequence: _Optional[int] = ..., etag: _Optional[str] = ..., context: _Optional[_Mapping[str, str]] = ..., blocked_by: _Optional[str] = ..., replaced_by: _Optional[str] = ..., redeploy_of: _Optional[str] = ...) -> None: ...

class TargetRun(_message.Message):
    __slots__ = ("name", "account", "namespace", "depends_on", "state", "message", "end_reason", "rollback", "steps", "workloads", "wait", "start_time", "end_time", "warnings", "services", "routes")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[TargetRun.State]
        STATE_NOT_STARTED: _ClassVar[TargetRun.State]
        STATE_RUNNING: _ClassVar[TargetRun.State]
        STATE_PAUSED: _ClassVar[TargetRun.State]
        STATE_AWAITING_APPROVAL: _ClassVar[TargetRun.State]
        STATE_ROLLING_BACK: _ClassVar[TargetRun.State]
        STATE_SUCCEEDED: _ClassVar[TargetRun.State]
        STATE_FAILED: _ClassVar[TargetRun.State]
        STATE_CANCELLED: _ClassVar[TargetRun.State]
    STATE_UNSPECIFIED: TargetRun.State
    STATE_NOT_STARTED: TargetRun.State
    STATE_RUNNING: TargetRun.State
    STATE_PAUSED: TargetRun.State
    STATE_AWAITING_APPROVAL: TargetRun.State
    STATE_ROLLING_BACK: TargetRun.State
    STATE_SUCCEEDED: TargetRun.State
    STATE_FAILED: TargetRun.State
    STATE_CANCELLED: TargetRun.State
    class Rollback(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ROLLBACK_UNSPECIFIED: _ClassVar[TargetRun.Rollback]
        ROLLBACK_NONE: _ClassVar[TargetRun.Rollback]
        ROLLBACK_RUNNING: _ClassVar[TargetRun.Rollback]
        ROLLBACK_DONE: _ClassVar[TargetRun.Rollback]
        ROLLBACK_FAILED: _ClassVar[TargetRun.Rollback]
    ROLLBACK_UNSPECIFIED: TargetRun.Rollback
    ROLLBACK_NONE: TargetRun.Rollback
    ROLLBACK_RUNNING: TargetRun.Rollback
    ROLLBACK_DONE: TargetRun.Rollback
    ROLLBACK_FAILED: TargetRun.Rollback
    class EndReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        END_REASON_UNSPECIFIED: _ClassVar[TargetRun.EndReason]
        END_REASON_USER_CANCELLED: _ClassVar[TargetRun.EndReason]
        END_REASON_USER_ROLLED_BACK: _ClassVar[TargetRun.EndReason]
        END_REASON_APPROVAL_EXPIRED: _ClassVar[TargetRun.EndReason]
        END_REASON_APPLY_ERROR: _ClassVar[TargetRun.EndReason]
        END_REASON_READINESS_TIMEOUT: _ClassVar[TargetRun.EndReason]
        END_REASON_AGENT_LOST: _ClassVar[TargetRun.EndReason]
        END_REASON_UPSTREAM_FAILED: _ClassVar[TargetRun.EndReason]
        END_REASON_OBJECT_OWNED_BY: _ClassVar[TargetRun.EndReason]
        END_REASON_REPLACED: _ClassVar[TargetRun.EndReason]
        END_REASON_REJECTED: _ClassVar[TargetRun.EndReason]
        END_REASON_SERVICE_NOT_MATCHED: _ClassVar[TargetRun.EndReason]
        END_REASON_ANALYSIS_OUT_OF_LIMITS: _ClassVar[TargetRun.EndReason]
        END_REASON_ANALYSIS_ERROR: _ClassVar[TargetRun.EndReason]
        END_REASON_UNRESOLVED_VARIABLE: _ClassVar[TargetRun.EndReason]
        END_REASON_WEBHOOK_TRIGGER_FAILED: _ClassVar[TargetRun.EndReason]
        END_REASON_WEBHOOK_CALLBACK_FAILED: _ClassVar[TargetRun.EndReason]
        END_REASON_WEBHOOK_TIMEOUT: _ClassVar[TargetRun.EndReason]
        END_REASON_PREVIEW_FAILED: _ClassVar[TargetRun.EndReason]
        END_REASON_ROUTE_NOT_MATCHED: _ClassVar[TargetRun.EndReason]
    END_REASON_UNSPECIFIED: TargetRun.EndReason
    END_REASON_USER_CANCELLED: TargetRun.EndReason
    END_REASON_USER_ROLLED_BACK: TargetRun.EndReason
    END_REASON_APPROVAL_EXPIRED: TargetRun.EndReason
    END_REASON_APPLY_ERROR: TargetRun.EndReason
    END_REASON_READINESS_TIMEOUT: TargetRun.EndReason
    END_REASON_AGENT_LOST: TargetRun.EndReason
    END_REASON_UPSTREAM_FAILED: TargetRun.EndReason
    END_REASON_OBJECT_OWNED_BY: TargetRun.EndReason
    END_REASON_REPLACED: TargetRun.EndReason
    END_REASON_REJECTED: TargetRun.EndReason
    END_REASON_SERVICE_NOT_MATCHED: TargetRun.EndReason
    END_REASON_ANALYSIS_OUT_OF_LIMITS: TargetRun.EndReason
    END_REASON_ANALYSIS_ERROR: TargetRun.EndReason
    END_REASON_UNRESOLVED_VARIABLE: TargetRun.EndReason
    END_REASON_WEBHOOK_TRIGGER_FAILED: TargetRun.EndReason
    END_REASON_WEBHOOK_CALLBACK_FAILED: TargetRun.EndReason
    END_REASON_WEBHOOK_TIMEOUT: TargetRun.EndReason
    END_REASON_PREVIEW_FAILED: TargetRun.EndReason
    END_REASON_ROUTE_NOT_MATCHED: TargetRun.EndReason
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    DEPENDS_ON_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    END_REASON_FIELD_NUMBER: _ClassVar[int]
    ROLLBACK_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    WORKLOADS_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    ROUTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    account: str
    namespace: str
    depends_on: _containers.RepeatedScalarFieldContainer[str]
    state: TargetRun.State
    message: str
    end_reason: TargetRun.EndReason
    rollback: TargetRun.Rollback
    steps: _containers.RepeatedCompositeFieldContainer[StepRun]
    workloads: _containers.RepeatedCompositeFieldContainer[Workload]
    wait: Wait
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    warnings: _containers.RepeatedScalarFieldContainer[str]
    services: _containers.RepeatedCompositeFieldContainer[RoutedService]
    routes: _containers.RepeatedCompositeFieldContainer[TrafficRoute]
    def __init__(self, name: _Optional[str] = ..., account: _Optional[str] = ..., namespace: _Optional[str] = ..., depends_on: _Optional[_Iterable[str]] = ..., state: _Optional[_Union[TargetRun.State, str]] = ..., message: _Optional[str] = ..., end_reason: _Optional[_Union[TargetRun.EndReason, str]] = ..., rollback: _Optional[_Union[TargetRun.Rollback, str]] = ..., steps: _Optional[_Iterable[_Union[StepRun, _Mapping]]] = ..., workloads: _Optional[_Iterable[_Union[Workload, _Mapping]]] = ..., wait: _Optional[_Union[Wait, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., warnings: _Optional[_Iterable[str]] = ..., services: _Optional[_Iterable[_Union[RoutedService, _Mapping]]] = ..., routes: _Optional[_Iterable[_Union[TrafficRoute, _Mapping]]] = ...) -> None: ...

class TrafficRoute(_message.Message):
    __slots__ = ("provider", "kind", "name", "rule", "namespace", "workload", "asked_weight_percent", "actual_weight_percent")
    class Provider(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PROVIDER_UNSPECIFIED: _ClassVar[TrafficRoute.Provider]
        PROVIDER_ISTIO: _ClassVar[TrafficRoute.Provider]
        PROVIDER_SMI: _ClassVar[TrafficRoute.Provider]
        PROVIDER_GATEWAY_API: _ClassVar[TrafficRoute.Provider]
    PROVIDER_UNSPECIFIED: TrafficRoute.Provider
    PROVIDER_ISTIO: TrafficRoute.Provider
    PROVIDER_SMI: TrafficRoute.Provider
    PROVIDER_GATEWAY_API: TrafficRoute.Provider
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    WORKLOAD_FIELD_NUMBER: _ClassVar[int]
    ASKED_WEIGHT_PERCENT_FIELD_NUMBER: _ClassVar[int]
    ACTUAL_WEIGHT_PERCENT_FIELD_NUMBER: _ClassVar[int]
    provider: TrafficRoute.Provider
    kind: str
    name: str
    rule: str
    namespace: str
    workload: str
    asked_weight_percent: int
    actual_weight_percent: int
    def __init__(self, provider: _Optional[_Union[TrafficRoute.Provider, str]] = ..., kind: _Optional[str] = ..., name: _Optional[str] = ..., rule: _Optional[str] = ..., namespace: _Optional[str] = ..., workload: _Optional[str] = ..., asked_weight_percent: _Optional[int] = ..., actual_weight_percent: _Optional[int] = ...) -> None: ...

class RoutedService(_message.Message):
    __slots__ = ("name", "namespace", "role", "workload")
    class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ROLE_UNSPECIFIED: _ClassVar[RoutedService.Role]
        ROLE_ACTIVE: _ClassVar[RoutedService.Role]
        ROLE_PREVIEW: _ClassVar[RoutedService.Role]
    ROLE_UNSPECIFIED: RoutedService.Role
    ROLE_ACTIVE: RoutedService.Role
    ROLE_PREVIEW: RoutedService.Role
    NAME_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    WORKLOAD_FIELD_NUMBER: _ClassVar[int]
    name: str
    namespace: str
    role: RoutedService.Role
    workload: str
    def __init__(self, name: _Optional[str] = ..., namespace: _Optional[str] = ..., role: _Optional[_Union[RoutedService.Role, str]] = ..., workload: _Optional[str] = ...) -> None: ...

class Wait(_message.Message):
    __slots__ = ("what", "since_time", "ended_by", "limit_time", "at_limit")
    WHAT_FIELD_NUMBER: _ClassVar[int]
    SINCE_TIME_FIELD_NUMBER: _ClassVar[int]
    ENDED_BY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_TIME_FIELD_NUMBER: _ClassVar[int]
    AT_LIMIT_FIELD_NUMBER: _ClassVar[int]
    what: str
    since_time: _timestamp_pb2.Timestamp
    ended_by: str
    limit_time: _timestamp_pb2.Timestamp
    at_limit: str
    def __init__(self, what: _Optional[str] = ..., since_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ended_by: _Optional[str] = ..., limit_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., at_limit: _Optional[str] = ...) -> None: ...

class StepRun(_message.Message):
    __slots__ = ("ref", "state", "set_weight", "pause", "deploy_new_version", "redirect_traffic", "shut_down_old_version", "analysis", "run_webhook", "expose_services", "start_time", "end_time", "part", "stage", "wait")
    class Part(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PART_UNSPECIFIED: _ClassVar[StepRun.Part]
        PART_BEFORE: _ClassVar[StepRun.Part]
        PART_STRATEGY: _ClassVar[StepRun.Part]
        PART_AFTER: _ClassVar[StepRun.Part]
    PART_UNSPECIFIED: StepRun.Part
    PART_BEFORE: StepRun.Part
    PART_STRATEGY: StepRun.Part
    PART_AFTER: StepRun.Part
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[StepRun.State]
        STATE_NOT_STARTED: _ClassVar[StepRun.State]
        STATE_RUNNING: _ClassVar[StepRun.State]
        STATE_AWAITING_APPROVAL: _ClassVar[StepRun.State]
        STATE_SUCCEEDED: _ClassVar[StepRun.State]
        STATE_FAILED: _ClassVar[StepRun.State]
        STATE_CANCELLED: _ClassVar[StepRun.State]
        STATE_SKIPPED: _ClassVar[StepRun.State]
    STATE_UNSPECIFIED: StepRun.State
    STATE_NOT_STARTED: StepRun.State
    STATE_RUNNING: StepRun.State
    STATE_AWAITING_APPROVAL: StepRun.State
    STATE_SUCCEEDED: StepRun.State
    STATE_FAILED: StepRun.State
    STATE_CANCELLED: StepRun.State
    STATE_SKIPPED: StepRun.State
    REF_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SET_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    PAUSE_FIELD_NUMBER: _ClassVar[int]
    DEPLOY_NEW_VERSION_FIELD_NUMBER: _ClassVar[int]
    REDIRECT_TRAFFIC_FIELD_NUMBER: _ClassVar[int]
    SHUT_DOWN_OLD_VERSION_FIELD_NUMBER: _ClassVar[int]
    ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    RUN_WEBHOOK_FIELD_NUMBER: _ClassVar[int]
    EXPOSE_SERVICES_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    ref: str
    state: StepRun.State
    set_weight: SetWeight
    pause: Pause
    deploy_new_version: DeployNewVersion
    redirect_traffic: RedirectTraffic
    shut_down_old_version: ShutDownOldVersion
    analysis: _analysis_pb2.Analysis
    run_webhook: RunWebhook
    expose_services: ExposeServices
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    part: StepRun.Part
    stage: int
    wait: Wait
    def __init__(self, ref: _Optional[str] = ..., state: _Optional[_Union[StepRun.State, str]] = ..., set_weight: _Optional[_Union[SetWeight, _Mapping]] = ..., pause: _Optional[_Union[Pause, _Mapping]] = ..., deploy_new_version: _Optional[_Union[DeployNewVersion, _Mapping]] = ..., redirect_traffic: _Optional[_Union[RedirectTraffic, _Mapping]] = ..., shut_down_old_version: _Optional[_Union[ShutDownOldVersion, _Mapping]] = ..., analysis: _Optional[_Union[_analysis_pb2.Analysis, _Mapping]] = ..., run_webhook: _Optional[_Union[RunWebhook, _Mapping]] = ..., expose_services: _Optional[_Union[ExposeServices, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., part: _Optional[_Union[StepRun.Part, str]] = ..., stage: _Optional[int] = ..., wait: _Optional[_Union[Wait, _Mapping]] = ...) -> None: ...

class ExposeServices(_message.Message):
    __slots__ = ("services", "ttl_s", "requires_login", "links", "failure")
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    TTL_S_FIELD_NUMBER: _ClassVar[int]
    REQUIRES_LOGIN_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    services: _containers.RepeatedScalarFieldContainer[str]
    ttl_s: float
    requires_login: bool
    links: _containers.RepeatedCompositeFieldContainer[PreviewLink]
    failure: str
    def __init__(self, services: _Optional[_Iterable[str]] = ..., ttl_s: _Optional[float] = ..., requires_login: _Optional[bool] = ..., links: _Optional[_Iterable[_Union[PreviewLink, _Mapping]]] = ..., failure: _Optional[str] = ...) -> None: ...

class PreviewLink(_message.Message):
    __slots__ = ("service", "url", "expire_time")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    service: str
    url: str
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, service: _Optional[str] = ..., url: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SetWeight(_message.Message):
    __slots__ = ("weight_percent",)
    WEIGHT_PERCENT_FIELD_NUMBER: _ClassVar[int]
    weight_percent: int
    def __init__(self, weight_percent: _Optional[int] = ...) -> None: ...

class DeployNewVersion(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RedirectTraffic(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ShutDownOldVersion(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RunWebhook(_message.Message):
    __slots__ = ("webhook", "agent", "tries", "tried", "next_try_time", "answer", "failure", "accept_time", "has_callback", "callback_limit_s", "callback")
    WEBHOOK_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    TRIES_FIELD_NUMBER: _ClassVar[int]
    TRIED_FIELD_NUMBER: _ClassVar[int]
    NEXT_TRY_TIME_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_TIME_FIELD_NUMBER: _ClassVar[int]
    HAS_CALLBACK_FIELD_NUMBER: _ClassVar[int]
    CALLBACK_LIMIT_S_FIELD_NUMBER: _ClassVar[int]
    CALLBACK_FIELD_NUMBER: _ClassVar[int]
    webhook: str
    agent: str
    tries: int
    tried: int
    next_try_time: _timestamp_pb2.Timestamp
    answer: WebhookAnswer
    failure: str
    accept_time: _timestamp_pb2.Timestamp
    has_callback: bool
    callback_limit_s: float
    callback: WebhookCallback
    def __init__(self, webhook: _Optional[str] = ..., agent: _Optional[str] = ..., tries: _Optional[int] = ..., tried: _Optional[int] = ..., next_try_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., answer: _Optional[_Union[WebhookAnswer, _Mapping]] = ..., failure: _Optional[str] = ..., accept_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., has_callback: _Optional[bool] = ..., callback_limit_s: _Optional[float] = ..., callback: _Optional[_Union[WebhookCallback, _Mapping]] = ...) -> None: ...

class WebhookAnswer(_message.Message):
    __slots__ = ("status", "reason", "content_type", "body", "is_cut", "request")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    IS_CUT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    status: int
    reason: str
    content_type: str
    body: str
    is_cut: bool
    request: str
    def __init__(self, status: _Optional[int] = ..., reason: _Optional[str] = ..., content_type: _Optional[str] = ..., body: _Optional[str] = ..., is_cut: _Optional[bool] = ..., request: _Optional[str] = ...) -> None: ...

class WebhookCallback(_message.Message):
    __slots__ = ("is_success", "message", "reported_by", "report_time")
    IS_SUCCESS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    REPORTED_BY_FIELD_NUMBER: _ClassVar[int]
    REPORT_TIME_FIELD_NUMBER: _ClassVar[int]
    is_success: bool
    message: str
    reported_by: str
    report_time: _timestamp_pb2.Timestamp
    def __init__(self, is_success: _Optional[bool] = ..., message: _Optional[str] = ..., reported_by: _Optional[str] = ..., report_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Pause(_message.Message):
    __slots__ = ("resume_time", "approval", "duration_s", "skip")
    RESUME_TIME_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_FIELD_NUMBER: _ClassVar[int]
    DURATION_S_FIELD_NUMBER: _ClassVar[int]
    SKIP_FIELD_NUMBER: _ClassVar[int]
    resume_time: _timestamp_pb2.Timestamp
    approval: Approval
    duration_s: float
    skip: Skip
    def __init__(self, resume_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., approval: _Optional[_Union[Approval, _Mapping]] = ..., duration_s: _Optional[float] = ..., skip: _Optional[_Union[Skip, _Mapping]] = ...) -> None: ...

class Skip(_message.Message):
    __slots__ = ("decided_by", "decide_time", "comment")
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    DECIDE_TIME_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    decided_by: str
    decide_time: _timestamp_pb2.Timestamp
    comment: str
    def __init__(self, decided_by: _Optional[str] = ..., decide_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., comment: _Optional[str] = ...) -> None: ...

class Approval(_message.Message):
    __slots__ = ("decided_by", "decide_time", "comment", "expire_time", "requires_roles")
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    DECIDE_TIME_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    REQUIRES_ROLES_FIELD_NUMBER: _ClassVar[int]
    decided_by: str
    decide_time: _timestamp_pb2.Timestamp
    comment: str
    expire_time: _timestamp_pb2.Timestamp
    requires_roles: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, decided_by: _Optional[str] = ..., decide_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., comment: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., requires_roles: _Optional[_Iterable[str]] = ...) -> None: ...

class Workload(_message.Message):
    __slots__ = ("name", "namespace", "replicas", "new_replica_set", "old_replica_set", "new_pods", "old_pods", "new_available", "old_available", "asked_weight_percent", "actual_weight_percent")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    NEW_REPLICA_SET_FIELD_NUMBER: _ClassVar[int]
    OLD_REPLICA_SET_FIELD_NUMBER: _ClassVar[int]
    NEW_PODS_FIELD_NUMBER: _ClassVar[int]
    OLD_PODS_FIELD_NUMBER: _ClassVar[int]
    NEW_AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    OLD_AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    ASKED_WEIGHT_PERCENT_FIELD_NUMBER: _ClassVar[int]
    ACTUAL_WEIGHT_PERCENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    namespace: str
    replicas: int
    new_replica_set: str
    old_replica_set: str
    new_pods: int
    old_pods: int
    new_available: int
    old_available: int
    asked_weight_percent: int
    actual_weight_percent: int
    def __init__(self, name: _Optional[str] = ..., namespace: _Optional[str] = ..., replicas: _Optional[int] = ..., new_replica_set: _Optional[str] = ..., old_replica_set: _Optional[str] = ..., new_pods: _Optional[int] = ..., old_pods: _Optional[int] = ..., new_available: _Optional[int] = ..., old_available: _Optional[int] = ..., asked_weight_percent: _Optional[int] = ..., actual_weight_percent: _Optional[int] = ...) -> None: ...

class DeploymentEvent(_message.Message):
    __slots__ = ("sequence", "time", "kind", "target", "step", "message", "actor", "deployment_state", "target_run", "deployment_message", "judgement")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[DeploymentEvent.Kind]
        KIND_DEPLOYMENT_STARTED: _ClassVar[DeploymentEvent.Kind]
        KIND_DEPLOYMENT_ENDED: _ClassVar[DeploymentEvent.Kind]
        KIND_TARGET_CHANGED: _ClassVar[DeploymentEvent.Kind]
        KIND_STEP_CHANGED: _ClassVar[DeploymentEvent.Kind]
        KIND_EFFECT_INTENDED: _ClassVar[DeploymentEvent.Kind]
        KIND_EFFECT_DONE: _ClassVar[DeploymentEvent.Kind]
        KIND_PROGRESS: _ClassVar[DeploymentEvent.Kind]
        KIND_DECISION: _ClassVar[DeploymentEvent.Kind]
        KIND_WARNING: _ClassVar[DeploymentEvent.Kind]
        KIND_DEPLOYMENT_QUEUED: _ClassVar[DeploymentEvent.Kind]
        KIND_JUDGED: _ClassVar[DeploymentEvent.Kind]
    KIND_UNSPECIFIED: DeploymentEvent.Kind
    KIND_DEPLOYMENT_STARTED: DeploymentEvent.Kind
    KIND_DEPLOYMENT_ENDED: DeploymentEvent.Kind
    KIND_TARGET_CHANGED: DeploymentEvent.Kind
    KIND_STEP_CHANGED: DeploymentEvent.Kind
    KIND_EFFECT_INTENDED: DeploymentEvent.Kind
    KIND_EFFECT_DONE: DeploymentEvent.Kind
    KIND_PROGRESS: DeploymentEvent.Kind
    KIND_DECISION: DeploymentEvent.Kind
    KIND_WARNING: DeploymentEvent.Kind
    KIND_DEPLOYMENT_QUEUED: DeploymentEvent.Kind
    KIND_JUDGED: DeploymentEvent.Kind
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_STATE_FIELD_NUMBER: _ClassVar[int]
    TARGET_RUN_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    JUDGEMENT_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    time: _timestamp_pb2.Timestamp
    kind: DeploymentEvent.Kind
    target: str
    step: str
    message: str
    actor: str
    deployment_state: Deployment.State
    target_run: TargetRun
    deployment_message: str
    judgement: _analysis_pb2.Judgement
    def __init__(self, sequence: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., kind: _Optional[_Union[DeploymentEvent.Kind, str]] = ..., target: _Optional[str] = ..., step: _Optional[str] = ..., message: _Optional[str] = ..., actor: _Optional[str] = ..., deployment_state: _Optional[_Union[Deployment.State, str]] = ..., target_run: _Optional[_Union[TargetRun, _Mapping]] = ..., deployment_message: _Optional[str] = ..., judgement: _Optional[_Union[_analysis_pb2.Judgement, _Mapping]] = ...) -> None: ...

class Explanation(_message.Message):
    __slots__ = ("sentence", "target", "what", "since_time", "ended_by", "limit_time", "at_limit", "advice", "actions")
    class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ACTION_UNSPECIFIED: _ClassVar[Explanation.Action]
        ACTION_APPROVE: _ClassVar[Explanation.Action]
        ACTION_SKIP: _ClassVar[Explanation.Action]
        ACTION_ROLL_BACK: _ClassVar[Explanation.Action]
        ACTION_CANCEL: _ClassVar[Explanation.Action]
        ACTION_REDEPLOY: _ClassVar[Explanation.Action]
    ACTION_UNSPECIFIED: Explanation.Action
    ACTION_APPROVE: Explanation.Action
    ACTION_SKIP: Explanation.Action
    ACTION_ROLL_BACK: Explanation.Action
    ACTION_CANCEL: Explanation.Action
    ACTION_REDEPLOY: Explanation.Action
    SENTENCE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    SINCE_TIME_FIELD_NUMBER: _ClassVar[int]
    ENDED_BY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_TIME_FIELD_NUMBER: _ClassVar[int]
    AT_LIMIT_FIELD_NUMBER: _ClassVar[int]
    ADVICE_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    sentence: str
    target: str
    what: str
    since_time: _timestamp_pb2.Timestamp
    ended_by: str
    limit_time: _timestamp_pb2.Timestamp
    at_limit: str
    advice: str
    actions: _containers.RepeatedScalarFieldContainer[Explanation.Action]
    def __init__(self, sentence: _Optional[str] = ..., target: _Optional[str] = ..., what: _Optional[str] = ..., since_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ended_by: _Optional[str] = ..., limit_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., at_limit: _Optional[str] = ..., advice: _Optional[str] = ..., actions: _Optional[_Iterable[_Union[Explanation.Action, str]]] = ...) -> None: ...
