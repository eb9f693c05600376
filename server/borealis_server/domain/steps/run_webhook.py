"""The step that calls a webhook, and waits until somebody calls back."""

from dataclasses import replace
from datetime import timedelta

from borealis_server.domain import rollback
from borealis_server.domain.decision import Become, Circumstances, Decision, Hold
from borealis_server.domain.deployment import StepRun, TargetRun, Wait
from borealis_server.domain.errand import Answered, Errand, ErrandReport, Unreached, Unresolved
from borealis_server.domain.observation import Observation
from borealis_server.domain.record import Note
from borealis_server.domain.stages import followed
from borealis_server.domain.states import EndReason, ErrandKind, EventKind
from borealis_server.domain.steps.executor import Started, StepExecutor, fail, succeed
from borealis_server.domain.transitions import StepEvent, move_step
from borealis_server.domain.webhook import WebhookRun

LONGEST_DELAY_S = 30.0
"""How long after a failed try the next one comes at most: 1, 2, 4 … seconds."""
LONGEST_OBEYED_S = 300.0
"""How long a webhook that asks to be left alone is left alone at most."""
_ACCEPTED = range(200, 300)
_TOO_MANY = 429
_SERVER_FAULT = 500
_HINTS = {
    301: "redirects are not followed: write the address where it leads",
    302: "redirects are not followed: write the address where it leads",
    307: "redirects are not followed: write the address where it leads",
    308: "redirects are not followed: write the address where it leads",
    401: "see that the call carries a valid credential",
    403: "see that the credential of the call may do that",
    404: "see the address; some services answer so to a credential that they do not know",
}


def start(_run: TargetRun, step: StepRun, here: Circumstances) -> Started:
    """The call as an errand that is due now."""
    errand = Errand(kind=ErrandKind.CALL_WEBHOOK, due_at=here.now)
    started = replace(move_step(step, StepEvent.STARTED, here.now), errand=errand)
    return Started(step=_waiting(started, here), message=f"calls the webhook {webhook_of(step).name}")


def decide(run: TargetRun, step: StepRun, _seen: Observation, here: Circumstances) -> Decision:
    """Wait for the call's answer, which comes by itself, then for the callback until its limit."""
    webhook = webhook_of(step)
    if step.errand is None and step.limit_at is not None and here.now >= step.limit_at:
        message = f"nobody called back for the webhook {webhook.name} within {webhook.callback_limit_s:g} s"
        return fail(run, step, EndReason.WEBHOOK_TIMEOUT, f"{message}; its call was answered {_answer(webhook)}", here)
    held = run.with_step(_waiting(step, here))
    return Hold(run=followed(held, here.now), wake_at=step.limit_at)


def absorb(run: TargetRun, step: StepRun, report: ErrandReport, here: Circumstances) -> Become:
    """The call was accepted, is tried again later, or has failed."""
    webhook = webhook_of(step)
    if isinstance(report, Unresolved):
        names = ", ".join(f"{{{{{name}}}}}" for name in report.names)
        message = f"the webhook {webhook.name} was not called: no value for {names}"
        return fail(run, step, EndReason.UNRESOLVED_VARIABLE, message, here)
    if not isinstance(report, Answered | Unreached):
        raise TypeError(f"{step.ref} runs a webhook, and its report is {type(report).__name__}")
    tried = _with_report(webhook, report)
    step = replace(step, webhook=tried)
    if isinstance(report, Answered) and report.status in _ACCEPTED:
        return _accepted(run, replace(step, webhook=replace(tried, answered_at=here.now)), here)
    told = f"the webhook {webhook.name} {describe(tried)} (try {tried.tried} of {webhook.tries})"
    if _is_worth_another_try(report) and tried.tried < webhook.tries:
        delay_s = _delay_s(tried.tried, report)
        errand = Errand(
            kind=ErrandKind.CALL_WEBHOOK, due_at=here.now + timedelta(seconds=delay_s), attempt=tried.tried + 1
        )
        after = run.with_step(_waiting(replace(step, errand=errand), here))
        note = Note(kind=EventKind.PROGRESS, step=step.ref, message=f"{told}; tries again in {delay_s:g} s")
        return Become(run=followed(after, here.now), notes=(note,))
    return fail(run, step, EndReason.WEBHOOK_TRIGGER_FAILED, f"{told}{_hint(report)}", here)


def called_back(run: TargetRun, step: StepRun, here: Circumstances) -> Become:
    """The step ends as its callback says; also before the call was answered."""
    webhook = webhook_of(step)
    said = webhook.callback
    if said is None:
        raise ValueError(f"{step.ref} has no callback")
    told = f": {said.message}" if said.message else ""
    if said.is_success:
        return succeed(run, step, f"the webhook {webhook.name} reports success{told}", here)
    message = f"the webhook {webhook.name} reports a failure{told}"
    return fail(run, step, EndReason.WEBHOOK_CALLBACK_FAILED, message, here)


def webhook_of(step: StepRun) -> WebhookRun:
    """The webhook of a step that has one. Errors: ValueError for another step."""
    if step.webhook is None:
        raise ValueError(f"{step.ref} ({step.kind}) calls no webhook")
    return step.webhook


def describe(webhook: WebhookRun) -> str:
    """What came of the newest try, behind the name of the webhook."""
    return f"could not be called: {webhook.failure}" if webhook.failure else f"answered {_answer(webhook)}"


def _accepted(run: TargetRun, step: StepRun, here: Circumstances) -> Become:
    webhook = webhook_of(step)
    told = f"the webhook {webhook.name} answered {_answer(webhook)}"
    if not webhook.has_callback:
        return succeed(run, step, told, here)
    limit_at = here.now + timedelta(seconds=webhook.callback_limit_s)
    after = run.with_step(_waiting(replace(step, limit_at=limit_at), here))
    note = Note(kind=EventKind.PROGRESS, step=step.ref, message=f"{told}; waits for its callback")
    return Become(run=followed(after, here.now), notes=(note,))


def _with_report(webhook: WebhookRun, report: Answered | Unreached) -> WebhookRun:
    if isinstance(report, Answered):
        return replace(webhook, tried=webhook.tried + 1, answer=report, failure="")
    return replace(webhook, tried=webhook.tried + 1, failure=report.detail)


def _is_worth_another_try(report: Answered | Unreached) -> bool:
    if isinstance(report, Unreached):
        return not report.is_refused
    return report.status == _TOO_MANY or report.status >= _SERVER_FAULT


def _delay_s(tried: int, report: Answered | Unreached) -> float:
    own_s = min(2.0 ** min(tried - 1, 10), LONGEST_DELAY_S)
    asked_s = report.retry_after_s if isinstance(report, Answered) else 0.0
    return max(own_s, min(asked_s, LONGEST_OBEYED_S))


def _hint(report: Answered | Unreached) -> str:
    hint = _HINTS.get(report.status, "") if isinstance(report, Answered) else ""
    return f"; {hint}" if hint else ""


def _answer(webhook: WebhookRun) -> str:
    answer = webhook.answer
    return f"{answer.status} {answer.reason}".strip() if answer else "nothing"


def _waiting(step: StepRun, here: Circumstances) -> StepRun:
    webhook = webhook_of(step)
    way_out = rollback.WAY_OUT[step.part]
    since = step.started_at or here.now
    if step.errand is None:
        wait = Wait(
            what=f"the callback of the webhook {webhook.name}",
            since=webhook.answered_at or since,
            ended_by=f"whoever the webhook {webhook.name} has set to work, by calling back",
            limit_at=step.limit_at,
            at_limit=way_out,
        )
        return replace(step, wait=wait)
    number = step.errand.attempt
    first = number == 1
    wait = Wait(
        what=f"the answer of the webhook {webhook.name} (try {number} of {webhook.tries}"
        + (")" if first else f"; the one before {describe(webhook)})"),
        since=since,
        ended_by=f"the webhook {webhook.name}, or the limit of 30 s for each try",
    )
    return replace(step, wait=wait)


EXECUTOR = StepExecutor(start=start, decide=decide, absorb=absorb)
