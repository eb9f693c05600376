"""AuditService over gRPC."""

# ruff: noqa: ARG002, N802 - names and parameters are those of the generated class

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from borealis.audit.v1 import audit_service_pb2 as pb
from borealis.audit.v1.audit_service_pb2_grpc import AuditServiceServicer
from borealis_server.domain.paging import PageRequest
from borealis_server.transport.interceptors.auth import current_principal
from borealis_server.transport.mapping.audit import call_to_proto, filter_from_proto

if TYPE_CHECKING:
    from borealis_server.services.audit import AuditService

Context = Any  # generated stubs of grpc.aio do not type it


class AuditServicer(AuditServiceServicer):
    """What was asked of the clusters of the caller's tenant."""

    def __init__(self, audit: AuditService) -> None:
        self._audit = audit

    async def ListAuditCalls(self, request: pb.ListAuditCallsRequest, context: Context) -> pb.ListAuditCallsResponse:
        """A page of calls."""
        wanted = filter_from_proto(request, current_principal().tenant)
        page = await self._audit.list(wanted, PageRequest(size=request.page_size, token=request.page_token))
        return pb.ListAuditCallsResponse(
            calls=[call_to_proto(entry.call) for entry in page.items], next_page_token=page.next_token
        )
