"""Answers out of bytes: the same whatever the pieces they come in, and nothing that could be read in two ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_agent.targets.http1.reader import AnswerFault, AnswerReader

OK = b"HTTP/1.1 200 OK\r\n"

ANSWERS = {
    "length": OK + b"Content-Length: 5\r\nX-A: 1\r\n\r\nhello",
    "chunked": OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;ext=1\r\nlo\r\n0\r\nX-Sum: 5\r\nX-End: 1\r\n\r\n",
    "empty": b"HTTP/1.1 204 No Content\r\n\r\n",
    "not-modified": b'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "x"\r\n\r\n',
    "early-hints": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\nhello",
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\nhello",
}


def read(*pieces, method="GET", is_upgrade=False, ends=False):
    reader = AnswerReader()
    reader.expect(method, is_upgrade=is_upgrade)
    for piece in pieces:
        reader.feed(piece)
    if ends:
        reader.feed_end()
    return reader


def summary(reader):
    body = b"".join(reader.chunks)
    return (reader.status, reader.headers, body, reader.trailers, reader.is_complete, reader.is_reusable)


def test_a_body_of_a_given_length():
    reader = read(ANSWERS["length"])

    assert summary(reader) == (200, [(b"content-length", b"5"), (b"x-a", b"1")], b"hello", [], True, True)
    assert reader.length == 5


def test_a_chunked_body_with_trailers():
    reader = read(ANSWERS["chunked"])

    assert b"".join(reader.chunks) == b"hello"
    assert reader.trailers == [(b"x-sum", b"5"), (b"x-end", b"1")]
    assert (reader.length, reader.is_reusable) == (None, True)


@pytest.mark.parametrize("name", ["early-hints", "continue"])
def test_interim_answers_are_dropped(name):
    reader = read(ANSWERS[name])

    assert (reader.status, b"".join(reader.chunks)) == (200, b"hello")
    assert reader.headers == [(b"content-length", b"5")]


@pytest.mark.parametrize("name", ["empty", "not-modified"])
def test_some_answers_have_no_body(name):
    assert summary(read(ANSWERS[name]))[2:] == (b"", [], True, True)


def test_the_answer_to_head_has_no_body_and_the_connection_serves_on():
    reader = read(OK + b"Content-Length: 5\r\n\r\n", method="HEAD")
    assert (reader.is_complete, reader.is_reusable, reader.chunks) == (True, True, [])

    reader.expect("GET")
    reader.feed(ANSWERS["length"])

    assert b"".join(reader.chunks) == b"hello"


def test_an_answer_may_end_with_its_connection():
    reader = read(OK + b"\r\nhel", b"lo")
    assert not reader.is_complete

    assert reader.feed_end()
    assert (b"".join(reader.chunks), reader.is_reusable) == (b"hello", False)


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 200", id="status-line"),
        pytest.param(OK + b"Content-Le", id="head"),
        pytest.param(OK + b"Content-Length: 5\r\n\r\nhel", id="body"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n", id="between-chunks"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n0\r\n", id="before-the-last-line"),
    ],
)
def test_an_answer_that_was_cut_is_not_complete(cut):
    reader = read(*([cut] if cut else []))

    assert not reader.feed_end()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", "can't be present", id="cl-te"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", "can't be present", id="te-cl"),
        pytest.param(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n", "Duplicate", id="two-lengths"),
        pytest.param(OK + b"Content-Length: 2, 2\r\n\r\n", "Content-Length", id="list-of-lengths"),
        pytest.param(OK + b"Content-Length: -2\r\n\r\n", "Content-Length", id="negative"),
        pytest.param(OK + b"Content-Length: 99999999999999999999999\r\n\r\n", "overflow", id="huge"),
        pytest.param(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n", "transfer encoding", id="gzip"),
        pytest.param(OK + b"Transfer-Encoding: xchunked\r\n\r\n", "transfer encoding", id="look-alike"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n", "chunk", id="chunk-size"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nokX", "chunk", id="chunk-end"),
        pytest.param(OK + b"X : 1\r\n\r\n", "token", id="space-in-name"),
        pytest.param(OK + b"X: 1\r\n folded\r\n\r\n", "whitespace", id="folded"),
        pytest.param(OK + b"X: 1\0\r\n\r\n", "value", id="nul"),
        pytest.param(OK + b"X: 1\rY: 2\r\n\r\n", "LF", id="bare-cr"),
        pytest.param(b"HTTP/1.1 200 OK\nX: 1\n\n", "CR", id="bare-lf"),
        pytest.param(b"HTTP/2.0 200 OK\r\n\r\n", "HTTP/2.0", id="version"),
        pytest.param(b"HTTP/1.1 600 What\r\n\r\n", "600", id="status"),
        pytest.param(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", "asked", id="101"
        ),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1", id="101-to-nothing"),
        pytest.param(b"SSH-2.0-OpenSSH_9\r\n", "HTTP/1.1", id="not-http"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(data, says):
    with pytest.raises(AnswerFault, match=says):
        read(data)


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([OK] + [b"X-%d: 1\r\n" % n for n in range(300)], id="300-fields"),
        pytest.param([OK, b"X: " + b"x" * 66_000 + b"\r\n\r\n"], id="65-KiB"),
        pytest.param([OK] + [b"X: " + b"x" * 1000] * 200, id="endless-value"),
        pytest.param([b"HTTP/1.1 100 Continue\r\n\r\n"] * 6000, id="endless-interim"),
        pytest.param(
            [OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"] + [b"X-%d: 1\r\n" % n for n in range(300)], id="trailers"
        ),
    ],
)
def test_an_endless_head_is_too_large(pieces):
    with pytest.raises(AnswerFault) as caught:
        read(*pieces)

    assert caught.value.is_too_large


def test_a_head_of_exactly_the_limit_is_fine():
    fields = b"".join(b"X-%03d: %b\r\n" % (n, b"v" * 245) for n in range(256))

    assert len(read(OK + fields + b"\r\n").headers) == 256


@pytest.mark.parametrize(
    "surplus",
    [b"GARBAGE", OK + b"Content-Length: 0\r\n\r\n", b"\0", OK + b"Content-Length: 4\r\n\r\nevil"],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_what_follows_an_answer_belongs_to_nobody(surplus, at_once):
    pieces = [ANSWERS["length"] + surplus] if at_once else [ANSWERS["length"], surplus]

    reader = read(*pieces)

    assert (b"".join(reader.chunks), reader.is_complete, reader.is_reusable) == (b"hello", True, False)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified", b"200 OK"])
def test_a_body_where_none_may_be_spoils_the_connection(method, status):
    if method == "GET" and status == b"200 OK":
        status = b"204 No Content"
    reader = read(b"HTTP/1.1 " + status + b"\r\nContent-Length: 4\r\n\r\n", b"evil", method=method)

    assert (reader.is_complete, reader.chunks, reader.is_reusable) == (True, [], False)


@pytest.mark.parametrize(
    "head",
    [OK + b"Connection: close\r\nContent-Length: 5\r\n\r\n", b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n"],
)
def test_a_connection_that_closes_is_not_used_again(head):
    reader = read(head + b"hello")

    assert (reader.is_complete, reader.is_reusable) == (True, False)


@pytest.mark.parametrize("rest", [b"", b"first bytes", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_after_a_switch_the_rest_is_plain_bytes(rest):
    head = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n"
    reader = read(head + rest, is_upgrade=True)

    assert (reader.status, reader.is_switched, reader.rest, reader.is_reusable) == (101, True, rest, False)


@pytest.mark.parametrize("name", ANSWERS)
def test_every_split_in_two_gives_the_same(name):
    data = ANSWERS[name]
    whole = summary(read(data))

    assert all(summary(read(data[:at], data[at:])) == whole for at in range(1, len(data)))


@given(st.sampled_from(sorted(ANSWERS)), st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_any_pieces_give_the_same(name, sizes):
    data = ANSWERS[name]
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    pieces.append(data[at:])

    assert summary(read(*[piece for piece in pieces if piece])) == summary(read(data))


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_are_an_answer_or_a_fault(data, at):
    """Nothing else may come out of the parser: no crash, no wrong size."""
    reader = AnswerReader()
    reader.expect("GET")
    try:
        for piece in (data[:at], data[at:]):
            if piece:
                reader.feed(piece)
    except AnswerFault:
        return

    assert reader.buffered_bytes == sum(map(len, reader.chunks))


@given(st.lists(st.sampled_from(sorted(ANSWERS)), min_size=1, max_size=5))
def test_one_connection_serves_one_answer_after_the_other(names):
    reader = AnswerReader()
    for name in names:
        reader.expect("GET")
        reader.feed(ANSWERS[name])
        assert summary(reader) == summary(read(ANSWERS[name]))
