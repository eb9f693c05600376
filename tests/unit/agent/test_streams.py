"""One stream, served: what the agent relays, what it denies, and how failures come back. The lane is in memory."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.streams import StreamServer
from borealis_agent.targets.target import TargetFailure, TargetRequest
from borealis_agent.telemetry import AgentMetrics
from borealis_wire.aio.live import LiveTunnel
from borealis_wire.aio.stream import StreamWasReset
from borealis_wire.tunnel import Role, Tunnel
from kit.lanes import lane_pair
from kit.wire import http

pytestmark = pytest.mark.looptime


class FakeTarget:
    """Answers what a test tells it to."""

    def __init__(self):
        self.requests: list[TargetRequest] = []
        self.bodies: list[bytes] = []
        self.status, self.headers = 200, [("content-type", b"text/plain")]
        self.length: int | None = 5
        self.pieces: list[bytes | Exception] = [b"hello"]
        self.piece_delay_s = 0.0
        self.failure: Exception | None = None
        self.delay_s = 0.0
        self.fault: str | None = None
        self.reads_body = True
        self.is_left = False

    def fault_of(self, _method, _path):
        return self.fault

    @asynccontextmanager
    async def request(self, request):
        self.requests.append(request)
        if self.reads_body and hasattr(request.body, "__aiter__"):
            self.bodies.append(b"".join([piece async for piece in request.body]))
        await asyncio.sleep(self.delay_s)
        if self.failure:
            raise self.failure
        try:
            yield self
        finally:
            self.is_left = True

    async def read(self):
        return b"".join([piece async for piece in self.chunks()])

    async def chunks(self):
        for piece in self.pieces:
            await asyncio.sleep(self.piece_delay_s)
            if isinstance(piece, Exception):
                raise piece
            yield piece


@asynccontextmanager
async def serving(target, metrics=None):
    server_lane, agent_lane = lane_pair()
    metrics = metrics or AgentMetrics()
    server = StreamServer({"kube": target}, metrics)
    async with asyncio.TaskGroup() as tasks:

        def on_open(stream, request):
            task = tasks.create_task(server.serve(stream, request))
            stream.on_failure = task.cancel

        greeted = asyncio.Event()
        hub = LiveTunnel(Tunnel(Role.SERVER), server_lane, on_event=lambda _: greeted.set())
        agent = LiveTunnel(Tunnel(Role.AGENT), agent_lane, on_event=lambda _: None, on_open=on_open)
        runs = [tasks.create_task(hub.run()), tasks.create_task(agent.run())]
        agent.core.hello(pb.Hello(features=["http", "tcp"]))
        agent.flush()
        await greeted.wait()
        hub.core.welcome(pb.Welcome(features=["http", "tcp"]))
        yield hub
        await agent.idle()
        for run in runs:
            run.cancel()


async def exchange(hub, request, body=b""):
    async with hub.open(request, body) as stream:
        opened = await stream.answered()
        data = b""
        while piece := await stream.read():
            data += piece
        return opened, data


async def refusal(hub, request):
    with pytest.raises(StreamWasReset) as caught:
        await exchange(hub, request)
    return caught.value


async def test_a_small_answer_is_one_frame():
    target = FakeTarget()
    async with serving(target) as hub:
        opened, data = await exchange(hub, http("/api"))

    assert (opened.http.status, data, opened.end_of_data) == (200, b"hello", True)
    assert [(one.name, one.value) for one in opened.http.headers] == [("content-type", b"text/plain")]
    assert (target.requests[0].method, target.requests[0].path, target.requests[0].body) == ("GET", "/api", None)


async def test_an_answer_of_unknown_length_starts_at_once():
    target = FakeTarget()
    target.length, target.pieces = None, [b"one", b"two"]
    async with serving(target) as hub:
        opened, data = await exchange(hub, http("/api"))

    assert data == b"onetwo"
    assert not opened.end_of_data or opened.first == b"onetwo"


@pytest.mark.parametrize("size", [1, 65536, 65537, 400_000])
async def test_a_body_reaches_the_target_whole(size):
    target = FakeTarget()
    body = bytes(range(256)) * (size // 256 + 1)
    async with serving(target) as hub:
        await exchange(hub, http("/api"), body[:size])

    sent = target.bodies[0] if target.bodies else target.requests[0].body
    assert sent == body[:size]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        pytest.param(pb.Open(target="kube", tcp=pb.TcpRequest(port=1)), pb.Reset.CODE_REFUSED, id="tcp"),
        pytest.param(
            pb.Open(target="jenkins", http=pb.HttpRequest(method="GET", path="/")),
            pb.Reset.CODE_DENIED,
            id="unknown-target",
        ),
        pytest.param(http("/../x"), pb.Reset.CODE_DENIED, id="wrong-path"),
        pytest.param(
            pb.Open(target="kube", http=pb.HttpRequest(method="CONNECT", path="/x")),
            pb.Reset.CODE_DENIED,
            id="wrong-method",
        ),
    ],
)
async def test_what_is_not_offered_is_refused_before_it_is_sent(request_, code):
    target = FakeTarget()
    async with serving(target) as hub:
        failure = await refusal(hub, request_)

    assert (failure.code, failure.dispatched) == (code, False)
    assert target.requests == []


async def test_the_targets_allow_list_is_asked():
    target = FakeTarget()
    target.fault = "not that one"
    async with serving(target) as hub:
        failure = await refusal(hub, http("/api"))

    assert (failure.code, failure.detail, failure.dispatched) == (pb.Reset.CODE_DENIED, "not that one", False)


async def test_a_failure_of_the_target_comes_back_as_it_is():
    target = FakeTarget()
    target.failure = TargetFailure(pb.Reset.CODE_DIAL_FAILED, "refused", dispatched=False)
    async with serving(target) as hub:
        failure = await refusal(hub, http("/api"))

    assert (failure.code, failure.detail, failure.dispatched) == (pb.Reset.CODE_DIAL_FAILED, "refused", False)


async def test_an_answer_that_breaks_off_resets_the_stream():
    target = FakeTarget()
    target.length = None
    target.pieces = [b"some", TargetFailure(pb.Reset.CODE_TARGET_RESET, "broken", dispatched=True)]
    async with serving(target) as hub:
        failure = await refusal(hub, http("/api"))

    assert failure.code == pb.Reset.CODE_TARGET_RESET


async def test_a_late_target_is_given_up_at_the_limit():
    target = FakeTarget()
    target.delay_s = 100
    async with serving(target) as hub:
        failure = await refusal(hub, http("/api", open_timeout_ms=1500))

    assert (failure.code, failure.detail) == (pb.Reset.CODE_DEADLINE, "the target did not answer within 1.5 s")


async def test_the_limit_is_for_the_head_only():
    target = FakeTarget()
    target.length, target.pieces, target.piece_delay_s = None, [b"tick"] * 5, 1.0
    async with serving(target) as hub:
        _, data = await exchange(hub, http("/api", open_timeout_ms=1500))

    assert data == b"tick" * 5


async def test_a_fault_of_ours_costs_one_request():
    target = FakeTarget()
    target.failure = ZeroDivisionError("a bug")
    async with serving(target) as hub:
        failure = await refusal(hub, http("/api"))
        target.failure = None
        _, data = await exchange(hub, http("/api"))

    assert (failure.code, failure.detail) == (pb.Reset.CODE_INTERNAL, "fault in the agent")
    assert data == b"hello"


async def test_a_caller_who_leaves_ends_the_request():
    target = FakeTarget()
    target.length, target.pieces, target.piece_delay_s = None, [b"tick"] * 1000, 1.0
    metrics = AgentMetrics()
    async with serving(target, metrics) as hub:
        async with hub.open(http("/api")) as stream:
            await stream.answered()
        await asyncio.sleep(2)

        assert target.is_left
        assert metrics.streams._value.get() == 0
        assert metrics.relayed.labels("cancelled")._value.get() == 1


async def test_a_body_that_never_ends_after_its_answer_is_cut():
    target = FakeTarget()
    target.reads_body = False
    async with serving(target) as hub:
        stream_id = hub.core.open(http("/api"), ends=False)
        hub.flush()
        await asyncio.sleep(100)

        assert stream_id not in hub.core.live_streams
