"""`ports.outside.Outside`: directly, or through an agent where one is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from borealis_server.adapters.outside.direct import DirectOutside
    from borealis_server.adapters.outside.through_agent import OutsideThroughAgent
    from borealis_server.ports.outside import OutsideAnswer, OutsideFailure, OutsideRequest
    from borealis_server.ports.relay import AgentRef


class HttpOutside:
    """Implements `ports.outside.Outside`."""

    def __init__(self, direct: DirectOutside, through_agent: OutsideThroughAgent) -> None:
        self._direct = direct
        self._through_agent = through_agent

    async def send(self, request: OutsideRequest, *, via: AgentRef | None = None) -> OutsideAnswer | OutsideFailure:
        """The answer; through agent `via`, or directly."""
        return await (self._through_agent.send(request, via) if via else self._direct.send(request))
