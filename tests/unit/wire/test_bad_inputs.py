"""Bad inputs of the catalogue that are about one stream: it ends, with the exact code, and the one beside it goes on.

What breaks the whole session is in the tests of the session and, through the real door, in `integration/tunnel`.
"""

from __future__ import annotations

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_wire.events import DataReceived, HalfClosed, SessionViolated, StreamReset
from borealis_wire.limits import Limits
from kit.wire import Pair, http, ok, taken

KIB = 1024


class Case:
    """A pair with a stream that the agent misuses, and a neighbour that it serves well."""

    def __init__(self, limits=None, *, ends=True):
        self.pair = Pair.greeted(limits)
        self.victim = self.pair.server.open(http("/victim"), ends=ends)
        self.neighbour = self.pair.server.open(http("/neighbour"))
        self.pair.settle()

    def answered(self):
        self.pair.agent.answer(self.victim, ok())
        self.pair.settle()
        return self

    def attack(self, *frames, now=0.0):
        """What the server makes of frames that no honest agent sends."""
        self.pair.server.tick(now)
        return self.pair.server.receive(list(frames))

    def replies(self):
        """What the server says to it."""
        return [(one.stream_id, one.reset.code) for one in taken(self.pair.server) if one.HasField("reset")]

    def serve_neighbour(self):
        """The other stream is as it was."""
        self.pair.agent.answer(self.neighbour, ok())
        self.pair.agent.send(self.neighbour, b"fine")
        self.pair.agent.half_close(self.neighbour)
        _, events = self.pair.settle()
        mine = [one for one in events if getattr(one, "stream_id", 0) == self.neighbour]
        assert [type(one) for one in mine][-2:] == [DataReceived, HalfClosed]
        assert self.neighbour not in self.pair.server.live_streams

    def frame(self, **kind):
        return pb.Frame(stream_id=self.victim, **kind)


def codes(events):
    return [event.code for event in events if isinstance(event, StreamReset)]


PROTOCOL, FLOW, LARGE = pb.Reset.CODE_PROTOCOL, pb.Reset.CODE_FLOW_CONTROL, pb.Reset.CODE_TOO_LARGE
HEADS = {
    "18-line-break-in-value": [pb.HttpHeader(name="a", value=b"b\r\nc: d")],
    "18-nul-in-value": [pb.HttpHeader(name="a", value=b"b\0")],
    "18-line-break-in-name": [pb.HttpHeader(name="a\nb", value=b"c")],
    "18-comma-in-name": [pb.HttpHeader(name="a,b", value=b"c"), pb.HttpHeader(name="d", value=b"e")],
    "18-empty-name": [pb.HttpHeader(name="", value=b"c")],
}


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        pytest.param([{"data": b"x"}], PROTOCOL, id="10-data-before-the-answer"),
        pytest.param(
            [{"opened": ok(first=b"x" * 64 * KIB)}, *[{"data": b"x" * 64 * KIB}] * 4], FLOW, id="10-no-credit"
        ),
        pytest.param([{"opened": ok()}, {"half_close": pb.HalfClose()}, {"data": b"x"}], None, id="11-over-and-over"),
        pytest.param([{"opened": ok()}, {"data": b""}], PROTOCOL, id="14-data-of-0-bytes"),
        pytest.param([{"opened": ok()}, {"data": b"x" * 65_537}], LARGE, id="14-data-of-65537-bytes"),
        pytest.param([{"opened": ok(first=b"x" * 65_537)}], LARGE, id="14-first-of-65537-bytes"),
        pytest.param([{"opened": ok()}, {"opened": ok()}], PROTOCOL, id="answered-twice"),
        pytest.param([{"opened": pb.Opened(http=pb.HttpResponse(status=100))}], PROTOCOL, id="24-informational"),
        *[
            pytest.param([{"opened": pb.Opened(http=pb.HttpResponse(status=200, headers=headers))}], PROTOCOL, id=name)
            for name, headers in HEADS.items()
        ],
        pytest.param(
            [{"opened": pb.Opened(http=pb.HttpResponse(status=200, headers=[pb.HttpHeader(name="a")] * 300))}],
            LARGE,
            id="18-300-fields",
        ),
        pytest.param(
            [
                {
                    "opened": pb.Opened(
                        http=pb.HttpResponse(status=200, headers=[pb.HttpHeader(name="a", value=b"v" * 65 * KIB)])
                    )
                }
            ],
            LARGE,
            id="18-65-kib",
        ),
        pytest.param(
            [{"opened": ok()}, {"half_close": pb.HalfClose(trailers=[pb.HttpHeader(name="a b")])}],
            PROTOCOL,
            id="24-bad-trailer",
        ),
    ],
)
def test_the_stream_alone_ends(frames, code):
    case = Case(ends=code is None)
    events = case.attack(*[case.frame(**kinds) for kinds in frames])

    assert codes(events) == ([] if code is None else [code])
    assert case.victim not in case.pair.server.live_streams
    assert case.replies() == [(case.victim, code or pb.Reset.CODE_NO_SUCH_STREAM)]
    case.serve_neighbour()


def test_11_data_after_half_close_ends_the_stream():
    case = Case(ends=False).answered()
    events = case.attack(case.frame(half_close=pb.HalfClose()), case.frame(data=b"x"))

    assert codes(events) == [PROTOCOL]
    case.serve_neighbour()


def test_12_late_frames_after_a_reset_are_silent_for_half_a_minute_and_then_answered_once():
    case = Case().answered()
    case.pair.server.tick(100.0)
    case.pair.server.reset(case.victim, pb.Reset.CODE_CANCELLED)
    case.pair.server.take_batch()
    late = [case.frame(data=b"x"), case.frame(half_close=pb.HalfClose()), case.frame(credit=pb.Credit(limit_bytes=9))]

    assert case.attack(*late, case.frame(opened=ok()), case.frame(reset=pb.Reset()), now=129.9) == []
    assert case.replies() == []
    assert case.attack(*late, *late, now=130.1) == []
    assert case.replies() == [(case.victim, pb.Reset.CODE_NO_SUCH_STREAM)]
    assert case.attack(*late, now=150.0) == []
    assert case.replies() == []
    case.serve_neighbour()


def test_12_the_memory_of_resets_is_bounded():
    pair = Pair.greeted(Limits(max_streams=10_000))
    for _ in range(10):
        for _ in range(1000):
            pair.server.reset(pair.server.open(http()), pb.Reset.CODE_CANCELLED)
            stream = pair.server.open(http())
            pair.write_to_agent()
            pair.server.reset(stream, pb.Reset.CODE_CANCELLED)
        pair.settle()

    assert len(pair.server._streams.resets) <= 4096
    assert len(pair.agent._streams.resets) <= 4096
    assert pair.server.live_streams == pair.agent.live_streams == ()


@pytest.mark.parametrize("limit_bytes", [0, 1, 262_143, 262_144])
def test_13_credit_that_takes_back_has_no_effect(limit_bytes):
    case = Case(ends=False)
    case.attack(case.frame(credit=pb.Credit(limit_bytes=limit_bytes)))
    case.pair.server.send(case.victim, b"x" * 300 * KIB)
    sent = 0
    while frames := taken(case.pair.server):
        sent += sum(len(one.data) + len(one.open.first) for one in frames)

    assert sent == 256 * KIB
    case.serve_neighbour()


def test_13_credit_without_end_makes_nobody_hold_more():
    case = Case(ends=False)
    case.attack(case.frame(credit=pb.Credit(limit_bytes=2**64 - 1)))

    assert case.pair.server.room(case.victim) == 256 * KIB
    case.serve_neighbour()


def test_13_credit_of_a_stream_that_ended_is_ignored():
    case = Case()
    case.pair.server.reset(case.victim, pb.Reset.CODE_CANCELLED)
    case.pair.settle()

    assert case.attack(case.frame(credit=pb.Credit(limit_bytes=2**40)), now=1000.0) == []
    assert case.replies() == []
    case.serve_neighbour()


def test_16_fields_and_kinds_of_a_later_version_are_ignored():
    case = Case()
    kind_of_later = pb.Frame.FromString(case.frame().SerializeToString() + b"\xfa\x07\x03abc")
    field_of_later = pb.Frame.FromString(case.frame(opened=ok()).SerializeToString() + b"\xf8\x07\x05")

    events = case.attack(kind_of_later, field_of_later)

    assert not [one for one in events if isinstance(one, StreamReset | SessionViolated)]
    assert case.victim in case.pair.server.live_streams
    case.serve_neighbour()


def test_26_a_hundred_thousand_streams_opened_and_reset_at_once_leave_nothing():
    limits = Limits(max_streams=100)
    pair = Pair.greeted(limits)
    neighbour = pair.server.open(http())
    pair.settle()
    for start in range(3, 200_003, 1000):
        frames = []
        for stream in range(start, start + 1000, 2):
            frames += [pb.Frame(stream_id=stream, open=http()), pb.Frame(stream_id=stream, reset=pb.Reset())]
        events = pair.agent.receive(frames)
        assert not [one for one in events if isinstance(one, SessionViolated)]
        assert pair.agent.live_streams == (neighbour,)

    assert taken(pair.agent) == []
    assert pair.agent.granted_bytes == limits.initial_credit_bytes
    pair.agent.answer(neighbour, ok())
    pair.agent.half_close(neighbour)
    assert pair.settle()[1]


def test_26_streams_that_must_be_refused_by_the_thousand_end_the_session():
    pair = Pair.greeted(Limits(max_streams=1))
    pair.server.open(http())
    pair.settle()
    opens = [pb.Frame(stream_id=stream, open=http()) for stream in range(3, 2003, 2)]

    assert isinstance(pair.agent.receive(opens)[-1], SessionViolated)


def test_27_credit_one_byte_at_a_time_is_served_and_others_do_not_wait():
    case = Case(ends=False)
    case.pair.server.send(case.victim, b"x" * 300 * KIB)
    case.pair.settle()
    for extra in range(1, 500):
        case.attack(case.frame(credit=pb.Credit(limit_bytes=256 * KIB + extra)))
        assert sum(len(one.data) for one in taken(case.pair.server)) == 1

    case.serve_neighbour()


def test_31_no_frame_carries_the_time_of_a_clock():
    times = [
        f"{message.name}.{field.name}"
        for message in pb.DESCRIPTOR.message_types_by_name.values()
        for field in message.fields
        if field.name.endswith(("_ms", "_s", "_time", "_at", "_unix"))
    ]

    assert times
    assert not [one for one in times if not one.endswith("_ms")], "durations alone, so that clocks may differ"
    assert not [one for one in times if "unix" in one or "epoch" in one]
