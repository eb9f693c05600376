"""The wall clock of the hub jumps, as after a suspended machine or a wrong time server: row F25; hard case 41.

The agent's own cannot matter: nothing in the agent or in the tunnel's protocol asks for it.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from kit.fault_bed import open_bed


class ShiftedClock:
    """The machine's clock, wrong by `shift`."""

    def __init__(self) -> None:
        self.shift = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.shift


@pytest.mark.parametrize("hours", [-1, 1])
async def test_f25_a_jump_of_the_clock_costs_no_session_and_no_call(tmp_path, hours):
    clock = ShiftedClock()
    async with open_bed(tmp_path, clock=clock) as bed:
        first = bed.session_ids()
        clock.shift = timedelta(hours=hours)
        await asyncio.sleep(1.5)  # longer than a dead peer's silence, and many checks of the token
        sessions = bed.session_ids()
        body = await bed.body("/api/small")

    assert body == bed.api.small_body
    assert sessions == first


@pytest.mark.parametrize("hours", [-1, 1])
async def test_f25_an_agent_can_come_back_after_a_jump(tmp_path, hours):
    clock = ShiftedClock()
    async with open_bed(tmp_path, clock=clock) as bed:
        clock.shift = timedelta(hours=hours)
        bed.to_hub.reset()
        await bed.serves()
