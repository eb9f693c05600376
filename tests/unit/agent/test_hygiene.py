"""What passes from a stranger's request to a target, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.targets.hygiene import (
    HeadFault,
    content_length,
    cookies,
    fault_of_path,
    request_fields,
    response_headers,
    upgrade_protocol,
)


def headers(*names, value=b"1"):
    return [pb.HttpHeader(name=name, value=value) for name in names]


def sent(*names):
    return request_fields(headers(*names))


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "authorization",
        "Connection",
        "Keep-Alive",
        "Proxy-Authorization",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "Host",
        "Content-Length",
        "Cookie",
        "Expect",
    ],
)
def test_credentials_and_connection_do_not_reach_the_target(name):
    assert sent(name, "Accept") == b"Accept: 1\r\n"


def test_order_and_spelling_of_other_headers_are_kept():
    assert sent("X-b", "Content-Type", "x-a", "X-b") == b"X-b: 1\r\nContent-Type: 1\r\nx-a: 1\r\nX-b: 1\r\n"


def test_what_connection_names_is_dropped_too():
    named = pb.HttpHeader(name="Connection", value=b"X-Own, close")

    assert request_fields([named, *headers("x-own", "X-Kept")]) == b"X-Kept: 1\r\n"


@pytest.mark.parametrize("value", [b"a\r\nB: c", b"a\nb", b"a\rb", b"a\0b", b"\r\n"])
def test_a_value_that_would_end_its_line_is_refused(value):
    with pytest.raises(HeadFault):
        request_fields(headers("X", value=value))


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "ä"])
def test_a_name_that_is_no_token_is_refused(name):
    with pytest.raises(HeadFault):
        request_fields(headers(name))


@given(st.lists(st.tuples(st.text(max_size=8), st.binary(max_size=12)), max_size=5))
def test_fields_are_refused_or_have_one_line_each(given_headers):
    try:
        fields = request_fields([pb.HttpHeader(name=name, value=value) for name, value in given_headers])
    except HeadFault:
        return

    assert fields.count(b"\r") == fields.count(b"\n") == fields.count(b"\r\n") <= len(given_headers)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["Host", "host"], "two Host"),
        (["Transfer-Encoding", "Content-Length"], "both"),
        (["Impersonate-Uid"], "identity"),
        (["X-Remote-Extra-a"], "identity"),
    ],
)
def test_heads_that_must_not_pass(names, says):
    with pytest.raises(HeadFault, match=says) as caught:
        sent(*names)

    assert caught.value.is_denied is (says == "identity")


def test_the_length_is_one_number():
    assert content_length(headers("Accept")) is None
    assert content_length(headers("content-LENGTH", value=b"12")) == 12
    for value in (b"", b"-1", b"1 ", b"0x1", b"1" * 19):
        with pytest.raises(HeadFault):
            content_length(headers("Content-Length", value=value))


def test_the_protocol_of_an_upgrade_is_one():
    assert upgrade_protocol(headers("upgrade", value=b" SPDY/3.1 ")) == b"SPDY/3.1"
    for wrong in (headers(), headers("Upgrade", "Upgrade"), headers("Upgrade", value=b"a, b")):
        with pytest.raises(HeadFault):
            upgrade_protocol(wrong)


def test_answers_lose_connection_and_credentials():
    given_headers = [
        (b"content-type", b" a"),
        (b"set-cookie", b"b"),
        (b"transfer-encoding", b"c"),
        (b"www-authenticate", b"d"),
        (b"upgrade", b"e"),
    ]

    assert [(one.name, one.value) for one in response_headers(given_headers)] == [("content-type", b"a")]
    assert [one.name for one in response_headers(given_headers, is_switch=True)] == ["content-type", "upgrade"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/v1/pods?limit=1&labelSelector=a%3Db",
        "/api/v1/namespaces/x/pods/y/log?follow=true",
        "/apis/apps/v1/",
        "/api/v1/pods?fieldSelector=metadata.name=../x",
        "/api/...",
        "/job/feature%2Fx/build;v=1",
    ],
)
def test_plain_paths_are_fine(path):
    assert fault_of_path(path) is None


@pytest.mark.parametrize(
    "path",
    [
        "",
        "api",
        "https://elsewhere/api",
        "//elsewhere/api",
        "/api//v1",
        "/api/./v1",
        "/api/../v1",
        "/api/..",
        "/api/%2e%2e/v1",
        "/api/%2E%2E",
        "/api/x%2f..%2fsecrets",
        "/api/%00",
        "/public/..;/admin",
        "/public/.;x=1/admin",
        "/" + "x" * 8192,
        "/api/%5c..",
        "/api\\v1",
        "/api/v1#x",
        "/api v1",
        "/api\r\nHost: x",
        "/api/\x7f",
        "/api/é",
    ],
)
def test_paths_that_cannot_be_judged_by_their_prefix_are_refused(path):
    assert fault_of_path(path) is not None


@given(st.text(max_size=40))
def test_a_fine_path_stays_on_its_host_and_in_its_tree(text):
    path = "/" + text
    if fault_of_path(path) is None:
        assert not path.startswith("//")
        assert ".." not in path.partition("?")[0].split("/")


def test_cookies_of_several_fields_become_one():
    assert cookies([*headers("Cookie", value=b"a=1"), *headers("cookie", value=b"b=2; c=3")]) == b"a=1; b=2; c=3"
    assert cookies(headers("X-Cookie")) == b""


@pytest.mark.parametrize("value", [b"a=1\r\nHost: evil", b"a=1\nb", b"a=\0"])
def test_a_cookie_that_would_begin_another_line_is_refused(value):
    with pytest.raises(HeadFault, match="line break"):
        cookies(headers("Cookie", value=value))


def test_fields_about_credentials_come_back_only_from_targets_that_may_send_them():
    given = [(b"set-cookie", b"a=1"), (b"www-authenticate", b"Basic"), (b"connection", b"close")]

    assert response_headers(given) == []
    assert [one.name for one in response_headers(given, private=frozenset({b"set-cookie"}))] == ["set-cookie"]
