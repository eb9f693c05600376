"""Requests of each metric provider byte for byte as its documents have them, and what their answers come to."""

from __future__ import annotations

import json

import pytest

from borealis_server.domain.integration import DatadogSettings, NewRelicSettings, PrometheusSettings
from borealis_server.ports.metrics import Unanswered
from kit.provider_server import as_json, http, provider_server, question, request_of

NO_CREDENTIALS = PrometheusSettings()
DATADOG = DatadogSettings(api_key="{{secrets.dd-api}}", application_key="{{ secrets.dd-app }}")
NEW_RELIC = NewRelicSettings(user_key="{{secrets.nr}}", account_id=1234567)
NRQL = "SELECT average(duration) FROM Transaction WHERE a = 'x \"y\"' SINCE 1772366400 UNTIL 1772366460"
PROMQL = 'sum(rate(errors{rs="web-1",code=~"5.."}[60s])) / 2'
DDQL = "avg:trace.errors{env:prod}.rollup(avg, 60)"


@pytest.fixture
async def provider():
    async with provider_server() as running:
        yield running


def vector(*values):
    series = [{"metric": {"pod": str(number)}, "value": [1772366460, value]} for number, value in enumerate(values)]
    return {"status": "success", "data": {"resultType": "vector", "result": series}}


def scalar(value):
    return {"status": "success", "data": {"resultType": "scalar", "result": [1772366460.5, value]}}


def datadog(*points):
    series = {"metric": "m", "pointlist": [list(point) for point in points], "scope": "*", "length": len(points)}
    return {"status": "ok", "res_type": "time_series", "series": [series] if points else [], "query": DDQL}


def new_relic(*results):
    return {"data": {"actor": {"account": {"nrql": {"results": list(results)}}}}}


async def test_st_21_prometheus_is_asked_for_the_end_of_the_window(provider):
    provider.answers = [as_json(vector("0.25"))]

    said = await provider.metrics.ask(provider.integration(NO_CREDENTIALS, path="/prom/"), question(PROMQL))

    assert said == ("0.25",)
    line, headers, body = request_of(provider.requests[0])
    assert line == (
        "GET /prom/api/v1/query?query=sum%28rate%28errors%7Brs%3D%22web-1%22%2Ccode%3D~%225..%22%7D%5B60s%5D%29%29"
        "+%2F+2&time=1772366460 HTTP/1.1"
    )
    assert headers == {"accept": "application/json"}
    assert body == b""


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param(NO_CREDENTIALS, None, id="none"),
        pytest.param(
            PrometheusSettings(username="ana", password="{{secrets.pw}}"), "Basic YW5hOnDDpHNzOndvcmQ=", id="basic"
        ),
        pytest.param(PrometheusSettings(token="{{secrets.pw}}"), "Bearer päss:word", id="bearer"),
    ],
)
async def test_st_21_prometheus_takes_each_form_of_credentials(provider, settings, expected):
    provider.answers = [as_json(scalar("1"))]
    secret = "pass:word" if settings.token else "päss:word"

    await provider.metrics.ask(provider.integration(settings), question("up", pw=secret))

    _, headers, _ = request_of(provider.requests[0])
    assert headers.get("authorization") == (expected.replace("ä", "a") if expected and settings.token else expected)


async def test_a_long_question_goes_into_the_body(provider):
    provider.answers = [as_json(scalar("1"))]
    text = "+".join(["x"] * 3000)

    await provider.metrics.ask(provider.integration(NO_CREDENTIALS), question(text))

    line, headers, body = request_of(provider.requests[0])
    assert line == "POST /api/v1/query HTTP/1.1"
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert body == b"query=" + text.replace("+", "%2B").encode() + b"&time=1772366460"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(as_json(scalar("1.5e-3")), ("1.5e-3",), id="scalar"),
        pytest.param(as_json(vector()), (), id="no-series"),
        pytest.param(as_json(vector("1", "2", "3")), ("1", "2", "3"), id="several-series"),
        pytest.param(as_json(vector("NaN")), ("NaN",), id="nan"),
        pytest.param(
            as_json({"status": "success", "data": {"resultType": "matrix", "result": []}}),
            Unanswered(why="the query gives a matrix: make it a single value"),
            id="matrix",
        ),
        pytest.param(
            as_json({"status": "error", "errorType": "bad_data", "error": "1:5: parse error"}, "400 Bad Request"),
            Unanswered(why="it answers 400 Bad Request: 1:5: parse error"),
            id="wrong-query",
        ),
        pytest.param(
            http("<h1>no</h1>", "401 Unauthorized"),
            Unanswered(why="it answers 401 Unauthorized: <h1>no</h1>"),
            id="no-credentials",
        ),
        pytest.param(
            http("", "503 Service Unavailable"),
            Unanswered(why="it answers 503 Service Unavailable", is_passing=True),
            id="overloaded",
        ),
        pytest.param(http("hello"), Unanswered(why="it does not answer in JSON: hello"), id="no-json"),
        pytest.param(as_json([]), Unanswered(why="it does not answer as a Prometheus does"), id="another-server"),
        pytest.param(
            as_json({"status": "success", "data": {"resultType": "vector", "result": [7]}}),
            Unanswered(why="it does not answer as a Prometheus does"),
            id="another-shape",
        ),
        pytest.param(
            http("[" * 10**6), Unanswered(why=f"it does not answer in JSON: {'[' * 500}"), id="endless-nesting"
        ),
        pytest.param(http(b" " * (2**20 + 1)), Unanswered(why="it answers with more than 1 MiB"), id="too-much"),
    ],
)
async def test_what_prometheus_says(provider, answer, said):
    provider.answers = [answer]

    assert await provider.metrics.ask(provider.integration(NO_CREDENTIALS), question("up")) == said


async def test_st_22_datadog_is_asked_with_both_keys(provider):
    provider.answers = [as_json(datadog((1772366400000.0, 0.125)))]

    said = await provider.metrics.ask(
        provider.integration(DATADOG), question(DDQL, **{"dd-api": "key-1", "dd-app": "key-2"})
    )

    assert said == ("0.125",)
    line, headers, body = request_of(provider.requests[0])
    assert line == (
        "GET /api/v1/query?from=1772366400&to=1772366460"
        "&query=avg%3Atrace.errors%7Benv%3Aprod%7D.rollup%28avg%2C+60%29 HTTP/1.1"
    )
    assert headers == {"accept": "application/json", "dd-api-key": "key-1", "dd-application-key": "key-2"}
    assert body == b""


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(as_json(datadog()), (), id="no-series"),
        pytest.param(as_json(datadog((1, None))), (), id="no-value"),
        pytest.param(as_json(datadog((1, 1.0), (2, 2.0))), ("1.0", "2.0"), id="no-rollup"),
        pytest.param(
            as_json({"errors": ["Forbidden", "wrong key"]}, "403 Forbidden"),
            Unanswered(why="it answers 403 Forbidden: Forbidden; wrong key"),
            id="wrong-keys",
        ),
        pytest.param(
            as_json({"errors": ["Rate limit"]}, "429 Too Many Requests"),
            Unanswered(why="it answers 429 Too Many Requests: Rate limit", is_passing=True),
            id="too-many",
        ),
        pytest.param(
            as_json({"status": "error", "error": "Error parsing query"}),
            Unanswered(why="it says: Error parsing query"),
            id="wrong-query",
        ),
        pytest.param(as_json({"status": "ok"}), Unanswered(why="it does not answer as Datadog does"), id="no-list"),
        pytest.param(
            as_json({"status": "ok", "series": [{"pointlist": [3]}]}),
            Unanswered(why="it does not answer as Datadog does"),
            id="no-point",
        ),
        pytest.param(
            as_json({"status": "ok", "series": [3]}),
            Unanswered(why="it does not answer as Datadog does"),
            id="no-series-but-a-number",
        ),
        pytest.param(http("?", "500 Oh"), Unanswered(why="it answers 500 Oh: ?", is_passing=True), id="broken"),
    ],
)
async def test_what_datadog_says(provider, answer, said):
    provider.answers = [answer]
    asked = question(DDQL, **{"dd-api": "1", "dd-app": "2"})

    assert await provider.metrics.ask(provider.integration(DATADOG), asked) == said


async def test_st_23_new_relic_is_asked_through_nerdgraph(provider):
    provider.answers = [as_json(new_relic({"average.duration": 0.75}))]

    said = await provider.metrics.ask(provider.integration(NEW_RELIC), question(NRQL, nr="user-key"))

    assert said == ("0.75",)
    line, headers, body = request_of(provider.requests[0])
    assert line == "POST /graphql HTTP/1.1"
    assert headers == {"accept": "application/json", "content-type": "application/json", "api-key": "user-key"}
    assert json.loads(body) == {
        "query": "query($account: Int!, $nrql: Nrql!) "
        "{ actor { account(id: $account) { nrql(query: $nrql, timeout: 25) { results } } } }",
        "variables": {"account": 1234567, "nrql": NRQL},
    }


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(as_json(new_relic()), (), id="no-results"),
        pytest.param(as_json(new_relic({"average.duration": None})), (), id="no-value"),
        pytest.param(as_json(new_relic({"percentile": {"95": 1.5}})), ("1.5",), id="below-a-name"),
        pytest.param(
            as_json(new_relic({"facet": "a", "count": 1}, {"facet": "b", "count": 2})), ("1", "2"), id="facets"
        ),
        pytest.param(
            as_json({"errors": [{"message": "NRQL Syntax Error"}], "data": None}),
            Unanswered(why="it says: NRQL Syntax Error"),
            id="wrong-query",
        ),
        pytest.param(
            as_json({"error": {"title": "Invalid credentials"}}, "401 Unauthorized"),
            Unanswered(why='it answers 401 Unauthorized: {"error": {"title": "Invalid credentials"}}'),
            id="wrong-key",
        ),
        pytest.param(as_json({"data": None}), Unanswered(why="it does not answer as New Relic does"), id="nothing"),
        pytest.param(
            as_json(new_relic({"members": [1]})), Unanswered(why="it does not answer with numbers"), id="a-list"
        ),
    ],
)
async def test_what_new_relic_says(provider, answer, said):
    provider.answers = [answer]

    assert await provider.metrics.ask(provider.integration(NEW_RELIC), question(NRQL, nr="k")) == said


@pytest.mark.parametrize(
    ("nrql", "why"),
    [
        ("SELECT count(*) FROM T", "NRQL needs SINCE and UNTIL: write the start and the end of the window"),
        (
            "SELECT a FROM T WHERE b = 'since until'",
            "NRQL needs SINCE and UNTIL: write the start and the end of the window",
        ),
        ("SELECT a FROM T SINCE 1 UNTIL 2 TIMESERIES", "NRQL with TIMESERIES gives many values: take it out"),
    ],
)
async def test_nrql_without_one_window_is_not_sent(provider, nrql, why):
    said = await provider.metrics.ask(provider.integration(NEW_RELIC), question(nrql, nr="k"))

    assert said == Unanswered(why=why)
    assert provider.requests == []


async def test_a_provider_that_is_away_may_come_back(provider):
    integration = provider.integration(NO_CREDENTIALS)
    provider.answers = [b""]

    said = await provider.metrics.ask(integration, question("up"))

    assert isinstance(said, Unanswered)
    assert said.is_passing
