"""New Relic: one NRQL question through NerdGraph; the question itself names its window."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from borealis_server.adapters.metrics.provider import ANSWER_LIMIT_BYTES, Json, NoAnswerError, parsed, refused
from borealis_server.domain.integration import NewRelicSettings, secret_name
from borealis_server.ports.metrics import LIMIT_S
from borealis_server.ports.outside import OutsideRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from borealis_server.domain.integration import Integration
    from borealis_server.ports.metrics import Question
    from borealis_server.ports.outside import OutsideAnswer

GRAPHQL: Final = (
    "query($account: Int!, $nrql: Nrql!) "
    "{ actor { account(id: $account) { nrql(query: $nrql, timeout: 25) { results } } } }"
)
"""The question about a question; NRQL goes in as a variable, so that nothing in it needs escaping."""
_SUCCESS: Final = 200
_QUOTED: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`")


class NewRelic:
    """Implements `provider.Provider`."""

    def request(self, integration: Integration, question: Question) -> OutsideRequest:
        """`POST /graphql` with the user key. Errors: NoAnswerError where the NRQL does not name one window."""
        words = set(re.findall(r"\w+", _QUOTED.sub(" ", question.text).upper()))
        if not words >= {"SINCE", "UNTIL"}:
            raise NoAnswerError("NRQL needs SINCE and UNTIL: write the start and the end of the window")
        if "TIMESERIES" in words:
            raise NoAnswerError("NRQL with TIMESERIES gives many values: take it out")
        settings = integration.settings
        if not isinstance(settings, NewRelicSettings):
            raise NoAnswerError("the integration is none of New Relic")
        body = {"query": GRAPHQL, "variables": {"account": settings.account_id, "nrql": question.text}}
        return OutsideRequest(
            method="POST",
            url=f"{integration.url.rstrip('/')}/graphql",
            headers=(
                ("Accept", "application/json"),
                ("Content-Type", "application/json"),
                ("API-Key", question.credentials[secret_name(settings.user_key)]),
            ),
            body=json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode(),
            time_limit_s=LIMIT_S,
            size_limit_bytes=ANSWER_LIMIT_BYTES,
            is_repeatable=True,
        )

    def values(self, answer: OutsideAnswer) -> tuple[str, ...]:
        """Every number of every result."""
        if answer.status != _SUCCESS:
            raise refused(answer)
        match parsed(answer):
            case {"errors": [{"message": str(said)}, *_]}:
                raise NoAnswerError(f"it says: {said}")
            case {"data": {"actor": {"account": {"nrql": {"results": [*results]}}}}}:
                return tuple(value for one in results for value in _numbers(one))
            case _:
                raise NoAnswerError("it does not answer as New Relic does")


def _numbers(result: Json) -> Iterator[str]:
    """Values below the names of a result; numbers are texts by now, and nothing is no data."""
    if isinstance(result, dict):
        for name, value in result.items():
            if name != "facet":
                yield from _numbers(value)
    elif isinstance(result, str):
        yield result
    elif result is not None:
        raise NoAnswerError("it does not answer with numbers")
