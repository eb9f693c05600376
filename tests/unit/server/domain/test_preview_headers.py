"""What passes between a visitor and a previewed application."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_server.domain.preview_headers import (
    OURS,
    cookie_of_one_host,
    cookies,
    is_our_token,
    own_location,
    to_application,
    to_visitor,
)

ISSUER = "https://borealis.example"
HOSTS = frozenset({"web.shop.svc", "web.shop.svc:80"})
NAMES = st.text("abcdefgh-", min_size=1, max_size=8)


def token(**claims) -> str:
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, claims, 1)
    )


def sent(*fields):
    return dict(to_application(fields, host="h", visitor="192.0.2.1", issuer=ISSUER))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"Bearer {token(iss=ISSUER)}", True),
        (f"bearer  {token(iss=ISSUER, exp=0)}", True),
        (f"Bearer {token(iss='https://other.example')}", False),
        (f"Bearer {token(sub='x')}", False),
        ("Bearer opaque", False),
        ("Bearer a.b.c", False),
        ("Bearer a.W10.c", False),
        (f"Basic {token(iss=ISSUER)}", False),
        ("", False),
    ],
)
def test_a_token_of_ours_is_known_by_its_issuer_also_when_it_is_old_or_forged(value, expected):
    assert is_our_token(value, ISSUER) is expected


@given(st.lists(st.tuples(NAMES, st.sampled_from(["1", "a; b", "x"])), max_size=6), st.lists(NAMES, max_size=3))
def test_what_the_connection_calls_its_own_ends_here_and_the_rest_goes_on(fields, own):
    kept = sent(*fields, ("Connection", ", ".join(own)))

    passed = {name for name, _ in fields} - set(own) - {"te"}
    assert kept.keys() == passed | {"x-forwarded-host", "x-forwarded-proto", "x-forwarded-for"}


@given(st.lists(st.tuples(st.sampled_from(["a", "b", *OURS, "__Host-Borealis-x", "BOREALIS"]), NAMES), max_size=6))
def test_no_cookie_of_ours_goes_on_and_every_other_does_in_order(pairs):
    passed = sent(("cookie", "; ".join(f"{name}={value}" for name, value in pairs))).get("cookie", "")

    expected = [f"{name}={value}" for name, value in pairs if not name.lower().startswith(OURS)]
    assert passed == "; ".join(expected)


def test_cookies_are_found_in_every_field():
    fields = (("cookie", "a=1; b=2"), ("x", "a=9"), ("Cookie", " a = 3 ; a=4=5"))

    assert cookies(fields, "a") == ("1", " 3", "4=5")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a=1; Path=/; Secure", "a=1; Path=/; Secure"),
        ("a=1; Domain=example.com; Path=/", "a=1; Path=/"),
        ("a=1;DOMAIN=.example.com", "a=1"),
        ("a=domain=x; SameSite=Lax", "a=domain=x; SameSite=Lax"),
        ("borealis=1", ""),
        ("__Host-borealis-preview=1; Path=/", ""),
        (" __host-BOREALIS=1", ""),
        ("=__Host-borealis=1", ""),
    ],
)
def test_a_cookie_reaches_its_own_host_alone_and_is_never_ours(given, expected):
    assert cookie_of_one_host(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://web.shop.svc/a?b#c", "https://h:1/a?b#c"),
        ("HTTP://WEB.shop.svc:80/", "https://h:1/"),
        ("//web.shop.svc/a", "https://h:1/a"),
        ("https://web.shop.svc.evil.example/", "https://web.shop.svc.evil.example/"),
        ("https://user@web.shop.svc/", "https://user@web.shop.svc/"),
        ("/a", "/a"),
        ("ftp://web.shop.svc/", "ftp://web.shop.svc/"),
        ("http://[bad/", "http://[bad/"),
    ],
)
def test_only_a_redirect_to_the_service_is_led_back(given, expected):
    assert own_location(given, "h:1", HOSTS) == expected


def test_an_answer_keeps_what_is_its_own_affair():
    given = (("Content-Type", "text/html"), ("Referrer-Policy", "origin"), ("Date", "x"), ("Set-Cookie", "borealis=1"))

    kept = to_visitor(given, authority="h:1", service_hosts=HOSTS)

    assert kept == (
        ("content-type", "text/html"),
        ("referrer-policy", "origin"),
        ("x-robots-tag", "noindex, nofollow"),
    )
