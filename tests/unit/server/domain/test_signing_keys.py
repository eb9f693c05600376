"""When signing keys change: laws over all moments, with any set of keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_server.domain.signing_keys import KeySchedule, duties

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SCHEDULE = KeySchedule(signs_for=90 * DAY, shown_before=DAY, shown_after=2 * DAY)

days = st.integers(min_value=0, max_value=1000)
key_rings = st.sets(days, min_size=1, max_size=6).map(lambda found: [START + day * DAY for day in found])


@given(key_rings, days)
def test_the_key_that_signs_is_always_shown(keys, day):
    found = duties(keys, START + day * DAY, SCHEDULE)

    assert found.signing in found.shown


@given(key_rings, days, st.integers(min_value=0, max_value=48))
def test_what_was_signed_can_be_checked_for_two_days(keys, day, later_h):
    signed_at = START + day * DAY
    signing = duties(keys, signed_at, SCHEDULE).signing

    assert signing in duties(keys, signed_at + timedelta(hours=later_h) - timedelta(seconds=1), SCHEDULE).shown


@given(key_rings, days)
def test_a_key_was_shown_for_a_day_before_it_signs(keys, day):
    now = START + day * DAY
    signing = duties(keys, now, SCHEDULE).signing
    began = signing + SCHEDULE.shown_before

    assert signing == min(keys) or (began <= now and signing in duties(keys, began - DAY, SCHEDULE).shown)


def test_one_who_tends_keys_for_years_has_few_and_changes_each_in_time():
    keys, signed = [START], []
    for hour in range(0, 24 * 1000, 6):
        now = START + timedelta(hours=hour)
        found = duties(keys, now, SCHEDULE)
        if found.is_new_one_due:
            keys.append(now)
        keys = [key for key in keys if key in found.shown or key >= found.signing]
        signed.append(found.signing)
        assert len(keys) <= 2

    changes = [now for before, now in pairwise(signed) if before != now]
    assert len(changes) == 11
    assert all(signed.count(key) * 6 <= 91 * 24 for key in changes)


def test_without_a_key_there_is_nothing_to_say():
    with pytest.raises(ValueError, match="no signing key"):
        duties([], START, SCHEDULE)
