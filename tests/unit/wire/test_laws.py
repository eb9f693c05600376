"""Laws of the protocol: two peers do whatever they may, in any order, and nothing is lost, mixed up or left over."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_wire.events import DataReceived, HalfClosed, SessionViolated, StreamAnswered, StreamOpened, StreamReset
from borealis_wire.limits import Limits
from kit.wire import Pair, http, ok

LIMITS = Limits(
    initial_credit_bytes=64,
    scarce_credit_bytes=16,
    receive_budget_bytes=150,
    send_buffer_bytes=100,
    max_data_bytes=40,
    shared_data_bytes=10,
    batch_bytes=100,
    batch_frames=5,
    max_streams=4,
)


sizes = st.sampled_from([0, 1, 9, 10, 11, 39, 40, 41, 63, 64, 65, 150, 300])
"""Around every limit above."""


@dataclass
class End:
    """One side of a stream, as a test sees it."""

    sent: bytes = b""
    received: bytes = b""
    unconsumed: int = 0
    has_ended: bool = False
    peer_has_ended: bool = False
    was_reset: bool = False
    is_open: bool = True
    ends: int = 0
    """How often it was told that the stream is over."""


@dataclass
class Both:
    """Both sides of a stream."""

    server: End = field(default_factory=End)
    agent: End = field(default_factory=lambda: End(is_open=False))
    was_answered: bool = False


class TwoPeers(RuleBasedStateMachine):
    """The server opens streams, both send, end, reset and read; batches cross whenever they like."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair.greeted(LIMITS)
        self.streams: dict[int, Both] = {}
        self.made = 0
        self.made_losses = 0

    def new_bytes(self, size):
        """Bytes unlike those before, so that a mix-up shows."""
        self.made += size
        return bytes(number % 251 for number in range(self.made - size, self.made))

    def open_ends(self, side):
        return [
            one
            for one, both in self.streams.items()
            if getattr(both, side).is_open
            and not getattr(both, side).was_reset
            and not getattr(both, side).has_ended
            and (side == "server" or both.was_answered)
        ]

    # What the sides do

    @precondition(lambda self: self.pair.server.open_streams < LIMITS.max_streams)
    @rule(size=sizes, ends=st.booleans(), priority=st.sampled_from(pb.Open.Priority.values()))
    def server_opens(self, size, ends, priority):
        body = self.new_bytes(size)
        stream = self.pair.server.open(http(priority=priority), body, ends=ends)
        self.streams[stream] = Both(server=End(sent=body, has_ended=ends))

    @rule(data=st.data())
    def agent_answers(self, data):
        waiting = [one for one, both in self.streams.items() if both.agent.is_open and not both.was_answered]
        waiting = [one for one in waiting if not self.streams[one].agent.was_reset]
        if waiting:
            stream = data.draw(st.sampled_from(waiting))
            self.pair.agent.answer(stream, ok())
            self.streams[stream].was_answered = True

    @rule(data=st.data(), side=st.sampled_from(["server", "agent"]), size=sizes)
    def sends(self, data, side, size):
        streams = self.open_ends(side)
        if streams:
            stream = data.draw(st.sampled_from(streams))
            body = self.new_bytes(size)
            getattr(self.pair, side).send(stream, body)
            getattr(self.streams[stream], side).sent += body

    @rule(data=st.data(), side=st.sampled_from(["server", "agent"]))
    def ends(self, data, side):
        streams = self.open_ends(side)
        if streams:
            stream = data.draw(st.sampled_from(streams))
            getattr(self.pair, side).half_close(stream)
            getattr(self.streams[stream], side).has_ended = True

    @rule(data=st.data(), side=st.sampled_from(["server", "agent"]))
    def resets(self, data, side):
        live = getattr(self.pair, side).live_streams
        if live:
            stream = data.draw(st.sampled_from(live))
            getattr(self.pair, side).reset(stream, pb.Reset.CODE_CANCELLED)
            end = getattr(self.streams[stream], side)
            end.was_reset = True
            end.ends += 1

    @rule(data=st.data(), side=st.sampled_from(["server", "agent"]), share=st.floats(0, 1))
    def reads(self, data, side, share):
        waiting = [one for one, both in self.streams.items() if getattr(both, side).unconsumed]
        if waiting:
            stream = data.draw(st.sampled_from(waiting))
            end = getattr(self.streams[stream], side)
            size = max(1, int(end.unconsumed * share))
            end.unconsumed -= size
            getattr(self.pair, side).consumed(stream, size)

    # What the pipe does

    @rule()
    def server_writes(self):
        self.pair.write_to_agent()

    @rule()
    def agent_writes(self):
        self.pair.write_to_server()

    @rule()
    def agent_reads_pipe(self):
        self.note(self.pair.move_to_agent(), "agent")

    @rule()
    def server_reads_pipe(self):
        self.note(self.pair.move_to_server(), "server")

    def note(self, events, side):
        for event in events:
            assert not isinstance(event, SessionViolated), event
            both = self.streams[event.stream_id]
            end = getattr(both, side)
            match event:
                case StreamOpened():
                    assert side == "agent"
                    assert not end.is_open
                    end.is_open = True
                case StreamAnswered():
                    assert side == "server"
                case DataReceived():
                    assert not end.peer_has_ended
                    end.received += event.data
                    end.unconsumed += len(event.data)
                case HalfClosed():
                    assert not end.peer_has_ended
                    end.peer_has_ended = True
                case StreamReset():
                    assert event.by_peer, "a peer that keeps the rules is never at fault"
                    end.was_reset = True
                    end.ends += 1

    @rule()
    def the_tunnel_is_lost(self):
        """What is on the way is gone. Both sides hear of each stream that was open there, and begin anew."""
        self.made_losses += 1
        if self.made_losses > 2:
            return
        for side in ("server", "agent"):
            tunnel = getattr(self.pair, side)
            live = tunnel.live_streams
            lost = tunnel.end()
            assert tuple(one.stream_id for one in lost) == live
            assert tunnel.end() == []
            for one in lost:
                end = getattr(self.streams[one.stream_id], side)
                end.ends += 1
                if one.dispatched is False:
                    assert side == "server"
                    assert not self.streams[one.stream_id].agent.is_open
            assert (tunnel.live_streams, tunnel.buffered_bytes, tunnel.granted_bytes) == ((), 0, 0)
            assert tunnel.queued_bytes == 0
        for both in self.streams.values():
            assert both.server.ends <= 1
            assert both.agent.ends <= 1
            assert both.agent.received == both.server.sent[: len(both.agent.received)]
        self.streams.clear()
        self.pair = Pair.greeted(LIMITS)

    # What must always hold

    @invariant()
    def order_is_kept(self):
        for both in self.streams.values():
            assert both.server.sent.startswith(both.agent.received)
            assert both.agent.sent.startswith(both.server.received)

    @invariant()
    def credit_is_never_negative(self):
        for tunnel in (self.pair.server, self.pair.agent):
            for stream_id in tunnel.live_streams:
                stream = tunnel._streams.find(stream_id)
                assert stream is not None
                assert stream.sending.available_bytes >= 0
                assert stream.receiving.open_bytes >= 0
                assert 0 <= stream.receiving.waiting_bytes <= LIMITS.initial_credit_bytes

    @invariant()
    def buffered_bytes_are_counted(self):
        for side in ("server", "agent"):
            tunnel = getattr(self.pair, side)
            live = tunnel.live_streams
            waiting = sum(getattr(both, side).unconsumed for one, both in self.streams.items() if one in live)
            assert tunnel.buffered_bytes == waiting
            streams = [tunnel._streams.find(one) for one in live]
            assert tunnel.granted_bytes == sum(one.receiving.open_bytes for one in streams)
            assert tunnel.queued_bytes == sum(one.pending_bytes for one in streams)

    def teardown(self):
        """Whatever happened, everything comes to an end, and each end is told once."""
        self.settle()
        for stream, both in self.streams.items():
            for side in ("server", "agent"):
                end = getattr(both, side)
                if (
                    end.is_open
                    and not end.was_reset
                    and not end.has_ended
                    and stream in getattr(self.pair, side).live_streams
                ):
                    if side == "agent" and not both.was_answered:
                        self.pair.agent.answer(stream, ok())
                        both.was_answered = True
                    getattr(self.pair, side).half_close(stream)
                    end.has_ended = True
        self.settle()
        assert self.pair.server.live_streams == self.pair.agent.live_streams == ()
        assert self.pair.server.buffered_bytes == self.pair.agent.buffered_bytes == 0
        for both in self.streams.values():
            assert both.server.ends <= 1
            assert both.agent.ends <= 1
            if not both.server.was_reset and not both.agent.was_reset:
                assert both.agent.received == both.server.sent
                assert both.server.received == both.agent.sent
                assert both.server.peer_has_ended
                assert both.agent.peer_has_ended

    def settle(self):
        """Read and move everything until nothing moves."""
        moved = True
        while moved:
            moved = False
            for side in ("agent", "server"):
                events = self.pair.move_to_agent() if side == "agent" else self.pair.move_to_server()
                self.note(events, side)
                for stream, both in self.streams.items():
                    end = getattr(both, side)
                    if end.unconsumed:
                        getattr(self.pair, side).consumed(stream, end.unconsumed)
                        end.unconsumed = 0
                moved = moved or bool(events)
            moved = moved or self.pair.server.has_output or self.pair.agent.has_output


TestTwoPeers = TwoPeers.TestCase
TestTwoPeers.settings = settings(max_examples=60, stateful_step_count=40)
