"""How long to wait before the next attempt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_agent.backoff import Backoff

BACKOFF = Backoff()


@pytest.mark.parametrize(
    ("attempt", "limit_s"),
    [(0, 0.5), (1, 1.0), (2, 2.0), (5, 16.0), (6, 30.0), (1000, 30.0)],
)
def test_the_limit_doubles_up_to_the_longest(attempt, limit_s):
    assert BACKOFF.delay_s(attempt, 1.0) == limit_s


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_any_part_of_the_limit_may_be_waited(attempt, chance):
    assert 0 <= BACKOFF.delay_s(attempt, chance) <= 30


@given(st.floats(0, 1))
def test_a_refused_credential_is_tried_slowly(chance):
    assert 30 <= BACKOFF.refused_delay_s(chance) <= 60
