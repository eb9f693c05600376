from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Frame(_message.Message):
    __slots__ = ("stream_id", "hello", "welcome", "token_refresh", "token_state", "ping", "pong", "go_away", "live_streams", "open", "opened", "data", "credit", "half_close", "reset")
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    TOKEN_REFRESH_FIELD_NUMBER: _ClassVar[int]
    TOKEN_STATE_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    GO_AWAY_FIELD_NUMBER: _ClassVar[int]
    LIVE_STREAMS_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    OPENED_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    HALF_CLOSE_FIELD_NUMBER: _ClassVar[int]
    RESET_FIELD_NUMBER: _ClassVar[int]
    stream_id: int
    hello: Hello
    welcome: Welcome
    token_refresh: TokenRefresh
    token_state: TokenState
    ping: Ping
    pong: Pong
    go_away: GoAway
    live_streams: LiveStreams
    open: Open
    opened: Opened
    data: bytes
    credit: Credit
    half_close: HalfClose
    reset: Reset
    def __init__(self, stream_id: _Optional[int] = ..., hello: _Optional[_Union[Hello, _Mapping]] = ..., welcome: _Optional[_Union[Welcome, _Mapping]] = ..., token_refresh: _Optional[_Union[TokenRefresh, _Mapping]] = ..., token_state: _Optional[_Union[TokenState, _Mapping]] = ..., ping: _Optional[_Union[Ping, _Mapping]] = ..., pong: _Optional[_Union[Pong, _Mapping]] = ..., go_away: _Optional[_Union[GoAway, _Mapping]] = ..., live_streams: _Optional[_Union[LiveStreams, _Mapping]] = ..., open: _Optional[_Union[Open, _Mapping]] = ..., opened: _Optional[_Union[Opened, _Mapping]] = ..., data: _Optional[bytes] = ..., credit: _Optional[_Union[Credit, _Mapping]] = ..., half_close: _Optional[_Union[HalfClose, _Mapping]] = ..., reset: _Optional[_Union[Reset, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("version_min", "version_max", "agent", "instance_id", "version", "kubernetes_version", "features", "initial_credit_bytes", "max_streams", "max_data_bytes", "policy_digest", "held_server_ids", "relay_targets")
    VERSION_MIN_FIELD_NUMBER: _ClassVar[int]
    VERSION_MAX_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    KUBERNETES_VERSION_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    INITIAL_CREDIT_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_STREAMS_FIELD_NUMBER: _ClassVar[int]
    MAX_DATA_BYTES_FIELD_NUMBER: _ClassVar[int]
    POLICY_DIGEST_FIELD_NUMBER: _ClassVar[int]
    HELD_SERVER_IDS_FIELD_NUMBER: _ClassVar[int]
    RELAY_TARGETS_FIELD_NUMBER: _ClassVar[int]
    version_min: int
    version_max: int
    agent: str
    instance_id: str
    version: str
    kubernetes_version: str
    features: _containers.RepeatedScalarFieldContainer[str]
    initial_credit_bytes: int
    max_streams: int
    max_data_bytes: int
    policy_digest: str
    held_server_ids: _containers.RepeatedScalarFieldContainer[str]
    relay_targets: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, version_min: _Optional[int] = ..., version_max: _Optional[int] = ..., agent: _Optional[str] = ..., instance_id: _Optional[str] = ..., version: _Optional[str] = ..., kubernetes_version: _Optional[str] = ..., features: _Optional[_Iterable[str]] = ..., initial_credit_bytes: _Optional[int] = ..., max_streams: _Optional[int] = ..., max_data_bytes: _Optional[int] = ..., policy_digest: _Optional[str] = ..., held_server_ids: _Optional[_Iterable[str]] = ..., relay_targets: _Optional[_Iterable[str]] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("version", "features", "session_id", "epoch", "server_id", "generation", "initial_credit_bytes", "max_data_bytes", "ping_interval_ms", "dead_after_ms", "want_tunnels", "direct_addresses", "token_expires_in_ms")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SERVER_ID_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    INITIAL_CREDIT_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_DATA_BYTES_FIELD_NUMBER: _ClassVar[int]
    PING_INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    DEAD_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    WANT_TUNNELS_FIELD_NUMBER: _ClassVar[int]
    DIRECT_ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    TOKEN_EXPIRES_IN_MS_FIELD_NUMBER: _ClassVar[int]
    version: int
    features: _containers.RepeatedScalarFieldContainer[str]
    session_id: str
    epoch: int
    server_id: str
    generation: int
    initial_credit_bytes: int
    max_data_bytes: int
    ping_interval_ms: int
    dead_after_ms: int
    want_tunnels: int
    direct_addresses: _containers.RepeatedScalarFieldContainer[str]
    token_expires_in_ms: int
    def __init__(self, version: _Optional[int] = ..., features: _Optional[_Iterable[str]] = ..., session_id: _Optional[str] = ..., epoch: _Optional[int] = ..., server_id: _Optional[str] = ..., generation: _Optional[int] = ..., initial_credit_bytes: _Optional[int] = ..., max_data_bytes: _Optional[int] = ..., ping_interval_ms: _Optional[int] = ..., dead_after_ms: _Optional[int] = ..., want_tunnels: _Optional[int] = ..., direct_addresses: _Optional[_Iterable[str]] = ..., token_expires_in_ms: _Optional[int] = ...) -> None: ...

class TokenRefresh(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: str
    def __init__(self, token: _Optional[str] = ...) -> None: ...

class TokenState(_message.Message):
    __slots__ = ("accepted", "expires_in_ms", "detail")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_IN_MS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    accepted: bool
    expires_in_ms: int
    detail: str
    def __init__(self, accepted: _Optional[bool] = ..., expires_in_ms: _Optional[int] = ..., detail: _Optional[str] = ...) -> None: ...

class Ping(_message.Message):
    __slots__ = ("nonce", "queued_bytes")
    NONCE_FIELD_NUMBER: _ClassVar[int]
    QUEUED_BYTES_FIELD_NUMBER: _ClassVar[int]
    nonce: int
    queued_bytes: int
    def __init__(self, nonce: _Optional[int] = ..., queued_bytes: _Optional[int] = ...) -> None: ...

class Pong(_message.Message):
    __slots__ = ("nonce", "queued_bytes")
    NONCE_FIELD_NUMBER: _ClassVar[int]
    QUEUED_BYTES_FIELD_NUMBER: _ClassVar[int]
    nonce: int
    queued_bytes: int
    def __init__(self, nonce: _Optional[int] = ..., queued_bytes: _Optional[int] = ...) -> None: ...

class GoAway(_message.Message):
    __slots__ = ("cause", "last_stream_id", "grace_ms", "reconnect_after_ms", "detail")
    class Cause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CAUSE_UNSPECIFIED: _ClassVar[GoAway.Cause]
        CAUSE_DRAIN: _ClassVar[GoAway.Cause]
        CAUSE_REBALANCE: _ClassVar[GoAway.Cause]
        CAUSE_AUTHORITY_ENDED: _ClassVar[GoAway.Cause]
        CAUSE_SUPERSEDED: _ClassVar[GoAway.Cause]
        CAUSE_PROTOCOL: _ClassVar[GoAway.Cause]
        CAUSE_OVERLOAD: _ClassVar[GoAway.Cause]
        CAUSE_UNHEALTHY: _ClassVar[GoAway.Cause]
    CAUSE_UNSPECIFIED: GoAway.Cause
    CAUSE_DRAIN: GoAway.Cause
    CAUSE_REBALANCE: GoAway.Cause
    CAUSE_AUTHORITY_ENDED: GoAway.Cause
    CAUSE_SUPERSEDED: GoAway.Cause
    CAUSE_PROTOCOL: GoAway.Cause
    CAUSE_OVERLOAD: GoAway.Cause
    CAUSE_UNHEALTHY: GoAway.Cause
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    LAST_STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    GRACE_MS_FIELD_NUMBER: _ClassVar[int]
    RECONNECT_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    cause: GoAway.Cause
    last_stream_id: int
    grace_ms: int
    reconnect_after_ms: int
    detail: str
    def __init__(self, cause: _Optional[_Union[GoAway.Cause, str]] = ..., last_stream_id: _Optional[int] = ..., grace_ms: _Optional[int] = ..., reconnect_after_ms: _Optional[int] = ..., detail: _Optional[str] = ...) -> None: ...

class LiveStreams(_message.Message):
    __slots__ = ("count", "xor_of_ids", "stream_ids")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    XOR_OF_IDS_FIELD_NUMBER: _ClassVar[int]
    STREAM_IDS_FIELD_NUMBER: _ClassVar[int]
    count: int
    xor_of_ids: int
    stream_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, count: _Optional[int] = ..., xor_of_ids: _Optional[int] = ..., stream_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class Open(_message.Message):
    __slots__ = ("target", "http", "upgrade", "tcp", "first", "end_of_data", "open_timeout_ms", "idle_timeout_ms", "deadline_ms", "credit_bytes", "request_id", "traceparent", "actor", "actor_groups", "priority", "has_idempotency_key")
    class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PRIORITY_UNSPECIFIED: _ClassVar[Open.Priority]
        PRIORITY_INTERACTIVE: _ClassVar[Open.Priority]
        PRIORITY_NORMAL: _ClassVar[Open.Priority]
        PRIORITY_BULK: _ClassVar[Open.Priority]
    PRIORITY_UNSPECIFIED: Open.Priority
    PRIORITY_INTERACTIVE: Open.Priority
    PRIORITY_NORMAL: Open.Priority
    PRIORITY_BULK: Open.Priority
    TARGET_FIELD_NUMBER: _ClassVar[int]
    HTTP_FIELD_NUMBER: _ClassVar[int]
    UPGRADE_FIELD_NUMBER: _ClassVar[int]
    TCP_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    END_OF_DATA_FIELD_NUMBER: _ClassVar[int]
    OPEN_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    IDLE_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_MS_FIELD_NUMBER: _ClassVar[int]
    CREDIT_BYTES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    ACTOR_GROUPS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    HAS_IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    target: str
    http: HttpRequest
    upgrade: HttpRequest
    tcp: TcpRequest
    first: bytes
    end_of_data: bool
    open_timeout_ms: int
    idle_timeout_ms: int
    deadline_ms: int
    credit_bytes: int
    request_id: str
    traceparent: str
    actor: str
    actor_groups: _containers.RepeatedScalarFieldContainer[str]
    priority: Open.Priority
    has_idempotency_key: bool
    def __init__(self, target: _Optional[str] = ..., http: _Optional[_Union[HttpRequest, _Mapping]] = ..., upgrade: _Optional[_Union[HttpRequest, _Mapping]] = ..., tcp: _Optional[_Union[TcpRequest, _Mapping]] = ..., first: _Optional[bytes] = ..., end_of_data: _Optional[bool] = ..., open_timeout_ms: _Optional[int] = ..., idle_timeout_ms: _Optional[int] = ..., deadline_ms: _Optional[int] = ..., credit_bytes: _Optional[int] = ..., request_id: _Optional[str] = ..., traceparent: _Optional[str] = ..., actor: _Optional[str] = ..., actor_groups: _Optional[_Iterable[str]] = ..., priority: _Optional[_Union[Open.Priority, str]] = ..., has_idempotency_key: _Optional[bool] = ...) -> None: ...

class HttpRequest(_message.Message):
    __slots__ = ("method", "path", "headers")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    method: str
    path: str
    headers: _containers.RepeatedCompositeFieldContainer[HttpHeader]
    def __init__(self, method: _Optional[str] = ..., path: _Optional[str] = ..., headers: _Optional[_Iterable[_Union[HttpHeader, _Mapping]]] = ...) -> None: ...

class HttpResponse(_message.Message):
    __slots__ = ("status", "headers")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    status: int
    headers: _containers.RepeatedCompositeFieldContainer[HttpHeader]
    def __init__(self, status: _Optional[int] = ..., headers: _Optional[_Iterable[_Union[HttpHeader, _Mapping]]] = ...) -> None: ...

class HttpHeader(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: bytes
    def __init__(self, name: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...

class TcpRequest(_message.Message):
    __slots__ = ("host", "port")
    HOST_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    host: str
    port: int
    def __init__(self, host: _Optional[str] = ..., port: _Optional[int] = ...) -> None: ...

class Opened(_message.Message):
    __slots__ = ("http", "first", "end_of_data", "switched", "trailers")
    HTTP_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    END_OF_DATA_FIELD_NUMBER: _ClassVar[int]
    SWITCHED_FIELD_NUMBER: _ClassVar[int]
    TRAILERS_FIELD_NUMBER: _ClassVar[int]
    http: HttpResponse
    first: bytes
    end_of_data: bool
    switched: bool
    trailers: _containers.RepeatedCompositeFieldContainer[HttpHeader]
    def __init__(self, http: _Optional[_Union[HttpResponse, _Mapping]] = ..., first: _Optional[bytes] = ..., end_of_data: _Optional[bool] = ..., switched: _Optional[bool] = ..., trailers: _Optional[_Iterable[_Union[HttpHeader, _Mapping]]] = ...) -> None: ...

class Credit(_message.Message):
    __slots__ = ("limit_bytes",)
    LIMIT_BYTES_FIELD_NUMBER: _ClassVar[int]
    limit_bytes: int
    def __init__(self, limit_bytes: _Optional[int] = ...) -> None: ...

class HalfClose(_message.Message):
    __slots__ = ("trailers",)
    TRAILERS_FIELD_NUMBER: _ClassVar[int]
    trailers: _containers.RepeatedCompositeFieldContainer[HttpHeader]
    def __init__(self, trailers: _Optional[_Iterable[_Union[HttpHeader, _Mapping]]] = ...) -> None: ...

class Reset(_message.Message):
    __slots__ = ("code", "dispatched", "detail")
    class Code(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CODE_UNSPECIFIED: _ClassVar[Reset.Code]
        CODE_CANCELLED: _ClassVar[Reset.Code]
        CODE_REFUSED: _ClassVar[Reset.Code]
        CODE_DENIED: _ClassVar[Reset.Code]
        CODE_DIAL_FAILED: _ClassVar[Reset.Code]
        CODE_DIAL_TIMEOUT: _ClassVar[Reset.Code]
        CODE_TARGET_RESET: _ClassVar[Reset.Code]
        CODE_DEADLINE: _ClassVar[Reset.Code]
        CODE_IDLE: _ClassVar[Reset.Code]
        CODE_FLOW_CONTROL: _ClassVar[Reset.Code]
        CODE_TOO_LARGE: _ClassVar[Reset.Code]
        CODE_OVERLOAD: _ClassVar[Reset.Code]
        CODE_PROTOCOL: _ClassVar[Reset.Code]
        CODE_INTERNAL: _ClassVar[Reset.Code]
        CODE_NO_SUCH_STREAM: _ClassVar[Reset.Code]
        CODE_AUTHORITY_ENDED: _ClassVar[Reset.Code]
    CODE_UNSPECIFIED: Reset.Code
    CODE_CANCELLED: Reset.Code
    CODE_REFUSED: Reset.Code
    CODE_DENIED: Reset.Code
    CODE_DIAL_FAILED: Reset.Code
    CODE_DIAL_TIMEOUT: Reset.Code
    CODE_TARGET_RESET: Reset.Code
    CODE_DEADLINE: Reset.Code
    CODE_IDLE: Reset.Code
    CODE_FLOW_CONTROL: Reset.Code
    CODE_TOO_LARGE: Reset.Code
    CODE_OVERLOAD: Reset.Code
    CODE_PROTOCOL: Reset.Code
    CODE_INTERNAL: Reset.Code
    CODE_NO_SUCH_STREAM: Reset.Code
    CODE_AUTHORITY_ENDED: Reset.Code
    CODE_FIELD_NUMBER: _ClassVar[int]
    DISPATCHED_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    code: Reset.Code
    dispatched: bool
    detail: str
    def __init__(self, code: _Optional[_Union[Reset.Code, str]] = ..., dispatched: _Optional[bool] = ..., detail: _Optional[str] = ...) -> None: ...
