import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    OUTCOME_PASSED: _ClassVar[Outcome]
    OUTCOME_INCONCLUSIVE: _ClassVar[Outcome]
    OUTCOME_FAILED: _ClassVar[Outcome]
    OUTCOME_IGNORED: _ClassVar[Outcome]

class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_UNSPECIFIED: _ClassVar[Verdict]
    VERDICT_PASSED: _ClassVar[Verdict]
    VERDICT_INCONCLUSIVE: _ClassVar[Verdict]
    VERDICT_ERROR: _ClassVar[Verdict]
    VERDICT_FAILED: _ClassVar[Verdict]

class Comparison(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COMPARISON_UNSPECIFIED: _ClassVar[Comparison]
    COMPARISON_DIFFERENCE: _ClassVar[Comparison]
    COMPARISON_RATIO: _ClassVar[Comparison]

class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODE_UNSPECIFIED: _ClassVar[Mode]
    MODE_AUTOMATIC: _ClassVar[Mode]
    MODE_MANUAL: _ClassVar[Mode]
OUTCOME_UNSPECIFIED: Outcome
OUTCOME_PASSED: Outcome
OUTCOME_INCONCLUSIVE: Outcome
OUTCOME_FAILED: Outcome
OUTCOME_IGNORED: Outcome
VERDICT_UNSPECIFIED: Verdict
VERDICT_PASSED: Verdict
VERDICT_INCONCLUSIVE: Verdict
VERDICT_ERROR: Verdict
VERDICT_FAILED: Verdict
COMPARISON_UNSPECIFIED: Comparison
COMPARISON_DIFFERENCE: Comparison
COMPARISON_RATIO: Comparison
MODE_UNSPECIFIED: Mode
MODE_AUTOMATIC: Mode
MODE_MANUAL: Mode

class Query(_message.Message):
    __slots__ = ("name", "provider", "template", "upper_limit", "lower_limit", "on_no_data", "on_nan", "is_dry_run", "baseline_template", "compare_by")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    UPPER_LIMIT_FIELD_NUMBER: _ClassVar[int]
    LOWER_LIMIT_FIELD_NUMBER: _ClassVar[int]
    ON_NO_DATA_FIELD_NUMBER: _ClassVar[int]
    ON_NAN_FIELD_NUMBER: _ClassVar[int]
    IS_DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    BASELINE_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    COMPARE_BY_FIELD_NUMBER: _ClassVar[int]
    name: str
    provider: str
    template: str
    upper_limit: float
    lower_limit: float
    on_no_data: Outcome
    on_nan: Outcome
    is_dry_run: bool
    baseline_template: str
    compare_by: Comparison
    def __init__(self, name: _Optional[str] = ..., provider: _Optional[str] = ..., template: _Optional[str] = ..., upper_limit: _Optional[float] = ..., lower_limit: _Optional[float] = ..., on_no_data: _Optional[_Union[Outcome, str]] = ..., on_nan: _Optional[_Union[Outcome, str]] = ..., is_dry_run: _Optional[bool] = ..., baseline_template: _Optional[str] = ..., compare_by: _Optional[_Union[Comparison, str]] = ...) -> None: ...

class Plan(_message.Message):
    __slots__ = ("queries", "interval_s", "runs", "is_growing", "aborts_early", "initial_delay_s", "scrape_delay_s", "min_passing", "errors_in_a_row", "roll_forward", "roll_back")
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_S_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    IS_GROWING_FIELD_NUMBER: _ClassVar[int]
    ABORTS_EARLY_FIELD_NUMBER: _ClassVar[int]
    INITIAL_DELAY_S_FIELD_NUMBER: _ClassVar[int]
    SCRAPE_DELAY_S_FIELD_NUMBER: _ClassVar[int]
    MIN_PASSING_FIELD_NUMBER: _ClassVar[int]
    ERRORS_IN_A_ROW_FIELD_NUMBER: _ClassVar[int]
    ROLL_FORWARD_FIELD_NUMBER: _ClassVar[int]
    ROLL_BACK_FIELD_NUMBER: _ClassVar[int]
    queries: _containers.RepeatedCompositeFieldContainer[Query]
    interval_s: float
    runs: int
    is_growing: bool
    aborts_early: bool
    initial_delay_s: float
    scrape_delay_s: float
    min_passing: int
    errors_in_a_row: int
    roll_forward: Mode
    roll_back: Mode
    def __init__(self, queries: _Optional[_Iterable[_Union[Query, _Mapping]]] = ..., interval_s: _Optional[float] = ..., runs: _Optional[int] = ..., is_growing: _Optional[bool] = ..., aborts_early: _Optional[bool] = ..., initial_delay_s: _Optional[float] = ..., scrape_delay_s: _Optional[float] = ..., min_passing: _Optional[int] = ..., errors_in_a_row: _Optional[int] = ..., roll_forward: _Optional[_Union[Mode, str]] = ..., roll_back: _Optional[_Union[Mode, str]] = ...) -> None: ...

class Analysis(_message.Message):
    __slots__ = ("plan", "judged", "results", "verdict", "why")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    JUDGED_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    plan: Plan
    judged: int
    results: _containers.RepeatedCompositeFieldContainer[QueryResult]
    verdict: Verdict
    why: str
    def __init__(self, plan: _Optional[_Union[Plan, _Mapping]] = ..., judged: _Optional[int] = ..., results: _Optional[_Iterable[_Union[QueryResult, _Mapping]]] = ..., verdict: _Optional[_Union[Verdict, str]] = ..., why: _Optional[str] = ...) -> None: ...

class QueryResult(_message.Message):
    __slots__ = ("query", "average", "values", "passed", "failed", "inconclusive", "ignored", "last", "first_failure", "verdict")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    PASSED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    INCONCLUSIVE_FIELD_NUMBER: _ClassVar[int]
    IGNORED_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    FIRST_FAILURE_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    query: str
    average: float
    values: int
    passed: int
    failed: int
    inconclusive: int
    ignored: int
    last: str
    first_failure: str
    verdict: Verdict
    def __init__(self, query: _Optional[str] = ..., average: _Optional[float] = ..., values: _Optional[int] = ..., passed: _Optional[int] = ..., failed: _Optional[int] = ..., inconclusive: _Optional[int] = ..., ignored: _Optional[int] = ..., last: _Optional[str] = ..., first_failure: _Optional[str] = ..., verdict: _Optional[_Union[Verdict, str]] = ...) -> None: ...

class Judgement(_message.Message):
    __slots__ = ("number", "start_time", "end_time", "ask_time", "samples")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    ASK_TIME_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    number: int
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    ask_time: _timestamp_pb2.Timestamp
    samples: _containers.RepeatedCompositeFieldContainer[Sample]
    def __init__(self, number: _Optional[int] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ask_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., samples: _Optional[_Iterable[_Union[Sample, _Mapping]]] = ...) -> None: ...

class StepJudgement(_message.Message):
    __slots__ = ("sequence", "target", "step", "judgement")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    JUDGEMENT_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    target: str
    step: str
    judgement: Judgement
    def __init__(self, sequence: _Optional[int] = ..., target: _Optional[str] = ..., step: _Optional[str] = ..., judgement: _Optional[_Union[Judgement, _Mapping]] = ...) -> None: ...

class Sample(_message.Message):
    __slots__ = ("query", "answer", "baseline")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    BASELINE_FIELD_NUMBER: _ClassVar[int]
    query: str
    answer: Answer
    baseline: Answer
    def __init__(self, query: _Optional[str] = ..., answer: _Optional[_Union[Answer, _Mapping]] = ..., baseline: _Optional[_Union[Answer, _Mapping]] = ...) -> None: ...

class Answer(_message.Message):
    __slots__ = ("question", "values", "more", "error")
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    question: str
    values: _containers.RepeatedScalarFieldContainer[str]
    more: int
    error: str
    def __init__(self, question: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ..., more: _Optional[int] = ..., error: _Optional[str] = ...) -> None: ...
