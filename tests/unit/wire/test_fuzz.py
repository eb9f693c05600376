"""Whatever a peer sends, a tunnel neither fails nor holds more than its limits."""

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis.tunnel.v1.tunnel_service_pb2 import LaneRequest
from borealis_wire.limits import Limits
from kit.wire import Pair, http, ok, taken

LIMITS = Limits(initial_credit_bytes=1000, max_streams=5, max_control_frames=100)

ids = st.integers(0, 9)
texts = st.text(max_size=20)
headers = st.lists(st.builds(pb.HttpHeader, name=texts, value=st.binary(max_size=20)), max_size=3)
requests = st.builds(pb.HttpRequest, method=st.sampled_from(["GET", "get", ""]), path=texts, headers=headers)
frames = st.one_of(
    st.builds(pb.Frame, stream_id=ids, hello=st.builds(pb.Hello, version_max=ids)),
    st.builds(pb.Frame, stream_id=ids, ping=st.builds(pb.Ping, nonce=ids)),
    st.builds(pb.Frame, stream_id=ids, pong=st.builds(pb.Pong, nonce=ids)),
    st.builds(pb.Frame, stream_id=ids, go_away=st.builds(pb.GoAway, last_stream_id=ids, detail=texts)),
    st.builds(pb.Frame, stream_id=ids, live_streams=st.builds(pb.LiveStreams, count=ids, stream_ids=st.lists(ids))),
    st.builds(pb.Frame, stream_id=ids, token_refresh=st.builds(pb.TokenRefresh, token=texts)),
    st.builds(
        pb.Frame,
        stream_id=ids,
        open=st.builds(
            pb.Open,
            target=texts,
            http=requests,
            first=st.binary(max_size=2000),
            end_of_data=st.booleans(),
            credit_bytes=st.integers(0, 2**32 - 1),
        ),
    ),
    st.builds(
        pb.Frame,
        stream_id=ids,
        opened=st.builds(
            pb.Opened,
            http=st.builds(pb.HttpResponse, status=st.integers(0, 999), headers=headers),
            first=st.binary(max_size=2000),
            end_of_data=st.booleans(),
        ),
    ),
    st.builds(pb.Frame, stream_id=ids, data=st.binary(max_size=2000)),
    st.builds(pb.Frame, stream_id=ids, credit=st.builds(pb.Credit, limit_bytes=st.integers(0, 2**64 - 1))),
    st.builds(pb.Frame, stream_id=ids, half_close=st.builds(pb.HalfClose, trailers=headers)),
    st.builds(pb.Frame, stream_id=ids, reset=st.builds(pb.Reset, code=st.integers(0, 99), detail=texts)),
)


def check(tunnel) -> None:
    """The limits that hold whatever came."""
    assert tunnel.open_streams <= LIMITS.max_streams + 5
    assert tunnel.buffered_bytes <= tunnel.open_streams * LIMITS.initial_credit_bytes
    while batch := taken(tunnel):
        assert len(batch) <= LIMITS.batch_frames


@given(batches=st.lists(st.lists(frames, max_size=6), max_size=12))
@settings(max_examples=60)
def test_no_sequence_of_frames_breaks_an_agent(batches):
    agent = Pair.greeted(LIMITS).agent
    for batch in batches:
        for event in agent.receive(batch):
            stream_id = getattr(event, "stream_id", 0)
            stream = agent._streams.find(stream_id)
            if stream is not None and not stream.is_answered:
                agent.answer(stream_id, ok())
        check(agent)


@given(batches=st.lists(st.lists(frames, max_size=6), max_size=12))
@settings(max_examples=60)
def test_no_sequence_of_frames_breaks_a_server(batches):
    server = Pair.greeted(LIMITS).server
    for _ in range(5):
        server.open(http(), b"x" * 5000)
    for batch in batches:
        server.receive(batch)
        check(server)


@given(frames=st.lists(frames, min_size=1, max_size=5), data=st.data())
@settings(max_examples=60)
def test_no_broken_bytes_break_a_tunnel(frames, data):
    raw = bytearray(LaneRequest(frames=frames).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        message = LaneRequest.FromString(bytes(raw))
    except DecodeError:
        return
    agent = Pair.greeted(LIMITS).agent

    agent.receive(message.frames)
    check(agent)


@given(body=st.binary(max_size=3000), cuts=st.lists(st.integers(1, 700), max_size=20))
def test_any_split_of_a_body_rejoins_to_the_same_bytes(body, cuts):
    pair = Pair.greeted(Limits(max_data_bytes=97))
    stream = pair.server.open(http(), ends=False)
    position, received = 0, b""
    for cut in [*cuts, 3000]:
        pair.server.send(stream, body[position : position + cut])
        position += cut
        for event in pair.settle()[0]:
            received += getattr(event, "data", b"")

    assert received == body


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 65535, 65536, 65537])
def test_bodies_around_the_limits_rejoin(size):
    pair = Pair.greeted()
    body = bytes(range(256)) * (size // 256 + 1)
    pair.server.open(http(), body[:size])
    received = b"".join(getattr(event, "data", b"") for event in pair.settle()[0])

    assert received == body[:size]
