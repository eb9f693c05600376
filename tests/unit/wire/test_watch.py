"""What a running tunnel notices by itself: silence, stalls, long ways, a loop that stood still. Virtual time."""

from __future__ import annotations

import asyncio

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_wire.aio.live import Timing
from borealis_wire.aio.stream import StreamWasReset
from borealis_wire.events import PongReceived
from borealis_wire.limits import Limits
from kit.live_pair import running, until
from kit.wire import http, ok

pytestmark = pytest.mark.looptime

KIB = 1024
BULK = pb.Open.PRIORITY_BULK


def pongs(ends):
    return [event for event in ends.events if isinstance(event, PongReceived)]


@pytest.mark.parametrize(("chance", "first_s"), [(0.0, 12.0), (1.0, 18.0)])
async def test_pings_are_spread_so_that_tunnels_do_not_ask_all_at_once(chance, first_s):
    asked = []
    timing = Timing(ping_interval_s=15, dead_after_s=1000)
    async with running(timing=timing, chance=chance) as ends:
        ends.agent.timing = Timing(ping_interval_s=1000, dead_after_s=1000)
        await until(lambda: len(pongs(ends)) >= 1)
        await asyncio.sleep(0.01)
        for _ in range(3):
            before, began_at = len(pongs(ends)), asyncio.get_running_loop().time()
            while len(pongs(ends)) == before:
                await asyncio.sleep(0.1)
            asked.append(asyncio.get_running_loop().time() - began_at)

    assert all(first_s - 0.2 <= one <= first_s + 3.2 for one in asked), "it looks every 3 s"


async def test_a_ping_measures_the_way():
    async with running(timing=Timing(ping_interval_s=5, dead_after_s=100)) as ends:
        ends.server_lane.delay_s = ends.agent_lane.delay_s = 0.1
        await asyncio.sleep(30)

        assert ends.server.core.round_trip_s == pytest.approx(0.2, abs=0.01)
        assert ends.server.last_round_trip_s == pytest.approx(0.2, abs=0.01)


async def test_a_stream_held_up_on_a_long_way_has_it_measured_and_grows():
    async with running() as ends, ends.server.open(http()) as call:
        ends.server_lane.delay_s = ends.agent_lane.delay_s = 0.025
        served = await ends.accepted()
        served.answer(ok())
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(pour(served))
            total = 0
            while total < 20 * 1024 * KIB:
                total += len(await call.read(limit_s=10))
            window = ends.server.core._streams.find(call.id).receiving.window_bytes
            sending.cancel()

    assert window == 4 * 1024 * KIB


async def pour(stream):
    while True:
        await stream.send(b"x" * 64 * KIB)


async def test_bulk_that_nobody_reads_is_given_up_and_says_why():
    async with running() as ends, ends.server.open(http(priority=BULK)) as call:
        served = await ends.accepted()
        served.answer(ok())
        began_at = asyncio.get_running_loop().time()
        with pytest.raises(StreamWasReset, match="no credit for") as caught:
            await pour(served)
        took_s = asyncio.get_running_loop().time() - began_at
        await until(lambda: call.failure)

        assert 120 <= took_s <= 127
        assert caught.value.code == call.failure.code == pb.Reset.CODE_FLOW_CONTROL
        assert (caught.value.by_peer, call.failure.by_peer) == (False, True)
        assert ends.agent.stats.stalled_s == pytest.approx(120, abs=4)


async def test_a_loop_that_stood_still_blames_itself_and_not_its_peer():
    async with running(timing=Timing(ping_interval_s=1, dead_after_s=4)) as ends:
        await asyncio.sleep(3)
        ends.server.last_received_at -= 5  # as if nothing of ours had run for 5 s
        ends.server._lag_s = 5.0
        ends.server._check_life(asyncio.get_running_loop().time())
        await asyncio.sleep(20)

        assert not ends.server_task.done()


async def test_the_longest_stop_of_the_loop_is_told_once():
    async with running() as ends:
        ends.server.stats.worst_lag_s = 1.5
        assert ends.server.stats.take_worst_lag_s() == 1.5
        assert ends.server.stats.take_worst_lag_s() == 0.0


async def test_what_was_sent_is_counted_by_batches():
    async with running(Limits(max_streams=500)) as ends:
        before = (sum(ends.server.stats.batches), ends.server.stats.frames, ends.agent.stats.received_bytes)
        calls = [ends.server.open(http()) for _ in range(300)]
        for _ in calls:
            await ends.accepted()
        after = (sum(ends.server.stats.batches), ends.server.stats.frames, ends.agent.stats.received_bytes)
        for call in calls:
            call.close()
        await ends.server.idle()

        assert after[1] - before[1] == 300
        assert 2 <= after[0] - before[0] <= 3
        assert ends.server.stats.sent_bytes >= after[2] > before[2]


async def test_a_stream_that_is_aborted_tells_both_sides_once():
    async with running() as ends, ends.server.open(http()) as call:
        served = await ends.accepted()
        call.abort(pb.Reset.CODE_DEADLINE, "too long")
        call.abort(pb.Reset.CODE_INTERNAL, "again")
        with pytest.raises(StreamWasReset, match="too long") as here:
            await call.answered()
        await until(lambda: served.failure)

        assert (here.value.by_peer, served.failure.by_peer) == (False, True)
        assert here.value.code == served.failure.code == pb.Reset.CODE_DEADLINE
        call.end_if_open()


async def test_waiting_has_a_limit_if_one_is_given():
    async with running() as ends, ends.server.open(http()) as call:
        began_at = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            await call.answered(limit_s=3)
        with pytest.raises(TimeoutError):
            await call.read(limit_s=4)
        took_s = asyncio.get_running_loop().time() - began_at
        served = await ends.accepted()
        served.answer(ok())

        assert took_s == pytest.approx(7)
        assert (await call.answered(limit_s=3)).http.status == 200
