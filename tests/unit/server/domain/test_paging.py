"""Pages and their tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_server.domain.errors import InvalidArgument, PageTokenInvalid
from borealis_server.domain.paging import PageRequest, page_token


@pytest.mark.parametrize(("asked", "limit"), [(0, 50), (1, 1), (250, 250), (251, 250), (2**31 - 1, 250)])
def test_a_size_is_kept_within_its_bounds(asked, limit):
    assert PageRequest(size=asked).limit() == limit


def test_a_negative_size_is_refused():
    with pytest.raises(InvalidArgument) as error:
        PageRequest(size=-1).limit()

    assert error.value.violations[0].field == "page_size"


@given(st.text(max_size=100), st.text(max_size=200))
def test_a_token_leads_back_to_its_position_in_the_same_query(query, position):
    token = page_token(query, position)

    assert PageRequest(token=token).after(query) == position


def test_no_token_means_the_beginning():
    assert PageRequest().after("anything") == ""


@given(st.text(max_size=50))
def test_a_token_is_no_good_for_another_query(position):
    with pytest.raises(PageTokenInvalid):
        PageRequest(token=page_token("one", position)).after("two")


@given(st.text(min_size=1, max_size=3000))
def test_anything_else_is_refused_and_never_crashes(text):
    with pytest.raises(PageTokenInvalid):
        PageRequest(token=text).after("query")


@pytest.mark.parametrize("text", ["A" * 3000, "W10", "bnVsbA", "eyJhIjoxfQ", "WzEsMl0", "WyJhIiwgMV0"], ids=repr)
def test_json_of_another_shape_is_refused(text):
    with pytest.raises(PageTokenInvalid):
        PageRequest(token=text).after("query")
