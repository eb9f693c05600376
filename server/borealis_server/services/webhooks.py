"""Calls the webhooks of steps: renders them with what has a value now, sends them, and reports what came of it.

Owns no decision: whether a call is tried again is the step's. Nothing that it reports holds a secret.
"""

from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Final, Protocol

from borealis_deployfile.addresses import shown
from borealis_deployfile.model import DeployFile, RunWebhook
from borealis_deployfile.templates import SECRETS, UnresolvedError
from borealis_deployfile.variables import Values
from borealis_server.domain.callback_tokens import CallbackPlace, CallbackTokens, address_of
from borealis_server.domain.errand import Answered, ErrandReport, Unreached, Unresolved
from borealis_server.domain.errors import SecretNotFound, SecretUnreadable
from borealis_server.domain.planning.sources import condition_of
from borealis_server.domain.redaction import Redactor
from borealis_server.domain.rendering import Call, own_values, render_call, secrets_of_webhook, with_context
from borealis_server.domain.shown_text import body_text, plain, seconds_of
from borealis_server.ports.clock import Clock
from borealis_server.ports.outside import Outside, OutsideAnswer, OutsideFailure, OutsideRequest
from borealis_server.ports.relay import AgentRef
from borealis_server.services.deploy_files import DeployFileShelf
from borealis_server.services.errands import Assignment

SHOWN_BYTES: Final = 8 * 2**10
_SPARE_BYTES: Final = 2**10
"""Read beyond what is shown, so that a secret that begins there is recognised."""
_PHRASES: Final = {one.value: one.phrase for one in HTTPStatus}


class SecretValues(Protocol):
    """Opens secrets."""

    async def values(self, tenant: str, names: Collection[str]) -> Mapping[str, str]:
        """The values. Errors: SecretNotFound, SecretUnreadable."""
        ...


class WebhookCaller:
    """Implements `services.errands.ErrandRunner` for webhooks. `web` is the address of the server's web door."""

    def __init__(  # what a call is made of
        self,
        outside: Outside,
        shelf: DeployFileShelf,
        secrets: SecretValues,
        tokens: CallbackTokens,
        clock: Clock,
        *,
        web: str,
    ) -> None:
        self._outside = outside
        self._shelf = shelf
        self._secrets = secrets
        self._tokens = tokens
        self._clock = clock
        self._web = web.rstrip("/")

    async def run(self, assignment: Assignment) -> ErrandReport:
        """What the webhook answered, or why it could not be called."""
        file = await self._shelf.of(assignment.ref.deployment)
        step = condition_of(file, assignment.run.name, assignment.step.ref, assignment.step.part)
        if not isinstance(step, RunWebhook):
            raise TypeError(f"{assignment.step.ref} of {assignment.run.name} runs no webhook")
        names = secrets_of_webhook(file.webhooks[step.name], file, step)
        try:
            secrets = await self._secrets.values(assignment.ref.deployment.tenant, names)
        except SecretNotFound as error:
            return Unresolved(names=tuple(f"{SECRETS}{name}" for name in error.metadata["secrets"].split(", ")))
        except SecretUnreadable as error:
            return Unreached(detail=error.message, is_refused=True)
        place = _place(assignment)
        try:
            call = self._rendered(assignment, file, step, secrets, place)
        except UnresolvedError as error:
            return Unresolved(names=error.names)
        redactor = Redactor((*secrets.values(), self._tokens.token(place)))
        return await self._send(assignment, call, place, redactor)

    def _rendered(
        self,
        assignment: Assignment,
        file: DeployFile,
        step: RunWebhook,
        secrets: Mapping[str, str],
        place: CallbackPlace,
    ) -> Call:
        callback = {
            "callbackUri": f"{self._web}{address_of(assignment.deployment, place)}",
            "callbackToken": self._tokens.token(place),
        }
        own = own_values(assignment.deployment, assignment.run) | callback
        values = with_context(Values(own=own, secrets=secrets), file, step)
        return render_call(file.webhooks[step.name], values)

    async def _send(
        self, assignment: Assignment, call: Call, place: CallbackPlace, redactor: Redactor
    ) -> Answered | Unreached:
        webhook = assignment.step.webhook
        agent = AgentRef(tenant=place.deployment.tenant, name=webhook.agent) if webhook and webhook.agent else None
        key = ("Idempotency-Key", self._tokens.call_key(place))
        own_key = any(name.lower() == key[0].lower() for name, _ in call.headers)
        request = OutsideRequest(
            method=call.method,
            url=call.url,
            headers=call.headers if own_key else (*call.headers, key),
            body=call.body,
            size_limit_bytes=SHOWN_BYTES + _SPARE_BYTES,
            request_id=f"{place.deployment.id}-{place.step}-{assignment.errand.attempt}"[:64],
        )
        line = redactor.redact(f"{call.method} {shown(call.url)}")
        answer = await self._outside.send(request, via=agent)
        if isinstance(answer, OutsideFailure):
            detail = redactor.redact(answer.detail)
            return Unreached(detail=detail, is_refused=answer.is_refused, request=line)
        return self._answered(answer, line, redactor)

    def _answered(self, answer: OutsideAnswer, line: str, redactor: Redactor) -> Answered:
        kind = answer.header("content-type")
        text = redactor.redact(body_text(answer.body, kind, is_cut=answer.is_cut), is_cut=answer.is_cut)
        reason = answer.reason or _PHRASES.get(answer.status, "")
        return Answered(
            status=answer.status,
            reason=redactor.redact(plain(reason))[:80],
            content_type=redactor.redact(plain(kind))[:200],
            body=text[:SHOWN_BYTES],
            is_cut=answer.is_cut or len(text) > SHOWN_BYTES,
            retry_after_s=seconds_of(answer.header("retry-after"), self._clock.now()),
            request=line,
        )


def _place(assignment: Assignment) -> CallbackPlace:
    return CallbackPlace(deployment=assignment.ref.deployment, target=assignment.run.name, step=assignment.step.ref)
