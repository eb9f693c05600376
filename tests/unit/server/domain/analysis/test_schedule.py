"""When judgements are made, and which time they look at."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_server.domain.analysis.schedule import asks_at, window
from kit.analyses import START, plan


def seconds(moment):
    return (moment - START).total_seconds()


@pytest.mark.parametrize(
    ("fields", "windows", "asked"),
    [
        pytest.param({}, [(0, 30), (30, 60), (60, 90)], [30, 60, 90], id="sliding"),
        pytest.param({"is_growing": True}, [(0, 30), (0, 60), (0, 90)], [30, 60, 90], id="growing"),
        pytest.param({"initial_delay_s": 20.0}, [(20, 50), (50, 80), (80, 110)], [50, 80, 110], id="initial-delay"),
        pytest.param({"scrape_delay_s": 15.0}, [(0, 30), (30, 60), (60, 90)], [45, 75, 105], id="scrape-delay"),
    ],
)
def test_st_18_windows_and_the_times_they_are_asked_for(fields, windows, asked):
    made = plan(**fields)

    found = [window(made, START, number) for number in (1, 2, 3)]

    assert [(seconds(one.start), seconds(one.end)) for one in found] == windows
    assert [seconds(asks_at(made, START, number)) for number in (1, 2, 3)] == asked


def test_windows_lie_on_full_seconds_since_providers_cut_the_rest_off():
    late = START + timedelta(seconds=1, microseconds=1)

    assert seconds(window(plan(), late, 1).start) == 2


@given(
    st.integers(1, 600),
    st.integers(1, 50),
    st.integers(0, 99),
    st.integers(0, 99),
    st.integers(0, 10**6),
    st.booleans(),
)
def test_windows_follow_each_other_without_gaps(interval, number, initial, scrape, microseconds, is_growing):
    made = plan(interval_s=interval, initial_delay_s=initial, scrape_delay_s=scrape, is_growing=is_growing)
    started = START + timedelta(microseconds=microseconds)
    one, other = window(made, started, number), window(made, started, number + 1)

    assert other.end - one.end == timedelta(seconds=interval)
    assert other.start == (one.start if is_growing else one.end)
    assert started + timedelta(seconds=initial) <= window(made, started, 1).start
    assert asks_at(made, started, number) - one.end == timedelta(seconds=scrape)
    assert one.length_s == interval * (number if is_growing else 1)
