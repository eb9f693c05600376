"""Takes callbacks of webhooks: who may report, for which step, and what the deployment makes of it.

Two kinds of callers are believed: whoever holds the token of the very call, and whoever may write deployments in the
tenant. What they report is audited, also when it comes too late. Of others only the reason is logged, and they do not
learn whether a deployment exists.
"""

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Protocol

import structlog

from borealis_deployfile.model import RunWebhook
from borealis_server.domain.access import Permission
from borealis_server.domain.audit import AuditAction
from borealis_server.domain.callback_tokens import TOKEN_PREFIX, CallbackAddress, CallbackPlace, CallbackTokens
from borealis_server.domain.callbacks import CallbackReport, parse_report, receive
from borealis_server.domain.deployment import Deployment
from borealis_server.domain.deployment_access import check_report
from borealis_server.domain.errors import (
    BorealisError,
    DeploymentNotFound,
    PermissionDenied,
    TenantDenied,
    Unauthenticated,
    WebhookStepNotFound,
)
from borealis_server.domain.identity import Principal
from borealis_server.domain.names import DeploymentName
from borealis_server.domain.planning.sources import condition_of
from borealis_server.domain.redaction import Redactor
from borealis_server.domain.rendering import secrets_of_webhook
from borealis_server.ports.clock import Clock
from borealis_server.services.audit_actions import Asked
from borealis_server.services.deploy_files import DeployFileShelf
from borealis_server.services.journal import Journal

_METHOD = "borealis.deployment.v1.DeploymentService/ReportWebhook"
"""The same action, whichever door it came through."""
log = structlog.get_logger()


class SecretsForRedaction(Protocol):
    """Opens those secrets that there are."""

    async def names(self, tenant: str) -> frozenset[str]:
        """Every name."""
        ...

    async def values(self, tenant: str, names: Collection[str]) -> Mapping[str, str]:
        """The values. Errors: SecretNotFound, SecretUnreadable."""
        ...


class CallbackAudit(Protocol):
    """Writes down what is reported."""

    async def begun(self, caller: Principal, asked: Asked) -> AuditAction:
        """A report begins. Errors: ServerUnavailable, and then it is not taken."""
        ...

    async def ended(self, action: AuditAction, *, reason: str) -> None:
        """It has ended."""
        ...


class Callbacks:
    """Implements what the doors offer to those who call back."""

    def __init__(  # what is asked about a callback
        self,
        journal: Journal,
        shelf: DeployFileShelf,
        secrets: SecretsForRedaction,
        tokens: CallbackTokens,
        verify: Callable[[str, str], Awaitable[Principal]],
        audit: CallbackAudit,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._shelf = shelf
        self._secrets = secrets
        self._tokens = tokens
        self._verify = verify
        self._audit = audit
        self._clock = clock

    async def take(self, address: CallbackAddress, bearer: str, body: bytes, *, source: str = "") -> None:
        """Take a callback that came by its address, from the network address `source`.

        Errors: Unauthenticated, PermissionDenied, InvalidArgument, WebhookStepNotFound, and those of `receive`.
        """
        try:
            place, caller = await self._believed(address, bearer)
            await self._audited(place, caller, parse_report(body), source)
        except BorealisError as error:
            key = address.deployment
            log.info("callback.refused", tenant=key.tenant, deployment=key.id, step=address.step, reason=error.reason)
            raise

    async def report_by(self, caller: Principal, place: CallbackPlace, report: CallbackReport) -> Deployment:
        """Take a report of `caller`. Errors: PermissionDenied, DeploymentNotFound, and those of `receive`."""
        check_report(caller, await self._journal.store.get(place.deployment), place.target)
        return await self._report(place, report, by=caller.actor)

    async def _audited(self, place: CallbackPlace, caller: Principal, report: CallbackReport, source: str) -> None:
        name = str(DeploymentName(place.deployment.tenant, place.deployment.id))
        told = {"name": name, "target": place.target, "step": place.step, "is_success": report.is_success}
        asked = Asked(method=_METHOD, request=json.dumps(told), source=source, request_id="")
        action = await self._audit.begun(caller, asked)
        try:
            await self._report(place, report, by=caller.actor)
        except BorealisError as error:
            await self._audit.ended(action, reason=error.reason)
            raise
        await self._audit.ended(action, reason="")

    async def _report(self, place: CallbackPlace, report: CallbackReport, *, by: str) -> Deployment:
        deployment = await self._journal.store.get(place.deployment)
        shown = await self._redacted(deployment, place, report.message)
        committed = await self._journal.record(
            place.deployment,
            lambda newest: receive(newest, place, report, shown=shown, by=by, now=self._clock.now()),
        )
        return committed.after

    async def _believed(self, address: CallbackAddress, bearer: str) -> tuple[CallbackPlace, Principal]:
        """The step that the caller may report for, and the caller."""
        if not bearer:
            raise Unauthenticated("send `Authorization: Bearer` with a token")
        if bearer.startswith(TOKEN_PREFIX):
            place = await self._place(address)
            if place is None or not self._tokens.is_of(place, bearer):
                raise Unauthenticated("the token is not the one of this call")
            return place, await self._holder(place)
        try:
            caller = await self._verify(bearer, address.deployment.tenant)
        except TenantDenied:
            raise WebhookStepNotFound("", address.step) from None
        if not caller.may(Permission.DEPLOYMENTS_WRITE):
            raise PermissionDenied(Permission.DEPLOYMENTS_WRITE.value, tenant=caller.tenant)
        place = await self._place(address)
        if place is None:
            raise WebhookStepNotFound("", address.step)
        check_report(caller, await self._journal.store.get(place.deployment), place.target)
        return place, caller

    async def _holder(self, place: CallbackPlace) -> Principal:
        """Whoever holds the token of a call, as a caller without any right of its own."""
        run = (await self._journal.store.get(place.deployment)).target(place.target)
        names = [step.webhook.name for step in run.steps if step.ref == place.step and step.webhook]
        return Principal(
            subject=f"webhooks/{place.deployment.id}/{place.target}/{place.step}",
            display_name=f"webhook {names[0] if names else place.step}",
            organization="",
            tenant=place.deployment.tenant,
            roles=(),
            grants=(),
            expires_at=self._clock.now(),
        )

    async def _place(self, address: CallbackAddress) -> CallbackPlace | None:
        try:
            deployment = await self._journal.store.get(address.deployment)
        except DeploymentNotFound:
            return None
        return address.place(deployment)

    async def _redacted(self, deployment: Deployment, place: CallbackPlace, message: str) -> str:
        """The message without the secrets that its webhook was sent."""
        if not message:
            return ""
        secrets: Mapping[str, str] = {}
        names = await self._secret_names(deployment, place)
        if names:
            tenant = place.deployment.tenant
            secrets = await self._secrets.values(tenant, names & await self._secrets.names(tenant))
        return Redactor((*secrets.values(), self._tokens.token(place))).redact(message)

    async def _secret_names(self, deployment: Deployment, place: CallbackPlace) -> frozenset[str]:
        try:
            step = deployment.target(place.target).step(place.step)
        except KeyError:
            return frozenset()  # no such step: nothing of it will be kept
        file = await self._shelf.of(place.deployment)
        condition = condition_of(file, place.target, step.ref, step.part) if step.webhook else None
        if not isinstance(condition, RunWebhook):
            return frozenset()
        return secrets_of_webhook(file.webhooks[condition.name], file, condition)
