from borealis.auth.v1 import permission_pb2 as _permission_pb2
from borealis.deployment.v1 import deployment_pb2 as _deployment_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StartDeploymentRequest(_message.Message):
    __slots__ = ("request_id", "deploy_file", "deploy_file_name", "manifest_files", "application", "account", "context", "targets", "source_deployment")
    class ContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DEPLOY_FILE_FIELD_NUMBER: _ClassVar[int]
    DEPLOY_FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_FILES_FIELD_NUMBER: _ClassVar[int]
    APPLICATION_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    deploy_file: bytes
    deploy_file_name: str
    manifest_files: _containers.RepeatedCompositeFieldContainer[ManifestFile]
    application: str
    account: str
    context: _containers.ScalarMap[str, str]
    targets: _containers.RepeatedScalarFieldContainer[str]
    source_deployment: str
    def __init__(self, request_id: _Optional[str] = ..., deploy_file: _Optional[bytes] = ..., deploy_file_name: _Optional[str] = ..., manifest_files: _Optional[_Iterable[_Union[ManifestFile, _Mapping]]] = ..., application: _Optional[str] = ..., account: _Optional[str] = ..., context: _Optional[_Mapping[str, str]] = ..., targets: _Optional[_Iterable[str]] = ..., source_deployment: _Optional[str] = ...) -> None: ...

class ManifestFile(_message.Message):
    __slots__ = ("path", "name", "content")
    PATH_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    path: str
    name: str
    content: bytes
    def __init__(self, path: _Optional[str] = ..., name: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

class StartDeploymentResponse(_message.Message):
    __slots__ = ("deployment", "warnings")
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    deployment: _deployment_pb2.Deployment
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, deployment: _Optional[_Union[_deployment_pb2.Deployment, _Mapping]] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class GetDeploymentRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetDeploymentResponse(_message.Message):
    __slots__ = ("deployment",)
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    deployment: _deployment_pb2.Deployment
    def __init__(self, deployment: _Optional[_Union[_deployment_pb2.Deployment, _Mapping]] = ...) -> None: ...

class ListDeploymentsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "application", "in_progress_only")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    APPLICATION_FIELD_NUMBER: _ClassVar[int]
    IN_PROGRESS_ONLY_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    application: str
    in_progress_only: bool
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., application: _Optional[str] = ..., in_progress_only: _Optional[bool] = ...) -> None: ...

class ListDeploymentsResponse(_message.Message):
    __slots__ = ("deployments", "next_page_token")
    DEPLOYMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    deployments: _containers.RepeatedCompositeFieldContainer[_deployment_pb2.Deployment]
    next_page_token: str
    def __init__(self, deployments: _Optional[_Iterable[_Union[_deployment_pb2.Deployment, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchDeploymentRequest(_message.Message):
    __slots__ = ("name", "after_sequence")
    NAME_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    name: str
    after_sequence: int
    def __init__(self, name: _Optional[str] = ..., after_sequence: _Optional[int] = ...) -> None: ...

class WatchDeploymentResponse(_message.Message):
    __slots__ = ("sequence", "snapshot", "event")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    snapshot: _deployment_pb2.Deployment
    event: _deployment_pb2.DeploymentEvent
    def __init__(self, sequence: _Optional[int] = ..., snapshot: _Optional[_Union[_deployment_pb2.Deployment, _Mapping]] = ..., event: _Optional[_Union[_deployment_pb2.DeploymentEvent, _Mapping]] = ...) -> None: ...

class ExplainDeploymentRequest(_message.Message):
    __slots__ = ("name", "target")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    name: str
    target: str
    def __init__(self, name: _Optional[str] = ..., target: _Optional[str] = ...) -> None: ...

class ExplainDeploymentResponse(_message.Message):
    __slots__ = ("explanation", "targets")
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    explanation: _deployment_pb2.Explanation
    targets: _containers.RepeatedCompositeFieldContainer[_deployment_pb2.Explanation]
    def __init__(self, explanation: _Optional[_Union[_deployment_pb2.Explanation, _Mapping]] = ..., targets: _Optional[_Iterable[_Union[_deployment_pb2.Explanation, _Mapping]]] = ...) -> None: ...

class ApproveDeploymentRequest(_message.Message):
    __slots__ = ("name", "request_id", "target", "step", "comment")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    target: str
    step: str
    comment: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., target: _Optional[str] = ..., step: _Optional[str] = ..., comment: _Optional[str] = ...) -> None: ...

class ApproveDeploymentResponse(_message.Message):
    __slots__ = ("deployment",)
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    deployment: _deployment_pb2.Deployment
    def __init__(self, deployment: _Optional[_Union[_deployment_pb2.Deployment, _Mapping]] = ...) -> None: ...

class SkipPauseRequest(_message.Message):
    __slots__ = ("name", "request_id", "target", "step", "comment")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    target: str
    step: str
    comment: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., target: _Optional[str] = ..., step: _Optional[str] = ..., comment: _Optional[str] = ...) -> None: ...

class SkipPauseResponse(_message.Message):
    __slots__ = ("deployment",)
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    deployment: _deployment_pb2.Deployment
    def __init__(self, deployment: _Optional[_Union[_deployment_pb2.Deployment, _Mapping]] = ...) -> None: ...

class ReportWebhookRequest(_message.Message):
    __slots__ = ("name", "target", "step", "is_success", "message", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    IS_SUCCESS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    target: str
    step: str
    is_success: bool
    message: str
    request_id: str
    def __init__(self, name: _Optional[str] = ..., target: _Optional[str] = ..., step: _Optional[str] = ..., is_success: _Optional[bool] = ..., message: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class ReportWebhookResponse(_message.Message):
    __slots__ = ("deployment",)
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    deployment: _deployment_pb2.Deployment
    def __init__(self, deployment: _Optional[_Union[_deployment_pb2.Deployment, _Mapping]] = ...) -> None: ...

class RollBackDeploymentRequest(_message.Message):
    __slots__ = ("name", "request_id", "comment", "target")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    comment: str
    target: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., comment: _Optional[str] = ..., target: _Optional[str] = ...) -> None: ...

class RollBackDeploymentResponse(_message.Message):
    __slots__ = ("deployment",)
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    deployment: _deployment_pb2.Deployment
    def __init__(self, deployment: _Optional[_Union[_deployment_pb2.Deployment, _Mapping]] = ...) -> None: ...

class CancelDeploymentRequest(_message.Message):
    __slots__ = ("name", "request_id", "comment")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    comment: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., comment: _Optional[str] = ...) -> None: ...

class CancelDeploymentResponse(_message.Message):
    __slots__ = ("deployment",)
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    deployment: _deployment_pb2.Deployment
    def __init__(self, deployment: _Optional[_Union[_deployment_pb2.Deployment, _Mapping]] = ...) -> None: ...

class GetLiveReplicasRequest(_message.Message):
    __slots__ = ("workloads",)
    WORKLOADS_FIELD_NUMBER: _ClassVar[int]
    workloads: _containers.RepeatedCompositeFieldContainer[WorkloadPlace]
    def __init__(self, workloads: _Optional[_Iterable[_Union[WorkloadPlace, _Mapping]]] = ...) -> None: ...

class WorkloadPlace(_message.Message):
    __slots__ = ("account", "namespace", "name")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    account: str
    namespace: str
    name: str
    def __init__(self, account: _Optional[str] = ..., namespace: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class GetLiveReplicasResponse(_message.Message):
    __slots__ = ("workloads",)
    WORKLOADS_FIELD_NUMBER: _ClassVar[int]
    workloads: _containers.RepeatedCompositeFieldContainer[LiveReplicas]
    def __init__(self, workloads: _Optional[_Iterable[_Union[LiveReplicas, _Mapping]]] = ...) -> None: ...

class LiveReplicas(_message.Message):
    __slots__ = ("place", "replicas", "unknown", "is_absent", "autoscaler")
    PLACE_FIELD_NUMBER: _ClassVar[int]
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    IS_ABSENT_FIELD_NUMBER: _ClassVar[int]
    AUTOSCALER_FIELD_NUMBER: _ClassVar[int]
    place: WorkloadPlace
    replicas: int
    unknown: str
    is_absent: bool
    autoscaler: str
    def __init__(self, place: _Optional[_Union[WorkloadPlace, _Mapping]] = ..., replicas: _Optional[int] = ..., unknown: _Optional[str] = ..., is_absent: _Optional[bool] = ..., autoscaler: _Optional[str] = ...) -> None: ...
