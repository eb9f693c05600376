"""The tenants of the organization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_client._generated.borealis.tenant.v1 import (
    CreateTenantRequest,
    DeleteTenantRequest,
    ListTenantsRequest,
    Tenant,
    TenantServiceStub,
)
from borealis_client.answers import present

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from borealis_client.transport import Transport


class Tenants:
    """The tenants in which the caller can do anything."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(self, *, page_size: int = 50) -> AsyncGenerator[Tenant, None]:
        """Tenants by name; pages are fetched as the iteration gets there."""
        request = ListTenantsRequest(page_size=page_size)
        while True:
            answer = await self._transport.call(
                lambda channel: TenantServiceStub(channel).list_tenants, request, is_repeatable=True
            )
            for tenant in answer.tenants:
                yield tenant
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token

    async def create(self, display_name: str) -> Tenant:
        """A new tenant. Errors: TenantExistsError, InvalidArgumentError."""
        answer = await self._transport.call(
            lambda channel: TenantServiceStub(channel).create_tenant,
            CreateTenantRequest(display_name=display_name),
            is_repeatable=False,
        )
        return present(answer.tenant, "tenant")

    async def delete(self, name: str, *, confirm_name: str) -> None:
        """Deletes a tenant with its roles, target groups and credentials; `confirm_name` is its display name once more.

        Errors: TenantNotFoundError, TenantInUseError, InvalidArgumentError.
        """
        await self._transport.call(
            lambda channel: TenantServiceStub(channel).delete_tenant,
            DeleteTenantRequest(name=name, confirm_name=confirm_name),
            is_repeatable=False,
        )
