"""Streams that a peer gets wrong: the fault costs its stream, and late frames cost nothing."""

from __future__ import annotations

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_wire.events import StreamAnswered, StreamReset
from borealis_wire.limits import Limits
from kit.wire import Pair, http, ok, taken


@pytest.mark.parametrize(
    "late",
    [
        {"data": b"late"},
        {"half_close": pb.HalfClose()},
        {"credit": pb.Credit(limit_bytes=10**9)},
        {"reset": pb.Reset()},
        {"opened": ok()},
    ],
    ids=lambda late: next(iter(late)),
)
def test_late_frames_of_an_ended_stream_do_no_harm(pair, late):
    stream = pair.server.open(http())
    pair.settle()
    pair.server.reset(stream, pb.Reset.CODE_CANCELLED)
    taken(pair.server)

    assert pair.server.receive([pb.Frame(stream_id=stream, **late)]) == []
    assert taken(pair.server) == []


FAULTS_OF_AN_ANSWER = [
    pytest.param([{"data": b"x"}], pb.Reset.CODE_PROTOCOL, id="data-before-answer"),
    pytest.param([{"half_close": pb.HalfClose()}], pb.Reset.CODE_PROTOCOL, id="end-before-answer"),
    pytest.param([{"opened": ok()}, {"opened": ok()}], pb.Reset.CODE_PROTOCOL, id="two-answers"),
    pytest.param([{"opened": ok()}, {"data": b""}], pb.Reset.CODE_PROTOCOL, id="data-without-a-byte"),
    pytest.param([{"opened": ok()}, {"data": b"x" * 65537}], pb.Reset.CODE_TOO_LARGE, id="too-much-data"),
    pytest.param([{"opened": ok(first=b"x" * 65537)}], pb.Reset.CODE_TOO_LARGE, id="first-too-large"),
    pytest.param([{"opened": ok()}, *[{"data": b"x" * 65536}] * 5], pb.Reset.CODE_FLOW_CONTROL, id="beyond-credit"),
    pytest.param(
        [{"opened": pb.Opened(http=pb.HttpResponse(status=100))}],
        pb.Reset.CODE_PROTOCOL,
        id="informational-status",
    ),
    pytest.param(
        [{"opened": ok()}, {"half_close": pb.HalfClose(trailers=[pb.HttpHeader(name="bad name")])}],
        pb.Reset.CODE_PROTOCOL,
        id="bad-trailer",
    ),
]


@pytest.mark.parametrize(("frames", "code"), FAULTS_OF_AN_ANSWER)
def test_a_faulty_answer_costs_its_stream_only(pair, frames, code):
    faulty, healthy = pair.server.open(http()), pair.server.open(http())
    pair.settle()

    events = pair.server.receive([pb.Frame(stream_id=faulty, **frame) for frame in frames])
    reset = events[-1]

    assert isinstance(reset, StreamReset)
    assert (reset.stream_id, reset.code, reset.by_peer) == (faulty, code, False)
    assert [frame.reset.code for frame in taken(pair.server)] == [code]
    assert pair.server.live_streams == (healthy,)
    assert pair.server.buffered_bytes == 0


def test_first_data_beyond_the_credit_costs_its_stream(pair):
    stream = pair.server.open(http(credit_bytes=10))
    pair.settle()

    events = pair.server.receive([pb.Frame(stream_id=stream, opened=ok(first=b"x" * 11, end_of_data=True))])

    assert [type(event) for event in events] == [StreamAnswered, StreamReset]


def test_data_after_the_end_costs_its_stream(pair):
    stream = pair.server.open(http())
    pair.settle()

    (event,) = pair.agent.receive([pb.Frame(stream_id=stream, data=b"more")])

    assert event.code == pb.Reset.CODE_PROTOCOL


def test_an_answer_from_the_side_that_opens_costs_its_stream(pair):
    stream = pair.server.open(http())
    pair.settle()

    (event,) = pair.agent.receive([pb.Frame(stream_id=stream, opened=ok())])

    assert event.code == pb.Reset.CODE_PROTOCOL


def with_headers(*headers) -> pb.Open:
    return pb.Open(http=pb.HttpRequest(method="GET", path="/", headers=headers))


FAULTY_OPENS = [
    pytest.param(http(first=b"x" * 65537), pb.Reset.CODE_TOO_LARGE, id="first-too-large"),
    pytest.param(http("/" + "x" * 9000), pb.Reset.CODE_TOO_LARGE, id="path-too-long"),
    pytest.param(pb.Open(http=pb.HttpRequest(method="get")), pb.Reset.CODE_PROTOCOL, id="method-in-lower-case"),
    pytest.param(pb.Open(upgrade=pb.HttpRequest()), pb.Reset.CODE_PROTOCOL, id="upgrade-without-method"),
    pytest.param(http(actor="x" * 300), pb.Reset.CODE_TOO_LARGE, id="long-actor"),
    pytest.param(http(actor_groups=["g"] * 300), pb.Reset.CODE_TOO_LARGE, id="many-groups"),
    pytest.param(
        with_headers(pb.HttpHeader(name="a", value=b"1\r\nb: 2")),
        pb.Reset.CODE_PROTOCOL,
        id="line-break-in-header",
    ),
    pytest.param(with_headers(*[pb.HttpHeader(name="a")] * 257), pb.Reset.CODE_TOO_LARGE, id="many-headers"),
    pytest.param(
        with_headers(pb.HttpHeader(name="a", value=b"x" * 70_000)),
        pb.Reset.CODE_TOO_LARGE,
        id="large-header",
    ),
]


@pytest.mark.parametrize(("wrong", "code"), FAULTY_OPENS)
def test_a_faulty_open_is_reset_as_not_dispatched(pair, wrong, code):
    events = pair.agent.receive([pb.Frame(stream_id=1, open=wrong)])
    (frame,) = taken(pair.agent)

    assert events == []
    assert (frame.reset.code, frame.reset.dispatched) == (code, False)
    assert pair.agent.open_streams == 0


def test_streams_beyond_the_limit_are_refused_by_the_receiver():
    pair = Pair.greeted(Limits(max_streams=1))
    pair.agent.receive([pb.Frame(stream_id=1, open=http()), pb.Frame(stream_id=3, open=http())])

    assert pair.agent.live_streams == (1,)
    assert [frame.reset.code for frame in taken(pair.agent)] == [pb.Reset.CODE_REFUSED]


def test_an_unknown_code_of_reset_is_read_as_not_said(pair):
    stream = pair.server.open(http())
    pair.settle()

    (event,) = pair.server.receive([pb.Frame(stream_id=stream, reset=pb.Reset.FromString(b"\x08\x63"))])

    assert (event.code, event.dispatched) == (pb.Reset.CODE_UNSPECIFIED, False)
