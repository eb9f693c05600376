from borealis.auth.v1 import permission_pb2 as _permission_pb2
from borealis.preview.v1 import preview_pb2 as _preview_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListPreviewsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "deployment", "active_only")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_ONLY_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    deployment: str
    active_only: bool
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., deployment: _Optional[str] = ..., active_only: _Optional[bool] = ...) -> None: ...

class ListPreviewsResponse(_message.Message):
    __slots__ = ("previews", "next_page_token")
    PREVIEWS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    previews: _containers.RepeatedCompositeFieldContainer[_preview_pb2.Preview]
    next_page_token: str
    def __init__(self, previews: _Optional[_Iterable[_Union[_preview_pb2.Preview, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class RevokePreviewRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class RevokePreviewResponse(_message.Message):
    __slots__ = ("preview",)
    PREVIEW_FIELD_NUMBER: _ClassVar[int]
    preview: _preview_pb2.Preview
    def __init__(self, preview: _Optional[_Union[_preview_pb2.Preview, _Mapping]] = ...) -> None: ...

class GetPreviewEntryRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetPreviewEntryResponse(_message.Message):
    __slots__ = ("url",)
    URL_FIELD_NUMBER: _ClassVar[int]
    url: str
    def __init__(self, url: _Optional[str] = ...) -> None: ...

class GetPreviewRuleRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetPreviewRuleResponse(_message.Message):
    __slots__ = ("rule",)
    RULE_FIELD_NUMBER: _ClassVar[int]
    rule: _preview_pb2.Rule
    def __init__(self, rule: _Optional[_Union[_preview_pb2.Rule, str]] = ...) -> None: ...

class SetPreviewRuleRequest(_message.Message):
    __slots__ = ("rule",)
    RULE_FIELD_NUMBER: _ClassVar[int]
    rule: _preview_pb2.Rule
    def __init__(self, rule: _Optional[_Union[_preview_pb2.Rule, str]] = ...) -> None: ...

class SetPreviewRuleResponse(_message.Message):
    __slots__ = ("rule",)
    RULE_FIELD_NUMBER: _ClassVar[int]
    rule: _preview_pb2.Rule
    def __init__(self, rule: _Optional[_Union[_preview_pb2.Rule, str]] = ...) -> None: ...
