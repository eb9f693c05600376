"""A line that breaks in the middle: what was cut is seen to be cut, nothing is lost in silence, the agent comes back.

Row F3 of the table of faults, and lines that corrupt, split and merge what passes.
"""

from __future__ import annotations

import asyncio

import pytest

from borealis_server.domain.errors import AgentUnavailable, RelayRefused
from kit.tunnel import wait_until

LARGE = bytes(range(256)) * 16384


async def test_f3_a_reset_in_the_middle_of_an_answer_ends_it_visibly(bed):
    bed.to_hub.throttle(2_000_000, bed.to_hub.up)
    passed = bed.to_hub.up.passed_bytes
    async with bed.call("/api/large?bytes=4194304") as response:
        chunks = response.chunks()
        await anext(chunks)
        await wait_until(lambda: bed.to_hub.up.passed_bytes > passed + 100_000)
        bed.to_hub.reset()
        with pytest.raises(AgentUnavailable):
            async for _ in chunks:
                pass
    bed.to_hub.heal()

    await bed.serves()


async def test_f3_a_reset_in_the_middle_of_a_request_leaves_its_outcome_unknown(bed):
    bed.to_hub.throttle(2_000_000, bed.to_hub.down)
    passed = bed.to_hub.down.passed_bytes
    async with asyncio.TaskGroup() as tasks:
        caught = tasks.create_task(_loss_of(bed, "/api/echo", method="POST", body=LARGE))
        await wait_until(lambda: bed.to_hub.down.passed_bytes > passed + 500_000)
        bed.to_hub.reset()
    bed.to_hub.heal()
    await bed.serves()

    assert caught.result().dispatched is None
    assert [path for _, path, _ in bed.api.received].count("/api/echo") <= 1
    await wait_until(lambda: bed.api.open_requests == 0)


async def test_f3_many_calls_in_flight_all_end_and_no_post_is_repeated(bed):
    async def post(number):
        with pytest.raises(AgentUnavailable):
            await bed.body(f"/api/late?number={number}", method="POST")

    async with asyncio.TaskGroup() as tasks:
        for number in range(100):
            tasks.create_task(post(number))
        await wait_until(lambda: bed.api.open_requests == 100)
        bed.to_hub.reset()
    await bed.serves()

    paths = [path for method, path, _ in bed.api.received if method == "POST"]
    assert sorted(paths) == sorted(f"/api/late?number={number}" for number in range(100))
    await wait_until(lambda: bed.api.open_requests == 0)


async def test_f3_a_line_that_is_reset_again_and_again_is_made_again_each_time(bed):
    seen = set()
    for _ in range(5):
        await bed.serves()
        seen.update(bed.session_ids())
        bed.to_hub.reset()
        await wait_until(lambda: not seen.issuperset(bed.session_ids()), 10)
    await bed.serves()

    assert len(seen) == 5


async def test_a_flipped_bit_ends_the_session_and_never_reaches_a_caller(bed):
    """TLS sees it; the point is that we do not go on as if nothing had happened."""
    bed.to_hub.corrupt(bed.to_hub.up, after_bytes=100_000)
    with pytest.raises(AgentUnavailable):
        await bed.body("/api/echo", method="POST", body=LARGE)

    await bed.serves()


@pytest.mark.parametrize("size", [1, 7, 4096])
async def test_it_does_not_matter_how_a_line_cuts_bytes_into_pieces(bed, size):
    bed.to_hub.split(size)
    length = 4096 * max(1, size // 7)

    assert await bed.body("/api/small") == bed.api.small_body
    assert await bed.body("/api/echo", method="POST", body=LARGE[:length]) == LARGE[:length]


async def test_it_does_not_matter_that_a_line_sends_bytes_together(bed):
    bed.to_hub.merge(0.02)

    assert await bed.body("/api/small") == bed.api.small_body
    assert await bed.body("/api/echo", method="POST", body=LARGE) == LARGE


async def test_a_target_that_breaks_off_costs_its_call_alone(bed):
    first = bed.session_ids()
    bed.to_target.throttle(1_000_000, bed.to_target.down)
    async with bed.call("/api/large?bytes=4194304") as response:
        chunks = response.chunks()
        await anext(chunks)
        bed.to_target.reset()
        with pytest.raises(RelayRefused) as caught:
            async for _ in chunks:
                pass
    bed.to_target.heal()

    assert caught.value.code == "TARGET_RESET"
    assert await bed.body("/api/small") == bed.api.small_body
    assert bed.session_ids() == first


async def _loss_of(bed, path, **more) -> AgentUnavailable:
    with pytest.raises(AgentUnavailable) as caught:
        async with bed.call(path, **more):
            pass
    return caught.value
