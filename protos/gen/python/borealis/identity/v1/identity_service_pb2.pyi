import datetime

from borealis.auth.v1 import permission_pb2 as _permission_pb2
from borealis.identity.v1 import identity_pb2 as _identity_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class IssueTokenRequest(_message.Message):
    __slots__ = ("client_id", "client_secret")
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_SECRET_FIELD_NUMBER: _ClassVar[int]
    client_id: str
    client_secret: str
    def __init__(self, client_id: _Optional[str] = ..., client_secret: _Optional[str] = ...) -> None: ...

class IssueTokenResponse(_message.Message):
    __slots__ = ("access_token", "token_type", "expires_in")
    ACCESS_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOKEN_TYPE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_IN_FIELD_NUMBER: _ClassVar[int]
    access_token: str
    token_type: str
    expires_in: _duration_pb2.Duration
    def __init__(self, access_token: _Optional[str] = ..., token_type: _Optional[str] = ..., expires_in: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class GetCallerRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetCallerResponse(_message.Message):
    __slots__ = ("principal",)
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    principal: _identity_pb2.Principal
    def __init__(self, principal: _Optional[_Union[_identity_pb2.Principal, _Mapping]] = ...) -> None: ...

class CanIRequest(_message.Message):
    __slots__ = ("permission", "application", "target", "account", "namespace")
    PERMISSION_FIELD_NUMBER: _ClassVar[int]
    APPLICATION_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    permission: str
    application: str
    target: str
    account: str
    namespace: str
    def __init__(self, permission: _Optional[str] = ..., application: _Optional[str] = ..., target: _Optional[str] = ..., account: _Optional[str] = ..., namespace: _Optional[str] = ...) -> None: ...

class CanIResponse(_message.Message):
    __slots__ = ("is_allowed", "by_grant", "by_role", "missing_grants", "sufficient_roles", "administrators")
    IS_ALLOWED_FIELD_NUMBER: _ClassVar[int]
    BY_GRANT_FIELD_NUMBER: _ClassVar[int]
    BY_ROLE_FIELD_NUMBER: _ClassVar[int]
    MISSING_GRANTS_FIELD_NUMBER: _ClassVar[int]
    SUFFICIENT_ROLES_FIELD_NUMBER: _ClassVar[int]
    ADMINISTRATORS_FIELD_NUMBER: _ClassVar[int]
    is_allowed: bool
    by_grant: str
    by_role: str
    missing_grants: _containers.RepeatedScalarFieldContainer[str]
    sufficient_roles: _containers.RepeatedScalarFieldContainer[str]
    administrators: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, is_allowed: _Optional[bool] = ..., by_grant: _Optional[str] = ..., by_role: _Optional[str] = ..., missing_grants: _Optional[_Iterable[str]] = ..., sufficient_roles: _Optional[_Iterable[str]] = ..., administrators: _Optional[_Iterable[str]] = ...) -> None: ...

class CreateClientCredentialRequest(_message.Message):
    __slots__ = ("display_name", "role", "agent", "roles")
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    display_name: str
    role: str
    agent: str
    roles: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, display_name: _Optional[str] = ..., role: _Optional[str] = ..., agent: _Optional[str] = ..., roles: _Optional[_Iterable[str]] = ...) -> None: ...

class CreateClientCredentialResponse(_message.Message):
    __slots__ = ("credential", "client_secret")
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    CLIENT_SECRET_FIELD_NUMBER: _ClassVar[int]
    credential: _identity_pb2.ClientCredential
    client_secret: str
    def __init__(self, credential: _Optional[_Union[_identity_pb2.ClientCredential, _Mapping]] = ..., client_secret: _Optional[str] = ...) -> None: ...

class ListClientCredentialsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListClientCredentialsResponse(_message.Message):
    __slots__ = ("credentials", "next_page_token")
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    credentials: _containers.RepeatedCompositeFieldContainer[_identity_pb2.ClientCredential]
    next_page_token: str
    def __init__(self, credentials: _Optional[_Iterable[_Union[_identity_pb2.ClientCredential, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateClientCredentialRequest(_message.Message):
    __slots__ = ("name", "roles")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    name: str
    roles: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., roles: _Optional[_Iterable[str]] = ...) -> None: ...

class UpdateClientCredentialResponse(_message.Message):
    __slots__ = ("credential",)
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    credential: _identity_pb2.ClientCredential
    def __init__(self, credential: _Optional[_Union[_identity_pb2.ClientCredential, _Mapping]] = ...) -> None: ...

class DeleteClientCredentialRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteClientCredentialResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
