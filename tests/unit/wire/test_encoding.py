"""Batches written by hand are those that the generated classes write and read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis.tunnel.v1.tunnel_service_pb2 import LaneRequest, LaneResponse
from borealis_wire.encoding import credit_frame, data_frame, open_frame, opened_frame, session_frame, varint

ids = st.one_of(st.integers(1, 300), st.integers(16_000, 17_000), st.integers(1, 2**32 - 1))
numbers = st.one_of(st.integers(0, 300), st.integers(16_300, 16_500), st.integers(0, 2**64 - 1))
headers = st.lists(st.builds(pb.HttpHeader, name=st.text(max_size=9), value=st.binary(max_size=9)), max_size=3)
bodies = st.one_of(st.binary(max_size=300), st.integers(0, 70_000).map(bytes))


def only_frame(batch: bytes) -> pb.Frame:
    (frame,) = LaneRequest.FromString(batch).frames
    assert LaneResponse.FromString(batch).frames == [frame]
    return frame


@given(ids, bodies)
def test_data(stream_id, data):
    assert only_frame(data_frame(stream_id, data)) == pb.Frame(stream_id=stream_id, data=data)


@given(ids, numbers)
def test_credit(stream_id, limit_bytes):
    expected = pb.Frame(stream_id=stream_id, credit=pb.Credit(limit_bytes=limit_bytes))

    assert only_frame(credit_frame(stream_id, limit_bytes)) == expected


@given(ids, bodies, st.booleans(), st.integers(0, 2**32 - 1))
def test_open(stream_id, first, ends, credit_bytes):
    head = pb.Open(target="kube", credit_bytes=credit_bytes, actor="ana")
    expected = pb.Open(target="kube", credit_bytes=credit_bytes, actor="ana", first=first, end_of_data=ends)

    frame = only_frame(open_frame(stream_id, head.SerializeToString(), first, ends=ends))

    assert frame == pb.Frame(stream_id=stream_id, open=expected)


@given(ids, bodies, st.booleans(), headers)
def test_opened(stream_id, first, ends, trailers):
    head = pb.Opened(http=pb.HttpResponse(status=200))
    expected = pb.Opened(http=head.http, first=first, end_of_data=ends, trailers=trailers if ends else ())

    frame = only_frame(opened_frame(stream_id, head.SerializeToString(), first, ends=ends, trailers=trailers))

    assert frame == pb.Frame(stream_id=stream_id, opened=expected)


@given(st.lists(st.integers(0, 2**63), min_size=1, max_size=5))
def test_frames_one_after_the_other_are_a_batch(nonces):
    frames = [pb.Frame(ping=pb.Ping(nonce=nonce)) for nonce in nonces]

    assert LaneRequest.FromString(b"".join(map(session_frame, frames))).frames == frames


@given(st.integers(0, 2**64 - 1))
def test_numbers_end_at_the_first_byte_below_128(number):
    encoded = varint(number)

    assert sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(encoded)) == number
    assert [byte < 0x80 for byte in encoded] == [False] * (len(encoded) - 1) + [True]
