from borealis.auth.v1 import permission_pb2 as _permission_pb2
from borealis.config.v1 import config_pb2 as _config_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetConfigRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetConfigResponse(_message.Message):
    __slots__ = ("config",)
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    config: _config_pb2.Config
    def __init__(self, config: _Optional[_Union[_config_pb2.Config, _Mapping]] = ...) -> None: ...

class ApplyConfigRequest(_message.Message):
    __slots__ = ("content", "file_name", "dry_run")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    file_name: str
    dry_run: bool
    def __init__(self, content: _Optional[bytes] = ..., file_name: _Optional[str] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class ApplyConfigResponse(_message.Message):
    __slots__ = ("changes", "warnings", "before", "after")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[_config_pb2.ConfigChange]
    warnings: _containers.RepeatedScalarFieldContainer[str]
    before: _config_pb2.Config
    after: _config_pb2.Config
    def __init__(self, changes: _Optional[_Iterable[_Union[_config_pb2.ConfigChange, _Mapping]]] = ..., warnings: _Optional[_Iterable[str]] = ..., before: _Optional[_Union[_config_pb2.Config, _Mapping]] = ..., after: _Optional[_Union[_config_pb2.Config, _Mapping]] = ...) -> None: ...
