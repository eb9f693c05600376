"""What a metric provider has to say about itself: how a question becomes a request, and an answer becomes numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from borealis_server.domain.integration import Integration
    from borealis_server.ports.metrics import Question
    from borealis_server.ports.outside import OutsideAnswer, OutsideRequest

_SHOWN = 500
ANSWER_LIMIT_BYTES = 2**20
Json = Any  # Any: whatever a provider sends


class NoAnswerError(Exception):
    """The question cannot be asked, or what came back answers it not; the text continues a sentence."""

    def __init__(self, why: str, *, is_passing: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.is_passing = is_passing


class Provider(Protocol):
    """One kind of metric provider. Pure: requests and answers, no network."""

    def request(self, integration: Integration, question: Question) -> OutsideRequest:
        """The request that asks. Errors: NoAnswerError when this text can never be asked."""
        ...

    def values(self, answer: OutsideAnswer) -> tuple[str, ...]:
        """Every number in the answer, as it is written there. Errors: NoAnswerError."""
        ...


def parsed(answer: OutsideAnswer) -> Json:
    """The JSON of an answer, with numbers as they are written. Errors: NoAnswerError when it is none."""
    if answer.is_cut:
        raise NoAnswerError(f"it answers with more than {ANSWER_LIMIT_BYTES >> 20} MiB")
    try:
        return json.loads(answer.body, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise NoAnswerError(f"it does not answer in JSON: {quoted(answer.body)}") from error


def refused(answer: OutsideAnswer, said: str = "") -> NoAnswerError:
    """The error for an answer whose status is none of success."""
    words = said or quoted(answer.body)
    status = f"it answers {answer.status} {answer.reason}".rstrip()
    is_passing = answer.status == 429 or answer.status >= 500  # noqa: PLR2004 - statuses of HTTP
    return NoAnswerError(f"{status}: {words}" if words else status, is_passing=is_passing)


def quoted(body: bytes) -> str:
    """The beginning of a body, on one line."""
    return " ".join(body[:_SHOWN].decode(errors="replace").split())
