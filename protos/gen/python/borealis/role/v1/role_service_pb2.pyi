from borealis.auth.v1 import permission_pb2 as _permission_pb2
from borealis.role.v1 import role_pb2 as _role_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListRolesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRolesResponse(_message.Message):
    __slots__ = ("roles", "next_page_token")
    ROLES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    roles: _containers.RepeatedCompositeFieldContainer[_role_pb2.Role]
    next_page_token: str
    def __init__(self, roles: _Optional[_Iterable[_Union[_role_pb2.Role, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetRoleRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetRoleResponse(_message.Message):
    __slots__ = ("role",)
    ROLE_FIELD_NUMBER: _ClassVar[int]
    role: _role_pb2.Role
    def __init__(self, role: _Optional[_Union[_role_pb2.Role, _Mapping]] = ...) -> None: ...

class CreateRoleRequest(_message.Message):
    __slots__ = ("display_name", "tenant", "grants")
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    display_name: str
    tenant: str
    grants: _containers.RepeatedCompositeFieldContainer[_role_pb2.Grant]
    def __init__(self, display_name: _Optional[str] = ..., tenant: _Optional[str] = ..., grants: _Optional[_Iterable[_Union[_role_pb2.Grant, _Mapping]]] = ...) -> None: ...

class CreateRoleResponse(_message.Message):
    __slots__ = ("role",)
    ROLE_FIELD_NUMBER: _ClassVar[int]
    role: _role_pb2.Role
    def __init__(self, role: _Optional[_Union[_role_pb2.Role, _Mapping]] = ...) -> None: ...

class UpdateRoleRequest(_message.Message):
    __slots__ = ("name", "display_name", "grants")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    display_name: str
    grants: _containers.RepeatedCompositeFieldContainer[_role_pb2.Grant]
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., grants: _Optional[_Iterable[_Union[_role_pb2.Grant, _Mapping]]] = ...) -> None: ...

class UpdateRoleResponse(_message.Message):
    __slots__ = ("role",)
    ROLE_FIELD_NUMBER: _ClassVar[int]
    role: _role_pb2.Role
    def __init__(self, role: _Optional[_Union[_role_pb2.Role, _Mapping]] = ...) -> None: ...

class DeleteRoleRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteRoleResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTargetGroupsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTargetGroupsResponse(_message.Message):
    __slots__ = ("target_groups", "next_page_token")
    TARGET_GROUPS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    target_groups: _containers.RepeatedCompositeFieldContainer[_role_pb2.TargetGroup]
    next_page_token: str
    def __init__(self, target_groups: _Optional[_Iterable[_Union[_role_pb2.TargetGroup, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreateTargetGroupRequest(_message.Message):
    __slots__ = ("display_name", "targets")
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    display_name: str
    targets: _containers.RepeatedCompositeFieldContainer[_role_pb2.TargetPlace]
    def __init__(self, display_name: _Optional[str] = ..., targets: _Optional[_Iterable[_Union[_role_pb2.TargetPlace, _Mapping]]] = ...) -> None: ...

class CreateTargetGroupResponse(_message.Message):
    __slots__ = ("target_group",)
    TARGET_GROUP_FIELD_NUMBER: _ClassVar[int]
    target_group: _role_pb2.TargetGroup
    def __init__(self, target_group: _Optional[_Union[_role_pb2.TargetGroup, _Mapping]] = ...) -> None: ...

class UpdateTargetGroupRequest(_message.Message):
    __slots__ = ("display_name", "targets")
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    display_name: str
    targets: _containers.RepeatedCompositeFieldContainer[_role_pb2.TargetPlace]
    def __init__(self, display_name: _Optional[str] = ..., targets: _Optional[_Iterable[_Union[_role_pb2.TargetPlace, _Mapping]]] = ...) -> None: ...

class UpdateTargetGroupResponse(_message.Message):
    __slots__ = ("target_group",)
    TARGET_GROUP_FIELD_NUMBER: _ClassVar[int]
    target_group: _role_pb2.TargetGroup
    def __init__(self, target_group: _Optional[_Union[_role_pb2.TargetGroup, _Mapping]] = ...) -> None: ...

class DeleteTargetGroupRequest(_message.Message):
    __slots__ = ("display_name",)
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    display_name: str
    def __init__(self, display_name: _Optional[str] = ...) -> None: ...

class DeleteTargetGroupResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
