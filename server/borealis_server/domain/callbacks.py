"""What a callback makes of a deployment. Pure; the first valid one is final.

A callback before the call was answered counts: the step ends, and the call that is under way is dropped.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from borealis_server.domain.callback_tokens import CallbackPlace
from borealis_server.domain.decision import Circumstances
from borealis_server.domain.deployment import Deployment, StepRun, TargetRun
from borealis_server.domain.errors import CallbackContradicts, CallbackTooLate, InvalidArgument, WebhookStepNotFound
from borealis_server.domain.record import Recorded, settle
from borealis_server.domain.shown_text import markdown
from borealis_server.domain.states import StepState
from borealis_server.domain.steps.run_webhook import called_back
from borealis_server.domain.webhook import Callback

BODY_LIMIT_BYTES = 64 * 2**10
MESSAGE_LIMIT = 8 * 2**10
_CUT = " […]"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackReport:
    """What somebody reports."""

    is_success: bool
    message: str = ""
    """Markdown, as it was sent."""

    @property
    def digest(self) -> str:
        """SHA-256 of it: two reports with the same digest say the same."""
        return sha256(json.dumps([self.is_success, self.message]).encode()).hexdigest()


def parse_report(body: bytes) -> CallbackReport:
    """The report in the body of a callback. Errors: InvalidArgument; the wait goes on then."""
    try:
        content: Any = json.loads(body)  # Any: JSON
    except (ValueError, RecursionError) as error:
        raise InvalidArgument.of("body", 'must be JSON: {"success": true, "mdMessage": "…"}') from error
    if not isinstance(content, dict):
        raise InvalidArgument.of("body", 'must be an object: {"success": true, "mdMessage": "…"}')
    success, message = content.get("success"), content.get("mdMessage")
    if not isinstance(success, bool):
        found = "is missing" if success is None else f"is {json.dumps(success)[:40]}"
        raise InvalidArgument.of("success", f"must be true or false, without quotes; it {found}")
    if message is not None and not isinstance(message, str):
        raise InvalidArgument.of("mdMessage", "must be text, or be left out")
    return CallbackReport(is_success=success, message=message or "")


def receive(
    deployment: Deployment, place: CallbackPlace, report: CallbackReport, *, shown: str, by: str, now: datetime
) -> Recorded:
    """The deployment after a callback; unchanged when the same was reported before.

    `shown` is the message of the report without secrets.
    Errors: WebhookStepNotFound; CallbackContradicts when something else was reported before; CallbackTooLate when the
    step does not wait any more.
    """
    run, step = _find(deployment, place)
    webhook = step.webhook
    if webhook is None or not webhook.has_callback or step.state is StepState.NOT_STARTED:
        raise WebhookStepNotFound(place.target, place.step)
    if webhook.callback:
        if webhook.callback.digest == report.digest:
            return Recorded(deployment=deployment)
        raise CallbackContradicts(place.step, "success" if webhook.callback.is_success else "failure")
    is_open = step in run.current_steps and step.state is StepState.RUNNING
    if not is_open or (step.limit_at is not None and now >= step.limit_at):
        raise CallbackTooLate(place.step, step.state.value)
    said = Callback(is_success=report.is_success, message=_fit(shown), by=by, at=now, digest=report.digest)
    told = replace(step, errand=None, webhook=replace(webhook, callback=said))
    here = Circumstances(now=now, readiness_timeout_s=deployment.readiness_timeout_s, objects=())
    after = called_back(run.with_step(told), told, here)
    first, *others = after.notes
    notes = (replace(first, actor=by), *others)
    return settle(Recorded(deployment=deployment).with_target(after.run, notes, now), now)


def _find(deployment: Deployment, place: CallbackPlace) -> tuple[TargetRun, StepRun]:
    try:
        run = deployment.target(place.target)
        return run, run.step(place.step)
    except KeyError:
        raise WebhookStepNotFound(place.target, place.step) from None


def _fit(message: str) -> str:
    text = markdown(message)
    return text if len(text) <= MESSAGE_LIMIT else text[: MESSAGE_LIMIT - len(_CUT)] + _CUT
