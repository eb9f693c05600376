"""The audit: who asked what of which cluster, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_client._generated.borealis.audit.v1 import AuditCall, AuditServiceStub, ListAuditCallsRequest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import datetime

    from borealis_client.transport import Transport


class Audit:
    """Relayed calls of the caller's tenant."""

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
