"""What streams of one tunnel share: its messages, its memory, and the way when it is long."""

from __future__ import annotations

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis.tunnel.v1.tunnel_service_pb2 import LaneRequest
from borealis_wire.errors import LocalProtocolError
from borealis_wire.events import SessionViolated, StreamReset
from borealis_wire.limits import Limits
from borealis_wire.window import ReceiveBudget
from kit.wire import Pair, http, ok, taken

KIB = 1024
MIB = 1024 * KIB
INTERACTIVE, NORMAL, BULK = (
    pb.Open.PRIORITY_INTERACTIVE,
    pb.Open.PRIORITY_NORMAL,
    pb.Open.PRIORITY_BULK,
)


def greeted(limits=None) -> Pair:
    return Pair.greeted(limits or Limits(initial_credit_bytes=8 * MIB, receive_budget_bytes=2**40))


def uploads(pair, *priorities, size=2 * MIB) -> list[int]:
    """Streams of these priorities with much to send, all opened."""
    streams = [pair.server.open(http(priority=one), ends=False) for one in priorities]
    pair.settle()
    for stream in streams:
        pair.server.send(stream, b"x" * size)
    return streams


def shares(tunnel, batches) -> dict[int, int]:
    """Bytes of each stream in the next so many messages."""
    sent: dict[int, int] = {}
    for _ in range(batches):
        for frame in taken(tunnel):
            sent[frame.stream_id] = sent.get(frame.stream_id, 0) + len(frame.data)
    return sent


# Messages


def test_a_stream_alone_sends_the_largest_pieces_and_two_send_small_ones():
    pair = greeted()
    first, second = uploads(pair, NORMAL, NORMAL, size=0)
    pair.server.send(first, b"x" * MIB)
    alone = max(len(frame.data) for frame in taken(pair.server))
    pair.server.send(second, b"x" * MIB)
    together = [len(frame.data) for _ in range(4) for frame in taken(pair.server)]

    assert alone == 64 * KIB
    assert max(together) <= 16 * KIB


def test_streams_of_one_rank_send_the_same_bytes():
    pair = greeted()
    streams = uploads(pair, *[NORMAL] * 5)
    sent = shares(pair.server, 20)

    assert set(sent) == set(streams)
    assert max(sent.values()) - min(sent.values()) <= 2 * 16 * KIB


def test_ranks_share_by_weight_and_nobody_starves():
    pair = greeted()
    interactive, normal, bulk = uploads(pair, INTERACTIVE, NORMAL, BULK)
    sent = shares(pair.server, 26)

    assert sent[interactive] / sent[bulk] == pytest.approx(8, rel=0.2)
    assert sent[normal] / sent[bulk] == pytest.approx(4, rel=0.2)


def test_a_person_goes_before_what_waits_already():
    pair = greeted()
    uploads(pair, BULK, NORMAL)
    taken(pair.server)
    shell = pair.server.open(http(priority=INTERACTIVE), ends=False)

    assert taken(pair.server)[0].stream_id == shell


def test_who_sent_much_in_one_frame_waits_for_its_next_turn():
    pair = greeted()
    small, whole = uploads(pair, NORMAL, NORMAL, size=0)
    big = pair.server.open(http(), b"b" * 64 * KIB, ends=False)
    for stream in (small, whole):
        pair.server.send(stream, b"x" * MIB)
    pair.server.send(big, b"b" * MIB)
    sent = shares(pair.server, 12)

    assert max(sent.values()) - min(sent.values()) <= 4 * 16 * KIB


def test_no_message_is_larger_than_the_peer_takes_whatever_the_heads():
    pair = greeted(Limits(initial_credit_bytes=MIB, receive_budget_bytes=2**40))
    headers = [pb.HttpHeader(name=f"x-{number}", value=b"v" * 600) for number in range(100)]
    groups = ["g" * 200] * 200
    for _ in range(20):
        request = http(actor_groups=groups)
        request.http.headers.extend(headers)
        pair.server.open(request, b"b" * 64 * KIB)
    sizes = []
    while batch := pair.server.take_batch():
        sizes.append(len(batch))
        assert not [one for one in pair.agent.receive_batch(batch, 0.0) if isinstance(one, SessionViolated)]

    assert max(sizes) <= 256 * KIB
    assert pair.agent.open_streams == 20


def test_a_head_that_fits_no_message_is_refused_here():
    pair = greeted()
    head = pb.Opened(http=pb.HttpResponse(status=200, headers=[pb.HttpHeader(name="x", value=b"v" * 200 * KIB)]))
    stream = pair.server.open(http(priority=NORMAL))
    pair.settle()

    with pytest.raises(LocalProtocolError, match="the head has"):
        pair.server.open(http("/" + "p" * 200 * KIB))
    with pytest.raises(LocalProtocolError, match="the head has"):
        pair.agent.answer(stream, head)
    pair.agent.answer(stream, ok())


def test_a_message_has_a_largest_number_of_frames():
    pair = greeted()
    for _ in range(90):
        pair.server.open(http())
    pair.settle()
    for stream in pair.agent.live_streams:
        pair.agent.reset(stream, pb.Reset.CODE_DENIED)
    for nonce in range(2000):
        pair.agent.ping(nonce)

    assert len(taken(pair.agent)) <= 256


def test_bytes_that_wait_are_counted():
    pair = greeted()
    first, second = uploads(pair, NORMAL, NORMAL, size=100 * KIB)
    before = pair.server.queued_bytes
    sent = sum(shares(pair.server, 1).values())
    between = pair.server.queued_bytes
    pair.server.reset(first, pb.Reset.CODE_CANCELLED)
    pair.settle()

    assert (before, between) == (200 * KIB, 200 * KIB - sent)
    assert pair.server.queued_bytes == 0
    assert pair.server.live_streams == (second,)


def test_streams_are_opened_in_the_order_of_their_ids_whoever_goes_first():
    pair = greeted()
    bulk = [pair.server.open(http(f"/{number}", priority=BULK), b"x" * 100 * KIB) for number in range(3)]
    dropped = pair.server.open(http(priority=NORMAL), b"x" * KIB)
    shell = pair.server.open(http(priority=INTERACTIVE), b"now")
    pair.server.reset(dropped, pb.Reset.CODE_CANCELLED)
    first = taken(pair.server)
    at_agent = pair.agent.receive(first)
    pair.settle()

    assert [one.stream_id for one in first][:4] == [*bulk, shell]
    assert [len(one.open.first) for one in first][:4] == [0, 0, 0, 3], "only heads go before somebody who waits"
    assert [one for one in at_agent if isinstance(one, SessionViolated)] == []
    assert pair.agent.live_streams == (*bulk, shell)


def test_many_heads_before_one_that_is_urgent_fit_their_messages():
    pair = greeted(Limits(max_streams=2000))
    request = http(priority=BULK, actor_groups=["g" * 200] * 200)
    for _ in range(20):
        pair.server.open(pb.Open.FromString(request.SerializeToString()))
    for _ in range(1500):
        pair.server.open(http(priority=BULK))
    pair.server.open(http(priority=INTERACTIVE))
    sizes = []
    while batch := pair.server.take_batch():
        sizes.append(len(batch))
        events = pair.agent.receive_batch(batch, 0.0)
        assert [one for one in events if isinstance(one, SessionViolated)] == []

    assert max(sizes) <= 256 * KIB
    assert pair.agent.open_streams == 1521


# Memory


def stalled_downloads(count, limits, budget=None) -> Pair:
    """Answers that nobody reads; the agent sends as much as it may."""
    pair = Pair.greeted(limits, budget=budget)
    for _ in range(count):
        pair.server.open(http())
    pair.settle()
    for stream in pair.agent.live_streams:
        pair.agent.answer(stream, ok())
        pair.agent.send(stream, b"x" * MIB)
    pair.settle()
    return pair


def test_memory_is_bounded_whatever_peers_send():
    pair = stalled_downloads(200, Limits(max_streams=200))

    assert pair.server.buffered_bytes == pair.server.granted_bytes
    assert pair.server.buffered_bytes <= 16 * MIB + 200 * 64 * KIB


def test_tunnels_share_the_budget_of_their_process():
    budget = ReceiveBudget(4 * MIB)
    pairs = [stalled_downloads(50, Limits(), budget) for _ in range(3)]
    held = sum(pair.server.buffered_bytes for pair in pairs)

    assert held == budget.used_bytes
    assert held <= 4 * MIB + 150 * 64 * KIB


def test_streams_beyond_the_budget_all_get_on():
    """Far more credit is out than the budget has: what is read is granted again, so that nobody waits for ever."""
    pair = stalled_downloads(200, Limits(max_streams=200, receive_budget_bytes=MIB))
    read = dict.fromkeys(pair.server.live_streams, 0)
    for _ in range(40):
        for stream in pair.server.live_streams:
            waiting = pair.server._streams.find(stream).receiving.waiting_bytes
            pair.server.consumed(stream, waiting)
            read[stream] += waiting
        pair.settle()

    assert set(read.values()) == {MIB}


def test_a_tunnel_that_ends_gives_its_share_of_the_budget_back():
    budget = ReceiveBudget(4 * MIB)
    pair = stalled_downloads(10, Limits(), budget)
    pair.server.end()

    assert budget.used_bytes == pair.server.buffered_bytes == pair.server.queued_bytes == 0
    assert pair.server.live_streams == ()


def test_no_credit_is_left_over_when_streams_have_ended():
    pair = Pair.greeted()
    for end in ("reads", "resets", "releases"):
        stream = pair.server.open(http(), b"body")
        pair.settle()
        pair.agent.answer(stream, ok())
        pair.agent.send(stream, b"x" * 300 * KIB)
        _, events = pair.settle()
        if end == "reads":
            drain(pair, stream, events)
            pair.agent.half_close(stream)
        elif end == "resets":
            pair.server.reset(stream, pb.Reset.CODE_CANCELLED)
        else:
            pair.server.release(stream)
        pair.settle()

    assert pair.server.live_streams == pair.agent.live_streams == ()
    assert pair.server.granted_bytes == pair.agent.granted_bytes == 0


def drain(pair, stream, events) -> int:
    """Read whatever comes until nothing comes any more; says how much it was."""
    total = 0
    while events:
        for event in events:
            size = len(getattr(event, "data", b""))
            total += size
            if size:
                pair.server.consumed(stream, size)
        _, events = pair.settle()
    return total


# Streams that the peer holds up


def stalled(pair: Pair, priority: pb.Open.Priority) -> int:
    stream = pair.server.open(http(priority=priority), ends=False)
    pair.settle()
    pair.server.send(stream, b"x" * MIB)
    pair.settle()
    return stream


def test_bulk_that_gets_no_credit_for_two_minutes_is_given_up_and_a_shell_is_not():
    pair = Pair.greeted()
    bulk, shell, normal = (stalled(pair, one) for one in (BULK, INTERACTIVE, NORMAL))
    assert pair.server.tick(1000.0) == pair.server.tick(1119.0) == []
    assert pair.server.stalled_streams == 3
    (event,) = pair.server.tick(1120.0)
    at_agent, _ = pair.settle()

    assert isinstance(event, StreamReset)
    assert (event.stream_id, event.code, event.by_peer) == (bulk, pb.Reset.CODE_FLOW_CONTROL, False)
    assert [one.stream_id for one in at_agent if isinstance(one, StreamReset)] == [bulk]
    assert pair.server.live_streams == (shell, normal)


def test_a_little_credit_now_and_then_keeps_bulk_alive():
    pair = Pair.greeted()
    bulk = stalled(pair, BULK)
    for minute in range(10):
        assert pair.server.tick(60.0 * minute) == []
        pair.server.receive([pb.Frame(stream_id=bulk, credit=pb.Credit(limit_bytes=256 * KIB + minute + 1))])
        pair.server.take_batch()
        assert pair.server.tick(60.0 * minute + 59) == []
        pair.server.receive([pb.Frame(stream_id=bulk, credit=pb.Credit(limit_bytes=300 * KIB + minute * 1000))])
        assert pair.server.tick(60.0 * minute + 59.5) == []
        pair.server.take_batch()

    assert pair.server.live_streams == (bulk,)


def test_the_batches_of_both_directions_have_one_form(pair):
    pair.server.open(http())
    batch = pair.server.take_batch()

    assert LaneRequest.FromString(batch).frames[0].open.target == "kube"
