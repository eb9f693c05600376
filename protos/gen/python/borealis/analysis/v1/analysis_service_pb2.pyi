import datetime

from borealis.analysis.v1 import analysis_pb2 as _analysis_pb2
from borealis.auth.v1 import permission_pb2 as _permission_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListJudgementsRequest(_message.Message):
    __slots__ = ("deployment", "target", "step", "page_size", "page_token")
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    deployment: str
    target: str
    step: str
    page_size: int
    page_token: str
    def __init__(self, deployment: _Optional[str] = ..., target: _Optional[str] = ..., step: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListJudgementsResponse(_message.Message):
    __slots__ = ("judgements", "next_page_token")
    JUDGEMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    judgements: _containers.RepeatedCompositeFieldContainer[_analysis_pb2.StepJudgement]
    next_page_token: str
    def __init__(self, judgements: _Optional[_Iterable[_Union[_analysis_pb2.StepJudgement, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class RunAnalysisRequest(_message.Message):
    __slots__ = ("plan", "start_time", "context", "variables")
    class ContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class VariablesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PLAN_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    plan: _analysis_pb2.Plan
    start_time: _timestamp_pb2.Timestamp
    context: _containers.ScalarMap[str, str]
    variables: _containers.ScalarMap[str, str]
    def __init__(self, plan: _Optional[_Union[_analysis_pb2.Plan, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., context: _Optional[_Mapping[str, str]] = ..., variables: _Optional[_Mapping[str, str]] = ...) -> None: ...

class RunAnalysisResponse(_message.Message):
    __slots__ = ("judgement", "analysis")
    JUDGEMENT_FIELD_NUMBER: _ClassVar[int]
    ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    judgement: _analysis_pb2.Judgement
    analysis: _analysis_pb2.Analysis
    def __init__(self, judgement: _Optional[_Union[_analysis_pb2.Judgement, _Mapping]] = ..., analysis: _Optional[_Union[_analysis_pb2.Analysis, _Mapping]] = ...) -> None: ...
