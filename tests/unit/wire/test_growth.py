"""When a stream may be sent more ahead: where the way is long, and where data flows to a reader that keeps up."""

from __future__ import annotations

import pytest

from borealis_wire.limits import KIB, MIB
from borealis_wire.window import grown
from kit.wire import Pair, http, ok


@pytest.mark.parametrize(
    ("window", "round_trip_s", "size"),
    [
        pytest.param(256 * KIB, 0.0, 256 * KIB, id="unknown-way"),
        pytest.param(256 * KIB, 0.0005, 256 * KIB, id="short-way"),
        pytest.param(256 * KIB, 0.05, 512 * KIB, id="long-way"),
        pytest.param(3 * MIB, 0.05, 4 * MIB, id="up-to-the-largest"),
        pytest.param(4 * MIB, 0.5, 4 * MIB, id="no-more"),
        pytest.param(256 * KIB, 0.001, 400 * MIB // 1000, id="as-much-as-helps"),
    ],
)
def test_a_window_grows_only_where_the_way_is_long(window, round_trip_s, size):
    assert grown(window, round_trip_s=round_trip_s, largest_bytes=4 * MIB, bytes_per_s=400 * MIB) == size


def test_a_stream_that_its_window_holds_up_gets_a_larger_one():
    pair = Pair.greeted()
    stream = pair.server.open(http())
    pair.settle()
    pair.agent.answer(stream, ok())
    pair.agent.send(stream, b"x" * 20 * MIB)
    laps = []
    _, events = pair.settle()
    assert not pair.server.wants_round_trip
    while events:
        got = sum(len(getattr(event, "data", b"")) for event in events)
        laps.append(got)
        pair.server.consumed(stream, got)
        if pair.server.wants_round_trip:
            pair.server.measured(0.05)
        _, events = pair.settle()

    assert laps[0] == laps[1] == 256 * KIB, "the way was not known yet"
    assert max(laps) == 4 * MIB
    assert sum(laps) == 20 * MIB


def test_a_reader_that_is_slow_itself_gets_no_larger_window():
    pair = Pair.greeted()
    pair.server.measured(0.05)
    stream = pair.server.open(http())
    pair.settle()
    pair.agent.answer(stream, ok())
    pair.agent.send(stream, b"x" * 4 * MIB)
    pair.settle()
    for _ in range(32):
        pair.server.consumed(stream, 64 * KIB)
        pair.settle()

        assert pair.server.buffered_bytes <= 256 * KIB


def windows(pair: Pair, pauses_s: float, laps: int = 6) -> list[int]:
    """What the server lets the peer send ahead, lap by lap, on a stream that is read as it comes."""
    stream = pair.server.open(http())
    pair.settle()
    pair.agent.answer(stream, ok())
    pair.agent.send(stream, b"x" * 20 * MIB)
    _, events = pair.settle()
    found = []
    for lap in range(laps):
        found.append(sum(len(getattr(event, "data", b"")) for event in events))
        pair.server.tick(1000.0 + lap * pauses_s)
        pair.server.consumed(stream, found[-1])
        _, events = pair.settle()
    return found


def test_a_stream_that_flows_needs_fewer_grants():
    assert windows(Pair.greeted(), 0.01) == [*[256 * KIB] * 3, *[MIB] * 3]


def test_a_stream_that_trickles_keeps_its_window():
    assert windows(Pair.greeted(), 0.06) == [256 * KIB] * 6


def test_no_window_is_widened_while_half_of_the_budget_is_granted():
    pair = Pair.greeted()
    for _ in range(33):
        pair.server.open(http())

    assert windows(pair, 0.01) == [256 * KIB] * 6


def test_the_shortest_of_the_last_round_trips_counts(pair):
    for seconds in (0.3, 0.1, 0.2):
        pair.server.measured(seconds)
    first = pair.server.round_trip_s
    for _ in range(8):
        pair.server.measured(0.25)

    assert (first, pair.server.round_trip_s) == (0.1, 0.25)
