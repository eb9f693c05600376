"""A step that runs a webhook as text: how far its call has come, and what was answered when it went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_cli.render.text import Span, duration, one_line, printable
from borealis_client import StepRunState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from borealis_cli.render.text import Line
    from borealis_client import RunWebhook, StepRun, WebhookAnswer

_MOST_LINES: Final = 20


def webhook_text(webhook: RunWebhook, state: StepRunState, now: datetime) -> str:
    """The step on one line: its webhook, tries, answer and callback."""
    parts = [f"webhook {one_line(webhook.webhook)}"]
    if webhook.agent:
        parts.append(f"through agent {one_line(webhook.agent)}")
    if webhook.tried:
        tries = f"try {webhook.tried} of {webhook.tries} " if webhook.tries > 1 else ""
        parts.append(f"{tries}{_came(webhook)}")
    if state is StepRunState.RUNNING and webhook.next_try_time and webhook.tried:
        parts.append(f"again in {duration(max((webhook.next_try_time - now).total_seconds(), 0.0))}")
    if webhook.callback:
        result = "success" if webhook.callback.is_success else "failure"
        said = f": {one_line(webhook.callback.message)}" if webhook.callback.message else ""
        parts.append(f"{result} reported by {one_line(webhook.callback.reported_by)}{said}")
    return ", ".join(parts)


def answer_lines(step: StepRun) -> Iterator[Line]:
    """The call and its answer, where the step has failed."""
    webhook = step.run_webhook
    if webhook is None or webhook.answer is None or step.state is not StepRunState.FAILED:
        return
    answer = webhook.answer
    yield _quiet(answer.request)
    yield _quiet(f"{_status(answer)}  {answer.content_type}")
    text = printable(answer.body).splitlines()
    for line in text[:_MOST_LINES]:
        yield _quiet(line)
    if answer.is_cut or len(text) > _MOST_LINES:
        yield _quiet("...")


def _came(webhook: RunWebhook) -> str:
    if webhook.failure or webhook.answer is None:
        return f"failed: {one_line(webhook.failure)}"
    return f"answered {_status(webhook.answer)}"


def _status(answer: WebhookAnswer) -> str:
    return one_line(f"{answer.status} {answer.reason}")


def _quiet(text: str) -> Line:
    return (Span(f"    {printable(text).rstrip()}", "quiet"),)
