"""The server's fetcher: several addresses at once, within one limit of time and one of size."""

from __future__ import annotations

import pytest

from borealis_server.adapters.fetcher import open_fetcher
from kit import web as kit
from kit.web import serving


@pytest.fixture
def web():
    with serving() as running:
        yield running


async def test_each_address_has_its_content_or_its_reason(web):
    web.answers["/a.yaml"] = kit.text("a: 1\n")

    async with open_fetcher(allows_private=True) as fetcher:
        fetched = await fetcher.fetch([f"{web.root}/a.yaml", f"{web.root}/b.yaml", "https://ana:pw@a.example/"])

    assert fetched.contents == {f"{web.root}/a.yaml": b"a: 1\n"}
    assert fetched.failures[f"{web.root}/b.yaml"] == "it answers 404 Not Found"
    assert "user or a password" in fetched.failures["https://ana:pw@a.example/"]


async def test_private_machines_are_refused_unless_the_setting_allows_them(web):
    async with open_fetcher() as fetcher:
        fetched = await fetcher.fetch([f"{web.root}/a.yaml"])

    assert "127.0.0.1 is a loopback address" in fetched.failures[f"{web.root}/a.yaml"]
    assert "allow_private_addresses" in fetched.failures[f"{web.root}/a.yaml"]
    assert web.asked == []


async def test_the_time_holds_for_all_together_also_for_those_that_wait_for_a_thread(web):
    web.answers |= {f"/{number}": kit.silent(web) for number in range(7)} | {"/quick": kit.text("a: 1\n")}
    addresses = [f"{web.root}/{name}" for name in ("quick", *range(7))]

    async with open_fetcher(allows_private=True, time_s=0.5) as fetcher:
        fetched = await fetcher.fetch(addresses)

    assert set(fetched.contents) == {f"{web.root}/quick"}
    assert set(fetched.failures) == set(addresses[1:])
    assert all("within" in reason for reason in fetched.failures.values())


async def test_all_together_stay_within_the_total(web):
    addresses = [f"{web.root}/{number}" for number in range(4)]
    web.answers |= {f"/{number}": kit.text(b"x" * (9 * 2**20)) for number in range(4)}

    async with open_fetcher(allows_private=True) as fetcher:
        fetched = await fetcher.fetch(addresses)

    assert len(fetched.contents) == 3
    assert list(fetched.failures.values()) == ["all files together have more than 32 MiB"]
