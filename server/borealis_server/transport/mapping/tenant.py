"""Tenants, to their messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis.tenant.v1 import tenant_pb2 as pb

if TYPE_CHECKING:
    from borealis_server.domain.directory import Tenant


def tenant_to_proto(tenant: Tenant, *, current: str) -> pb.Tenant:
    """The message of a tenant; `current` is the id of the one in which the call acts."""
    message = pb.Tenant(name=f"tenants/{tenant.id}", display_name=tenant.name, is_current=tenant.id == current)
    message.create_time.FromDatetime(tenant.created_at)
    return message
