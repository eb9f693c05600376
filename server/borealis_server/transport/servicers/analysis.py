"""AnalysisService over gRPC."""

# ruff: noqa: ARG002, N802 - names and parameters are those of the generated class

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from borealis.analysis.v1 import analysis_service_pb2 as pb
from borealis.analysis.v1.analysis_service_pb2_grpc import AnalysisServiceServicer
from borealis_server.domain.analysis.evidence import Judgement
from borealis_server.services.retrospection import Retrospect
from borealis_server.transport.interceptors.auth import current_principal
from borealis_server.transport.mapping.analysis import analysis_to_proto, judgement_to_proto, plan_from_proto

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from borealis_server.services.retrospection import Retrospection

Context = Any  # generated stubs of grpc.aio do not type it


class AnalysisServicer(AnalysisServiceServicer):
    """Analyses of the past."""

    def __init__(self, retrospection: Retrospection) -> None:
        self._retrospection = retrospection

    async def RunAnalysis(
        self, request: pb.RunAnalysisRequest, context: Context
    ) -> AsyncIterator[pb.RunAnalysisResponse]:
        """Each judgement, then the verdict."""
        principal = current_principal()
        plan, queries = plan_from_proto(request.plan)
        wanted = Retrospect(
            tenant=principal.tenant,
            actor=principal.actor,
            plan=plan,
            queries=queries,
            start=request.start_time.ToDatetime(tzinfo=UTC),
            context=dict(request.context),
            variables=dict(request.variables),
        )
        async for part in self._retrospection.run(wanted):
            if isinstance(part, Judgement):
                yield pb.RunAnalysisResponse(judgement=judgement_to_proto(part))
            else:
                yield pb.RunAnalysisResponse(analysis=analysis_to_proto(part))
