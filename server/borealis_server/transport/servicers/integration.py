"""IntegrationService over gRPC."""

# ruff: noqa: ARG002, N802 - names and parameters are those of the generated class

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from borealis.integration.v1 import integration_service_pb2 as pb
from borealis.integration.v1.integration_service_pb2_grpc import IntegrationServiceServicer
from borealis_server.domain.integration import IntegrationName
from borealis_server.domain.paging import PageRequest
from borealis_server.transport.interceptors.auth import current_principal
from borealis_server.transport.mapping.integration import draft_from_proto, integration_to_proto

if TYPE_CHECKING:
    from borealis_server.services.integrations import Integrations

Context = Any  # generated stubs of grpc.aio do not type it


class IntegrationServicer(IntegrationServiceServicer):
    """The metric providers of the caller's tenant."""

    def __init__(self, integrations: Integrations) -> None:
        self._integrations = integrations

    async def CreateIntegration(
        self, request: pb.CreateIntegrationRequest, context: Context
    ) -> pb.CreateIntegrationResponse:
        """Keep a new one."""
        principal = current_principal()
        name = IntegrationName(principal.tenant, request.integration_id)
        draft = draft_from_proto(request.integration)
        made = await self._integrations.create(name, draft, actor=principal.actor)
        return pb.CreateIntegrationResponse(integration=integration_to_proto(made))

    async def ListIntegrations(
        self, request: pb.ListIntegrationsRequest, context: Context
    ) -> pb.ListIntegrationsResponse:
        """A page of them."""
        wanted = PageRequest(size=request.page_size, token=request.page_token)
        page = await self._integrations.list(current_principal().tenant, wanted)
        return pb.ListIntegrationsResponse(
            integrations=[integration_to_proto(one) for one in page.items], next_page_token=page.next_token
        )

    async def GetIntegration(self, request: pb.GetIntegrationRequest, context: Context) -> pb.GetIntegrationResponse:
        """One of them."""
        name = IntegrationName.parse(request.name)
        found = await self._integrations.get(current_principal().tenant, name)
        return pb.GetIntegrationResponse(integration=integration_to_proto(found))

    async def UpdateIntegration(
        self, request: pb.UpdateIntegrationRequest, context: Context
    ) -> pb.UpdateIntegrationResponse:
        """Replace one."""
        principal, name = current_principal(), IntegrationName.parse(request.integration.name, field="integration.name")
        draft = draft_from_proto(request.integration)
        after = await self._integrations.update(principal.tenant, name, draft, actor=principal.actor)
        return pb.UpdateIntegrationResponse(integration=integration_to_proto(after))

    async def DeleteIntegration(
        self, request: pb.DeleteIntegrationRequest, context: Context
    ) -> pb.DeleteIntegrationResponse:
        """Forget one."""
        await self._integrations.delete(current_principal().tenant, IntegrationName.parse(request.name))
        return pb.DeleteIntegrationResponse()

    async def TestIntegration(self, request: pb.TestIntegrationRequest, context: Context) -> pb.TestIntegrationResponse:
        """Ask one."""
        name = IntegrationName.parse(request.name)
        answer = await self._integrations.test(current_principal().tenant, name, request.query)
        return pb.TestIntegrationResponse(query=answer.question, values=answer.values, error=answer.error)
