"""AuditService over gRPC."""

# ruff: noqa: ARG002, N802 - names and parameters are those of the generated class

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from borealis.audit.v1 import audit_service_pb2 as pb
from borealis.audit.v1.audit_service_pb2_grpc import AuditServiceServicer
from borealis_server.domain.paging import PageRequest
from borealis_server.transport.interceptors.auth import current_principal
from borealis_server.transport.mapping.audit import (
    action_to_proto,
    actions_filter_from_proto,
    call_to_proto,
    filter_from_proto,
    kept_from_proto,
    proof_to_proto,
)

if TYPE_CHECKING:
    from borealis_server.services.audit import AuditService
    from borealis_server.services.audit_proof import AuditProofService

Context = Any  # generated stubs of grpc.aio do not type it


class AuditServicer(AuditServiceServicer):
    """What was asked of the clusters of the caller's tenant, and of the server by its people."""

    def __init__(self, audit: AuditService, proofs: AuditProofService) -> None:
        self._audit = audit
        self._proofs = proofs

    async def ListAuditCalls(self, request: pb.ListAuditCallsRequest, context: Context) -> pb.ListAuditCallsResponse:
        """A page of calls."""
        wanted = filter_from_proto(request, current_principal().tenant)
        page = await self._audit.list(wanted, PageRequest(size=request.page_size, token=request.page_token))
        return pb.ListAuditCallsResponse(
            calls=[call_to_proto(entry.call) for entry in page.items], next_page_token=page.next_token
        )

    async def ListAuditActions(
        self, request: pb.ListAuditActionsRequest, context: Context
    ) -> pb.ListAuditActionsResponse:
        """A page of actions."""
        wanted = actions_filter_from_proto(request, current_principal().tenant)
        page = await self._audit.list_actions(wanted, PageRequest(size=request.page_size, token=request.page_token))
        return pb.ListAuditActionsResponse(
            actions=[action_to_proto(entry.action) for entry in page.items], next_page_token=page.next_token
        )

    async def ExportAudit(self, request: pb.ExportAuditRequest, context: Context) -> pb.ExportAuditResponse:
        """A piece of the chain."""
        page = PageRequest(size=request.page_size)
        exported = await self._proofs.export(current_principal().tenant, page, after=request.after_number)
        return pb.ExportAuditResponse(lines=exported.lines, last_number=exported.last_number)

    async def VerifyAudit(self, request: pb.VerifyAuditRequest, context: Context) -> pb.VerifyAuditResponse:
        """Whether the chain is as it was written."""
        return proof_to_proto(await self._proofs.verify(current_principal().tenant, kept_from_proto(request)))
