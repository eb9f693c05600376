"""Records of agents in SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_server.adapters.store.rules import from_us, to_us
from borealis_server.domain.agent import AgentRecord

if TYPE_CHECKING:
    from collections.abc import Collection

    from borealis_server.adapters.store.sqlite import SqliteDatabase

_KEEP = """
    INSERT INTO agents (tenant, name, last_seen_us, disconnected_us) VALUES (?, ?, ?, ?)
    ON CONFLICT (tenant, name)
    DO UPDATE SET last_seen_us = excluded.last_seen_us, disconnected_us = excluded.disconnected_us
"""


class SqliteAgentRecordStore:
    """Implements `ports.agents.AgentRecordStore`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def record_agent(self, record: AgentRecord) -> None:
        """Keep `record` in place of the one before."""
        ended_us = None if record.disconnected_at is None else to_us(record.disconnected_at)
        row = (record.tenant, record.name, to_us(record.last_seen_at), ended_us)
        await self._database.write(lambda connection: connection.execute(_KEEP, row).rowcount)

    async def agent_records(self, tenant: str, names: Collection[str]) -> tuple[AgentRecord, ...]:
        """The records of those agents of the tenant that have one, in no particular order."""
        if not names:
            return ()
        marks = ", ".join("?" for _ in names)
        sql = f"SELECT name, last_seen_us, disconnected_us FROM agents WHERE tenant = ? AND name IN ({marks})"  # noqa: S608 - marks only
        rows = await self._database.read(lambda connection: connection.execute(sql, (tenant, *names)).fetchall())
        return tuple(
            AgentRecord(
                tenant=tenant,
                name=name,
                last_seen_at=from_us(last_seen_us),
                disconnected_at=None if ended_us is None else from_us(ended_us),
            )
            for name, last_seen_us, ended_us in rows
        )
