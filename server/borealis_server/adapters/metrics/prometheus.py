"""Prometheus, and what speaks its HTTP API: one instant query, at the end of the window."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from borealis_server.adapters.metrics.provider import ANSWER_LIMIT_BYTES, Json, NoAnswerError, parsed, refused
from borealis_server.domain.integration import PrometheusSettings, secret_name
from borealis_server.ports.metrics import LIMIT_S
from borealis_server.ports.outside import OutsideRequest

if TYPE_CHECKING:
    from borealis_server.domain.integration import Integration
    from borealis_server.ports.metrics import Question
    from borealis_server.ports.outside import OutsideAnswer

_PATH: Final = "/api/v1/query"
_LONGEST_IN_ADDRESS: Final = 4000
"""Characters of a question in an address; a longer one goes into a body, for which an agent must allow POST."""
_SUCCESS: Final = 200


class Prometheus:
    """Implements `provider.Provider`."""

    def request(self, integration: Integration, question: Question) -> OutsideRequest:
        """`GET /api/v1/query?query=…&time=…`, or the same as a form where the question is long."""
        time_s = round(question.window.end.timestamp())
        form = urlencode({"query": question.text, "time": time_s})
        is_long = len(form) > _LONGEST_IN_ADDRESS
        headers = [("Accept", "application/json"), *_authorization(integration, question)]
        if is_long:
            headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        return OutsideRequest(
            method="POST" if is_long else "GET",
            url=f"{integration.url.rstrip('/')}{_PATH}" + ("" if is_long else f"?{form}"),
            headers=tuple(headers),
            body=form.encode() if is_long else b"",
            time_limit_s=LIMIT_S,
            size_limit_bytes=ANSWER_LIMIT_BYTES,
            is_repeatable=True,
        )

    def values(self, answer: OutsideAnswer) -> tuple[str, ...]:
        """The value of a scalar, or of each series of a vector."""
        if answer.status != _SUCCESS:
            raise refused(answer, _error(answer))
        match parsed(answer):
            case {"status": "success", "data": {"resultType": "scalar", "result": [_, str(value)]}}:
                return (value,)
            case {"status": "success", "data": {"resultType": "vector", "result": [*series]}}:
                return tuple(_value(one) for one in series)
            case {"status": "success", "data": {"resultType": str(kind)}}:
                raise NoAnswerError(f"the query gives a {kind}: make it a single value")
            case {"status": "error", "error": str(said)}:
                raise NoAnswerError(f"it says: {said}")
            case _:
                raise NoAnswerError("it does not answer as a Prometheus does")


def _value(series: Json) -> str:
    match series:
        case {"value": [_, str(value)]}:
            return value
        case _:
            raise NoAnswerError("it does not answer as a Prometheus does")


def _error(answer: OutsideAnswer) -> str:
    """What it says about an error, in its own form; empty where it does not use that."""
    try:
        body = parsed(answer)
    except NoAnswerError:
        return ""
    return body["error"] if isinstance(body, dict) and isinstance(body.get("error"), str) else ""


def _authorization(integration: Integration, question: Question) -> list[tuple[str, str]]:
    settings = integration.settings
    if not isinstance(settings, PrometheusSettings):
        return []
    if settings.token:
        return [("Authorization", f"Bearer {question.credentials[secret_name(settings.token)]}")]
    if settings.username:
        pair = f"{settings.username}:{question.credentials[secret_name(settings.password)]}"
        return [("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")]
    return []
