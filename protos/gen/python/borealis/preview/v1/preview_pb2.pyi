import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Rule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RULE_UNSPECIFIED: _ClassVar[Rule]
    RULE_PUBLIC: _ClassVar[Rule]
    RULE_LOGIN: _ClassVar[Rule]
    RULE_FORBIDDEN: _ClassVar[Rule]
RULE_UNSPECIFIED: Rule
RULE_PUBLIC: Rule
RULE_LOGIN: Rule
RULE_FORBIDDEN: Rule

class Preview(_message.Message):
    __slots__ = ("name", "url", "state", "deployment", "target", "step", "agent", "namespace", "service", "port", "requires_login", "create_time", "expire_time", "revoke_time", "revoke_reason")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Preview.State]
        STATE_ACTIVE: _ClassVar[Preview.State]
        STATE_EXPIRED: _ClassVar[Preview.State]
        STATE_REVOKED: _ClassVar[Preview.State]
    STATE_UNSPECIFIED: Preview.State
    STATE_ACTIVE: Preview.State
    STATE_EXPIRED: Preview.State
    STATE_REVOKED: Preview.State
    NAME_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    REQUIRES_LOGIN_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    REVOKE_TIME_FIELD_NUMBER: _ClassVar[int]
    REVOKE_REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    url: str
    state: Preview.State
    deployment: str
    target: str
    step: str
    agent: str
    namespace: str
    service: str
    port: int
    requires_login: bool
    create_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    revoke_time: _timestamp_pb2.Timestamp
    revoke_reason: str
    def __init__(self, name: _Optional[str] = ..., url: _Optional[str] = ..., state: _Optional[_Union[Preview.State, str]] = ..., deployment: _Optional[str] = ..., target: _Optional[str] = ..., step: _Optional[str] = ..., agent: _Optional[str] = ..., namespace: _Optional[str] = ..., service: _Optional[str] = ..., port: _Optional[int] = ..., requires_login: _Optional[bool] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., revoke_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., revoke_reason: _Optional[str] = ...) -> None: ...
