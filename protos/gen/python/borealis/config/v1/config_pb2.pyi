from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Config(_message.Message):
    __slots__ = ("tenants", "roles", "target_groups", "credentials")
    TENANTS_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    TARGET_GROUPS_FIELD_NUMBER: _ClassVar[int]
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    tenants: _containers.RepeatedScalarFieldContainer[str]
    roles: _containers.RepeatedCompositeFieldContainer[ConfigRole]
    target_groups: _containers.RepeatedCompositeFieldContainer[ConfigTargetGroup]
    credentials: _containers.RepeatedCompositeFieldContainer[ConfigCredential]
    def __init__(self, tenants: _Optional[_Iterable[str]] = ..., roles: _Optional[_Iterable[_Union[ConfigRole, _Mapping]]] = ..., target_groups: _Optional[_Iterable[_Union[ConfigTargetGroup, _Mapping]]] = ..., credentials: _Optional[_Iterable[_Union[ConfigCredential, _Mapping]]] = ...) -> None: ...

class ConfigRole(_message.Message):
    __slots__ = ("name", "tenant", "grants")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    tenant: str
    grants: _containers.RepeatedCompositeFieldContainer[ConfigGrant]
    def __init__(self, name: _Optional[str] = ..., tenant: _Optional[str] = ..., grants: _Optional[_Iterable[_Union[ConfigGrant, _Mapping]]] = ...) -> None: ...

class ConfigGrant(_message.Message):
    __slots__ = ("type", "resource", "permission")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    PERMISSION_FIELD_NUMBER: _ClassVar[int]
    type: str
    resource: str
    permission: str
    def __init__(self, type: _Optional[str] = ..., resource: _Optional[str] = ..., permission: _Optional[str] = ...) -> None: ...

class ConfigTargetGroup(_message.Message):
    __slots__ = ("name", "tenant", "targets")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    name: str
    tenant: str
    targets: _containers.RepeatedCompositeFieldContainer[ConfigTarget]
    def __init__(self, name: _Optional[str] = ..., tenant: _Optional[str] = ..., targets: _Optional[_Iterable[_Union[ConfigTarget, _Mapping]]] = ...) -> None: ...

class ConfigTarget(_message.Message):
    __slots__ = ("name", "account", "kubernetes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    KUBERNETES_FIELD_NUMBER: _ClassVar[int]
    name: str
    account: str
    kubernetes: ConfigKubernetes
    def __init__(self, name: _Optional[str] = ..., account: _Optional[str] = ..., kubernetes: _Optional[_Union[ConfigKubernetes, _Mapping]] = ...) -> None: ...

class ConfigKubernetes(_message.Message):
    __slots__ = ("namespace",)
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    def __init__(self, namespace: _Optional[str] = ...) -> None: ...

class ConfigCredential(_message.Message):
    __slots__ = ("name", "tenant", "roles")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    name: str
    tenant: str
    roles: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., tenant: _Optional[str] = ..., roles: _Optional[_Iterable[str]] = ...) -> None: ...

class ConfigChange(_message.Message):
    __slots__ = ("action", "kind", "name", "tenant", "message")
    class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ACTION_UNSPECIFIED: _ClassVar[ConfigChange.Action]
        ACTION_CREATED: _ClassVar[ConfigChange.Action]
        ACTION_UPDATED: _ClassVar[ConfigChange.Action]
        ACTION_DELETED: _ClassVar[ConfigChange.Action]
    ACTION_UNSPECIFIED: ConfigChange.Action
    ACTION_CREATED: ConfigChange.Action
    ACTION_UPDATED: ConfigChange.Action
    ACTION_DELETED: ConfigChange.Action
    ACTION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    action: ConfigChange.Action
    kind: str
    name: str
    tenant: str
    message: str
    def __init__(self, action: _Optional[_Union[ConfigChange.Action, str]] = ..., kind: _Optional[str] = ..., name: _Optional[str] = ..., tenant: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...
