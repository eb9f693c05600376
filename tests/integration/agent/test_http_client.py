"""The HTTP client against servers that misbehave: over real sockets, with TLS and without."""

from __future__ import annotations

import asyncio

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.targets.http1.connection import _HIGH_BYTES
from borealis_agent.targets.target import TargetFailure
from kit.raw_server import answering
from kit.tunnel import wait_until

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"


async def failure_of(awaitable):
    with pytest.raises(TargetFailure) as caught:
        await awaitable
    return caught.value


async def fetch(client, request, body_of):
    connection = await client.send(request)
    try:
        return connection.status, await body_of(connection)
    finally:
        connection.release()


async def test_a_connection_is_used_again(talk, get, body_of):
    received: list[bytes] = []
    async with talk(answering(HELLO, HELLO, HELLO, received=received)) as (client, server):
        for _ in range(3):
            assert await fetch(client, get("/x?y=1"), body_of) == (200, b"hello")

    assert server.connections == 1
    assert received[0] == b"GET /x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: */*\r\n\r\n" % server.port


async def test_a_connection_serves_again_after_a_caller_who_left_with_the_answer_unread(talk, get, body_of):
    much = b"x" * _HIGH_BYTES  # the last of it makes the target wait
    answer = OK + b"Content-Length: %d\r\n\r\n" % len(much) + much
    async with talk(answering(answer, HELLO)) as (client, server):
        connection = await client.send(get())
        await wait_until(lambda: connection.is_complete)
        connection.release()
        assert await fetch(client, get(limit_s=5.0), body_of) == (200, b"hello")

    assert server.connections == 1


@pytest.mark.parametrize("piece", [1, 2, 7])
async def test_an_answer_may_come_byte_by_byte(talk, get, body_of, piece):
    answer = OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nX-Sum: 5\r\n\r\n"
    async with talk(answering(answer, HELLO, piece=piece)) as (client, server):
        connection = await client.send(get())
        body = await body_of(connection)
        trailers = list(connection.trailers)
        connection.release()
        again = await fetch(client, get(), body_of)

    assert (body, trailers, again) == (b"hello", [(b"x-sum", b"5")], (200, b"hello"))
    assert server.connections == 1


async def test_bodies_go_out_with_their_length(talk, get, body_of):
    received: list[bytes] = []
    async with talk(answering(HELLO, HELLO, received=received)) as (client, _):
        await fetch(client, get(method="POST", body=b"data"), body_of)
        await fetch(client, get(method="POST", body=b""), body_of)

    assert received[0].endswith(b"Content-Length: 4\r\n\r\ndata")
    assert received[1].endswith(b"Content-Length: 0\r\n\r\n")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(OK + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello", id="close"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", id="1.0"),
        pytest.param(HELLO + b"surplus", id="surplus"),
        pytest.param(HELLO + OK + b"Content-Length: 4\r\n\r\nevil", id="unasked-answer"),
    ],
)
async def test_a_connection_that_is_not_clean_is_not_used_again(talk, get, body_of, answer):
    async with talk(answering(answer, answer)) as (client, server):
        for _ in range(2):
            assert await fetch(client, get(), body_of) == (200, b"hello")

    assert server.connections == 2


async def test_an_answer_that_nobody_asked_for_is_nobodys_answer(talk, get, body_of):
    async def serve(peer):
        await peer.request()
        await peer.send(HELLO)
        await asyncio.sleep(0.05)
        await peer.send(OK + b"Content-Length: 4\r\n\r\nevil")
        await peer.read()

    async with talk(serve) as (client, server):
        assert await fetch(client, get(), body_of) == (200, b"hello")
        await asyncio.sleep(0.15)
        assert client.idle == 0
        assert await fetch(client, get(), body_of) == (200, b"hello")

    assert server.connections == 2


async def test_an_answer_that_ends_with_its_connection_is_whole(talk, get, body_of):
    async def serve(peer):
        await peer.request()
        await peer.send(OK + b"\r\n" + b"x" * 200_000)
        peer.close()

    async with talk(serve) as (client, _):
        assert await fetch(client, get(), body_of) == (200, b"x" * 200_000)


@pytest.mark.parametrize(
    ("answer", "where"),
    [
        pytest.param(b"", "without an answer", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-", "in the middle of its answer", id="head"),
        pytest.param(OK + b"Content-Length: 500000\r\n\r\nhello", "in the middle of its answer", id="body"),
        pytest.param(
            OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "in the middle of its answer", id="chunk"
        ),
    ],
)
@pytest.mark.parametrize("how", ["close", "abort"])
async def test_an_answer_that_breaks_off_is_a_failure(talk, get, body_of, answer, where, how):
    async def serve(peer):
        await peer.request()
        await peer.send(answer)
        await asyncio.sleep(0.05)
        getattr(peer, how)()

    async with talk(serve) as (client, server):
        failure = await failure_of(fetch(client, get(), body_of))

    assert (failure.code, failure.dispatched) == (pb.Reset.CODE_TARGET_RESET, True)
    assert failure.detail.endswith(where)
    assert server.connections == 1, "what may have arrived is not sent twice"


async def test_headers_without_end_are_too_large(talk, get):
    async def serve(peer):
        await peer.request()
        await peer.send(OK)
        while True:
            await peer.send(b"X-More: " + b"x" * 4000 + b"\r\n")

    async with talk(serve) as (client, _):
        failure = await failure_of(client.send(get()))

    assert failure.code == pb.Reset.CODE_TOO_LARGE


async def test_a_target_that_never_answers_is_given_up(talk, get):
    async def serve(peer):
        await peer.request()
        await peer.read()

    async with talk(serve) as (client, _):
        failure = await failure_of(client.send(get(limit_s=0.1)))

    assert (failure.code, failure.detail) == (pb.Reset.CODE_DEADLINE, "the target did not answer within 0.1 s")


async def test_the_limit_is_for_the_head_and_not_for_a_slow_small_body(talk, get, body_of):
    async def serve(peer):
        await peer.request()
        await peer.send(OK + b"Content-Length: 5\r\n\r\nhe")
        await asyncio.sleep(0.4)
        await peer.send(b"llo")
        await peer.read()

    async with talk(serve) as (client, _):
        assert await fetch(client, get(limit_s=0.1), body_of) == (200, b"hello")


async def test_a_target_that_is_not_read_stops_sending(talk, get):
    sent = 0

    async def serve(peer):
        nonlocal sent
        await peer.request()
        await peer.send(OK + b"\r\n")
        while True:
            await peer.send(b"x" * 65536)
            sent += 65536

    async with talk(serve) as (client, _):
        connection = await client.send(get())
        await connection.read()
        before = -1
        while sent != before:
            before = sent
            await asyncio.sleep(0.2)
        buffered = connection._reader.buffered_bytes
        connection.release()

    assert buffered < 2**20
    assert sent < 16 * 2**20


async def test_a_body_goes_out_while_the_answer_comes_in(talk, get, body_of):
    """A target that echoes each chunk at once: neither side waits for the other's end."""

    async def serve(peer):
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(OK + b"Transfer-Encoding: chunked\r\n\r\n")
        while (chunk := await peer.reader.readuntil(b"\r\n")) != b"0\r\n":
            await peer.send(chunk + await peer.reader.readexactly(int(chunk, 16) + 2))
        await peer.send(b"0\r\n\r\n")
        while await peer.read():
            pass

    async with talk(serve) as (client, _):
        connection = await client.open(get(method="POST", body=None))
        await connection.answered(5)
        echoed = []
        for word in (b"one", b"two"):
            await connection.write(b"3\r\n" + word + b"\r\n")
            echoed.append(await connection.read())
        connection.end(b"0\r\n\r\n")
        echoed.append(await body_of(connection))
        connection.release()
        assert client.idle == 1

    assert echoed == [b"one", b"two", b""]


async def test_an_upload_waits_for_a_target_that_does_not_read(talk, get):
    async def serve(peer):
        await peer.reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(60)

    async with talk(serve) as (client, _):
        connection = await client.open(get(method="POST", body=None, length=2**30))
        written = 0

        async def write_for_ever():
            nonlocal written
            while True:
                await connection.write(b"x" * 65536)
                written += 65536

        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(write_for_ever())
            before = -1
            while written != before:
                before = written
                await asyncio.sleep(0.2)
            writing.cancel()
        connection.release()

    assert 0 < written < 32 * 2**20


async def test_an_early_answer_ends_the_use_of_the_connection(talk, get, body_of):
    async def serve(peer):
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        while await peer.read():
            pass

    async with talk(serve) as (client, _):
        connection = await client.open(get(method="POST", body=None))
        await connection.write(b"5\r\nhello\r\n")
        await connection.answered(5)
        body = await body_of(connection)
        status = connection.status
        connection.release()

        assert (status, body, client.idle) == (413, b"big", 0)


async def test_whoever_leaves_closes_the_connection(talk, get):
    ended = asyncio.Event()

    async def serve(peer):
        await peer.request()
        try:
            await peer.read()
        finally:
            ended.set()

    async with talk(serve) as (client, _):
        async with asyncio.TaskGroup() as tasks:
            call = tasks.create_task(client.send(get()))
            await asyncio.sleep(0.1)
            call.cancel()
        async with asyncio.timeout(2):
            await ended.wait()


async def test_many_requests_at_once_have_their_own_answers(talk, get, body_of):
    async def serve(peer):
        while True:
            name = (await peer.request()).split(b" ")[1]
            await asyncio.sleep(0.001)
            await peer.send(OK + b"Content-Length: %d\r\n\r\n" % len(name) + name, piece=9)

    async def one(client, number):
        assert await fetch(client, get(f"/{number}"), body_of) == (200, f"/{number}".encode())

    async with talk(serve) as (client, server):
        for _ in range(3):
            async with asyncio.TaskGroup() as tasks:
                for number in range(40):
                    tasks.create_task(one(client, number))

    assert server.connections <= 40
