"""What every store of agents' records does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from borealis_server.domain.agent import AgentRecord

NOON = datetime(2026, 1, 1, 12, 0, 0, 1, tzinfo=UTC)


async def test_the_newest_record_of_an_agent_replaces_the_one_before(stores):
    first = AgentRecord(tenant="main", name="west", last_seen_at=NOON)
    gone = AgentRecord(
        tenant="main", name="west", last_seen_at=NOON + timedelta(hours=1), disconnected_at=NOON + timedelta(hours=2)
    )

    await stores.agents.record_agent(first)
    before = await stores.agents.agent_records("main", ["west"])
    await stores.agents.record_agent(gone)

    assert before == (first,)
    assert await stores.agents.agent_records("main", ["west"]) == (gone,)


async def test_only_the_agents_asked_for_in_the_tenant_come_back(stores):
    for tenant, name in (("main", "west"), ("main", "east"), ("other", "west")):
        await stores.agents.record_agent(AgentRecord(tenant=tenant, name=name, last_seen_at=NOON))

    found = await stores.agents.agent_records("main", ["west", "south"])

    assert [(record.tenant, record.name) for record in found] == [("main", "west")]
    assert await stores.agents.agent_records("main", []) == ()
