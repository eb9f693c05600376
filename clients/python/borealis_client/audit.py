"""The audit: who asked what of which cluster or of the server, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_client._generated.borealis.audit.v1 import (
    AuditAction,
    AuditCall,
    AuditServiceStub,
    ExportAuditRequest,
    ListAuditActionsRequest,
    ListAuditCallsRequest,
    VerifyAuditRequest,
    VerifyAuditResponse,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import datetime

    from borealis_client.transport import Transport


class Audit:
    """Relayed calls and actions of the caller's tenant."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        agent: str = "",
        actor: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        page_size: int = 50,
    ) -> AsyncGenerator[AuditCall, None]:
        """Calls, newest first; further pages are fetched as the iteration gets there.

        Shape: `agent` is a resource name, `actor` a display name; empty for all. `until` itself is not included.
        """
        request = ListAuditCallsRequest(page_size=page_size, agent=agent, actor=actor, start_time=since, end_time=until)
        while True:
            answer = await self._transport.call(
                lambda channel: AuditServiceStub(channel).list_audit_calls, request, is_repeatable=True
            )
            for call in answer.calls:
                yield call
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token

    async def list_actions(
        self, *, actor: str = "", since: datetime | None = None, until: datetime | None = None, page_size: int = 50
    ) -> AsyncGenerator[AuditAction, None]:
        """What was asked of the server, newest first; further pages are fetched as the iteration gets there.

        Shape: `actor` is a display name; empty for all. `until` itself is not included.
        """
        request = ListAuditActionsRequest(page_size=page_size, actor=actor, start_time=since, end_time=until)
        while True:
            answer = await self._transport.call(
                lambda channel: AuditServiceStub(channel).list_audit_actions, request, is_repeatable=True
            )
            for action in answer.actions:
                yield action
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token

    async def export(self, *, after_number: int = 0, page_size: int = 250) -> AsyncGenerator[str, None]:
        """The chain of the tenant as lines of JSON, oldest first, behind the entry of that number."""
        request = ExportAuditRequest(page_size=page_size, after_number=after_number)
        while True:
            answer = await self._transport.call(
                lambda channel: AuditServiceStub(channel).export_audit, request, is_repeatable=True
            )
            for line in answer.lines:
                yield line
            if not answer.last_number:
                return
            request.after_number = answer.last_number

    async def verify(self, *, kept_number: int = 0, kept_hash: str = "") -> VerifyAuditResponse:
        """Has the server look at the whole chain, and for an entry whose hash was kept elsewhere.

        Errors: InvalidArgumentError.
        """
        return await self._transport.call(
            lambda channel: AuditServiceStub(channel).verify_audit,
            VerifyAuditRequest(kept_number=kept_number, kept_hash=kept_hash),
            is_repeatable=True,
        )
