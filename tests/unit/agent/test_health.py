"""Pages for the agent's cluster."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from borealis_agent.health import HealthPages, open_health_pages
from borealis_agent.telemetry import AgentMetrics


def a_link(down_since: float) -> Any:  # all that the pages look at
    return SimpleNamespace(is_up=False, down_since=down_since)


@pytest.fixture
async def pages():
    link = a_link(asyncio.get_running_loop().time())
    async with (
        open_health_pages(HealthPages(link, AgentMetrics()), "127.0.0.1:0") as address,
        aiohttp.ClientSession(f"http://{address}") as session,
    ):
        yield link, session


async def status(session, path):
    async with session.get(path) as response:
        return response.status, await response.text()


async def test_ready_means_a_tunnel_is_up(pages):
    link, session = pages
    before = await status(session, "/readyz")
    link.is_up = True

    assert before[0] == 503
    assert (await status(session, "/readyz"))[0] == 200


async def test_alive_until_five_minutes_without_a_tunnel(pages):
    link, session = pages
    before = await status(session, "/healthz")
    link.down_since -= 301

    assert before[0] == 200
    assert (await status(session, "/healthz")) == (503, "no tunnel for 301 s\n")


async def test_metrics_are_in_the_text_format(pages):
    _, session = pages

    code, text = await status(session, "/metrics")

    assert code == 200
    assert "borealis_agent_connected 0.0" in text


async def test_other_pages_and_methods_are_told_what_there_is(pages):
    _, session = pages
    async with session.post("/healthz") as response:
        posted = response.status

    assert await status(session, "/x") == (404, "one of /healthz, /readyz, /metrics\n")
    assert posted == 405


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01 hello\r\n\r\n", b"x" * 40_000, b""])
async def test_garbage_costs_nobody_else_anything(garbage):
    link = a_link(asyncio.get_running_loop().time())
    async with open_health_pages(HealthPages(link, AgentMetrics()), "127.0.0.1:0") as address:
        host, _, port = address.rpartition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(garbage)
        writer.close()
        async with aiohttp.ClientSession(f"http://{address}") as session:
            assert (await status(session, "/healthz"))[0] == 200


async def test_pages_are_off_without_an_address():
    async with open_health_pages(HealthPages(a_link(0.0), AgentMetrics()), "") as address:
        assert address == ""
