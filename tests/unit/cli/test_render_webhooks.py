"""Steps that run webhooks, as a person reads them."""

from __future__ import annotations

from typing import Any

from borealis_cli.render.glyphs import UNICODE
from borealis_cli.render.text import plain
from borealis_cli.render.tree import View, tree
from borealis_client import RunWebhook, StepRun, StepRunState, TargetRunState, WebhookAnswer, WebhookCallback
from kit.client_messages import a_deployment, a_target, at


def a_webhook(state, **fields):
    given: dict[str, Any] = {"webhook": "job", "tries": 3}  # Any: fields of a message
    webhook = RunWebhook(**(given | fields))
    return StepRun(ref="step-1", state=state, start_time=at(0), run_webhook=webhook)


def shown(step, state=TargetRunState.RUNNING):
    deployment = a_deployment(targets=[a_target(state=state, steps=[step], workloads=[])])
    lines = tree(deployment, view=View(glyphs=UNICODE, columns=200, rows=None), now=at(40))
    return [plain(line).strip(" │├└─") for line in lines[2:]]


def test_a_webhook_says_how_far_its_call_has_come():
    answer = WebhookAnswer(status=503, reason="Service Unavailable")
    trying = a_webhook(StepRunState.RUNNING, tried=2, answer=answer, next_try_time=at(44))
    lost = a_webhook(StepRunState.RUNNING, tried=1, failure="no route", next_try_time=at(39), agent="eu")

    assert shown(a_webhook(StepRunState.RUNNING)) == ["◐ webhook job  RUNNING  40s"]
    assert shown(trying) == ["◐ webhook job, try 2 of 3 answered 503 Service Unavailable, again in 4s  RUNNING  40s"]
    assert shown(lost) == ["◐ webhook job, through agent eu, try 1 of 3 failed: no route, again in 0s  RUNNING  40s"]


def test_a_webhook_that_was_called_back_says_by_whom_and_what():
    answer = WebhookAnswer(status=202, reason="Accepted")
    said = WebhookCallback(is_success=True, message="all\n\x1b[31mgreen", reported_by="webhook job")

    step = a_webhook(StepRunState.SUCCEEDED, tries=1, tried=1, answer=answer, callback=said)

    text = "webhook job, answered 202 Accepted, success reported by webhook job: all \ufffd[31mgreen"
    assert shown(step)[0].startswith(f"✔ {text}")


def test_a_webhook_that_failed_shows_its_call_and_the_beginning_of_its_answer():
    body = "\n".join(f"line {number}" for number in range(30))
    answer = WebhookAnswer(
        status=422, reason="Wrong", content_type="text/plain", body=body, request="POST https://jobs.example/run"
    )
    failed = a_webhook(StepRunState.FAILED, tried=1, tries=1, answer=answer)

    found = shown(failed, TargetRunState.FAILED)

    assert found[1:4] == ["POST https://jobs.example/run", "422 Wrong  text/plain", "line 0"]
    assert found[-1] == "..."
    assert "line 20" not in found
