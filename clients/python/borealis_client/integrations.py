"""Integrations: the metric providers that analyses ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_client._generated.borealis.integration.v1 import (
    CreateIntegrationRequest,
    DeleteIntegrationRequest,
    GetIntegrationRequest,
    Integration,
    IntegrationServiceStub,
    ListIntegrationsRequest,
    TestIntegrationRequest,
    TestIntegrationResponse,
    UpdateIntegrationRequest,
)
from borealis_client.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from borealis_client.transport import Transport

TEST_LIMIT_S: Final = 60.0
"""A provider has 30 seconds to answer."""


class Integrations:
    """The metric providers of the caller's tenant. Names are resource names: `tenants/{tenant}/integrations/{id}`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(self, integration_id: str, integration: Integration) -> Integration:
        """Create one. Credentials are references to secrets, as in `{{secrets.token}}`."""
        request = CreateIntegrationRequest(integration_id=integration_id, integration=integration)
        answer = await self._transport.call(
            lambda channel: IntegrationServiceStub(channel).create_integration, request, is_repeatable=False
        )
        return _present(answer.integration)

    async def get(self, name: str) -> Integration:
        """One of them as it is now."""
        answer = await self._transport.call(
            lambda channel: IntegrationServiceStub(channel).get_integration,
            GetIntegrationRequest(name=name),
            is_repeatable=True,
        )
        return _present(answer.integration)

    async def list(self, *, page_size: int = 50) -> AsyncGenerator[Integration, None]:
        """All of them by name; further pages are fetched as the iteration gets there."""
        request = ListIntegrationsRequest(page_size=page_size)
        while True:
            answer = await self._transport.call(
                lambda channel: IntegrationServiceStub(channel).list_integrations, request, is_repeatable=True
            )
            for integration in answer.integrations:
                yield integration
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token

    async def update(self, integration: Integration) -> Integration:
        """Replace one by its name; with an etag only if nobody else has changed it since."""
        answer = await self._transport.call(
            lambda channel: IntegrationServiceStub(channel).update_integration,
            UpdateIntegrationRequest(integration=integration),
            is_repeatable=not integration.etag,
        )
        return _present(answer.integration)

    async def delete(self, name: str) -> None:
        """Delete one."""
        await self._transport.call(
            lambda channel: IntegrationServiceStub(channel).delete_integration,
            DeleteIntegrationRequest(name=name),
            is_repeatable=False,
        )

    async def test(self, name: str, *, query: str = "") -> TestIntegrationResponse:
        """What the provider answers to `query`; without one, to what every account can answer."""
        return await self._transport.call(
            lambda channel: IntegrationServiceStub(channel).test_integration,
            TestIntegrationRequest(name=name, query=query),
            is_repeatable=True,
            timeout_s=TEST_LIMIT_S,
        )


def _present(integration: Integration | None) -> Integration:
    if integration is None:
        raise ServerError("the server answered without an integration. Is it newer or older than this client?")
    return integration
