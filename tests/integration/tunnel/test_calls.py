"""Calls through a real tunnel: how many frames they take, and that they leave nothing."""

from __future__ import annotations

import asyncio
import time

import pytest

from borealis.tunnel.v1.tunnel_service_pb2 import LaneRequest
from borealis_server.domain.errors import AgentUnavailable, RelayRefused
from borealis_server.ports.relay import RelayRequest
from kit.tunnel import open_agent, wait_until


def get(path, **more):
    return RelayRequest(method="GET", path=path, **more)


def kinds_of(batch):
    return [frame.WhichOneof("kind") for frame in LaneRequest.FromString(batch).frames]


class FrameCount:
    """Counts the frames that pass a lane in both directions."""

    def __init__(self, connection) -> None:
        self.sent: list[str] = []
        self.received: list[str] = []
        self._lane = connection._live._lane
        connection._live._lane = self

    async def read(self):
        batch = await self._lane.read()
        self.received += kinds_of(batch or b"")
        return batch

    async def write(self, batch):
        self.sent += kinds_of(batch)
        await self._lane.write(batch)

    async def finish(self):
        await self._lane.finish()


async def test_a_small_call_is_one_frame_each_way(bed):
    (connection,) = bed.hub.hub._connections
    async with bed.hub.hub.call(bed.agent.ref, get("/api/small")) as response:  # takes the read that is pending already
        await response.read()
    frames = FrameCount(connection)
    async with bed.hub.hub.call(bed.agent.ref, get("/api/small")) as response:
        await response.read()
    frames.received.clear()

    async with bed.hub.hub.call(bed.agent.ref, get("/api/small")) as response:
        body = await response.read()

    assert body == bed.api.small_body
    assert frames.sent[-1:] == ["open"]
    assert frames.sent == ["open", "open"]
    assert frames.received == ["opened"]


async def test_a_caller_who_leaves_frees_the_stream_on_both_sides(bed):
    async with bed.hub.hub.call(bed.agent.ref, get("/api/watch")) as response:
        await anext(response.chunks())
        (session,) = bed.hub.hub.sessions(bed.agent.ref)
        assert session.open_streams == 1
        assert bed.held()

    await bed.settled()
    await wait_until(lambda: bed.api.open_requests == 0)


async def test_a_thousand_cancelled_calls_leave_nothing(bed):
    async def call():
        async with bed.hub.hub.call(bed.agent.ref, get("/api/late")):
            pass

    for _ in range(10):
        async with asyncio.TaskGroup() as tasks:
            calls = [tasks.create_task(call()) for _ in range(100)]
            await asyncio.sleep(0.005)
            for one in calls:
                one.cancel()

    await bed.settled()
    await wait_until(lambda: bed.api.open_requests == 0)


async def test_a_stalled_reader_does_not_slow_small_calls_beside_it(bed):
    async def fifty_small_calls():
        slowest_s = 0.0
        for _ in range(50):
            began_at = time.monotonic()
            async with bed.hub.hub.call(bed.agent.ref, get("/api/small")) as response:
                assert await response.read() == bed.api.small_body
            slowest_s = max(slowest_s, time.monotonic() - began_at)
        return slowest_s

    async with bed.hub.hub.call(bed.agent.ref, get("/api/endless")) as stalled:
        await anext(stalled.chunks())
        await _until_stalled(bed.api)
        sent_before = bed.api.bytes_sent
        slowest_s = await fifty_small_calls()

        assert bed.api.bytes_sent - sent_before <= 2**20, "the stalled stream went on without a reader"
        assert slowest_s < 1.0


async def test_eight_stalled_readers_are_bounded_in_memory_and_cost_others_nothing(bed):
    async def stall(began, done):
        async with bed.hub.hub.call(bed.agent.ref, get("/api/endless")) as response:
            await anext(response.chunks())
            began.release()
            await done.wait()

    began, done = asyncio.Semaphore(0), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(8):
            tasks.create_task(stall(began, done))
        for _ in range(8):
            await began.acquire()
        await _until_stalled(bed.api)
        (connection,) = bed.hub.hub._connections
        buffered_bytes = connection._live.core.buffered_bytes
        for _ in range(50):
            async with bed.hub.hub.call(bed.agent.ref, get("/api/small")) as response:
                await response.read()
        done.set()

    assert buffered_bytes <= 8 * 256 * 1024


async def test_a_stalled_reader_that_goes_on_gets_every_byte(bed):
    async with bed.hub.hub.call(bed.agent.ref, get("/api/large?bytes=5242880")) as response:
        chunks = response.chunks()
        body = await anext(chunks)
        await asyncio.sleep(0.2)
        async for chunk in chunks:
            body += chunk

    assert body == bytes(range(256)) * 20480


async def test_what_the_agent_may_not_relay_is_denied_before_it_is_sent(bed):
    for path in ("/api/../secrets", "/api/%2e%2e/secrets", "//evil", "/api/small#part", "/api/\r\nHost: x"):
        received = len(bed.api.received)
        with pytest.raises(RelayRefused) as caught:
            async with bed.hub.hub.call(bed.agent.ref, get(path)):
                pass

        assert (caught.value.code, caught.value.dispatched) == ("DENIED", False), path
        assert len(bed.api.received) == received


async def test_identity_headers_of_the_caller_never_reach_the_target(bed):
    headers = (("Authorization", "Bearer mine"), ("Cookie", "a=b"), ("Connection", "close"))

    async with bed.hub.hub.call(bed.agent.ref, get("/api/small", headers=headers)) as response:
        await response.read()

    received = bed.api.received[-1][2]
    assert received.keys().isdisjoint({"cookie", "connection"})
    assert received["authorization"] != "Bearer mine"


async def test_the_allow_list_of_paths_is_kept(api, hub):
    async with open_agent(hub, api.kubeconfig, path_prefixes=("/version", "/api/small")) as agent:
        async with hub.hub.call(agent.ref, get("/api/small?limit=1")) as response:
            await response.read()
        with pytest.raises(RelayRefused, match="KUBE_PATH_PREFIXES") as caught:
            async with hub.hub.call(agent.ref, get("/api/smaller")):
                pass

    assert caught.value.code == "DENIED"


async def test_too_many_streams_are_unavailable_and_nothing_was_sent(api, hub):
    async with open_agent(hub, api.kubeconfig, max_streams=1) as agent, hub.hub.call(agent.ref, get("/api/watch")):
        with pytest.raises(AgentUnavailable) as caught:
            async with hub.hub.call(agent.ref, get("/api/small")):
                pass

    assert caught.value.dispatched is False


async def test_a_target_that_is_away_is_a_failed_dial(hub, tmp_path, api):
    text = api.kubeconfig.read_text().replace(api.url, "https://127.0.0.1:1")
    kubeconfig = tmp_path / "away"
    kubeconfig.write_text(text)
    async with open_agent(hub, kubeconfig) as agent:
        with pytest.raises(RelayRefused) as caught:
            async with hub.hub.call(agent.ref, get("/api/small")):
                pass

    assert (caught.value.code, caught.value.dispatched) == ("DIAL_FAILED", False)


async def _until_stalled(api) -> None:
    """Wait until the endless answers have stopped for want of credit."""
    async with asyncio.timeout(10):
        before = -1
        while before != api.bytes_sent:
            before = api.bytes_sent
            await asyncio.sleep(0.1)
