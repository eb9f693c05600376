from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class Permission(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PERMISSION_UNSPECIFIED: _ClassVar[Permission]
    PERMISSION_PUBLIC: _ClassVar[Permission]
    PERMISSION_AUTHENTICATED: _ClassVar[Permission]
    PERMISSION_DEPLOYMENTS_READ: _ClassVar[Permission]
    PERMISSION_DEPLOYMENTS_WRITE: _ClassVar[Permission]
    PERMISSION_DEPLOYMENTS_APPROVE: _ClassVar[Permission]
    PERMISSION_AGENTS_READ: _ClassVar[Permission]
    PERMISSION_TUNNEL_CONNECT: _ClassVar[Permission]
    PERMISSION_CREDENTIALS_WRITE: _ClassVar[Permission]
    PERMISSION_KUBE_READ: _ClassVar[Permission]
    PERMISSION_KUBE_WRITE: _ClassVar[Permission]
    PERMISSION_AUDIT_READ: _ClassVar[Permission]
    PERMISSION_INTEGRATIONS_READ: _ClassVar[Permission]
    PERMISSION_INTEGRATIONS_WRITE: _ClassVar[Permission]
    PERMISSION_TENANTS_WRITE: _ClassVar[Permission]
    PERMISSION_USERS_READ: _ClassVar[Permission]
    PERMISSION_USERS_WRITE: _ClassVar[Permission]
    PERMISSION_ROLES_READ: _ClassVar[Permission]
    PERMISSION_ROLES_WRITE: _ClassVar[Permission]
    PERMISSION_SECRETS_WRITE: _ClassVar[Permission]
    PERMISSION_KEYS_ROTATE: _ClassVar[Permission]
    PERMISSION_PREVIEWS_RULE: _ClassVar[Permission]
PERMISSION_UNSPECIFIED: Permission
PERMISSION_PUBLIC: Permission
PERMISSION_AUTHENTICATED: Permission
PERMISSION_DEPLOYMENTS_READ: Permission
PERMISSION_DEPLOYMENTS_WRITE: Permission
PERMISSION_DEPLOYMENTS_APPROVE: Permission
PERMISSION_AGENTS_READ: Permission
PERMISSION_TUNNEL_CONNECT: Permission
PERMISSION_CREDENTIALS_WRITE: Permission
PERMISSION_KUBE_READ: Permission
PERMISSION_KUBE_WRITE: Permission
PERMISSION_AUDIT_READ: Permission
PERMISSION_INTEGRATIONS_READ: Permission
PERMISSION_INTEGRATIONS_WRITE: Permission
PERMISSION_TENANTS_WRITE: Permission
PERMISSION_USERS_READ: Permission
PERMISSION_USERS_WRITE: Permission
PERMISSION_ROLES_READ: Permission
PERMISSION_ROLES_WRITE: Permission
PERMISSION_SECRETS_WRITE: Permission
PERMISSION_KEYS_ROTATE: Permission
PERMISSION_PREVIEWS_RULE: Permission
PERMISSION_FIELD_NUMBER: _ClassVar[int]
permission: _descriptor.FieldDescriptor
