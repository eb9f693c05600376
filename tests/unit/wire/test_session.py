"""The session of a tunnel: who speaks first, tokens, pings, goodbyes, and what breaks it."""

from __future__ import annotations

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_wire.errors import LocalProtocolError
from borealis_wire.events import (
    GoAwayReceived,
    HelloReceived,
    PongReceived,
    SessionViolated,
    StreamReset,
    TokenAnswered,
    TokenOffered,
    WelcomeReceived,
)
from borealis_wire.limits import Limits
from borealis_wire.tunnel import Role, Tunnel
from kit.wire import Pair, http, ok, taken

HELLO = pb.Hello(version_min=1, version_max=1, agent="prod")


def frame(stream_id=0, **kind) -> pb.Frame:
    return pb.Frame(stream_id=stream_id, **kind)


def test_hello_and_welcome_carry_the_limits_of_each_side():
    limits = Limits(initial_credit_bytes=1000, max_data_bytes=500, max_streams=7)
    pair = Pair(limits)
    pair.agent.hello(pb.Hello(agent="prod"))
    (hello,) = pair.move_to_server()
    pair.server.welcome(pb.Welcome(session_id="s"))
    (welcome,) = pair.move_to_agent()

    assert isinstance(hello, HelloReceived)
    assert (hello.hello.version_min, hello.hello.version_max) == (1, 1)
    assert (hello.hello.initial_credit_bytes, hello.hello.max_streams, hello.hello.max_data_bytes) == (1000, 7, 500)
    assert isinstance(welcome, WelcomeReceived)
    assert (welcome.welcome.version, welcome.welcome.initial_credit_bytes) == (1, 1000)


VIOLATIONS = [
    pytest.param(Role.SERVER, [frame(ping=pb.Ping())], "first frame is ping", id="ping-before-hello"),
    pytest.param(Role.SERVER, [frame(1, open=http())], "first frame is open", id="open-before-hello"),
    pytest.param(Role.SERVER, [frame(hello=HELLO), frame(hello=HELLO)], "hello was not expected", id="hello-twice"),
    pytest.param(Role.AGENT, [frame(hello=HELLO)], "hello was not expected", id="hello-to-agent"),
    pytest.param(Role.SERVER, [frame(welcome=pb.Welcome(version=1))], "welcome was not", id="welcome-to-server"),
    pytest.param(Role.AGENT, [frame(welcome=pb.Welcome(version=2))], "version 2", id="unknown-version"),
    pytest.param(
        Role.SERVER,
        [frame(hello=pb.Hello(version_min=2, version_max=3))],
        "versions 2 to 3",
        id="versions-without-overlap",
    ),
    pytest.param(Role.SERVER, [frame(1, hello=HELLO)], "hello for stream 1", id="session-frame-with-stream"),
]


@pytest.mark.parametrize(("role", "frames", "rule"), VIOLATIONS)
def test_a_wrong_beginning_breaks_the_session(role, frames, rule):
    tunnel = Tunnel(role)
    events = tunnel.receive(frames)
    (go_away,) = [one.go_away for one in taken(tunnel) if one.HasField("go_away")]

    assert isinstance(events[-1], SessionViolated)
    assert rule in events[-1].detail
    assert go_away.cause == pb.GoAway.CAUSE_PROTOCOL
    assert rule in go_away.detail
    assert tunnel.receive(frames) == []


LATER_VIOLATIONS = [
    pytest.param("agent", frame(0, open=http()), "open for stream 0", id="open-of-stream-0"),
    pytest.param("agent", frame(2, open=http()), "may not be opened", id="even-id-from-server"),
    pytest.param("server", frame(2, open=http()), "may not be opened", id="open-from-agent"),
    pytest.param("agent", frame(1, data=b"x"), "never opened", id="data-of-unknown-stream"),
    pytest.param("server", frame(9, credit=pb.Credit(limit_bytes=9)), "never opened", id="credit-of-unknown-stream"),
    pytest.param("server", frame(9, reset=pb.Reset()), "never opened", id="reset-of-unknown-stream"),
    pytest.param("server", frame(9, opened=ok()), "never opened", id="answer-to-unknown-stream"),
    pytest.param("agent", frame(9, half_close=pb.HalfClose()), "never opened", id="end-of-unknown-stream"),
    pytest.param("agent", frame(token_refresh=pb.TokenRefresh(token="t")), "token was not", id="token-to-agent"),
    pytest.param("server", frame(token_refresh=pb.TokenRefresh(token="t" * 20_000)), "too long", id="token-too-long"),
    pytest.param("server", frame(token_state=pb.TokenState()), "state of a token", id="token-state-to-server"),
    pytest.param("agent", frame(welcome=pb.Welcome(version=1)), "welcome was not", id="welcome-twice"),
    pytest.param("agent", frame(live_streams=pb.LiveStreams(stream_ids=range(2001))), "2001 live", id="too-many-live"),
]


@pytest.mark.parametrize(("side", "wrong", "rule"), LATER_VIOLATIONS)
def test_a_wrong_frame_breaks_the_session(pair, side, wrong, rule):
    tunnel = getattr(pair, side)

    (event,) = tunnel.receive([wrong])

    assert isinstance(event, SessionViolated)
    assert rule in event.detail


def test_ids_of_streams_only_grow(pair):
    pair.agent.receive([frame(5, open=http())])

    assert isinstance(pair.agent.receive([frame(5, open=http())])[-1], SessionViolated)


def test_a_batch_has_a_largest_number_of_frames(pair):
    events = pair.agent.receive([frame(ping=pb.Ping())] * 1025)

    assert [type(event) for event in events] == [SessionViolated]
    assert "1025 frames" in events[0].detail


def test_a_flood_of_pings_that_nobody_reads_breaks_the_session():
    pair = Pair.greeted(Limits(max_control_frames=10, max_streams=5))
    for number in range(15):
        assert pair.agent.receive([frame(ping=pb.Ping(nonce=number))]) == []

    (event,) = pair.agent.receive([frame(ping=pb.Ping(nonce=15))])

    assert isinstance(event, SessionViolated)
    assert "16 answers wait" in event.detail


def test_answers_that_went_out_do_not_count():
    pair = Pair.greeted(Limits(max_control_frames=10, max_streams=5))

    for number in range(100):
        assert pair.agent.receive([frame(ping=pb.Ping(nonce=number))]) == []
        assert len(pair.move_to_server()) == 1


def test_calls_that_are_all_cancelled_at_once_do_not_break_the_session():
    pair = Pair.greeted(Limits(max_control_frames=10, max_streams=100))
    opened = [pair.server.open(http()) for _ in range(100)]
    pair.move_to_agent()
    for stream_id in opened:
        pair.server.reset(stream_id, pb.Reset.CODE_CANCELLED)

    assert pair.server.receive([frame(ping=pb.Ping(nonce=1))]) == []


def test_streams_that_are_all_refused_at_once_do_not_break_the_session():
    pair = Pair.greeted(Limits(max_control_frames=10, max_streams=100))
    for _ in range(100):
        pair.server.open(http())
    pair.agent.go_away(pb.GoAway.CAUSE_DRAIN)

    assert pair.move_to_agent() == []
    assert {type(event) for event in pair.move_to_server()} == {GoAwayReceived, StreamReset}


def test_a_frame_of_a_later_version_is_ignored(pair):
    unknown = pb.Frame.FromString(b"\x08\x01\xfa\x07\x03abc")

    assert pair.agent.receive([unknown, pb.Frame()]) == []


def test_a_ping_is_answered_with_its_number(pair):
    pair.server.ping(42)
    pair.move_to_agent()

    assert pair.move_to_server() == [PongReceived(nonce=42)]


def test_a_token_is_offered_and_answered(pair):
    pair.agent.offer_token("newer")
    offered = pair.move_to_server()
    pair.server.answer_token(accepted=False, expires_in_ms=5, detail="é" * 200)
    (answered,) = pair.move_to_agent()

    assert offered == [TokenOffered(token="newer")]
    assert isinstance(answered, TokenAnswered)
    assert (answered.state.accepted, answered.state.expires_in_ms) == (False, 5)
    assert len(answered.state.detail.encode()) <= 256


def test_after_goodbye_no_stream_is_opened_on_either_side(pair):
    pair.server.go_away(pb.GoAway.CAUSE_DRAIN, grace_ms=5, reconnect_after_ms=7, detail="bye")
    (event,) = pair.move_to_agent()

    assert isinstance(event, GoAwayReceived)
    assert (event.go_away.grace_ms, event.go_away.reconnect_after_ms, event.go_away.detail) == (5, 7, "bye")
    assert pair.agent.is_leaving
    with pytest.raises(LocalProtocolError, match="no new streams"):
        pair.server.open(http())


def test_an_agents_goodbye_fails_the_streams_it_never_looked_at(pair):
    seen = pair.server.open(http())
    pair.move_to_agent()
    pair.agent.go_away(pb.GoAway.CAUSE_DRAIN)
    unseen = pair.server.open(http())
    events = pair.move_to_server()

    assert [event.stream_id for event in events if isinstance(event, StreamReset)] == [unseen]
    assert [event.dispatched for event in events if isinstance(event, StreamReset)] == [False]
    assert pair.server.live_streams == (seen,)


def test_a_stream_opened_across_a_goodbye_is_refused_as_not_dispatched(pair):
    pair.agent.go_away(pb.GoAway.CAUSE_DRAIN)
    pair.server.open(http())
    pair.move_to_agent()

    assert pair.agent.open_streams == 0
    assert [one.reset.code for one in taken(pair.agent) if one.HasField("reset")] == [pb.Reset.CODE_REFUSED]


def test_a_goodbye_before_the_greeting_is_understood():
    tunnel = Tunnel(Role.AGENT)

    (event,) = tunnel.receive([frame(go_away=pb.GoAway(cause=pb.GoAway.CAUSE_OVERLOAD))])

    assert isinstance(event, GoAwayReceived)


def test_no_stream_before_the_greeting():
    with pytest.raises(LocalProtocolError, match="no session"):
        Tunnel(Role.SERVER).open(http())


def test_a_stream_that_one_side_forgot_is_found(pair):
    stream = pair.server.open(http())
    pair.settle()
    pair.agent._streams.remove(pair.agent._streams.find(stream))  # as a bug would
    for _ in range(2):
        pair.server.announce_live()
        pair.agent.announce_live()
        pair.settle()
    pair.server.announce_live()
    _, events = pair.settle()

    assert [event.code for event in events if isinstance(event, StreamReset)] == [pb.Reset.CODE_NO_SUCH_STREAM]
    assert pair.server.open_streams == 0


def test_a_goodbye_leaves_streams_that_were_answered_alone(pair):
    stream = pair.server.open(http())
    pair.settle()
    pair.agent.answer(stream, ok())
    pair.settle()
    pair.server.receive([frame(go_away=pb.GoAway(last_stream_id=0))])

    assert pair.server.live_streams == (stream,)


def test_only_the_forgotten_one_of_two_streams_is_ended(pair):
    kept, forgotten = pair.server.open(http()), pair.server.open(http())
    pair.settle()
    pair.agent._streams.remove(pair.agent._streams.find(forgotten))
    for _ in range(3):
        pair.server.announce_live()
        pair.agent.announce_live()
        pair.settle()

    assert pair.server.live_streams == pair.agent.live_streams == (kept,)


def test_equal_sets_of_streams_are_left_alone(pair):
    stream = pair.server.open(http())
    for _ in range(4):
        pair.settle()
        pair.server.announce_live()
        pair.agent.announce_live()

    assert pair.settle() == ([], [])
    assert pair.server.live_streams == pair.agent.live_streams == (stream,)


def test_limits_that_a_peer_does_not_name_have_defaults():
    server = Tunnel(Role.SERVER)
    server.receive([frame(hello=pb.Hello(version_min=1, version_max=1, agent="prod", features=["http"]))])
    server.welcome(pb.Welcome(features=["http"]))
    taken(server)
    for _ in range(100):
        server.open(http(), b"x" * 70_000)

    with pytest.raises(LocalProtocolError, match="100 streams"):
        server.open(http())
    first = taken(server)[0]
    assert len(first.open.first) <= 65536
