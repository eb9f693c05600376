"""Names, times and tickets of previews."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_server.domain.preview import (
    KEY_BYTES,
    TOKEN_BYTES,
    Preview,
    PreviewAddress,
    PreviewName,
    PreviewState,
    cookie_value,
    subject_of_cookie,
    subject_of_ticket,
    ticket,
    token_of_bytes,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TOKEN = "abcdefghijklmnopqrstuvwxyz234567"
ADDRESS = PreviewAddress(domain="preview.example.com", port=8443)
PREVIEW = Preview(
    name=PreviewName("main", "one"),
    token=TOKEN,
    deployment="run",
    target="prod",
    step="step-1",
    agent="cluster-1",
    namespace="shop",
    service="web",
    port=80,
    requires_login=True,
    key=bytes(range(KEY_BYTES)),
    created_at=NOON,
    expires_at=NOON + timedelta(minutes=5),
)


def test_its_state_follows_from_time_and_revocation():
    assert PREVIEW.state(NOON) is PreviewState.ACTIVE
    assert PREVIEW.state(PREVIEW.expires_at) is PreviewState.EXPIRED
    assert replace(PREVIEW, revoked_at=NOON).state(NOON) is PreviewState.REVOKED


def test_its_address_names_a_port_that_is_not_the_usual_one():
    assert ADDRESS.url_of(PREVIEW) == f"https://{TOKEN}.preview.example.com:8443/"
    assert replace(ADDRESS, port=443).url_of(PREVIEW) == f"https://{TOKEN}.preview.example.com/"


@pytest.mark.parametrize(
    ("host", "token"),
    [
        (f"{TOKEN}.preview.example.com", TOKEN),
        (f"{TOKEN.upper()}.Preview.Example.com.:8443", TOKEN),
        (f"x.{TOKEN}.preview.example.com", ""),
        (f"{TOKEN}a.preview.example.com", ""),
        (f"{TOKEN[:-1]}1.preview.example.com", ""),
        ("preview.example.com", ""),
        (f"{TOKEN}.example.com", ""),
        (f"{TOKEN}.notpreview.example.com", ""),
        ("[::1]:443", ""),
        ("", ""),
    ],
)
def test_the_token_in_a_host(host, token):
    assert ADDRESS.token_of(host) == token


@given(st.binary(min_size=TOKEN_BYTES, max_size=TOKEN_BYTES), st.binary(min_size=TOKEN_BYTES, max_size=TOKEN_BYTES))
def test_every_token_is_found_again_and_no_two_are_one(one, other):
    token = token_of_bytes(one)

    assert ADDRESS.token_of(f"{token}{ADDRESS.suffix}") == token
    assert (token == token_of_bytes(other)) == (one == other)


@given(st.text(max_size=40))
def test_a_ticket_says_who_it_is_for_until_its_minute_is_over(subject):
    made = ticket(PREVIEW, subject, NOON)

    assert subject_of_ticket(PREVIEW, made, NOON + timedelta(seconds=59)) == subject
    assert subject_of_ticket(PREVIEW, made, NOON + timedelta(seconds=60)) == ""
    assert subject_of_cookie(PREVIEW, made, NOON) == ""


@given(st.integers(0, 200), st.characters(codec="ascii"))
def test_a_cookie_that_was_changed_is_none(position, character):
    made = cookie_value(PREVIEW, "ann")
    at = position % len(made)
    changed = made[:at] + character + made[at + 1 :]

    assert subject_of_cookie(PREVIEW, made, NOON) == "ann"
    assert subject_of_cookie(PREVIEW, changed, NOON) == ("ann" if changed == made else "")


@given(st.text(max_size=100))
def test_any_other_text_is_no_ticket(text):
    assert subject_of_ticket(PREVIEW, text, NOON) == ""


def test_a_cookie_is_for_one_preview_alone():
    made = cookie_value(PREVIEW, "ann")

    assert subject_of_cookie(replace(PREVIEW, token=TOKEN[::-1]), made, NOON) == ""
    assert subject_of_cookie(replace(PREVIEW, key=bytes(KEY_BYTES)), made, NOON) == ""
    assert subject_of_cookie(PREVIEW, made, PREVIEW.expires_at) == ""
