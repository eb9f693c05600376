"""Visits of previews from outside: a real client, the web door, the hub, an agent, and a Service of a real cluster."""

from __future__ import annotations

import asyncio
import tracemalloc
from dataclasses import replace

import aiohttp
import pytest
from yarl import URL

from borealis_server.domain.preview import PreviewRule
from borealis_server.domain.record import Recorded
from borealis_server.domain.roles import ADMINISTRATOR
from borealis_server.domain.states import TargetState
from borealis_server.services.preview_access import VISITORS_OF_ONE
from kit.callers import a_caller
from kit.previews import KEY, PIECE, make_service
from kit.tunnel import wait_until

MIB = 2**20


async def test_st_25_a_page_comes_as_the_application_gave_it(door, visitor, app):
    url = await door.expose()
    async with visitor.get(URL(f"{url}/?a=b%2Fc", encoded=True)) as answer:
        text = await answer.text()

    assert (answer.status, text) == (200, "hello from the new version")
    assert answer.headers["X-Version"] == "2"
    assert app.received[-1][:2] == ("GET", "/?a=b%2Fc")


async def test_bodies_go_there_and_back(door, visitor):
    url = await door.expose()
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        async with visitor.request(method, f"{url}/echo", data=PIECE) as answer:
            body = await answer.read()
        assert (answer.status, answer.headers["X-Method"], body) == (200, method, PIECE)


async def test_a_head_has_no_body(door, visitor):
    async with visitor.head(f"{await door.expose()}/") as answer:
        assert (answer.status, answer.headers["Content-Length"], await answer.read()) == (200, "26", b"")


async def test_events_come_while_the_answer_goes_on_and_a_visitor_who_leaves_ends_it(door, visitor, app):
    async with visitor.get(f"{await door.expose()}/events") as answer:
        lines = [await answer.content.readline() for _ in range(5)]
        assert app.open_requests == 1

    assert lines[::2] == [b"data: 0\n", b"data: 1\n", b"data: 2\n"]
    await wait_until(lambda: app.open_requests == 0)


async def test_st_30_a_websocket_carries_messages_both_ways(door, visitor):
    url = await door.expose()
    async with visitor.ws_connect(f"{url}/socket", protocols=("chat",), max_msg_size=4 * MIB) as websocket:
        await websocket.send_str("größe")
        await websocket.send_bytes(PIECE * 20)

        assert websocket.protocol == "chat"
        assert await websocket.receive_str() == "GRÖSSE"
        assert await websocket.receive_bytes() == (PIECE * 20)[::-1]


async def test_a_download_of_100_mib_takes_little_memory(door, visitor, app):
    url = await door.expose()
    got = most = 0
    async with visitor.get(f"{url}/large?mib=100") as answer:
        await answer.content.readexactly(MIB)
        await asyncio.sleep(0.5)
        held = app.sent_bytes - MIB
        tracemalloc.start()
        try:
            async for piece in answer.content.iter_chunked(MIB):
                got += len(piece)
                most = max(most, tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()

    assert got == 99 * MIB
    assert held < 32 * MIB  # whoever does not read holds the application back, buffers of the kernel apart
    assert most < 24 * MIB


async def test_st_26_after_its_time_a_preview_answers_410_and_says_so(door, visitor):
    url = await door.expose(ttl_s=60)
    door.clock.jump(61)
    async with visitor.get(f"{url}/") as answer:
        text = await answer.text()

    assert answer.status == 410
    assert "This preview has expired" in text
    assert answer.headers["Cache-Control"] == "no-store"


async def test_what_is_open_when_a_preview_is_revoked_is_cut(door, visitor, app):
    preview = await door.preview()
    url = door.previews.address.url_of(preview).rstrip("/")
    async with visitor.ws_connect(f"{url}/socket") as websocket, visitor.get(f"{url}/events") as events:
        await events.content.readline()
        await door.previews.revoke(a_caller(ADMINISTRATOR, name="ann"), preview.name)
        message = await websocket.receive()
        with pytest.raises(aiohttp.ClientError):
            await events.content.read()

    assert (message.type, message.extra) == (aiohttp.WSMsgType.CLOSE, "the preview has ended")
    await wait_until(lambda: app.open_requests == 0)
    async with visitor.get(f"{url}/") as answer:
        assert answer.status == 410
        assert "ann" not in await answer.text()


async def test_an_unknown_host_answers_404(door, visitor):
    url = await door.expose()
    unknown = url.replace(url[8:40], "a" * 32)
    for address in (unknown, unknown.replace("a" * 32, "www"), unknown.replace("a" * 32, "x.y")):
        async with visitor.get(f"{address}/", ssl=False) as answer:
            assert answer.status == 404
            assert "No such preview" in await answer.text()


async def test_an_agent_that_is_away_answers_502(door, visitor):
    url = await door.expose()
    async with visitor.get(f"{url}/") as answer:
        assert answer.status == 200
    await door.hub.revoke("prod")
    await door.hub.hub.drain(0)
    async with visitor.get(f"{url}/") as answer:
        assert answer.status == 502
        assert "The cluster is away" in await answer.text()


async def test_an_application_that_is_not_there_answers_502(door, visitor, rest, kube_namespace):
    await make_service(rest, kube_namespace, "empty", None)
    async with visitor.get(f"{await door.expose('empty')}/") as answer:
        assert answer.status == 502
        assert "does not answer" in await answer.text()


async def test_one_preview_takes_so_many_visitors_at_one_time(door, visitor, app):
    url = await door.expose()
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(visitor.get(f"{url}/late")) for _ in range(VISITORS_OF_ONE)]
        await wait_until(lambda: app.open_requests == VISITORS_OF_ONE)
        async with door.visitor() as another, another.get(f"{url}/") as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
        for one in waiting:
            one.cancel()


async def test_a_rollback_ends_the_previews_of_its_target(door, visitor):
    url = await door.expose()
    async with visitor.get(f"{url}/") as answer:
        assert answer.status == 200

    def turned(deployment):
        run = replace(deployment.target("prod"), state=TargetState.ROLLING_BACK)
        return Recorded(deployment=deployment.with_target(run))

    await door.journal.record(KEY, turned)
    async with visitor.get(f"{url}/") as answer:
        assert answer.status == 410
        assert "rolled back" in await answer.text()


async def test_a_tenant_that_forbids_previews_has_none(door, visitor):
    url = await door.expose()
    await door.previews.set_rule("main", PreviewRule.FORBIDDEN)
    async with visitor.get(f"{url}/") as answer:
        assert answer.status == 403


class TestLogin:
    async def test_without_a_login_a_visitor_learns_how_to_log_in(self, door, visitor, app):
        url = await door.expose(login=True)
        async with visitor.get(f"{url}/") as answer:
            assert answer.status == 401
            assert "borealis preview open" in await answer.text()
        assert app.received == []

    async def test_a_link_logs_a_browser_in_and_nothing_of_it_reaches_the_application(self, door, app):
        preview = await door.preview(login=True)
        entry = await door.previews.entry("main", preview.name, subject="ann")
        async with door.visitor() as browser, browser.get(entry) as answer:
            assert (answer.status, answer.url.path) == (200, "/")
            async with browser.get(answer.url) as again:
                assert again.status == 200

        assert len(app.received) == 2
        assert "cookie" not in app.last

    async def test_a_link_that_is_old_or_for_another_preview_is_of_no_use(self, door, visitor, rest, app):
        await make_service(rest, door.namespace, "other", app)
        one, other = await door.preview(login=True), await door.preview("other", login=True)
        entry = await door.previews.entry("main", one.name, subject="ann")
        for address in (entry.replace(one.token, other.token), entry[:-1], entry.split("?")[0]):
            async with visitor.get(address) as answer:
                assert answer.status == 401
        door.clock.jump(61)
        async with visitor.get(entry) as answer:
            assert answer.status == 401

    async def test_an_access_token_of_the_tenant_opens_it_and_does_not_go_on(self, door, visitor, app):
        url = await door.expose(login=True)
        bearer = {"Authorization": f"Bearer {await door.token()}"}
        async with visitor.get(f"{url}/", headers=bearer) as answer:
            assert answer.status == 200
        assert "authorization" not in app.last
        async with visitor.get(f"{url}/", headers={"Authorization": bearer["Authorization"][:-4]}) as answer:
            assert answer.status == 401

    async def test_a_tenant_may_want_a_login_of_every_visitor(self, door, visitor):
        url = await door.expose()
        await door.previews.set_rule("main", PreviewRule.LOGIN)
        async with visitor.get(f"{url}/") as answer:
            assert answer.status == 401
