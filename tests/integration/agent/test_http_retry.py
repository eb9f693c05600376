"""When a request is sent a second time: once, on a new connection, and only if that surely does no harm."""

from __future__ import annotations

import asyncio

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.targets.target import TargetFailure
from kit.raw_server import answering

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


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


def closing_after(answers, then):
    """Serves the first connection so often, then closes it as the next request comes; later ones are served."""
    state = {"first": True}

    async def serve(peer):
        if not state["first"]:
            await answering(HELLO, HELLO)(peer)
            return
        state["first"] = False
        for _ in range(answers):
            await peer.request()
            await peer.send(HELLO)
        await peer.request()
        await then(peer)

    return serve


async def close(peer):
    peer.close()


async def half_an_answer(peer):
    await peer.send(b"H")
    peer.close()


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_a_stale_connection_is_replaced_for_a_request_that_does_no_harm_twice(talk, get, body_of, method):
    async with talk(closing_after(1, close)) as (client, server):
        await fetch(client, get(), body_of)
        status, _ = await fetch(client, get(method=method), body_of)

    assert (status, server.connections) == (200, 2)


async def test_a_stale_connection_is_replaced_for_a_request_that_the_target_recognises(talk, get, body_of):
    request = get(method="POST", body=b"x", is_repeatable=True)
    async with talk(closing_after(1, close)) as (client, server):
        await fetch(client, get(), body_of)
        assert (await fetch(client, request, body_of))[0] == 200

    assert server.connections == 2


@pytest.mark.parametrize(
    ("method", "answers", "then"),
    [
        pytest.param("POST", 1, close, id="may-have-been-done"),
        pytest.param("PATCH", 1, close, id="may-have-been-done-patch"),
        pytest.param("DELETE", 1, close, id="may-have-been-done-delete"),
        pytest.param("GET", 1, half_an_answer, id="one-byte-of-the-answer"),
        pytest.param("GET", 0, close, id="a-new-connection"),
    ],
)
async def test_nothing_else_is_sent_twice(talk, get, body_of, method, answers, then):
    async with talk(closing_after(answers, then)) as (client, server):
        if answers:
            await fetch(client, get(), body_of)
        failure = await failure_of(fetch(client, get(method=method), body_of))

    assert (failure.code, failure.dispatched, server.connections) == (pb.Reset.CODE_TARGET_RESET, True, 1)


async def test_a_request_that_the_target_did_not_answer_in_time_is_not_sent_twice(talk, get, body_of):
    async def serve(peer):
        await peer.request()
        await peer.send(HELLO)
        await peer.request()
        await peer.read()

    async with talk(serve) as (client, server):
        await fetch(client, get(), body_of)
        failure = await failure_of(fetch(client, get(limit_s=0.2), body_of))

    assert (failure.code, server.connections) == (pb.Reset.CODE_DEADLINE, 1)


async def test_a_request_is_repeated_once_and_on_a_new_connection(talk, get, body_of):
    """All pooled connections are stale, and so is the new one: two attempts, not four."""
    requests = 0

    async def serve(peer):
        nonlocal requests
        await peer.request()
        requests += 1
        if requests <= 3:
            await asyncio.sleep(0.05)
            await peer.send(HELLO)
            await peer.request()
            requests += 1
        peer.close()

    async with talk(serve) as (client, _):
        async with asyncio.TaskGroup() as tasks:
            for _ in range(3):
                tasks.create_task(fetch(client, get(), body_of))
        assert client.idle == 3
        await failure_of(fetch(client, get(), body_of))

    assert requests == 5


async def test_a_connection_that_the_target_closed_meanwhile_is_not_tried(talk, get, body_of):
    async def serve(peer):
        await peer.request()
        await peer.send(HELLO)
        await asyncio.sleep(0.05)
        peer.close()

    async with talk(serve) as (client, server):
        await fetch(client, get(), body_of)
        await asyncio.sleep(0.2)
        status, _ = await fetch(client, get(method="POST", body=b"x"), body_of)

    assert (status, server.connections) == (200, 2)
