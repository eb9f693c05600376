"""One reader, or a hundred, that take nothing, and one that takes all it can get, cost the others nothing.

Rows F9 and F10 of the table of faults.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from borealis_wire.limits import Limits


@asynccontextmanager
async def stalled_readers(bed, count):
    """So many endless answers that nobody reads, until all of them have run out of credit."""

    async def stall():
        async with bed.call("/api/endless") as response:
            await anext(response.chunks())
            began.release()
            await done.wait()

    began, done = asyncio.Semaphore(0), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(count):
            tasks.create_task(stall())
        for _ in range(count):
            await began.acquire()
        before = -1
        while before != bed.api.bytes_sent:
            before = bed.api.bytes_sent
            await asyncio.sleep(0.2)
        yield
        done.set()


@pytest.mark.parametrize("count", [1, 100])
async def test_f9_small_calls_all_succeed_beside_stalled_readers(bed, count):
    async with stalled_readers(bed, count):
        sent = bed.api.bytes_sent
        bodies = [await bed.body("/api/small") for _ in range(50)]
        held = sum(one._live.core.buffered_bytes for one in bed.hub.hub._connections)
        more = bed.api.bytes_sent - sent

    assert bodies == [bed.api.small_body] * 50
    assert held <= count * Limits().initial_credit_bytes
    assert more == 0, "a stalled stream went on without a reader"


async def test_f9_stalled_uploads_do_not_hold_up_others(bed):
    """The target does not read: the agent's credit runs out, and only theirs."""
    bed.to_target.freeze(bed.to_target.up)
    async with asyncio.TaskGroup() as tasks:
        uploads = [
            tasks.create_task(bed.body("/api/echo", method="POST", body=bytes(2**20), timeout_s=60)) for _ in range(8)
        ]
        await asyncio.sleep(0.5)
        held = sum(session._live.core.buffered_bytes for session in bed.agent.sessions())
        pings_answered = bed.knows_agent and bed.knows_hub
        bed.to_target.heal()
    small = await bed.body("/api/small")

    assert pings_answered
    assert held <= 8 * Limits().initial_credit_bytes
    assert [upload.result() for upload in uploads] == [bytes(2**20)] * 8
    assert small == bed.api.small_body


async def test_f10_an_echo_is_answered_every_time_while_bulk_flows(bed):
    """Bulk that is read as fast as it comes, both ways, beside a person who types."""

    async def bulk_down():
        async with bed.call("/api/endless") as response:
            async for _ in response.chunks():
                if done.is_set():
                    return

    async def bulk_up():
        while not done.is_set():
            await bed.body("/api/echo", method="POST", body=bytes(2**20))

    done = asyncio.Event()
    async with asyncio.TaskGroup() as tasks, bed.terminal() as terminal:
        tasks.create_task(bulk_down())
        tasks.create_task(bulk_up())
        typed = [await terminal.echo(b"%d" % number) for number in range(100)]
        echoes = [await bed.body("/api/echo", method="POST", body=b"%d" % number) for number in range(100)]
        done.set()

    assert typed == echoes == [b"%d" % number for number in range(100)]
