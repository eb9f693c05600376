"""An exported block of analysis is what a deploy file takes, and means the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_deployfile.analysis_yaml import analysis_yaml
from borealis_deployfile.model import Query
from borealis_deployfile.parse import check

FILE = """\
application: shop
manifests: [{{path: k8s/}}]
targets: {{qa: {{account: c, namespace: n, strategy: s}}}}
strategies:
  s:
    canary:
      steps: [{{analysis: {{interval: 1, units: minutes, numberOfJudgmentRuns: 1, queries: {names}}}}}]
{block}"""
OUTCOMES = st.sampled_from(["fail", "pass", "inconclusive"])
LETTERS = "abcXYZ üß😀%\t\"'#:{}[]-\\/&*!|>"
WORDS = st.text(LETTERS, min_size=1, max_size=20).map(str.strip).filter(bool)
TEMPLATES = st.text(f"{LETTERS}\u2028\n", min_size=1).filter(
    lambda text: text.strip() and "{{" not in text and "}}" not in text
)


def read_back(queries, *, default_provider="prom"):
    block = analysis_yaml(queries, default_provider=default_provider)
    names = "[" + ", ".join("'" + query.name.replace("'", "''") + "'" for query in queries) + "]"
    result = check(FILE.format(names=names, block=block), file_name="deploy.yaml")
    assert result.file is not None, (result.faults, block)
    return result


@st.composite
def a_query(draw, name):
    low, high = sorted((draw(st.floats(-1e9, 1e9)), draw(st.integers(-5, 5))))
    which = draw(st.sampled_from(["both", "low", "high"]))
    baseline = draw(st.just("") | TEMPLATES)
    return Query(
        name=name,
        template=draw(TEMPLATES),
        lower_limit=None if which == "high" else float(low),
        upper_limit=None if which == "low" else float(high),
        provider=draw(st.none() | st.just("datadog")),
        on_no_data=draw(OUTCOMES),
        on_nan=draw(OUTCOMES),
        is_dry_run=draw(st.booleans()),
        baseline=baseline,
        compare_by=draw(st.sampled_from(["difference", "ratio"])) if baseline else "difference",
    )


@given(st.lists(WORDS.filter(lambda text: "{{" not in text), min_size=1, max_size=3, unique=True), st.data())
def test_st_24_what_is_exported_is_read_back_as_it_was(names, data):
    queries = [data.draw(a_query(name)) for name in names]

    assert list(read_back(queries).file.queries.values()) == queries


def test_st_24_templates_keep_their_lines_and_variables():
    template = 'sum(rate(errors{rs="{{armory.replicaSetName}}"}[{{armory.promQlStepInterval}}]))\n/ 2\n'
    query = Query(name="errors", template=template, upper_limit=0.05)

    result = read_back([query])

    assert result.warnings == ()
    assert result.file.queries["errors"] == query
    assert result.file.default_provider == "prom"


def test_a_query_without_limits_is_no_query_of_a_deploy_file():
    with pytest.raises(ValueError, match='"q" has no limit'):
        analysis_yaml([Query(name="q", template="up")])
