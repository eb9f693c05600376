"""Bodies that come in pieces, and bytes both ways. Lanes in memory, virtual time."""

from __future__ import annotations

import asyncio

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_server.domain.errors import AgentUnavailable, Exhausted, RelayRefused
from borealis_server.ports.relay import AgentRef, RelayRequest, TcpRequest
from kit.fake_agent import open_bed

pytestmark = pytest.mark.looptime

PROD = AgentRef(tenant="main", name="prod")
GET = RelayRequest(method="GET", path="/")
POST = RelayRequest(method="POST", path="/", body=b"change")
SHELL = RelayRequest(method="POST", path="/exec", headers=(("Connection", "Upgrade"),), idle_timeout_s=0)
TCP = TcpRequest(target="db", port=5432)


async def body_of(hub, request=GET, agent=PROD):
    async with hub.call(agent, request) as response:
        return await response.read()


async def failure_of(hub, request=GET, agent=PROD):
    with pytest.raises((AgentUnavailable, RelayRefused, Exhausted)) as caught:
        await body_of(hub, request, agent)
    return caught.value


def now():
    return asyncio.get_running_loop().time()


async def test_a_body_arrives_as_its_pieces_come():
    got = []

    async def pieces():
        for piece in (b"one ", b"", b"two ", b"three"):
            yield piece
            await asyncio.sleep(1)

    def serve(stream, _request):
        tasks.create_task(collect(stream))

    async def collect(stream):
        while data := await stream.read():
            got.append((round(now()), data))
        agent.answer(stream, b"thanks")

    async with asyncio.TaskGroup() as tasks, open_bed() as bed:
        agent = await bed.connect("one")
        agent.serve = serve
        answer = await body_of(bed.hub, RelayRequest(method="POST", path="/", body=pieces()))

        assert answer == b"thanks"
        assert got == [(0, b"one "), (2, b"two "), (3, b"three")]


async def test_a_body_that_breaks_off_ends_its_call_only():
    async def pieces():
        yield b"one"
        raise OSError("the client went away")

    async with open_bed() as bed:
        (await bed.connect("one")).is_silent = True
        failure = await failure_of(bed.hub, RelayRequest(method="POST", path="/", body=pieces()))
        bed.agents[0].is_silent = False

        assert failure.code == "CANCELLED"
        assert "broke off: OSError" in failure.detail
        assert await body_of(bed.hub) == b"one"


async def test_an_early_answer_stops_a_body_that_nobody_wants():
    sent = []

    def refuse(stream, _request):
        stream.answer(pb.Opened(http=pb.HttpResponse(status=413)))
        stream.end()

    async def pieces():
        while True:
            sent.append(now())
            yield b"x" * 1000
            await asyncio.sleep(1)

    async with open_bed() as bed:
        (await bed.connect("one")).serve = refuse
        async with bed.hub.call(PROD, RelayRequest(method="POST", path="/", body=pieces())) as response:
            assert await response.read() == b""
            assert response.status == 413
        count = len(sent)
        await asyncio.sleep(10)

        assert len(sent) == count <= 2


def echo(tasks, agent, opened):
    """Serve streams by sending back what comes, in capitals, until the other side ends."""

    async def run(stream):
        stream.answer(opened)
        while data := await stream.read():
            await stream.send(data.upper())
        await stream.send(b"BYE")
        stream.end()
        stream.close()

    agent.serve = lambda stream, _: tasks.create_task(run(stream))


SWITCHED = pb.Opened(
    http=pb.HttpResponse(status=101, headers=[pb.HttpHeader(name="Upgrade", value=b"SPDY/3.1")]), switched=True
)


@pytest.mark.parametrize(
    ("request_", "opened", "status", "headers"),
    [
        pytest.param(SHELL, SWITCHED, 101, (("upgrade", "SPDY/3.1"),), id="upgrade"),
        pytest.param(TCP, pb.Opened(), 0, (), id="tcp"),
    ],
)
async def test_bytes_go_both_ways_and_a_half_close_arrives(request_, opened, status, headers):
    async with asyncio.TaskGroup() as tasks, open_bed() as bed:
        echo(tasks, await bed.connect("one"), opened)
        async with bed.hub.duplex(PROD, request_) as duplex:
            assert (duplex.is_switched, duplex.status, duplex.headers) == (True, status, headers)
            await duplex.write(b"hello")
            first = await duplex.read()
            duplex.end()
            duplex.end()
            with pytest.raises(RelayRefused, match="has ended"):
                await duplex.write(b"more")
            last = await duplex.read()
            end = await duplex.read()

    assert (first, last, end) == (b"HELLO", b"BYE", b"")
    kind = "tcp" if isinstance(request_, TcpRequest) else "upgrade"
    assert bed.agents[0].requests[0].WhichOneof("request") == kind


async def test_a_target_that_does_not_switch_gives_an_ordinary_answer():
    def forbid(stream, _request):
        stream.answer(pb.Opened(http=pb.HttpResponse(status=403)))
        agent.live.core.send(stream.id, b"no exec for you")
        stream.end()

    async with open_bed() as bed:
        agent = await bed.connect("one")
        agent.serve = forbid
        async with bed.hub.duplex(PROD, SHELL) as duplex:
            body = await duplex.read()
            with pytest.raises(RelayRefused, match="answered 403 and did not switch"):
                await duplex.write(b"x")
        await asyncio.sleep(1)

        assert (duplex.is_switched, duplex.status, body) == (False, 403, b"no exec for you")
        assert agent.live.core.open_streams == 0


async def test_an_agent_that_offers_no_upgrade_is_not_asked_for_one():
    async with open_bed() as bed:
        agent = await bed.connect("old", features=("http",))
        with pytest.raises(RelayRefused, match="does not offer upgrade: update it") as caught:
            async with bed.hub.duplex(PROD, SHELL):
                pass
        newer = await bed.connect("new")
        newer.serve = lambda stream, _: stream.answer(SWITCHED)
        async with bed.hub.duplex(PROD, SHELL) as duplex:
            assert duplex.is_switched

        assert (caught.value.code, caught.value.dispatched) == ("REFUSED", False)
        assert (agent.opened, newer.opened) == (0, 1)


async def test_leaving_a_connection_ends_both_directions_at_once():
    async with open_bed() as bed:
        agent = await bed.connect("one")
        agent.serve = lambda stream, _: stream.answer(pb.Opened())
        async with bed.hub.duplex(PROD, TCP):
            await asyncio.sleep(1)
            assert agent.live.core.open_streams == 1
        await asyncio.sleep(0.1)

        assert agent.live.core.open_streams == 0


async def test_a_lost_tunnel_ends_a_connection_for_reader_and_writer():
    async with open_bed() as bed:
        agent = await bed.connect("one")
        agent.serve = lambda stream, _: stream.answer(pb.Opened())
        async with bed.hub.duplex(PROD, TCP) as duplex:
            agent.crash()
            with pytest.raises(AgentUnavailable):
                await duplex.read()
            with pytest.raises(AgentUnavailable):
                await duplex.write(b"x")
            duplex.end()
