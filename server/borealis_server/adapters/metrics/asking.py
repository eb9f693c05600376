"""Asks metric providers over HTTP, directly or through an agent. The one table from kinds of providers to modules."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from borealis_server.adapters.metrics.datadog import Datadog
from borealis_server.adapters.metrics.new_relic import NewRelic
from borealis_server.adapters.metrics.prometheus import Prometheus
from borealis_server.adapters.metrics.provider import NoAnswerError
from borealis_server.domain.integration import ProviderKind
from borealis_server.ports.metrics import Unanswered
from borealis_server.ports.outside import OutsideFailure
from borealis_server.ports.relay import AgentRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from borealis_server.adapters.metrics.provider import Provider
    from borealis_server.domain.integration import Integration
    from borealis_server.ports.metrics import Question
    from borealis_server.ports.outside import Outside

PROVIDERS: Final[Mapping[ProviderKind, Provider]] = {
    ProviderKind.PROMETHEUS: Prometheus(),
    ProviderKind.DATADOG: Datadog(),
    ProviderKind.NEW_RELIC: NewRelic(),
}
"""Has every kind."""


class HttpMetrics:
    """Implements `ports.metrics.Metrics`."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def ask(self, integration: Integration, question: Question) -> tuple[str, ...] | Unanswered:
        """Every value of the answer; asks once."""
        provider = PROVIDERS[integration.kind]
        via = AgentRef(tenant=integration.name.tenant, name=integration.agent) if integration.agent else None
        try:
            request = replace(provider.request(integration, question), actor=question.actor)
            answer = await self._outside.send(request, via=via)
            if isinstance(answer, OutsideFailure):
                return Unanswered(why=answer.detail, is_passing=not answer.is_refused)
            return provider.values(answer)
        except NoAnswerError as error:
            return Unanswered(why=error.why, is_passing=error.is_passing)
