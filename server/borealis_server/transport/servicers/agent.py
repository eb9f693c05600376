"""AgentService over gRPC."""

# ruff: noqa: ARG002, N802 - names and parameters are those of the generated class

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from borealis.agent.v1 import agent_service_pb2 as pb
from borealis.agent.v1.agent_service_pb2_grpc import AgentServiceServicer
from borealis_server.domain.names import AgentName
from borealis_server.domain.paging import PageRequest
from borealis_server.transport.interceptors.auth import current_principal
from borealis_server.transport.mapping.agent import agent_to_proto

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from borealis_server.services.agents import AgentService

Context = Any  # generated stubs of grpc.aio do not type it


class AgentServicer(AgentServiceServicer):
    """The agents of the caller's tenant."""

    def __init__(self, agents: AgentService) -> None:
        self._agents = agents

    async def ListAgents(self, request: pb.ListAgentsRequest, context: Context) -> pb.ListAgentsResponse:
        """A page of agents."""
        wanted = PageRequest(size=request.page_size, token=request.page_token)
        page = await self._agents.list(current_principal().tenant, wanted)
        return pb.ListAgentsResponse(
            agents=[agent_to_proto(view) for view in page.items], next_page_token=page.next_token
        )

    async def GetAgent(self, request: pb.GetAgentRequest, context: Context) -> pb.GetAgentResponse:
        """One agent."""
        name = AgentName.parse(request.name)
        return pb.GetAgentResponse(agent=agent_to_proto(await self._agents.get(current_principal().tenant, name)))

    async def WatchAgents(
        self, request: pb.WatchAgentsRequest, context: Context
    ) -> AsyncIterator[pb.WatchAgentsResponse]:
        """Agents as they are, then as they change."""
        name = AgentName.parse(request.name) if request.name else None
        async with self._agents.watch(current_principal().tenant, name) as watch:
            for view in watch.initial:
                yield pb.WatchAgentsResponse(agent=agent_to_proto(view))
            yield pb.WatchAgentsResponse(initial_state_sent=True)
            async for view in watch.changes:
                yield pb.WatchAgentsResponse(agent=agent_to_proto(view))
