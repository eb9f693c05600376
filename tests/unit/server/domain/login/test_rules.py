"""Where codes may go, what passwords must be, and how often things may be tried."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_server.domain.login.clients import CLI, CONSOLE, is_redirect_allowed, known_clients, known_scope
from borealis_server.domain.login.passwords import fault_of
from borealis_server.domain.login.throttle import FailureDelays, RateLimit, address_key

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CLIENTS = known_clients("https://borealis.example")


@pytest.mark.parametrize(
    ("client", "uri", "is_allowed"),
    [
        (CLI, "http://127.0.0.1:49152/callback", True),
        (CLI, "http://[::1]:49152/callback", True),
        (CLI, "http://127.0.0.1/callback", True),
        (CLI, "http://127.0.0.1:49152/callback?x=1", False),
        (CLI, "http://127.0.0.1:49152/callback#x", False),
        (CLI, "http://127.0.0.1:49152/Callback", False),
        (CLI, "http://127.0.0.1:49152/callback/../steal", False),
        (CLI, "http://127.0.0.1:49152@evil.example/callback", False),
        (CLI, "http://user@127.0.0.1:49152/callback", False),
        (CLI, "http://127.0.0.1:049152/callback", False),
        (CLI, "http://127.0.0.1:99999/callback", False),
        (CLI, "http://localhost:49152/callback", False),
        (CLI, "https://127.0.0.1:49152/callback", False),
        (CLI, "http://127.0.0.1.evil.example/callback", False),
        (CLI, "", False),
        (CONSOLE, "https://borealis.example/console/callback", True),
        (CONSOLE, "https://borealis.example:8443/console/callback", False),
        (CONSOLE, "https://borealis.example/console/callback/", False),
        (CONSOLE, "http://127.0.0.1:1/callback", False),
    ],
)
def test_codes_go_to_registered_addresses_to_the_letter_and_to_any_port_of_loopback(client, uri, is_allowed):
    assert is_redirect_allowed(CLIENTS[client], uri) is is_allowed


@given(st.text(max_size=60))
def test_no_text_leads_anywhere_else(text):
    uri = f"http://127.0.0.1{text}"

    allowed = is_redirect_allowed(CLIENTS[CLI], uri)

    assert not allowed or text == "/callback" or (text[0] == ":" and text[1:-9].isdigit() and text[-9:] == "/callback")


def test_unknown_words_of_a_scope_are_left_out():
    assert known_scope("offline_access admin openid openid") == ("openid", "offline_access")
    assert known_scope("") == ()


@pytest.mark.parametrize(
    ("password", "is_good"),
    [
        ("correct horse battery staple", True),
        ("zaubertrank-im-keller", True),
        ("Хлеб и молоко завтра", True),
        ("short", False),
        ("aaaaaaaaaaaaaaaaaaaa", False),
        ("ana.lopez@example", False),
        ("borealis-password-ana", False),
        ("x" * 300, False),
        ("\ud800" * 200, False),
    ],
)
def test_a_password_is_long_and_more_than_a_name(password, is_good):
    fault = fault_of(password, email="ana.lopez@example.com", display_name="Ana Lopez")

    assert (fault == "") is is_good


def test_a_bucket_gives_its_burst_and_fills_again():
    limit = RateLimit(burst=3, per_minute=6)

    assert [limit.take("a", NOON) for _ in range(3)] == [0, 0, 0]
    assert limit.take("a", NOON) == pytest.approx(10)
    assert limit.take("b", NOON) == 0
    assert limit.take("a", NOON + timedelta(seconds=10)) == 0
    assert limit.take("a", NOON + timedelta(seconds=11)) > 0


@given(st.lists(st.floats(min_value=0, max_value=30), max_size=60))
def test_no_rhythm_gets_more_than_the_burst_and_the_rate(pauses):
    limit, now, given_out = RateLimit(burst=4, per_minute=12), NOON, 0
    for pause_s in pauses:
        now += timedelta(seconds=pause_s)
        given_out += limit.take("a", now) == 0

    assert given_out <= 4 + (now - NOON).total_seconds() / 5 + 1e-6


def test_a_clock_that_goes_back_gives_nothing_away():
    limit = RateLimit(burst=1, per_minute=1)
    limit.take("a", NOON)

    assert limit.take("a", NOON - timedelta(hours=1)) > 0


def test_buckets_and_failures_are_bounded():
    limit, delays = (
        RateLimit(burst=1, per_minute=1, max_keys=10),
        FailureDelays(free=0, first_s=9, limit_s=9, max_keys=9),
    )
    for number in range(100):
        limit.take(str(number), NOON)
        delays.failed(str(number), NOON)

    assert limit.take("99", NOON) > 0
    assert limit.take("0", NOON) == 0
    assert (delays.wait_s("99", NOON), delays.wait_s("0", NOON)) == (9, 0)


def test_delays_double_up_to_their_limit_and_success_forgets_them():
    delays = FailureDelays(free=2, first_s=1, limit_s=60)
    waits = []
    for _ in range(10):
        delays.failed("a", NOON)
        waits.append(delays.wait_s("a", NOON))

    assert waits == [0, 0, 1, 2, 4, 8, 16, 32, 60, 60]
    assert delays.wait_s("a", NOON + timedelta(seconds=60)) == 0
    delays.succeeded("a")
    delays.failed("a", NOON)
    assert delays.wait_s("a", NOON) == 0


def test_failures_of_long_ago_are_forgotten():
    delays = FailureDelays(free=0, first_s=1, limit_s=60)
    for _ in range(8):
        delays.failed("a", NOON)

    later = NOON + timedelta(seconds=60 * 5)
    delays.failed("a", later)

    assert delays.wait_s("a", later) == 1


def test_a_machine_with_a_network_of_ipv6_is_one_address():
    assert address_key("2001:db8:1:2:3::4") == address_key("2001:db8:1:2:ffff::1") != address_key("2001:db8:1:3::1")
    assert address_key("::ffff:192.0.2.1") == address_key("192.0.2.1") == "192.0.2.1"
    assert address_key("") == address_key("not an address") == "?"
