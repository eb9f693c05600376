"""Where it is written down when agents were there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection

    from borealis_server.domain.agent import AgentRecord


class AgentRecordStore(Protocol):
    """Keeps one record for each agent."""

    async def record_agent(self, record: AgentRecord) -> None:
        """Keep `record` in place of the one before."""
        ...

    async def agent_records(self, tenant: str, names: Collection[str]) -> tuple[AgentRecord, ...]:
        """The records of those agents of the tenant that have one, in no particular order."""
        ...
