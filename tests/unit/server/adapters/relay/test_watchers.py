"""Who hears of sessions that begin and end."""

from __future__ import annotations

from datetime import UTC, datetime

from borealis_server.adapters.relay.watchers import Watchers
from borealis_server.ports.relay import AgentChange, AgentChangeKind, AgentRef, AgentSession

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def change(number: int) -> AgentChange:
    session = AgentSession(
        agent=AgentRef(tenant="main", name="prod"),
        session_id=str(number),
        instance_id="i",
        version="1",
        connected_at=NOW,
        last_seen_at=NOW,
        open_streams=0,
        kubernetes_version="",
    )
    return AgentChange(kind=AgentChangeKind.CONNECTED, session=session)


async def test_every_watcher_hears_every_change():
    watchers = Watchers()
    async with watchers.watch() as one, watchers.watch() as two:
        watchers.tell(change(1))
        heard = [(await anext(one)).session.session_id, (await anext(two)).session.session_id]

    assert heard == ["1", "1"]


async def test_a_watcher_that_has_left_costs_nothing():
    watchers = Watchers()
    async with watchers.watch():
        pass

    watchers.tell(change(1))
    assert not watchers._queues


async def test_a_slow_watcher_loses_the_oldest_changes():
    watchers = Watchers()
    async with watchers.watch() as changes:
        for number in range(300):
            watchers.tell(change(number))
        heard = [(await anext(changes)).session.session_id for _ in range(256)]

    assert heard == [str(number) for number in range(44, 300)]
