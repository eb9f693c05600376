from borealis.auth.v1 import permission_pb2 as _permission_pb2
from borealis.kube.v1 import kube_pb2 as _kube_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExchangeRequest(_message.Message):
    __slots__ = ("request", "data", "end", "token")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    request: _kube_pb2.KubeRequest
    data: bytes
    end: bool
    token: str
    def __init__(self, request: _Optional[_Union[_kube_pb2.KubeRequest, _Mapping]] = ..., data: _Optional[bytes] = ..., end: _Optional[bool] = ..., token: _Optional[str] = ...) -> None: ...

class ExchangeResponse(_message.Message):
    __slots__ = ("response", "data", "end")
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    response: _kube_pb2.KubeResponse
    data: bytes
    end: bool
    def __init__(self, response: _Optional[_Union[_kube_pb2.KubeResponse, _Mapping]] = ..., data: _Optional[bytes] = ..., end: _Optional[bool] = ...) -> None: ...
