"""A real Prometheus is asked about a target whose errors the test controls."""

from __future__ import annotations

from datetime import timedelta

import pytest

from borealis_server.domain.analysis.evidence import Judgement
from borealis_server.domain.analysis.plan import AnalysisPlan, Outcome, QueryRule
from borealis_server.domain.analysis.questions import QueryTexts
from borealis_server.domain.analysis.verdict import AnalysisRun, Verdict, recomputed
from borealis_server.domain.errors import IntegrationNotFound, InvalidArgument
from borealis_server.domain.integration import IntegrationName
from borealis_server.services.retrospection import Retrospect
from kit.askers import TENANT, open_bench
from kit.prometheus import Traffic
from kit.provider_server import as_json, http, provider_server

SHARE = (
    'sum(rate(http_requests_total{rs="{{armory.replicaSetName}}",code="500"}[{{armory.promQlStepInterval}}]))'
    ' / sum(rate(http_requests_total{rs="{{armory.replicaSetName}}"}[{{armory.promQlStepInterval}}]))'
)
ONE = {"status": "success", "data": {"resultType": "scalar", "result": [0, "1"]}}
RULE = QueryRule(name="error-share", provider="prom", upper_limit=0.01, on_no_data=Outcome.INCONCLUSIVE)


@pytest.fixture
async def bench(tmp_path, prometheus):
    async with open_bench(tmp_path) as opened:
        await opened.integrate("prom", prometheus.url)
        yield opened


@pytest.fixture(autouse=True)
async def history(prometheus):
    """Six seconds of a good version, one with 5 % errors, and nothing of a third."""
    prometheus.target.versions |= {"good": Traffic(), "bad": Traffic(error_share=0.05)}
    await prometheus.until("count_over_time(http_requests_total[10s]) > 20")


def asked(bench, version, *, template=SHARE, rule=RULE, runs=2, interval_s=2.0, **fields):
    plan = AnalysisPlan(rules=(rule,), interval_s=interval_s, runs=runs)
    texts = (QueryTexts(name=rule.name, provider=rule.provider, template=template),)
    start = bench.now() - timedelta(seconds=runs * interval_s)
    variables = {"replicaSetName": version}
    return Retrospect(tenant=TENANT, actor="ana", plan=plan, queries=texts, start=start, variables=variables, **fields)


async def outcome(bench, wanted):
    parts = [part async for part in bench.retrospection.run(wanted)]
    analysis = parts[-1]
    assert isinstance(analysis, AnalysisRun)
    return analysis, [part for part in parts if isinstance(part, Judgement)]


@pytest.mark.parametrize(
    ("version", "verdict", "average"),
    [("good", Verdict.PASSED, 0.0), ("bad", Verdict.FAILED, 0.05), ("silent", Verdict.INCONCLUSIVE, None)],
)
async def test_st_24_the_past_is_judged_as_a_deployment_would_have(bench, version, verdict, average):
    analysis, judgements = await outcome(bench, asked(bench, version))

    assert analysis.verdict is verdict
    assert analysis.tallies[0].average == (average if average is None else pytest.approx(average, abs=1e-6))
    assert [one.number for one in judgements] == [1, 2]
    assert judgements[1].window.start == judgements[0].window.end
    assert f'rs="{version}",code="500"}}[2s]' in judgements[0].samples[0].answer.question
    assert recomputed(analysis.plan, judgements) == analysis


async def test_st_20_several_series_are_counted_by_name(bench):
    analysis, _ = await outcome(bench, asked(bench, "good", template="http_requests_total", runs=1))

    assert analysis.verdict is Verdict.ERROR
    assert analysis.why == 'the query "error-share" failed at judgement 1: 4 values instead of one'


async def test_a_wrong_query_is_told_in_the_words_of_the_provider(bench):
    analysis, _ = await outcome(bench, asked(bench, "good", template="sum(", runs=1))

    assert analysis.verdict is Verdict.ERROR
    assert "it answers 400 Bad Request: " in analysis.why
    assert "parse error" in analysis.why


async def test_a_secret_in_a_query_is_sent_and_never_kept(bench):
    await bench.secrets.set(TENANT, "team", "bad", actor="ana")
    template = 'sum(http_requests_total{rs=~"{{ secrets.team }}"}) > bool 0'

    analysis, judgements = await outcome(bench, asked(bench, "x", template=template, runs=1))

    assert analysis.tallies[0].average == 1.0
    assert judgements[0].samples[0].answer.question == 'sum(http_requests_total{rs=~"****"}) > bool 0'


async def test_an_unknown_integration_and_a_missing_secret_are_answers_with_errors(bench):
    other = QueryRule(name="q", provider="none", upper_limit=1)
    analysis, _ = await outcome(bench, asked(bench, "x", rule=other, runs=1))
    assert "there is no integration tenants/main/integrations/none" in analysis.why

    analysis, _ = await outcome(bench, asked(bench, "x", template="{{secrets.none}}", runs=1))
    assert "has no secret none" in analysis.why
    assert analysis.verdict is Verdict.ERROR


async def test_the_future_is_not_judged(bench):
    late = asked(bench, "x", runs=1)
    late = Retrospect(
        tenant=late.tenant, actor="", plan=late.plan, queries=late.queries, start=bench.now() + timedelta(minutes=1)
    )

    with pytest.raises(InvalidArgument) as caught:
        await outcome(bench, late)
    assert [one.field for one in caught.value.violations] == ["start_time"]


async def test_a_variable_without_a_value_is_named(bench):
    with pytest.raises(InvalidArgument) as caught:
        await outcome(bench, asked(bench, "x", template="{{armory.namespace}} {{context.a}}", runs=1))
    assert "{{armory.namespace}}, {{context.a}}" in caught.value.violations[0].description


async def test_integrations_are_tried_out(bench):
    name = IntegrationName(TENANT, "prom")

    good = await bench.integrations.test(TENANT, name, "")
    bad = await bench.integrations.test(TENANT, name, "sum(")

    assert (good.question, good.values, good.error) == ("vector(1)", ("1",), "")
    assert "parse error" in bad.error
    with pytest.raises(IntegrationNotFound):
        await bench.integrations.test("other", name, "")


async def test_a_provider_that_is_overloaded_is_asked_three_times(bench):
    async with provider_server() as provider:
        provider.answers = [http("", "503 Service Unavailable")]
        await bench.integrate("overloaded", provider.url)
        rule = QueryRule(name="q", provider="overloaded", upper_limit=1)

        analysis, _ = await outcome(bench, asked(bench, "x", rule=rule, template="up", runs=1))

        assert len(provider.requests) == 3
        assert analysis.why == 'the query "q" failed at judgement 1: it answers 503 Service Unavailable'


async def test_a_provider_that_comes_back_in_between_has_answered(bench):
    async with provider_server() as provider:
        provider.answers = [http("", "503 Service Unavailable"), as_json(ONE)]
        await bench.integrate("back", provider.url)
        rule = QueryRule(name="q", provider="back", upper_limit=1)

        analysis, _ = await outcome(bench, asked(bench, "x", rule=rule, template="up", runs=1))

        assert (len(provider.requests), analysis.verdict) == (2, Verdict.PASSED)
