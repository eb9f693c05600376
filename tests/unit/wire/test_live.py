"""A running tunnel: what waits, what wakes, and how it ends. Virtual time; the lane is in memory."""

from __future__ import annotations

import asyncio

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_wire.aio.live import Timing
from borealis_wire.aio.stream import StreamWasReset, TunnelLost
from borealis_wire.errors import LocalProtocolError
from borealis_wire.events import GoAwayReceived, PongReceived, SessionViolated
from borealis_wire.limits import Limits
from kit.live_pair import running, until
from kit.wire import http, ok

pytestmark = pytest.mark.looptime

KIB = 1024


async def test_a_call_and_its_answer():
    async with running() as ends:
        async with ends.server.open(http("/x"), b"question") as call:
            served = await ends.accepted()
            question = await served.read()
            served.answer(ok())
            await served.send(b"answer")
            served.end([pb.HttpHeader(name="t", value=b"1")])
            opened = await call.answered()
            answer, end = await call.read(), await call.read()

        assert (question, answer, end) == (b"question", b"answer", b"")
        assert opened.http.status == 200
        assert call.trailers[0].name == "t"
        assert call.is_readable
        served.close()
        await ends.server.idle()
        await ends.agent.idle()


async def test_a_sender_waits_for_a_slow_reader():
    async with running() as ends, ends.server.open(http()) as call:
        served = await ends.accepted()
        served.answer(ok())
        sent = 0

        async def produce():
            nonlocal sent
            for _ in range(100):
                await served.send(b"x" * 16 * KIB)
                sent += 16 * KIB
            served.end()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(produce())
            await call.answered()
            await asyncio.sleep(1)
            stalled_at = sent
            received = 0
            while data := await call.read():
                received += len(data)

    assert stalled_at <= 2 * 256 * KIB
    assert received == 1600 * KIB


async def test_unread_bytes_are_counted_and_freed_with_the_stream():
    async with running() as ends:
        async with ends.server.open(http()) as call:
            served = await ends.accepted()
            served.answer(ok())
            await served.send(b"x" * 1000)
            await until(lambda: call.unread_bytes)
            unread = call.unread_bytes

        assert unread == 1000
        assert ends.server.core.buffered_bytes == 0


async def test_a_waiting_sender_is_told_of_a_reset():
    async with running() as ends:
        call = ends.server.open(http())
        served = await ends.accepted()
        served.answer(ok())
        async with asyncio.TaskGroup() as tasks:
            sender = tasks.create_task(failure_of(fill(served)))
            await asyncio.sleep(1)
            call.close()

        assert sender.result().code == pb.Reset.CODE_CANCELLED
        assert served.failure is sender.result()
        with pytest.raises(StreamWasReset):
            served.end()


async def test_a_waiting_reader_is_told_of_a_reset_and_of_what_was_dispatched():
    async with running() as ends, ends.server.open(http()) as call:
        served = await ends.accepted()
        served.reset(pb.Reset.CODE_DENIED, "no", dispatched=False)
        failure = await failure_of(call.answered())

    assert (failure.code, failure.detail, failure.dispatched) == (pb.Reset.CODE_DENIED, "no", False)


async def test_data_that_came_before_a_reset_can_still_be_read():
    async with running() as ends, ends.server.open(http()) as call:
        served = await ends.accepted()
        served.answer(ok())
        await served.send(b"some")
        await until(lambda: call.unread_bytes)
        served.reset(pb.Reset.CODE_TARGET_RESET)
        await until(lambda: call.failure)

        assert await call.read() == b"some"
        assert isinstance(await failure_of(call.read()), StreamWasReset)


async def test_a_task_that_waits_elsewhere_hears_of_the_end_once():
    heard = []
    async with running() as ends:
        call = ends.server.open(http())
        served = await ends.accepted()
        served.on_failure = lambda: heard.append("reset")
        call.close()
        await until(lambda: served.failure)
        ends.server_lane.cut()
        await ends.server_task

    assert heard == ["reset"]


async def test_a_lost_lane_fails_streams_as_unknown_or_unsent():
    async with running() as ends:
        sent = ends.server.open(http())
        await ends.accepted()
        ends.server_lane.gate.clear()
        second = ends.server.open(http())
        await asyncio.sleep(1)  # the writer holds it in its hands: nobody knows
        unsent = ends.server.open(http())
        ends.server_lane.cut()
        detail = await ends.server_task

        assert detail == "cut by the test"
        assert [(await failure_of(one.answered())).dispatched for one in (sent, second, unsent)] == [None, None, False]
        assert isinstance(sent.failure, TunnelLost)
        with pytest.raises(LocalProtocolError, match="has ended"):
            ends.server.open(http())


async def test_an_answer_that_was_complete_survives_the_loss_of_the_lane():
    async with running() as ends, ends.server.open(http()) as call:
        served = await ends.accepted()
        served.answer(ok())
        await served.send(b"all")
        served.end()
        await until(lambda: call.is_readable)
        ends.server_lane.cut()
        await ends.server_task

        assert await call.read() == b"all"
        assert await call.read() == b""


async def test_a_lane_that_breaks_while_writing_ends_the_tunnel():
    async with running() as ends:
        ends.server_lane.is_broken = True
        ends.server.open(http())

        assert await ends.server_task == "broken by the test"


async def test_closing_sends_what_waits_first():
    async with running() as ends:
        ends.server.core.go_away(pb.GoAway.CAUSE_DRAIN)
        ends.server.close("stopped")
        ends.server.close("a second time")
        server_end, agent_end = await ends.server_task, await ends.agent_task

        assert (server_end, agent_end) == ("stopped", "the peer ended the tunnel")
        assert isinstance(ends.events[0], GoAwayReceived)
        assert ends.server.is_ending


async def test_a_side_that_waits_for_its_peer_to_end_has_a_limit():
    loop = asyncio.get_running_loop()
    async with running(timing=Timing(finish_limit_s=5)) as ends:
        began_at = loop.time()
        ends.server_task.cancel()
        ends.agent.close("stopped")
        await ends.agent_task
        took_s = loop.time() - began_at

    assert 4.9 < took_s < 5.5


async def test_idle_waits_for_the_last_stream():
    async with running() as ends:
        call = ends.server.open(http())
        async with asyncio.TaskGroup() as tasks:
            idle = tasks.create_task(ends.server.idle())
            await asyncio.sleep(1)
            was_idle = idle.done()
            call.close()
        ended = ends.server.streams

    assert not was_idle
    assert ended == 0


async def test_a_silent_peer_is_asked_and_then_given_up():
    loop = asyncio.get_running_loop()
    async with running(timing=Timing(ping_interval_s=15, dead_after_s=30)) as ends:
        ends.agent_lane.gate.clear()  # the agent hears us, but nothing of it arrives
        began_at = loop.time()
        detail = await ends.server_task
        took_s = loop.time() - began_at

    assert detail == "no sign of life for 30 s"
    assert 29 <= took_s <= 34


async def test_a_peer_that_answers_pings_is_kept():
    async with running(timing=Timing(ping_interval_s=15, dead_after_s=30)) as ends:
        await asyncio.sleep(300)

        assert not ends.server_task.done()
        assert any(isinstance(event, PongReceived) for event in ends.events)


async def test_a_lane_that_accepts_nothing_is_given_up():
    async with running(timing=Timing(ping_interval_s=15, dead_after_s=300, write_limit_s=20)) as ends:
        ends.server_lane.gate.clear()
        detail = await ends.server_task

    assert detail == "nothing could be sent for 20 s"


async def test_both_sides_compare_their_live_streams():
    async with running(timing=Timing(live_interval_s=30)) as ends:
        call = ends.server.open(http())
        await ends.accepted()
        streams = ends.agent.core._streams
        streams.remove(streams._streams[call.id])  # as a bug would
        failure = await failure_of(call.answered())

    assert failure.code == pb.Reset.CODE_NO_SUCH_STREAM


async def test_a_breach_of_the_protocol_ends_the_tunnel_with_the_rule():
    async with running() as ends:
        ends.agent.core._outbox.put(pb.Frame(stream_id=77, data=b"x"))
        ends.agent.flush()
        detail = await ends.server_task

    assert "never opened" in detail
    assert any(isinstance(event, SessionViolated) for event in ends.events)
    assert any(isinstance(event, GoAwayReceived) for event in ends.events)


async def test_a_cancelled_tunnel_fails_its_streams():
    async with running() as ends:
        call = ends.server.open(http())
        await ends.accepted()
        ends.server_task.cancel()
        failure = await failure_of(call.answered())

    assert failure.detail == "cancelled"


async def test_late_frames_of_a_stream_that_nobody_uses_are_dropped():
    async with running() as ends:
        call = ends.server.open(http())
        served = await ends.accepted()
        served.answer(ok())
        await served.send(b"late")
        call.close()
        await until(lambda: served.failure)
        served.close()
        served.close()

        assert ends.server.streams == ends.agent.streams == 0


async def test_a_stream_whose_user_was_cancelled_is_freed():
    async with running(Limits(max_streams=5)) as ends:

        async def use():
            async with ends.server.open(http()) as call:
                await call.answered()

        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(use())
            served = await ends.accepted()
            task.cancel()
        await until(lambda: served.failure)

        assert ends.server.streams == 0


async def test_a_stream_that_sends_its_last_data_alone_can_still_be_cancelled():
    async with running() as ends:
        call = ends.server.open(http())
        served = await ends.accepted()
        assert await served.read() == b""
        served.answer(ok())
        await served.send(b"x" * 400 * KIB)
        served.end()
        served.close()
        await until(lambda: call.unread_bytes)
        still_sending = ends.agent.streams
        call.close()
        await ends.agent.idle()

    assert still_sending == 1


async def test_a_reader_that_takes_over_is_woken_when_the_first_was_cancelled():
    async with running() as ends, ends.server.open(http()) as call:
        served = await ends.accepted()
        served.answer(ok())
        await call.answered()
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(call.read())
            await asyncio.sleep(1)
            second = tasks.create_task(call.read())
            first.cancel()
            await asyncio.sleep(1)
            await served.send(b"for the second")

        assert second.result() == b"for the second"


async def fill(stream):
    while True:
        await stream.send(b"x" * 64 * KIB)


async def failure_of(call):
    with pytest.raises((StreamWasReset, TunnelLost)) as caught:
        await call
    return caught.value
