"""What every relay does, whether the call goes through an agent's tunnel or directly."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from borealis_server.adapters.clock import SystemClock
from borealis_server.domain.errors import AgentUnavailable, RelayRefused
from borealis_server.ports.relay import AgentRef, RelayRequest
from kit.direct_relay import DirectCluster, DirectRelay
from kit.leaks import no_leaks
from kit.target_api import TOKEN, open_target_api
from kit.tunnel import TENANT, open_agent, open_hub, wait_until

__all__ = ["no_leaks"]

PROD = AgentRef(tenant=TENANT, name="prod")
NOBODY = AgentRef(tenant=TENANT, name="nobody")


@pytest.fixture
async def api(tmp_path):
    async with open_target_api(tmp_path / "api") as api:
        yield api


@asynccontextmanager
async def _direct(api, _folder):
    cluster = DirectCluster(url=api.url, ca_pem=api.ca_file.read_text(), token=TOKEN)
    async with DirectRelay({PROD: cluster}, SystemClock()) as relay:
        yield relay


@asynccontextmanager
async def _tunnelled(api, folder):
    async with open_hub(folder) as bed, open_agent(bed, api.kubeconfig):
        yield bed.hub
        await wait_until(lambda: not any(connection.open_streams for connection in bed.hub._connections))


@pytest.fixture(params=[_direct, _tunnelled], ids=["direct", "tunnel"])
async def relay(request, api, tmp_path):
    async with request.param(api, tmp_path / "hub") as relay:
        yield relay


def get(path, **more):
    return RelayRequest(method="GET", path=path, **more)


async def test_a_small_answer_comes_back_whole(relay, api):
    async with relay.call(PROD, get("/api/small")) as response:
        body = await response.read()

    assert response.status == 200
    assert body == api.small_body
    assert dict(response.headers)["content-type"] == "application/json"


async def test_header_names_are_lower_case_and_cookies_stay_in_the_cluster(relay):
    async with relay.call(PROD, get("/api/small")) as response:
        names = [name for name, _ in response.headers]

    assert "x-kept" in names
    assert "set-cookie" not in names
    assert names == [name.lower() for name in names]


async def test_a_large_answer_comes_back_whole(relay):
    async with relay.call(PROD, get("/api/large?bytes=5242880")) as response:
        body = await response.read()

    assert body == bytes(range(256)) * 20480


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 3_000_000])
async def test_a_body_arrives_whole(relay, size):
    body = bytes(range(251)) * (size // 251 + 1)
    request = RelayRequest(method="POST", path="/api/echo", body=body[:size])

    async with relay.call(PROD, request) as response:
        echoed = await response.read()

    assert (response.status, dict(response.headers)["x-method"]) == (201, "POST")
    assert echoed == body[:size]


async def test_path_and_query_arrive_as_they_were_encoded(relay, api):
    path = "/api/small?labelSelector=app%3Dweb%2Ctier%21%3Ddb&fieldManager=a%20b"

    async with relay.call(PROD, get(path)) as response:
        await response.read()

    assert api.received[-1][1] == path


async def test_the_targets_own_credentials_are_used(relay, api):
    headers = (("Authorization", "Bearer of the caller"), ("X-Mine", "kept"))

    async with relay.call(PROD, get("/api/small", headers=headers)) as response:
        await response.read()

    assert response.status == 200
    assert api.received[-1][2]["authorization"] == f"Bearer {TOKEN}"
    assert api.received[-1][2]["x-mine"] == "kept"


async def test_a_watch_comes_bit_by_bit(relay):
    lines = []
    async with relay.call(PROD, get("/api/watch")) as response:
        async for chunk in response.chunks():
            lines += chunk.splitlines()
            if len(lines) >= 6:
                break

    assert [json.loads(line)["number"] for line in lines[:6]] == [0, 1, 2, 3, 4, 5]


async def test_leaving_a_watch_ends_the_request_at_the_target(relay, api):
    async with relay.call(PROD, get("/api/watch")) as response:
        await anext(response.chunks())
        assert api.open_requests == 1

    await wait_until(lambda: api.open_requests == 0)


async def test_a_cancelled_caller_ends_the_request_at_the_target(relay, api):
    async def call():
        async with relay.call(PROD, get("/api/late?seconds=60")):
            pass

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(call())
        await wait_until(lambda: api.open_requests == 1)
        task.cancel()

    await wait_until(lambda: api.open_requests == 0)
    assert task.cancelled()


async def test_a_late_head_is_refused_at_the_time_limit(relay, api):
    with pytest.raises(RelayRefused, match=r"no answer within 0\.1 s") as caught:
        async with relay.call(PROD, get("/api/late?seconds=60", timeout_s=0.1)):
            pass

    assert caught.value.code == "DEADLINE"
    assert caught.value.dispatched is not False
    await wait_until(lambda: api.open_requests == 0)


async def test_silence_between_chunks_is_refused_at_the_idle_limit(relay):
    async with relay.call(PROD, get("/api/late-body", idle_timeout_s=0.1)) as response:
        with pytest.raises(RelayRefused) as caught:
            await response.read()

    assert caught.value.code == "IDLE"


async def test_an_answer_beyond_the_limit_is_refused(relay):
    with pytest.raises(RelayRefused) as caught:
        async with relay.call(PROD, get("/api/endless")) as response:
            await response.read(limit_bytes=100_000)

    assert caught.value.code == "TOO_LARGE"


async def test_an_answer_that_breaks_off_is_an_error(relay):
    with pytest.raises(RelayRefused) as caught:
        async with relay.call(PROD, get("/api/broken")) as response:
            await response.read()

    assert (caught.value.code, caught.value.dispatched) == ("TARGET_RESET", True)


async def test_an_unknown_agent_is_unavailable_and_nothing_was_sent(relay):
    with pytest.raises(AgentUnavailable) as caught:
        async with relay.call(NOBODY, get("/api/small")):
            pass

    assert caught.value.dispatched is False
    assert not relay.is_connected(NOBODY)
    assert relay.sessions(NOBODY) == ()


async def test_an_unknown_target_is_denied(relay):
    with pytest.raises(RelayRefused) as caught:
        async with relay.call(PROD, get("/", target="prometheus")):
            pass

    assert (caught.value.code, caught.value.dispatched) == ("DENIED", False)


async def test_an_early_answer_to_a_large_body_comes_back(relay):
    request = RelayRequest(method="POST", path="/api/refuses-body", body=b"x" * 100_000)

    async with relay.call(PROD, request) as response:
        body = await response.read()

    assert (response.status, body) == (413, b"too much")


async def test_sessions_tell_of_connected_agents(relay):
    (session,) = relay.sessions(PROD)

    assert relay.is_connected(PROD)
    assert session.agent == PROD
    assert relay.all_sessions(TENANT) == relay.sessions(PROD) or len(relay.all_sessions(TENANT)) == 1
    assert relay.all_sessions("another") == ()


async def test_many_calls_at_once_each_get_their_own_answer(relay):
    async def call(number):
        body = f"{number}".encode() * 100
        async with relay.call(PROD, RelayRequest(method="POST", path="/api/echo", body=body)) as response:
            assert await response.read() == body

    async with asyncio.TaskGroup() as tasks:
        for number in range(100):
            tasks.create_task(call(number))
