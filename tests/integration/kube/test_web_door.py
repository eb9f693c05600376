"""Kubernetes APIs at the web door, over TLS, hub and agent."""

from __future__ import annotations

import asyncio
import io
import json
from typing import TYPE_CHECKING

import aiohttp
import pytest
from yarl import URL

from kit.target_api import TOKEN
from kit.tunnel import wait_until

if TYPE_CHECKING:
    from borealis_server.domain.audit import AuditCall

BIG = bytes(range(250)) * 20_000


async def pieces():
    for start in range(0, len(BIG), 50_000):
        yield BIG[start : start + 50_000]


async def test_an_answer_comes_as_the_cluster_gave_it_and_the_agents_credentials_were_used(door, client, api):
    url = URL(f"{door.url}/kube/prod/api/small?a=b%2Fc", encoded=True)
    async with client.get(url, headers={"X-Mine": "kept", "Cookie": "no"}) as answer:
        body = await answer.read()

    method, path, headers = api.received[-1]
    assert (answer.status, body) == (200, api.small_body)
    assert (method, path) == ("GET", "/api/small?a=b%2Fc")
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["x-mine"] == "kept"
    assert "cookie" not in headers
    assert answer.headers["X-Kept"] == "yes"
    assert len(answer.headers.getall("Date")) == 1


@pytest.mark.parametrize("body", [b"", b"small", BIG, None], ids=["none", "small", "big", "chunked"])
async def test_a_body_arrives_whole(client, body):
    async with client.post("api/echo", data=pieces() if body is None else io.BytesIO(body)) as answer:
        echoed = await answer.read()

    assert (answer.status, answer.headers["X-Method"]) == (201, "POST")
    assert echoed == (BIG if body is None else body)


async def test_a_client_that_leaves_a_watch_ends_it_in_the_cluster(client, api):
    async with client.get("api/watch") as answer:
        assert b'"number": 0' in await answer.content.readline()
        assert api.open_requests == 1

    await wait_until(lambda: api.open_requests == 0)


async def test_a_client_that_leaves_before_the_answer_ends_the_request(client, api):
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(client.get("api/late?seconds=60").__aenter__())
        await wait_until(lambda: api.open_requests == 1)
        waiting.cancel()

    await wait_until(lambda: api.open_requests == 0)


async def test_an_answer_that_breaks_off_is_seen_to_be_incomplete(client):
    async with client.get("api/broken") as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def status_of(answer):
    """The `Status` of a refusal, which must be one."""
    document = json.loads(await answer.read())
    assert (document["kind"], document["apiVersion"], document["status"]) == ("Status", "v1", "Failure")
    assert document["code"] == answer.status
    return document


@pytest.mark.parametrize("header", [None, "Bearer forged", "Basic YTpi", "Bearer"])
async def test_without_a_good_token_nobody_gets_in(door, api, header):
    headers = {} if header is None else {"Authorization": header}
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=door.tls)) as stranger,
        stranger.get(f"{door.url}/kube/prod/api/small", headers=headers) as answer,
    ):
        status = await status_of(answer)

    assert (answer.status, status["reason"]) == (401, "Unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert not [path for _, path, _ in api.received if path != "/version"]


async def test_who_has_not_the_permission_is_told_which_and_it_is_written_down(door, api):
    async with door.client("viewer") as viewer:
        async with viewer.get("api/v1/namespaces/shop/pods") as answer:
            status = await status_of(answer)
        async with viewer.post("api/small", data=b"x" * 200_000) as posted:
            written = await status_of(posted)

    assert (answer.status, status["reason"]) == (403, "Forbidden")
    assert "kube.read" in status["message"]
    assert "kube.write" in written["message"]
    assert not [path for _, path, _ in api.received if path != "/version"]
    calls: list[AuditCall] = []
    while len(calls) < 2:
        await asyncio.sleep(0.01)
        calls = await door.audited()
    assert [(call.method, call.path, call.actor, call.is_denied) for call in calls] == [
        ("POST", "/api/small", "a-viewer", True),
        ("GET", "/api/v1/namespaces/shop/pods", "a-viewer", True),
    ]
    assert calls[0].end.status == 403


@pytest.mark.parametrize("name", ["Impersonate-User", "impersonate-group", "X-Remote-User"])
async def test_nobody_can_say_to_be_somebody_else(client, api, name):
    async with client.get("api/small", headers={name: "system:admin"}) as answer:
        status = await status_of(answer)

    assert answer.status == 400
    assert "--as" in status["message"]
    assert not [path for _, path, _ in api.received if path != "/version"]


@pytest.mark.parametrize("path", ["api/%2e%2e/secret", "api//small", "api/%00"])
async def test_paths_that_could_be_read_in_two_ways_are_refused(door, api, path):
    token = await door.token()
    reader, writer = await asyncio.open_connection("localhost", int(door.url.rpartition(":")[2]), ssl=door.tls)
    fields = f"Host: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    writer.write(f"GET /kube/prod/{path} HTTP/1.1\r\n{fields}".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()

    assert answer.startswith(b"HTTP/1.1 400")
    assert b'"reason": "BadRequest"' in answer
    assert not [path for _, path, _ in api.received if path != "/version"]


async def test_an_unknown_agent_and_one_that_is_away_are_told_apart(door):
    await door.hub.link_settings("asleep")
    async with door.client() as client:
        async with client.get(f"{door.url}/kube/nobody/api") as unknown:
            no_such = await status_of(unknown)
        async with client.get(f"{door.url}/kube/asleep/api") as away:
            asleep = await status_of(away)

    assert (unknown.status, no_such["reason"]) == (400, "BadRequest")
    assert "no agent tenants/main/agents/nobody" in no_such["message"]
    assert (away.status, asleep["reason"]) == (503, "ServiceUnavailable")
    assert int(away.headers["Retry-After"]) == asleep["details"]["retryAfterSeconds"] == 1
    assert away.headers["X-Relay-Outcome"] == "not_dispatched"


async def test_a_cluster_that_does_not_know_its_agent_is_no_reason_to_log_in_again(client):
    async with client.get("api/unauthorized") as answer:
        status = await status_of(answer)

    assert answer.status == 502
    assert "does not accept the agent's credentials" in status["message"]


async def test_spdy_is_told_which_way_to_take(client):
    headers = {"Connection": "Upgrade", "Upgrade": "SPDY/3.1"}
    async with client.post("api/v1/namespaces/a/pods/b/exec?command=ls", headers=headers) as answer:
        status = await status_of(answer)

    assert answer.status == 400
    assert "borealis kube proxy --agent prod" in status["message"]


async def test_websockets_carry_messages_both_ways(client, api):
    protocols = ("v9.other", "v5.channel.k8s.io")
    async with client.ws_connect("api/socket", protocols=protocols) as socket:
        large = bytes(range(256)) * 2000
        await socket.send_bytes(b"\0hello")
        await socket.send_str("text")
        await socket.send_bytes(large)
        received = [await socket.receive(5) for _ in range(3)]
        await socket.send_str("close")
        closed = await socket.receive(5)

    assert socket.protocol == "v5.channel.k8s.io"
    assert [message.data for message in received] == [b"\0hello", "text", large]
    assert (closed.type, closed.data, closed.extra) == (aiohttp.WSMsgType.CLOSE, 4001, "as you wish")
    await wait_until(lambda: api.open_requests == 0)


async def test_a_websocket_that_the_client_leaves_ends_in_the_cluster(client, api):
    async with client.ws_connect("api/socket") as socket:
        await socket.send_str("hello")
        assert (await socket.receive(5)).data == "hello"
        assert api.open_requests == 1

    await wait_until(lambda: api.open_requests == 0)


async def test_a_websocket_that_is_lost_ends_with_1011(client):
    async with client.ws_connect("api/socket") as socket:
        await socket.send_str("leave")
        closed = await socket.receive(5)

    assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, 1011)


@pytest.mark.parametrize(("role", "path", "status"), [("viewer", "api/socket", 403), ("admin", "api/nothing", 404)])
async def test_a_websocket_that_is_refused_gets_an_answer(door, role, path, status):
    async with door.client(role) as client:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await client.ws_connect(path)

    assert caught.value.status == status


async def test_a_revoked_token_ends_a_watch(door, api):
    async with door.client("deployer") as nobody:
        assert (await nobody.get("api/watch")).status == 200  # discovery by its path, so a deployer may
        credential = door.hub.credentials["a-deployer"].credential
        await door.hub.revoke("a-deployer")
        await wait_until(lambda: api.open_requests == 0, limit_s=15.0)

    assert credential.roles == ("deployer",)
