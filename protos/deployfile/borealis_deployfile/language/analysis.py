"""Analysis: queries against a metric provider, and the step that judges by them."""

from __future__ import annotations

from typing import Final

from borealis_deployfile.language.durations import DURATION, UNITS
from borealis_deployfile.language.shapes import Choice, Either, Field, Flag, ListOf, MapOf, Number, Shape, Text, Whole

_MODES: Final = Choice(words=("automatic", "manual"))
_OUTCOMES: Final = Choice(words=("fail", "pass", "inconclusive"))
_VARIABLES: Final = MapOf(item=Text(may_be_empty=True, holds="query"), key="suite")

QUERY: Final = Shape(
    what="a query",
    summary="A question to a metric provider that has one number as its answer, and the limits of that number.",
    fields=(
        Field(name="name", type=Text(), summary="Name of the query; unique.", example="error-rate", is_required=True),
        Field(
            name="queryTemplate",
            type=Text(is_multiline=True, holds="query"),
            summary="The query in the provider's language; a template. It must give a single value.",
            example='sum(rate(http_errors_total{rs="{{armory.replicaSetName}}"}[{{armory.promQlStepInterval}}]))\n',
            is_required=True,
        ),
        Field(
            name="upperLimit",
            type=Number(),
            summary="Largest good value. A query has at least one of the two limits.",
            example=1.5,
        ),
        Field(
            name="lowerLimit",
            type=Number(),
            summary="Smallest good value; not above the upper limit.",
            example=0.1,
        ),
        Field(
            name="metricProviderName",
            type=Text(),
            summary="Provider that this query asks, before the one of the step and the default.",
            example="prometheus",
            default="that of the step, else `analysis.defaultMetricProviderName`",
        ),
        Field(
            name="onNoData",
            type=_OUTCOMES,
            summary="What a judgement without a value counts as. An inconclusive result waits for a person.",
            example="inconclusive",
            default="fail",
        ),
        Field(
            name="onNaN",
            type=_OUTCOMES,
            summary="What a judgement counts as whose value is not a number, as 0/0 is without traffic.",
            example="inconclusive",
            default="that of `onNoData`",
        ),
        Field(
            name="dryRun",
            type=Flag(),
            summary="Ask and show the query, and leave its result out of the verdict.",
            example=True,
            default="false",
        ),
        Field(
            name="baselineQueryTemplate",
            type=Text(is_multiline=True, holds="query"),
            summary="The same question about the version to compare with; a template. The limits are then for how far "
            "the value of `queryTemplate` is from this one's.",
            example='sum(rate(http_errors_total{rs="{{armory.oldReplicaSetName}}"}[{{armory.promQlStepInterval}}]))\n',
        ),
        Field(
            name="compareBy",
            type=Choice(words=("difference", "ratio")),
            summary="How the two values are compared: the first less the baseline's, or the first divided by it.",
            example="ratio",
            default="difference",
            needs=("baselineQueryTemplate",),
        ),
        Field(
            name="aggregationMethod",
            type=Text(),
            summary="An old field; it is ignored with a warning.",
            example="avg",
            is_deprecated=True,
        ),
    ),
)

ANALYSIS: Final = Shape(
    what="analysis",
    summary="The queries that `analysis` steps judge by.",
    fields=(
        Field(
            name="defaultMetricProviderName",
            type=Text(),
            summary="Provider of queries and steps that name none.",
            example="prometheus",
        ),
        Field(
            name="queries",
            type=ListOf(item=QUERY, least=1),
            summary="The queries, which steps name.",
            is_required=True,
        ),
    ),
)

ANALYSIS_STEP: Final = Shape(
    what="an analysis step",
    summary="Judge the new version by metrics, several times, and go on or roll back by the result.",
    fields=(
        Field(
            name="metricProviderName",
            type=Text(),
            summary="Provider of queries that name none themselves.",
            example="prometheus",
            default="`analysis.defaultMetricProviderName`",
        ),
        Field(
            name="context",
            type=Either(canonical=_VARIABLES, others=(ListOf(item=_VARIABLES),)),
            summary="Variables for the queries, before those of the file. A list of maps is read too.",
            example={"suite": "full"},
        ),
        Field(
            name="interval",
            type=Whole(least=1),
            summary="Length of the window that each judgement looks at.",
            example=30,
            is_required=True,
        ),
        Field(
            name="units",
            type=UNITS,
            summary="Unit of the interval.",
            example="seconds",
            is_required=True,
            aliases=("unit",),
        ),
        Field(
            name="numberOfJudgmentRuns",
            type=Whole(least=1),
            summary="How many judgements are made, one at the end of each interval.",
            example=4,
            is_required=True,
            aliases=("numberOfJudgementRuns",),
        ),
        Field(
            name="rollBackMode",
            type=_MODES,
            summary="What happens on a bad result: roll back at once, or let a person decide.",
            example="manual",
            default="automatic",
            aliases=("rollbackMode",),
        ),
        Field(
            name="rollForwardMode",
            type=_MODES,
            summary="What happens on a good result: go on at once, or let a person decide.",
            example="automatic",
            default="automatic",
            aliases=("rollforwardMode",),
        ),
        Field(
            name="queries",
            type=ListOf(item=Text(), least=1),
            summary="Names of queries of `analysis.queries`; all of them must be within their limits.",
            example=["error-rate"],
            is_required=True,
        ),
        Field(
            name="lookbackMethod",
            type=Choice(words=("sliding", "growing")),
            summary="Whether each judgement looks at the last interval, or at everything since the start.",
            example="growing",
            default="sliding",
        ),
        Field(
            name="abortOnFailedJudgment",
            type=Flag(),
            summary="Stop at the first judgement that is out of limits.",
            example=True,
            default="false",
            aliases=("abortOnFailedJudgement",),
        ),
        Field(
            name="initialDelay",
            type=DURATION,
            summary="How long the new version runs before the first window begins.",
            example={"duration": 30, "unit": "seconds"},
            default="none",
        ),
        Field(
            name="scrapeDelay",
            type=DURATION,
            summary="How long after the end of a window it is asked for, so that the provider has collected all of it.",
            example={"duration": 15, "unit": "seconds"},
            default="none",
        ),
        Field(
            name="minPassing",
            type=Whole(least=1),
            summary="How many judgements of each query must pass one by one, beside their average.",
            example=3,
            default="the average alone decides",
        ),
        Field(
            name="maxConsecutiveErrors",
            type=Whole(least=0),
            summary="How many judgements in a row may end in an error of the provider; they do not count then.",
            example=2,
            default="an error fails the step at its end",
        ),
    ),
)
