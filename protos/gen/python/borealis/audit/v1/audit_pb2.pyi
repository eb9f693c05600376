import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AuditCall(_message.Message):
    __slots__ = ("id", "open_time", "agent", "target", "actor", "actor_groups", "method", "path", "decision", "request_id", "policy_digest", "end")
    class Decision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        DECISION_UNSPECIFIED: _ClassVar[AuditCall.Decision]
        DECISION_ALLOWED: _ClassVar[AuditCall.Decision]
        DECISION_DENIED: _ClassVar[AuditCall.Decision]
    DECISION_UNSPECIFIED: AuditCall.Decision
    DECISION_ALLOWED: AuditCall.Decision
    DECISION_DENIED: AuditCall.Decision
    ID_FIELD_NUMBER: _ClassVar[int]
    OPEN_TIME_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    ACTOR_GROUPS_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    POLICY_DIGEST_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    id: str
    open_time: _timestamp_pb2.Timestamp
    agent: str
    target: str
    actor: str
    actor_groups: _containers.RepeatedScalarFieldContainer[str]
    method: str
    path: str
    decision: AuditCall.Decision
    request_id: str
    policy_digest: str
    end: AuditEnd
    def __init__(self, id: _Optional[str] = ..., open_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., agent: _Optional[str] = ..., target: _Optional[str] = ..., actor: _Optional[str] = ..., actor_groups: _Optional[_Iterable[str]] = ..., method: _Optional[str] = ..., path: _Optional[str] = ..., decision: _Optional[_Union[AuditCall.Decision, str]] = ..., request_id: _Optional[str] = ..., policy_digest: _Optional[str] = ..., end: _Optional[_Union[AuditEnd, _Mapping]] = ...) -> None: ...

class AuditEnd(_message.Message):
    __slots__ = ("close_time", "duration", "status", "sent_bytes", "received_bytes", "outcome", "code")
    class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OUTCOME_UNSPECIFIED: _ClassVar[AuditEnd.Outcome]
        OUTCOME_COMPLETE: _ClassVar[AuditEnd.Outcome]
        OUTCOME_CANCELLED: _ClassVar[AuditEnd.Outcome]
        OUTCOME_NOT_DISPATCHED: _ClassVar[AuditEnd.Outcome]
        OUTCOME_BROKEN: _ClassVar[AuditEnd.Outcome]
        OUTCOME_UNKNOWN: _ClassVar[AuditEnd.Outcome]
    OUTCOME_UNSPECIFIED: AuditEnd.Outcome
    OUTCOME_COMPLETE: AuditEnd.Outcome
    OUTCOME_CANCELLED: AuditEnd.Outcome
    OUTCOME_NOT_DISPATCHED: AuditEnd.Outcome
    OUTCOME_BROKEN: AuditEnd.Outcome
    OUTCOME_UNKNOWN: AuditEnd.Outcome
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_BYTES_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    close_time: _timestamp_pb2.Timestamp
    duration: _duration_pb2.Duration
    status: int
    sent_bytes: int
    received_bytes: int
    outcome: AuditEnd.Outcome
    code: str
    def __init__(self, close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., status: _Optional[int] = ..., sent_bytes: _Optional[int] = ..., received_bytes: _Optional[int] = ..., outcome: _Optional[_Union[AuditEnd.Outcome, str]] = ..., code: _Optional[str] = ...) -> None: ...

class AuditAction(_message.Message):
    __slots__ = ("id", "open_time", "actor", "subject", "source", "method", "request", "request_id", "refusal", "end")
    ID_FIELD_NUMBER: _ClassVar[int]
    OPEN_TIME_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    id: str
    open_time: _timestamp_pb2.Timestamp
    actor: str
    subject: str
    source: str
    method: str
    request: str
    request_id: str
    refusal: str
    end: AuditActionEnd
    def __init__(self, id: _Optional[str] = ..., open_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actor: _Optional[str] = ..., subject: _Optional[str] = ..., source: _Optional[str] = ..., method: _Optional[str] = ..., request: _Optional[str] = ..., request_id: _Optional[str] = ..., refusal: _Optional[str] = ..., end: _Optional[_Union[AuditActionEnd, _Mapping]] = ...) -> None: ...

class AuditActionEnd(_message.Message):
    __slots__ = ("close_time", "reason", "changes")
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    close_time: _timestamp_pb2.Timestamp
    reason: str
    changes: _containers.RepeatedCompositeFieldContainer[AuditChange]
    def __init__(self, close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[AuditChange, _Mapping]]] = ...) -> None: ...

class AuditChange(_message.Message):
    __slots__ = ("what", "before", "after")
    WHAT_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    what: str
    before: str
    after: str
    def __init__(self, what: _Optional[str] = ..., before: _Optional[str] = ..., after: _Optional[str] = ...) -> None: ...
