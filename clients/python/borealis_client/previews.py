"""Previews: temporary addresses of Services, made by steps of deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_client._generated.borealis.preview.v1 import (
    GetPreviewEntryRequest,
    GetPreviewRuleRequest,
    ListPreviewsRequest,
    Preview,
    PreviewServiceStub,
    RevokePreviewRequest,
    Rule,
    SetPreviewRuleRequest,
)
from borealis_client.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from borealis_client.transport import Transport


class Previews:
    """Previews of the caller's tenant."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self, *, deployment: str = "", active_only: bool = False, page_size: int = 50
    ) -> AsyncGenerator[Preview, None]:
        """Previews, newest first, of one deployment by its resource name or of all; pages are fetched on the way."""
        request = ListPreviewsRequest(page_size=page_size, deployment=deployment, active_only=active_only)
        while True:
            answer = await self._transport.call(
                lambda channel: PreviewServiceStub(channel).list_previews, request, is_repeatable=True
            )
            for preview in answer.previews:
                yield preview
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token

    async def revoke(self, name: str) -> Preview:
        """Ends the preview of this resource name at once. Errors: PreviewNotFoundError."""
        answer = await self._transport.call(
            lambda channel: PreviewServiceStub(channel).revoke_preview,
            RevokePreviewRequest(name=name),
            is_repeatable=True,
        )
        if answer.preview is None:
            raise ServerError("the server answered without a preview. Is it newer or older than this client?")
        return answer.preview

    async def enter(self, name: str) -> str:
        """An address that logs a browser in to a preview, good for a minute.

        Errors: PreviewNotFoundError, PreviewEndedError.
        """
        answer = await self._transport.call(
            lambda channel: PreviewServiceStub(channel).get_preview_entry,
            GetPreviewEntryRequest(name=name),
            is_repeatable=True,
        )
        return answer.url

    async def rule(self) -> Rule:
        """What the tenant allows."""
        answer = await self._transport.call(
            lambda channel: PreviewServiceStub(channel).get_preview_rule, GetPreviewRuleRequest(), is_repeatable=True
        )
        return answer.rule

    async def set_rule(self, rule: Rule) -> Rule:
        """Says what the tenant allows from now on. Errors: PermissionDeniedError."""
        answer = await self._transport.call(
            lambda channel: PreviewServiceStub(channel).set_preview_rule,
            SetPreviewRuleRequest(rule=rule),
            is_repeatable=True,
        )
        return answer.rule
