"""Streams: order of messages, credit, fairness, and that a fault costs only the stream it is in."""

from __future__ import annotations

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_wire.errors import LocalProtocolError
from borealis_wire.events import DataReceived, HalfClosed, StreamAnswered, StreamOpened, StreamReset
from borealis_wire.limits import Limits
from kit.wire import Pair, http, ok, taken

KIB = 1024


def kinds(frames) -> list[str]:
    return [frame.WhichOneof("kind") for frame in frames]


def data_of(events, stream_id) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, DataReceived) and event.stream_id == stream_id)


def test_a_small_exchange_is_one_frame_each_way(pair):
    stream = pair.server.open(http(), b"question")
    asked = taken(pair.server)
    at_agent = pair.agent.receive(asked)
    pair.agent.answer(stream, ok())
    pair.agent.send(stream, b"answer")
    pair.agent.half_close(stream)
    answered = taken(pair.agent)
    at_server = pair.server.receive(answered)

    assert (kinds(asked), kinds(answered)) == (["open"], ["opened"])
    assert [type(event) for event in at_agent] == [StreamOpened, DataReceived, HalfClosed]
    assert [type(event) for event in at_server] == [StreamAnswered, DataReceived, HalfClosed]
    assert data_of(at_server, stream) == b"answer"
    assert pair.server.open_streams == pair.agent.open_streams == 0


def test_trailers_travel_with_the_end(pair):
    trailer = pb.HttpHeader(name="x-checksum", value=b"1")
    for body in (b"", b"x" * 300 * KIB):
        stream = pair.server.open(http())
        pair.settle()
        pair.agent.answer(stream, ok())
        pair.agent.send(stream, body)
        pair.agent.half_close(stream, [trailer])
        _, events = pair.settle()
        pair.server.consumed(stream, len(data_of(events, stream)))
        events += pair.settle()[1]

        assert [event.trailers for event in events if isinstance(event, HalfClosed)] == [(trailer,)]


def test_an_open_body_is_ended_by_a_frame_of_its_own(pair):
    stream = pair.server.open(http(), b"first", ends=False)
    first = taken(pair.server)
    pair.server.send(stream, b"second")
    second = taken(pair.server)
    pair.server.half_close(stream)
    end = taken(pair.server)

    assert (kinds(first), kinds(second), kinds(end)) == (["open"], ["data"], ["half_close"])
    assert not first[0].open.end_of_data


def test_a_sender_stops_at_the_credit_and_goes_on_when_it_returns(pair):
    stream = pair.server.open(http())
    pair.settle()
    pair.agent.answer(stream, ok())
    pair.agent.send(stream, b"x" * 600 * KIB)
    _, events = pair.settle()
    stalled = len(data_of(events, stream))
    pair.server.consumed(stream, 100 * KIB)
    _, events = pair.settle()

    assert stalled == 256 * KIB
    assert len(data_of(events, stream)) == 100 * KIB
    assert pair.server.buffered_bytes == 256 * KIB


def test_credit_is_not_returned_for_a_stream_that_has_ended(pair):
    stream = pair.server.open(http())
    pair.settle()
    pair.agent.answer(stream, ok())
    pair.agent.send(stream, b"x" * 100 * KIB)
    pair.agent.half_close(stream)
    pair.settle()

    pair.server.consumed(stream, 100 * KIB)

    assert not pair.server.has_output


def test_room_says_when_to_pause(pair):
    stream = pair.server.open(http(), ends=False)
    before = pair.server.room(stream)
    pair.server.send(stream, b"x" * 300 * KIB)

    assert (before, pair.server.room(stream)) == (256 * KIB, 0)
    assert pair.server.room(99) == 0


def test_while_too_much_waits_credit_is_small():
    pair = Pair.greeted(Limits(initial_credit_bytes=1000, scarce_credit_bytes=100, receive_budget_bytes=900))
    greedy = pair.server.open(http())
    pair.settle()
    pair.agent.answer(greedy, ok())
    pair.agent.send(greedy, b"x" * 1000)
    pair.settle()
    pair.server.open(http())
    (opened,) = taken(pair.server)

    assert opened.open.credit_bytes == 100


def test_credit_can_be_named_when_a_stream_is_opened(pair):
    stream = pair.server.open(http(credit_bytes=10))
    pair.settle()
    pair.agent.answer(stream, ok())
    pair.agent.send(stream, b"x" * 100)
    _, events = pair.settle()

    assert data_of(events, stream) == b"x" * 10


def test_control_goes_before_data(pair):
    stream = pair.server.open(http(), b"x" * 200 * KIB)
    pair.server.ping(1)

    assert kinds(taken(pair.server))[:2] == ["ping", "open"]
    assert pair.server.live_streams == (stream,)


def test_streams_take_turns_of_16_kib(pair):
    bulk = pair.server.open(http(), b"x" * 250 * KIB)
    taken(pair.server)
    small = [pair.server.open(http(), b"y" * 100) for _ in range(3)]
    frames = taken(pair.server)

    opened = [frame.stream_id for frame in frames if frame.HasField("open")]
    before_last = frames[: [frame.stream_id for frame in frames].index(small[-1])]
    assert opened == small
    assert sum(len(frame.data) for frame in before_last if frame.stream_id == bulk) <= 16 * KIB


def test_urgent_streams_go_first(pair):
    pair.server.open(http(), b"x" * 200 * KIB)
    urgent = pair.server.open(http(priority=pb.Open.PRIORITY_INTERACTIVE))

    frames = [frame for frame in taken(pair.server) if frame.data or frame.open.end_of_data]
    assert frames[0].stream_id == urgent


def test_a_batch_stays_below_128_kib(pair):
    for _ in range(10):
        pair.server.open(http(), b"x" * 60 * KIB)
    sizes = []
    while frames := taken(pair.server):
        sizes.append(sum(frame.ByteSize() for frame in frames))

    assert max(sizes) < 128 * KIB + 64 * KIB
    assert sum(sizes) >= 600 * KIB


def test_a_peers_smaller_frames_are_kept_to():
    pair = Pair.greeted(Limits(max_data_bytes=1000))
    stream = pair.server.open(http(), b"x" * 5000)
    frames = taken(pair.server)

    assert max(len(frame.data) or len(frame.open.first) for frame in frames) <= 1000
    assert data_of(pair.agent.receive(frames), stream) == b"x" * 5000


def test_a_reset_reaches_the_other_side_once_and_drops_what_waits(pair):
    stream = pair.server.open(http(), b"x" * 500 * KIB)
    pair.settle()
    pair.server.reset(stream, pb.Reset.CODE_CANCELLED, "enough")
    pair.server.reset(stream, pb.Reset.CODE_INTERNAL, "again")
    at_agent, at_server = pair.settle()

    assert at_agent == [
        StreamReset(
            stream_id=stream,
            code=pb.Reset.CODE_CANCELLED,
            detail="enough",
            dispatched=True,
            by_peer=True,
        ),
    ]
    assert at_server == []
    assert pair.agent.buffered_bytes == 0


def test_a_stream_that_the_peer_never_heard_of_is_dropped_silently(pair):
    stream = pair.server.open(http())
    assert pair.server.is_unsent(stream)
    pair.server.reset(stream, pb.Reset.CODE_CANCELLED)

    assert taken(pair.server) == []
    assert not pair.server.is_unsent(stream)


def test_requests_of_other_kinds_are_handed_on(pair):
    (event,) = pair.agent.receive([pb.Frame(stream_id=1, open=pb.Open(tcp=pb.TcpRequest(port=80)))])

    assert isinstance(event, StreamOpened)


def opening(mode) -> pb.Open:
    """A request of a mode."""
    if mode == "tcp":
        return pb.Open(target="kube", tcp=pb.TcpRequest(port=80))
    head = pb.HttpRequest(method="GET", path="/")
    return pb.Open(target="kube", upgrade=head) if mode == "upgrade" else pb.Open(target="kube", http=head)


SWITCHED = pb.Opened(http=pb.HttpResponse(status=101), switched=True)
ANSWERS = [
    pytest.param("http", ok(), None, id="http-answered"),
    pytest.param("http", SWITCHED, pb.Reset.CODE_PROTOCOL, id="http-cannot-switch"),
    pytest.param("http", pb.Opened(), pb.Reset.CODE_PROTOCOL, id="http-needs-a-head"),
    pytest.param("upgrade", SWITCHED, None, id="upgrade-switched"),
    pytest.param("upgrade", pb.Opened(http=pb.HttpResponse(status=403)), None, id="upgrade-declined"),
    pytest.param(
        "upgrade", pb.Opened(http=pb.HttpResponse(status=101)), pb.Reset.CODE_PROTOCOL, id="101-without-switch"
    ),
    pytest.param("upgrade", ok(switched=True), pb.Reset.CODE_PROTOCOL, id="switch-without-101"),
    pytest.param("tcp", pb.Opened(), None, id="tcp-connected"),
    pytest.param("tcp", ok(), pb.Reset.CODE_PROTOCOL, id="http-answer-to-tcp"),
]


@pytest.mark.parametrize(("mode", "answer", "code"), ANSWERS)
def test_each_mode_has_its_own_answers(pair, mode, answer, code):
    stream = pair.server.open(opening(mode), ends=False)
    pair.settle()
    (event,) = pair.server.receive([pb.Frame(stream_id=stream, opened=answer)])

    if code is None:
        assert isinstance(event, StreamAnswered)
        assert pair.server.live_streams == (stream,)
    else:
        assert event.code == code
        assert pair.server.live_streams == ()


@pytest.mark.parametrize("mode", ["upgrade", "tcp"])
def test_bytes_go_both_ways_and_each_side_ends_its_own(pair, mode):
    stream = pair.server.open(opening(mode), ends=False)
    pair.settle()
    pair.agent.answer(stream, SWITCHED if mode == "upgrade" else pb.Opened())
    pair.agent.send(stream, b"hello")
    _, at_server = pair.settle()
    pair.server.send(stream, b"world")
    pair.server.half_close(stream)
    at_agent, _ = pair.settle()
    pair.agent.send(stream, b"still here")
    _, later = pair.settle()
    pair.agent.half_close(stream)
    pair.settle()

    assert data_of(at_server, stream) == b"hello"
    assert data_of(at_agent, stream) == b"world"
    assert any(isinstance(event, HalfClosed) for event in at_agent)
    assert data_of(later, stream) == b"still here"
    assert pair.server.live_streams == pair.agent.live_streams == ()


def test_a_mode_is_used_only_where_both_sides_named_it():
    pair = Pair()
    pair.agent.hello(pb.Hello(agent="prod", features=["http", "tcp"]))
    pair.move_to_server()
    pair.server.welcome(pb.Welcome(features=["http", "upgrade"]))
    (welcome,) = pair.move_to_agent()
    forced = pair.agent.receive([pb.Frame(stream_id=1, open=opening("tcp"))])

    assert list(welcome.welcome.features) == ["http"]
    assert pair.server.features == pair.agent.features == {"http"}
    with pytest.raises(LocalProtocolError, match="does not offer tcp"):
        pair.server.open(opening("tcp"))
    assert forced == []
    (refusal,) = taken(pair.agent)
    assert (refusal.reset.code, refusal.reset.dispatched) == (pb.Reset.CODE_REFUSED, False)


def test_what_the_state_does_not_allow_is_refused_locally(pair):
    stream = pair.server.open(http())
    pair.settle()
    pair.agent.answer(stream, ok())

    with pytest.raises(LocalProtocolError, match="answered before"):
        pair.agent.answer(stream, ok())
    with pytest.raises(LocalProtocolError, match="only the agent"):
        pair.server.answer(stream, ok())
    with pytest.raises(LocalProtocolError, match="only the server"):
        pair.agent.open(http())
    with pytest.raises(LocalProtocolError, match="has ended on this side"):
        pair.server.send(stream, b"x")
    with pytest.raises(LocalProtocolError, match="is not open"):
        pair.server.half_close(99)


def test_empty_data_is_not_sent(pair):
    stream = pair.server.open(http(), ends=False)
    pair.settle()
    pair.server.send(stream, b"")

    assert not pair.server.has_output


def test_a_released_stream_sends_its_last_data_alone(pair):
    stream = pair.server.open(http())
    pair.settle()
    pair.agent.answer(stream, ok())
    pair.agent.send(stream, b"x" * 300 * KIB)
    pair.agent.half_close(stream)
    pair.agent.release(stream)
    _, events = pair.settle()
    pair.server.consumed(stream, 256 * KIB)
    events += pair.settle()[1]

    assert len(data_of(events, stream)) == 300 * KIB
    assert pair.agent.open_streams == pair.server.open_streams == 0


def test_a_released_stream_that_has_not_ended_is_cancelled(pair):
    stream = pair.server.open(http())
    pair.settle()
    pair.server.release(stream)
    at_agent, _ = pair.settle()
    pair.server.release(stream)

    assert [event.code for event in at_agent] == [pb.Reset.CODE_CANCELLED]


def test_a_stream_reset_while_it_waits_for_its_turn_sends_nothing(pair):
    stream = pair.server.open(http(), ends=False)
    pair.settle()
    pair.server.send(stream, b"x")
    pair.server.reset(stream, pb.Reset.CODE_CANCELLED)

    assert kinds(taken(pair.server)) == ["reset"]


def test_credit_due_for_a_stream_that_was_reset_is_forgotten(pair):
    stream = pair.server.open(http())
    pair.settle()
    pair.agent.answer(stream, ok())
    pair.agent.send(stream, b"x" * 200 * KIB)
    pair.settle()
    pair.server.consumed(stream, 200 * KIB)
    pair.server.reset(stream, pb.Reset.CODE_CANCELLED)
    pair.server.consumed(stream, 1)

    assert kinds(taken(pair.server)) == ["reset"]


def test_credit_wakes_a_stream_that_waits(pair):
    stream = pair.server.open(http(), b"x" * 300 * KIB)
    pair.settle()
    assert not pair.server.has_output
    pair.server.receive([pb.Frame(stream_id=stream, credit=pb.Credit(limit_bytes=257 * KIB))])

    (frame,) = taken(pair.server)
    assert len(frame.data) == KIB


def test_credit_waits_until_a_quarter_of_the_window_was_consumed(pair):
    stream = pair.server.open(http())
    pair.settle()
    pair.agent.answer(stream, ok())
    pair.agent.send(stream, b"x" * 100 * KIB)
    pair.settle()
    pair.server.consumed(stream, 63 * KIB)
    before = taken(pair.server)
    pair.server.consumed(stream, KIB)
    after = taken(pair.server)

    assert before == []
    assert [frame.credit.limit_bytes for frame in after] == [320 * KIB]


def test_data_for_a_peer_that_has_ended_is_consumed_without_credit(pair):
    stream = pair.server.open(http(), b"x" * 100, ends=True)
    pair.agent.receive(taken(pair.server))
    pair.agent.consumed(stream, 100)

    assert not pair.agent.has_output
    assert pair.agent.buffered_bytes == 0
