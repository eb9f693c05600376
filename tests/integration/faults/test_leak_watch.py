"""The watch that guards every test of the tunnel sees each kind of leak."""

from __future__ import annotations

import asyncio
import os

import pytest

from borealis.tunnel.v1 import tunnel_pb2
from borealis_wire.aio.live import LiveTunnel
from borealis_wire.tunnel import Role, Tunnel
from kit.lanes import lane_pair
from kit.leaks import LeakWatch


async def complaint_of(watch: LeakWatch) -> str:
    with watch, pytest.raises(pytest.fail.Exception) as caught:
        await watch.check(limit_s=0.05)
    return str(caught.value)


async def test_nothing_left_is_no_complaint():
    with LeakWatch() as watch:
        await watch.check()


async def test_a_task_that_was_left_is_named():
    watch = LeakWatch()
    async with asyncio.TaskGroup() as tasks:
        left = tasks.create_task(asyncio.sleep(60), name="forgotten")
        complaint = await complaint_of(watch)
        left.cancel()

    assert complaint.startswith("left behind: task forgotten")


async def test_a_descriptor_that_was_left_is_counted():
    watch = LeakWatch()
    ends = os.pipe()
    complaint = await complaint_of(watch)
    for end in ends:
        os.close(end)

    assert complaint == "left behind: 2 more pipe"


async def test_a_connection_that_was_left_is_seen():
    async def hold(_reader, writer):
        held.append(writer)

    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    watch = LeakWatch()
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    complaint = await complaint_of(watch)
    writer.transport.abort()
    held[0].transport.abort()
    server.close()
    await server.wait_closed()

    assert "connection (" in complaint


async def test_a_stream_that_something_still_refers_to_is_seen():
    live = LiveTunnel(Tunnel(Role.SERVER), lane_pair()[0], on_event=lambda _: None)
    hello = tunnel_pb2.Hello(version_min=1, version_max=1, agent="a", instance_id="i", features=["http"])
    live.core.receive([tunnel_pb2.Frame(hello=hello)])
    live.core.welcome(tunnel_pb2.Welcome(features=["http"]))
    stream = live.open(tunnel_pb2.Open(http=tunnel_pb2.HttpRequest(method="GET", path="/")))
    complaint = await complaint_of(LeakWatch())
    stream.close()

    assert "1 objects LiveStream" in complaint
    assert "1 objects Tunnel" in complaint


async def test_what_the_event_loop_complains_of_is_a_leak():
    watch = LeakWatch()
    with watch:
        asyncio.get_running_loop().create_future().set_exception(ValueError("nobody asked"))
        with pytest.raises(pytest.fail.Exception, match="never retrieved"):
            await watch.check(limit_s=0.05)
