"""What passes from a stranger's request to a target, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.targets.hygiene import fault_of_path, request_headers, response_headers


def sent(*names):
    return request_headers([pb.HttpHeader(name=name, value=b"1") for name in names])


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "authorization",
        "Impersonate-User",
        "Impersonate-Extra-scopes",
        "X-Remote-User",
        "X-Remote-Group",
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
def test_identity_and_connection_do_not_reach_the_target(name):
    assert sent(name, "Accept") == [("Accept", "1")]


def test_order_and_spelling_of_other_headers_are_kept():
    assert [name for name, _ in sent("X-b", "Content-Type", "x-a", "X-b")] == ["X-b", "Content-Type", "x-a", "X-b"]


def test_answers_lose_connection_and_credentials():
    headers = [
        (b"Content-Type", b"a"),
        (b"Set-Cookie", b"b"),
        (b"Transfer-Encoding", b"c"),
        (b"WWW-Authenticate", b"d"),
    ]

    assert response_headers(headers) == [("content-type", b"a")]


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
