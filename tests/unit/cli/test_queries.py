"""Which queries a command line asks, and how their answers are written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import typer

from borealis_cli.queries import Inline, choose, plan_of
from borealis_cli.render.analyses import analysis_table, analysis_text, integration_table, judgement_lines
from borealis_client import (
    Analysis,
    Answer,
    Comparison,
    Datadog,
    Integration,
    Judgement,
    NewRelic,
    Outcome,
    Plan,
    Prometheus,
    Query,
    QueryResult,
    Sample,
    Verdict,
)
from kit.analysis_files import analysis_file, judge, query
from kit.shop import SET_25

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def file(tmp_path):
    queries = [
        query("errors", "e", onNoData="inconclusive", dryRun=True),
        query("slower", "s", metricProviderName="datadog", baselineQueryTemplate="old", compareBy="ratio"),
    ]
    path = tmp_path / "deploy.yaml"
    text = analysis_file(SET_25, judge("errors, slower"), queries=queries, head="context: {suite: full}\n")
    path.write_text(text)
    return str(path)


def test_queries_of_a_file_become_a_plan(file):
    chosen = choose(file, [], Inline(), "")

    errors, slower = plan_of(chosen, interval_s=30, runs=2, is_growing=True).queries
    assert (errors.name, errors.provider, errors.upper_limit, errors.lower_limit) == ("errors", "prom", 0.01, None)
    assert (errors.on_no_data, errors.on_nan, errors.is_dry_run) == (Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE, True)
    assert (slower.provider, slower.baseline_template, slower.compare_by) == ("datadog", "old", Comparison.RATIO)
    assert errors.compare_by is Comparison.UNSPECIFIED
    assert chosen.context == {"suite": "full"}


def test_a_name_and_a_provider_narrow_it(file):
    chosen = choose(file, ["errors"], Inline(), "other")

    (errors,) = plan_of(chosen, interval_s=30, runs=1, is_growing=False).queries
    assert errors.provider == "other"


def test_a_query_may_stand_on_the_command_line():
    chosen = choose("", [], Inline(template="up", lower_limit=1), "prom")

    (asked,) = plan_of(chosen, interval_s=30, runs=1, is_growing=False).queries
    assert (asked.name, asked.template, asked.lower_limit, asked.upper_limit) == ("query", "up", 1, None)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(("", [], Inline(), ""), "give a deploy file", id="nothing"),
        pytest.param(("{file}", [], Inline(template="up"), ""), "give a deploy file", id="both"),
        pytest.param(("", [], Inline(template="up"), ""), "--provider", id="no-provider"),
        pytest.param(("{file}", ["none"], Inline(), ""), "it has: errors, slower", id="unknown"),
        pytest.param(("{file}.none", [], Inline(), ""), "cannot be read", id="no-file"),
    ],
)
def test_a_wrong_choice_says_what_there_is(file, arguments, says):
    first, *rest = arguments

    with pytest.raises(typer.BadParameter, match=says):
        choose(first.format(file=file), *rest)


def test_a_file_with_faults_is_told_by_its_first(tmp_path):
    path = tmp_path / "deploy.yaml"
    path.write_text("application: 3\n")

    with pytest.raises(typer.BadParameter, match=r"deploy.yaml:\d+: .*borealis validate"):
        choose(str(path), [], Inline(), "")


def test_judgements_and_results_are_written_with_what_speaks_for_them():
    plan = Plan(queries=[Query(name="errors", upper_limit=0.01), Query(name="x", lower_limit=1, upper_limit=2)], runs=3)
    results = [
        QueryResult(query="errors", average=0.05, passed=1, verdict=Verdict.FAILED, first_failure="judgement 1: 0.1"),
        QueryResult(query="x", last="no data"),
    ]
    analysis = Analysis(plan=plan, judged=2, results=results, verdict=Verdict.FAILED, why="too many")
    answers = Sample(query="errors", answer=Answer(values=["0.1"], more=2), baseline=Answer(error="down"))
    silent = Sample(query="x", answer=Answer())
    judgement = Judgement(number=1, start_time=NOON, end_time=NOON, samples=[answers, silent])

    assert list(judgement_lines(judgement)) == [
        "1. 2026-03-01T12:00:00Z to 2026-03-01T12:00:00Z",
        "   errors: 0.1 and 2 more against no answer (down) of the baseline",
        "   x: no data",
    ]
    assert analysis_table(analysis) == [
        "QUERY   AVERAGE  LIMITS        PASSED  VERDICT      FIRST THAT DID NOT PASS",
        "errors  0.05     at most 0.01  1/2     FAILED       judgement 1: 0.1",
        "x                1 to 2        0/2     UNSPECIFIED",
        "FAILED: too many",
    ]
    assert analysis_text(analysis) == ("analysis, 2 of 3 judgements: errors 0.05 (at most 0.01), x no data (1 to 2)")
    assert analysis_text(Analysis(plan=plan)) == "analysis, 0 of 3 judgements: errors (at most 0.01), x (1 to 2)"


def test_integrations_show_which_secrets_open_them():
    rows = integration_table(
        [
            Integration(name="t/a", url="u", prometheus=Prometheus()),
            Integration(name="t/b", agent="west", prometheus=Prometheus(username="ana", password="{{secrets.p}}")),
            Integration(name="t/c", datadog=Datadog(api_key="{{secrets.1}}", application_key="{{secrets.2}}")),
            Integration(name="t/d", new_relic=NewRelic(user_key="{{secrets.n}}", account_id=7)),
        ]
    )

    assert [row.split() for row in rows[1:]] == [
        ["a", "Prometheus", "u", "(server)", "none"],
        ["b", "Prometheus", "west", "ana", "with", "{{secrets.p}}"],
        ["c", "Datadog", "(server)", "{{secrets.1}},", "{{secrets.2}}"],
        ["d", "New", "Relic", "(server)", "{{secrets.n}},", "account", "7"],
    ]
