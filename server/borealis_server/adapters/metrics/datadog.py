"""Datadog: the points of a time series in the window, which a rollup must bring down to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from borealis_server.adapters.metrics.provider import ANSWER_LIMIT_BYTES, Json, NoAnswerError, parsed, refused
from borealis_server.domain.integration import DatadogSettings, secret_name
from borealis_server.ports.metrics import LIMIT_S
from borealis_server.ports.outside import OutsideRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from borealis_server.domain.integration import Integration
    from borealis_server.ports.metrics import Question
    from borealis_server.ports.outside import OutsideAnswer

_SUCCESS: Final = 200


class Datadog:
    """Implements `provider.Provider`."""

    def request(self, integration: Integration, question: Question) -> OutsideRequest:
        """`GET /api/v1/query?from=…&to=…&query=…` with both keys."""
        start_s, end_s = (round(moment.timestamp()) for moment in (question.window.start, question.window.end))
        form = urlencode({"from": start_s, "to": end_s, "query": question.text})
        return OutsideRequest(
            method="GET",
            url=f"{integration.url.rstrip('/')}/api/v1/query?{form}",
            headers=(("Accept", "application/json"), *_keys(integration, question)),
            time_limit_s=LIMIT_S,
            size_limit_bytes=ANSWER_LIMIT_BYTES,
            is_repeatable=True,
        )

    def values(self, answer: OutsideAnswer) -> tuple[str, ...]:
        """Each point of each series that has a value."""
        if answer.status != _SUCCESS:
            raise refused(answer, _errors(answer))
        match parsed(answer):
            case {"status": "ok", "series": [*series]}:
                return tuple(value for one in series for value in _points(one))
            case {"status": "error", "error": str(said)}:
                raise NoAnswerError(f"it says: {said}")
            case _:
                raise NoAnswerError("it does not answer as Datadog does")


def _points(series: Json) -> Iterator[str]:
    if not isinstance(series, dict) or not isinstance(series.get("pointlist"), list):
        raise NoAnswerError("it does not answer as Datadog does")
    for point in series["pointlist"]:
        match point:
            case [_, None]:
                continue
            case [_, str(value)]:
                yield value
            case _:
                raise NoAnswerError("it does not answer as Datadog does")


def _errors(answer: OutsideAnswer) -> str:
    """What it says about errors, in its own form; empty where it does not use that."""
    try:
        body = parsed(answer)
    except NoAnswerError:
        return ""
    match body:
        case {"errors": [*errors]}:
            return "; ".join(str(error) for error in errors)
        case _:
            return ""


def _keys(integration: Integration, question: Question) -> list[tuple[str, str]]:
    settings = integration.settings
    if not isinstance(settings, DatadogSettings):
        return []
    return [
        ("DD-API-KEY", question.credentials[secret_name(settings.api_key)]),
        ("DD-APPLICATION-KEY", question.credentials[secret_name(settings.application_key)]),
    ]
