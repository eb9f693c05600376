"""HTTP from inside a cluster: the agent there makes the request, as far as its targets file allows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_fetch.addresses import Address
from borealis_fetch.errors import FetchError
from borealis_server.adapters.outside.fields import fault_of_fields, sendable
from borealis_server.domain.errors import AgentUnavailable, Exhausted, RelayRefused
from borealis_server.ports.outside import OutsideAnswer, OutsideFailure
from borealis_server.ports.relay import AgentRef, Relay, RelayRequest

if TYPE_CHECKING:
    from borealis_server.ports.outside import OutsideRequest

_RULES: Final = frozenset({"DENIED", "PROTOCOL"})
"""Codes of the agent that mean: not this request, however often it comes."""


class OutsideThroughAgent:
    """Sends requests through agents."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    async def send(self, request: OutsideRequest, agent: AgentRef) -> OutsideAnswer | OutsideFailure:
        """The answer, or why there is none."""
        try:
            address = Address.parse(request.url)
        except FetchError as error:
            return OutsideFailure(detail=f"the address cannot be called: {error}", is_refused=True)
        fault = fault_of_fields(request.headers)
        if fault:
            return OutsideFailure(detail=fault, is_refused=True)
        try:
            return await self._relayed(request, address, agent)
        except AgentUnavailable as error:
            detail = f"agent {agent.name} is unavailable: {error.detail}"
            return OutsideFailure(detail=detail, may_have_arrived=error.dispatched is not False)
        except RelayRefused as error:
            return OutsideFailure(
                detail=f"agent {agent.name} did not relay the request ({error.code}): {error.detail}",
                is_refused=error.code in _RULES,
                may_have_arrived=error.dispatched is not False,
            )
        except Exhausted as error:
            return OutsideFailure(detail=f"too many calls go through agent {agent.name} now: {error.message}")

    async def _relayed(self, request: OutsideRequest, address: Address, agent: AgentRef) -> OutsideAnswer:
        relayed = RelayRequest(
            method=request.method,
            path=address.path,
            headers=tuple(sendable(request.headers)),
            body=request.body,
            target=f"{address.scheme}://{address.host_header}",
            timeout_s=request.time_limit_s,
            deadline_s=request.time_limit_s,
            request_id=request.request_id,
            actor=request.actor,
            idempotent=request.is_repeatable,
        )
        async with self._relay.call(agent, relayed) as response:
            body, is_cut = bytearray(), False
            async for chunk in response.chunks():
                body += chunk
                if len(body) > request.size_limit_bytes:
                    is_cut = True
                    break
            return OutsideAnswer(
                status=response.status,
                headers=tuple(response.headers),
                body=bytes(body[: request.size_limit_bytes]),
                is_cut=is_cut,
            )
