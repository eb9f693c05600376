import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Integration(_message.Message):
    __slots__ = ("name", "url", "agent", "prometheus", "datadog", "new_relic", "create_time", "update_time", "updated_by", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    PROMETHEUS_FIELD_NUMBER: _ClassVar[int]
    DATADOG_FIELD_NUMBER: _ClassVar[int]
    NEW_RELIC_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATED_BY_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    url: str
    agent: str
    prometheus: Prometheus
    datadog: Datadog
    new_relic: NewRelic
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    updated_by: str
    etag: str
    def __init__(self, name: _Optional[str] = ..., url: _Optional[str] = ..., agent: _Optional[str] = ..., prometheus: _Optional[_Union[Prometheus, _Mapping]] = ..., datadog: _Optional[_Union[Datadog, _Mapping]] = ..., new_relic: _Optional[_Union[NewRelic, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_by: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class Prometheus(_message.Message):
    __slots__ = ("username", "password", "token")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    username: str
    password: str
    token: str
    def __init__(self, username: _Optional[str] = ..., password: _Optional[str] = ..., token: _Optional[str] = ...) -> None: ...

class Datadog(_message.Message):
    __slots__ = ("api_key", "application_key")
    API_KEY_FIELD_NUMBER: _ClassVar[int]
    APPLICATION_KEY_FIELD_NUMBER: _ClassVar[int]
    api_key: str
    application_key: str
    def __init__(self, api_key: _Optional[str] = ..., application_key: _Optional[str] = ...) -> None: ...

class NewRelic(_message.Message):
    __slots__ = ("user_key", "account_id")
    USER_KEY_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    user_key: str
    account_id: int
    def __init__(self, user_key: _Optional[str] = ..., account_id: _Optional[int] = ...) -> None: ...
