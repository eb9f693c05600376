"""What logs show and what they keep to themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from borealis_server.telemetry import ServerMetrics, renderers

SECRET = "hunter2"


def rendered(form):
    def fail(client_secret: str) -> None:
        raise ValueError(f"{len(client_secret)} characters")

    try:
        fail(SECRET)
    except ValueError as error:
        event: Any = {"event": "rpc.failed", "exc_info": error, "method": "m"}
    for processor in renderers(form, colors=False):
        event = processor(None, "error", event)
    return event


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_shows_code_and_no_values(form):
    text = rendered(form)

    assert "ValueError: 7 characters" in text
    assert "in fail" in text
    assert SECRET not in text


def test_json_is_one_object_a_line():
    text = rendered("json")

    assert "\n" not in text
    assert json.loads(text)["method"] == "m"


def test_metrics_are_named_for_the_server_and_carry_no_globals():
    one, two = ServerMetrics(), ServerMetrics()
    one.rpcs.labels("a/B", "OK").inc()

    assert b'borealis_server_rpcs_total{method="a/B",status="OK"} 1.0' in one.render()
    assert b'method="a/B"' not in two.render()
