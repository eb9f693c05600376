"""A peer that falls silent is noticed by both sides, and a peer that is only slow is not given up.

Rows F1, F2, F4, F7, F11 of the table of faults, at thirty times the speed of real ones.
"""

from __future__ import annotations

import asyncio
import time

import pytest

from borealis_server.domain.errors import AgentUnavailable
from kit.tunnel import wait_until


async def test_f1_a_line_that_freezes_is_noticed_by_both_sides_and_used_again_when_it_thaws(bed):
    first = bed.session_ids()
    async with asyncio.TaskGroup() as tasks:
        caught = tasks.create_task(_loss_of(bed, "/api/late"))
        await wait_until(lambda: bed.api.open_requests == 1)
        bed.to_hub.freeze()
        await wait_until(lambda: not bed.knows_agent and not bed.knows_hub, 5)
        lost = caught.result() if caught.done() else await caught
        bed.to_hub.heal()
    await bed.serves()

    assert lost.dispatched is None
    assert bed.session_ids() != first
    await wait_until(lambda: bed.api.open_requests == 0)


@pytest.mark.parametrize("way", ["up", "down"])
async def test_f2_a_line_that_freezes_in_one_direction_is_noticed_by_both_sides(bed, way):
    frozen = getattr(bed.to_hub, way)
    bed.to_hub.freeze(frozen)
    await wait_until(lambda: not bed.knows_agent and not bed.knows_hub, 5)
    bed.to_hub.heal()

    await bed.serves()


@pytest.mark.parametrize("way", ["up", "down"])
async def test_f2_a_line_that_loses_everything_in_one_direction_is_noticed_by_both_sides(bed, way):
    bed.to_hub.drop(getattr(bed.to_hub, way))
    await wait_until(lambda: not bed.knows_agent and not bed.knows_hub, 5)
    bed.to_hub.heal()

    await bed.serves()


async def test_f2_a_line_that_is_half_open_is_noticed_by_both_sides(bed):
    bed.to_hub.half_open()
    await wait_until(lambda: not bed.knows_agent, 5)

    await bed.serves()


async def test_f2_a_frozen_upload_is_ended_though_the_agent_still_speaks(bed):
    """The hub cannot send, and hears the agent all the time: only what does not go out tells that the line is dead."""
    bed.to_hub.freeze(bed.to_hub.down)
    with pytest.raises(AgentUnavailable):
        await bed.body("/api/echo", method="POST", body=bytes(8 * 2**20))
    bed.to_hub.heal()

    await bed.serves()


async def test_a_slow_line_is_no_dead_line(bed):
    """Half a dead peer's silence of delay each way: later, but all there, in one session."""
    first = bed.session_ids()
    bed.to_hub.delay(0.4)
    for _ in range(3):
        assert await bed.body("/api/small") == bed.api.small_body
    bed.to_hub.heal()

    assert bed.session_ids() == first


async def test_a_narrow_line_is_no_dead_line(bed):
    """Pings go before data, so a tunnel that is full for long is not taken for dead."""
    first = bed.session_ids()
    bed.to_hub.throttle(400_000, bed.to_hub.up)
    body = await bed.body("/api/large?bytes=1048576")
    bed.to_hub.heal()

    assert len(body) == 2**20
    assert bed.session_ids() == first


async def test_f7_a_loop_that_stands_still_for_less_than_the_limit_costs_no_session(bed):
    """Agent and hub share the loop here: neither may blame the other for its own absence."""
    first = bed.session_ids()
    time.sleep(0.8)  # noqa: ASYNC251 - standing still is the point
    for _ in range(3):
        assert await bed.body("/api/small") == bed.api.small_body
        await asyncio.sleep(0.1)

    assert bed.session_ids() == first


async def test_f11_pings_keep_an_idle_tunnel_through_a_load_balancer(bed):
    first = bed.session_ids()
    bed.to_hub.cut_idle(0.8)
    await asyncio.sleep(2.5)

    assert bed.to_hub.cut == 0
    assert bed.session_ids() == first


async def test_f11_a_load_balancer_with_less_patience_than_our_pings_costs_a_session_and_no_calls(bed):
    first = bed.session_ids()
    bed.to_hub.cut_idle(0.1)
    await wait_until(lambda: bed.to_hub.cut > 0)
    bed.to_hub.heal()
    await bed.serves()

    assert bed.session_ids() != first


async def _loss_of(bed, path) -> AgentUnavailable:
    with pytest.raises(AgentUnavailable) as caught:
        async with bed.call(path):
            pass
    return caught.value
