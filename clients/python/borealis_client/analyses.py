"""Analyses: the evidence of deployments, and the same questions and the same judge over any time that is over."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from borealis_client._generated.borealis.analysis.v1 import (
    AnalysisServiceStub,
    ListJudgementsRequest,
    RunAnalysisRequest,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from datetime import datetime

    from borealis_client._generated.borealis.analysis.v1 import Analysis, Judgement, Plan, StepJudgement
    from borealis_client.transport import Transport

_JUDGEMENT_LIMIT_S: Final = 120.0
"""A provider is asked three times, for 30 seconds each."""


class Analyses:
    """Reads the evidence of deployments, and asks the metric providers of the caller's tenant about the past."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def evidence(
        self, deployment: str, *, target: str = "", step: str = "", page_size: int = 50
    ) -> AsyncGenerator[StepJudgement, None]:
        """Judgements of a deployment as they were made; further pages are fetched as the iteration gets there."""
        request = ListJudgementsRequest(deployment=deployment, target=target, step=step, page_size=page_size)
        while True:
            answer = await self._transport.call(
                lambda channel: AnalysisServiceStub(channel).list_judgements, request, is_repeatable=True
            )
            for judgement in answer.judgements:
                yield judgement
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token

    async def run(
        self,
        plan: Plan,
        start: datetime,
        *,
        context: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[Judgement | Analysis, None]:
        """Each judgement as it is made, and at last the analysis with its verdict.

        Shape: windows begin at `start` and end in the past. `variables` are those of the platform that a deployment
        has, without `armory.`, as in `{"replicaSetName": "web-1"}`.
        """
        request = RunAnalysisRequest(
            plan=plan, start_time=start, context=dict(context or {}), variables=dict(variables or {})
        )
        answers = self._transport.stream(
            lambda channel: AnalysisServiceStub(channel).run_analysis, request, idle_limit_s=_JUDGEMENT_LIMIT_S
        )
        async with aclosing(answers):
            async for answer in answers:
                part = answer.judgement or answer.analysis
                if part:
                    yield part
