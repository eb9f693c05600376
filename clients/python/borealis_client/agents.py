"""Agents: which there are, and whether they are connected."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from borealis_client._generated.borealis.agent.v1 import (
    Agent,
    AgentServiceStub,
    GetAgentRequest,
    ListAgentsRequest,
    WatchAgentsRequest,
)
from borealis_client.errors import BorealisError, DeadlineExceededError, ServerError, ServerUnreachableError
from borealis_client.interruptions import Interruptions

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from borealis_client.interruptions import OnInterruption
    from borealis_client.transport import Transport


class Agents:
    """The agents of the caller's tenant. Names are resource names: `tenants/{tenant}/agents/{agent}`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(self, name: str) -> Agent:
        """One agent as it is now."""
        answer = await self._transport.call(
            lambda channel: AgentServiceStub(channel).get_agent, GetAgentRequest(name=name), is_repeatable=True
        )
        if answer.agent is None:
            raise ServerError("the server answered without an agent. Is it newer or older than this client?")
        return answer.agent

    async def list(self, *, page_size: int = 50) -> AsyncGenerator[Agent, None]:
        """Agents by name; further pages are fetched as the iteration gets there."""
        request = ListAgentsRequest(page_size=page_size)
        while True:
            answer = await self._transport.call(
                lambda channel: AgentServiceStub(channel).list_agents, request, is_repeatable=True
            )
            for agent in answer.agents:
                yield agent
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token

    async def watch(
        self, name: str = "", *, on_interruption: OnInterruption | None = None
    ) -> AsyncGenerator[Agent, None]:
        """Each agent as it is now, then each again when it connects or disconnects, without end; only `name` if given.

        A lost connection is made again, and every agent comes once more.
        """
        interruptions = Interruptions(self._transport.retry, on_interruption)
        while True:
            interruptions.begin()
            try:
                answers = self._transport.stream(
                    lambda channel: AgentServiceStub(channel).watch_agents,
                    WatchAgentsRequest(name=name),
                    idle_limit_s=self._transport.retry.idle_limit_s,
                )
                async with aclosing(answers):
                    async for answer in answers:
                        interruptions.progress()
                        if answer.agent:
                            yield answer.agent
                await interruptions.wait(ServerUnreachableError(f"{self._transport.settings.server} ended the watch."))
            except DeadlineExceededError:
                await self._transport.reconnect()
            except BorealisError as error:
                await interruptions.wait(error)
