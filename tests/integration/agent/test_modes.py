"""Upgrades and plain connections: raw bytes both ways, each direction ending for itself."""

from __future__ import annotations

import asyncio

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.targets.catalog import Catalog
from borealis_agent.targets.policy import Policy, TcpAddress, WebTarget
from borealis_wire.aio.stream import StreamWasReset
from kit.agent_streams import exchange, refusal, rest_of, serving
from kit.raw_server import HOSTS, answering, open_raw_server, server_tls, trust

SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Kept: 1\r\n\r\n"
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def upgrade(path="/exec", protocol=b"SPDY/3.1", **more):
    headers = [pb.HttpHeader(name="Connection", value=b"Upgrade"), pb.HttpHeader(name="Upgrade", value=protocol)]
    return pb.Open(target="web", upgrade=pb.HttpRequest(method="GET", path=path, headers=headers), **more)


def tcp(target="db", **more):
    return pb.Open(target=target, tcp=pb.TcpRequest(**more))


def catalog_for(url_or_port, **web):
    if isinstance(url_or_port, str):
        return Catalog(
            Policy(http={"web": WebTarget(url=url_or_port, allow_local=True, methods=("GET", "POST"), **web)})
        )
    return Catalog(Policy(tcp={"db": TcpAddress(host="127.0.0.1", port=url_or_port, allow_local=True)}))


@pytest.fixture(params=["tls", "plain"])
def web(request, authority, tmp_path):
    """The settings of a server and the catalog that names it, with TLS and without."""
    is_tls = request.param == "tls"
    tls = server_tls(tmp_path / "server", authority.issue(HOSTS)) if is_tls else None

    def catalog(port):
        if is_tls:
            return catalog_for(f"https://127.0.0.1:{port}", ca_file=trust(tmp_path, authority))
        return catalog_for(f"http://127.0.0.1:{port}")

    return tls, catalog


async def say_and_hear(stream, data):
    await stream.answered()
    await stream.send(data)
    return await rest_of(stream)


async def echo(peer):
    while data := await peer.read():
        await peer.send(data)


async def test_an_upgrade_carries_bytes_both_ways(web):
    asked = []

    async def serve(peer):
        asked.append(await peer.request())
        await peer.send(SWITCH)
        await echo(peer)

    tls, catalog = web
    async with (
        open_raw_server(serve, tls=tls) as server,
        serving(catalog(server.port)) as hub,
        hub.open(upgrade(), ends=False) as stream,
    ):
        opened = await stream.answered()
        await stream.send(b"ping")
        first = await stream.read()
        await stream.send(b"x" * 300_000)
        received = 0
        while received < 300_000:
            received += len(await stream.read())

    assert (opened.http.status, opened.switched, first) == (101, True, b"ping")
    names = {header.name: header.value for header in opened.http.headers}
    assert names == {"connection": b"Upgrade", "upgrade": b"SPDY/3.1", "x-kept": b"1"}
    assert b"\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n" in asked[0]


async def test_25_bytes_in_the_packet_of_the_head_are_not_lost(web):
    async def serve(peer):
        await peer.request()
        await peer.send(SWITCH + b"first bytes")
        await peer.read()

    tls, catalog = web
    async with (
        open_raw_server(serve, tls=tls) as server,
        serving(catalog(server.port)) as hub,
        hub.open(upgrade(), ends=False) as stream,
    ):
        await stream.answered()
        data = await stream.read()

    assert data == b"first bytes"


async def test_25_bytes_sent_before_the_switch_reach_the_target_after_it(web):
    async def serve(peer):
        await peer.request()
        await asyncio.sleep(0.1)
        await peer.send(SWITCH)
        await echo(peer)

    tls, catalog = web
    async with (
        open_raw_server(serve, tls=tls) as server,
        serving(catalog(server.port)) as hub,
        hub.open(upgrade(), ends=False) as stream,
    ):
        await stream.send(b"eager")
        await stream.answered()
        data = await stream.read()

    assert data == b"eager"


@pytest.mark.parametrize("status", [b"200 OK", b"403 Forbidden", b"426 Upgrade Required"])
async def test_25_a_target_that_does_not_switch_gives_an_ordinary_answer(web, status):
    answer = b"HTTP/1.1 " + status + b"\r\nContent-Length: 4\r\n\r\nwhy?"
    tls, catalog = web
    async with open_raw_server(answering(answer), tls=tls) as server, serving(catalog(server.port)) as hub:
        opened, data = await exchange(hub, upgrade())

    assert (opened.http.status, opened.switched, data) == (int(status[:3]), False, b"why?")


async def test_a_target_that_ends_an_upgrade_ends_the_stream_after_its_last_byte(web):
    async def serve(peer):
        await peer.request()
        await peer.send(SWITCH + b"x" * 500_000)
        peer.close()

    tls, catalog = web
    async with (
        open_raw_server(serve, tls=tls) as server,
        serving(catalog(server.port)) as hub,
        hub.open(upgrade(), ends=False) as stream,
    ):
        await stream.answered()
        data = await rest_of(stream)
        stream.end()

    assert len(data) == 500_000


async def test_a_caller_who_leaves_an_upgrade_closes_it_at_the_target(web):
    ended = asyncio.Event()

    async def serve(peer):
        await peer.request()
        await peer.send(SWITCH)
        try:
            await peer.read()
        finally:
            ended.set()

    tls, catalog = web
    async with open_raw_server(serve, tls=tls) as server, serving(catalog(server.port)) as hub:
        async with hub.open(upgrade(), ends=False) as stream:
            await stream.answered()
        async with asyncio.timeout(2):
            await ended.wait()


@pytest.mark.parametrize("protocol", [b"", b"a b", b"x\r\nHost: evil"])
async def test_an_upgrade_to_nothing_in_particular_is_refused(protocol):
    async with serving(catalog_for("http://127.0.0.1:1")) as hub:
        failure = await refusal(hub, upgrade(protocol=protocol))

    assert (failure.code, failure.dispatched) == (pb.Reset.CODE_PROTOCOL, False)


async def test_tcp_carries_bytes_both_ways_and_each_direction_ends_for_itself():
    async def serve(peer):
        data = b""
        while piece := await peer.read():
            data += piece
        await peer.send(b"got " + data)  # only after the caller's end has arrived
        peer.end()

    async with (
        open_raw_server(serve) as server,
        serving(catalog_for(server.port)) as hub,
        hub.open(tcp(), ends=False) as stream,
    ):
        opened = await stream.answered()
        await stream.send(b"all of it")
        stream.end()
        data = await rest_of(stream)

    assert data == b"got all of it"
    assert not opened.HasField("http")


async def test_over_tcp_the_target_may_end_first_and_still_listen():
    heard = []

    async def serve(peer):
        await peer.send(b"bye")
        peer.end()
        heard.append(await peer.read())

    async with (
        open_raw_server(serve) as server,
        serving(catalog_for(server.port)) as hub,
        hub.open(tcp(), ends=False) as stream,
    ):
        await stream.answered()
        assert await rest_of(stream) == b"bye"
        await stream.send(b"one more thing")
        stream.end()

    assert heard == [b"one more thing"]


async def test_a_reset_by_the_target_is_a_reset_of_the_stream():
    async def serve(peer):
        await peer.read()
        peer.abort()

    async with (
        open_raw_server(serve) as server,
        serving(catalog_for(server.port)) as hub,
        hub.open(tcp(), ends=False) as stream,
    ):
        with pytest.raises(StreamWasReset) as caught:
            await say_and_hear(stream, b"x")

    assert caught.value.code == pb.Reset.CODE_TARGET_RESET


async def test_a_target_that_floods_waits_for_its_reader():
    sent = 0

    async def serve(peer):
        nonlocal sent
        while True:
            await peer.send(b"x" * 65536)
            sent += 65536

    async with (
        open_raw_server(serve) as server,
        serving(catalog_for(server.port)) as hub,
        hub.open(tcp(), ends=False) as stream,
    ):
        await stream.answered()
        before = -1
        while sent != before:
            before = sent
            await asyncio.sleep(0.2)

    assert sent < 16 * 2**20


async def test_a_silent_target_is_given_up_at_the_idle_limit():
    async def serve(peer):
        await peer.read()

    async with open_raw_server(serve) as server, serving(catalog_for(server.port)) as hub:
        request = tcp()
        request.idle_timeout_ms = 100
        async with hub.open(request, ends=False) as stream:
            with pytest.raises(StreamWasReset) as caught:
                await say_and_hear(stream, b"")

    assert caught.value.code == pb.Reset.CODE_IDLE


async def test_a_call_is_over_at_its_deadline(web):
    async def serve(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await peer.send(b"tick", piece=4, pause_s=0.02)

    tls, catalog = web
    async with open_raw_server(serve, tls=tls) as server, serving(catalog(server.port)) as hub:
        request = pb.Open(target="web", http=pb.HttpRequest(method="GET", path="/"), deadline_ms=200)
        failure = await refusal(hub, request)

    assert (failure.code, failure.detail) == (pb.Reset.CODE_DEADLINE, "the call was not over within 0.2 s")


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        pytest.param(tcp("nowhere"), "no target 'nowhere'", id="unknown"),
        pytest.param(tcp("db", host="other"), "nothing else", id="other-host"),
        pytest.param(tcp("db", port=22), "nothing else", id="other-port"),
        pytest.param(pb.Open(target="db", http=pb.HttpRequest(method="GET", path="/")), "HTTP", id="http-to-tcp"),
    ],
)
async def test_tcp_leads_only_where_the_configuration_says(request_, says):
    async with serving(catalog_for(1)) as hub:
        failure = await refusal(hub, request_)

    assert (failure.code, failure.dispatched) == (pb.Reset.CODE_DENIED, False)
    assert says in failure.detail


@pytest.mark.parametrize("size", [1, 65536, 65537, 400_000])
@pytest.mark.parametrize("says_length", [True, False])
async def test_a_body_reaches_the_target_whole(web, size, says_length):
    got = []

    async def serve(peer):
        head = await peer.reader.readuntil(b"\r\n\r\n")
        if b"chunked" in head:
            data = b""
            while length := int(await peer.reader.readuntil(b"\r\n"), 16):
                data += await peer.reader.readexactly(length)
                await peer.reader.readexactly(2)
        else:
            (line,) = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
            data = await peer.reader.readexactly(int(line.split(b":")[1]))
        got.append(data)
        await peer.send(HELLO)

    headers = [pb.HttpHeader(name="Content-Length", value=b"%d" % size)] if says_length else []
    request = pb.Open(target="web", http=pb.HttpRequest(method="POST", path="/", headers=headers))
    body = (bytes(range(256)) * (size // 256 + 1))[:size]
    tls, catalog = web
    async with open_raw_server(serve, tls=tls) as server, serving(catalog(server.port)) as hub:
        _, data = await exchange(hub, request, body)

    assert (got, data) == ([body], b"hello")


async def test_an_early_answer_comes_back_while_the_caller_still_sends(web):
    async def serve(peer):
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        while await peer.read():
            pass

    tls, catalog = web
    async with (
        open_raw_server(serve, tls=tls) as server,
        serving(catalog(server.port)) as hub,
        hub.open(pb.Open(target="web", http=pb.HttpRequest(method="POST", path="/")), ends=False) as stream,
    ):
        await stream.send(b"some")
        opened = await stream.answered()
        data = await rest_of(stream)
        for _ in range(20):
            await stream.send(b"x" * 65536)
        stream.end()

    assert (opened.http.status, data) == (413, b"big")
