"""Arithmetic of credit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_wire.window import ReceiveWindow, SendWindow


def test_a_sender_may_spend_what_was_granted_and_no_more():
    window = SendWindow(limit_bytes=10)
    window.spend(10)

    assert window.available_bytes == 0
    with pytest.raises(AssertionError):
        window.spend(1)


@pytest.mark.parametrize(("grant", "more"), [(9, False), (10, False), (11, True)])
def test_only_a_larger_grant_has_an_effect(grant, more):
    window = SendWindow(limit_bytes=10)

    assert window.raise_to(grant) is more
    assert window.limit_bytes == max(10, grant)


def test_data_beyond_the_credit_is_not_accepted():
    window = ReceiveWindow(limit_bytes=10, window_bytes=10)

    assert window.accept(10)
    assert not window.accept(1)
    assert window.received_bytes == 10


def test_a_sink_cannot_take_more_than_waits():
    window = ReceiveWindow(limit_bytes=10, window_bytes=10)
    window.accept(4)

    with pytest.raises(AssertionError):
        window.consume(5)


@pytest.mark.parametrize(
    ("consumed", "grant"),
    [
        pytest.param(0, None, id="nothing-consumed"),
        pytest.param(24, None, id="less-than-a-quarter"),
        pytest.param(25, 125, id="a-quarter"),
        pytest.param(100, 200, id="all"),
    ],
)
def test_credit_returns_in_quarters_of_the_window(consumed, grant):
    window = ReceiveWindow(limit_bytes=100, window_bytes=100)
    window.accept(100)
    window.consume(consumed)

    assert window.next_limit(100) == grant


def test_a_smaller_window_takes_nothing_back():
    window = ReceiveWindow(limit_bytes=100, window_bytes=100)
    window.accept(40)
    window.consume(40)

    assert window.next_limit(40) is None
    assert window.limit_bytes == 100


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(4, 200))
def test_a_sender_within_its_grants_is_always_accepted(pieces, size):
    sender, receiver = SendWindow(limit_bytes=size), ReceiveWindow(limit_bytes=size, window_bytes=size)
    for piece in pieces:
        sent = min(piece, sender.available_bytes)
        sender.spend(sent)
        assert receiver.accept(sent)
        receiver.consume(receiver.waiting_bytes)
        limit = receiver.next_limit(size)
        if limit is not None:
            sender.raise_to(limit)
        assert 0 <= sender.available_bytes <= size
