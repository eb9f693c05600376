"""TenantService over gRPC."""

# ruff: noqa: ARG002, N802 - names and parameters are those of the generated class

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from borealis.tenant.v1 import tenant_service_pb2 as pb
from borealis.tenant.v1.tenant_service_pb2_grpc import TenantServiceServicer
from borealis_server.domain.paging import PageRequest
from borealis_server.transport.interceptors.auth import current_principal
from borealis_server.transport.mapping.tenant import tenant_to_proto

if TYPE_CHECKING:
    from borealis_server.services.tenants import TenantService

Context = Any  # generated stubs of grpc.aio do not type it
_PREFIX = "tenants/"


class TenantServicer(TenantServiceServicer):
    """The tenants of the caller's organization."""

    def __init__(self, tenants: TenantService) -> None:
        self._tenants = tenants

    async def ListTenants(self, request: pb.ListTenantsRequest, context: Context) -> pb.ListTenantsResponse:
        """A page of tenants."""
        caller = current_principal()
        page = await self._tenants.list(caller, PageRequest(size=request.page_size, token=request.page_token))
        return pb.ListTenantsResponse(
            tenants=[tenant_to_proto(one, current=caller.tenant) for one in page.items], next_page_token=page.next_token
        )

    async def CreateTenant(self, request: pb.CreateTenantRequest, context: Context) -> pb.CreateTenantResponse:
        """A new tenant."""
        caller = current_principal()
        created = await self._tenants.create(caller, request.display_name)
        return pb.CreateTenantResponse(tenant=tenant_to_proto(created, current=caller.tenant))

    async def DeleteTenant(self, request: pb.DeleteTenantRequest, context: Context) -> pb.DeleteTenantResponse:
        """Deletes a tenant."""
        name = request.name.removeprefix(_PREFIX)
        await self._tenants.delete(current_principal(), name, confirmation=request.confirm_name)
        return pb.DeleteTenantResponse()
