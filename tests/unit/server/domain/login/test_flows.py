"""What becomes of codes and refresh tokens: tables of who presents what, and laws over whole histories."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_server.domain.login.flows import (
    CodePresented,
    RefreshPresented,
    Verdict,
    answer_device,
    challenge_of,
    ended,
    is_live,
    poll_device,
    redeem_code,
    refresh,
    revoke,
)
from borealis_server.domain.login.records import (
    Approval,
    AuthorizationCode,
    DeviceGrant,
    DeviceState,
    Session,
    hashed,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
VERIFIER = "v" * 43
APPROVAL = Approval(user_id="u1", tenant="main", authenticated_at=NOON)
CODE = AuthorizationCode(
    key=hashed("code"),
    expires_at=NOON + timedelta(seconds=60),
    client_id="borealis-cli",
    redirect_uri="http://127.0.0.1:4000/callback",
    challenge=challenge_of(VERIFIER),
    scope=("openid",),
    nonce="n",
    approval=APPROVAL,
    session_id="s1",
)
RIGHT = CodePresented(
    client_id="borealis-cli", redirect_uri="http://127.0.0.1:4000/callback", verifier=VERIFIER, at=NOON
)
DEVICE = DeviceGrant(
    key=hashed("device"),
    expires_at=NOON + timedelta(minutes=15),
    client_id="borealis-cli",
    scope=("openid",),
    asked_at=NOON,
    address="192.0.2.1",
    interval_s=5,
    session_id="s2",
)
SESSION = Session(
    key="s1",
    user_id="u1",
    expires_at=NOON + timedelta(days=30),
    client_id="borealis-cli",
    tenant="main",
    scope=("openid", "offline_access"),
    family_hash=hashed("family"),
    current_hash=hashed("r0"),
    began_at=NOON,
    used_at=NOON,
    authenticated_at=NOON,
)


def test_the_challenge_is_the_one_of_rfc_7636():
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, Verdict.GRANTED),
        ({"client_id": "borealis-console"}, Verdict.INVALID),
        ({"redirect_uri": "http://127.0.0.1:4001/callback"}, Verdict.INVALID),
        ({"verifier": "w" * 43}, Verdict.INVALID),
        ({"verifier": ""}, Verdict.INVALID),
        ({"at": NOON + timedelta(seconds=60)}, Verdict.INVALID),
    ],
    ids=["right", "other-client", "other-address", "other-verifier", "no-verifier", "late"],
)
def test_a_code_is_for_its_program_its_address_and_its_verifier_and_only_once(change, verdict):
    after, found = redeem_code(CODE, replace(RIGHT, **change))

    assert found is verdict
    assert redeem_code(after, RIGHT)[1] is Verdict.REPLAYED


def test_a_device_waits_for_a_person_and_gets_its_answer_once():
    waiting, first = poll_device(DEVICE, "borealis-cli", NOON)
    answered, _ = answer_device(waiting, APPROVAL, NOON + timedelta(seconds=3))
    granted, second = poll_device(answered, "borealis-cli", NOON + timedelta(seconds=5))
    _, third = poll_device(granted, "borealis-cli", NOON + timedelta(seconds=10))

    assert (first, second, third) == (Verdict.PENDING, Verdict.GRANTED, Verdict.REPLAYED)
    assert granted.approval == APPROVAL


def test_a_device_that_asks_too_fast_has_to_slow_down_more_and_more():
    once, _ = poll_device(DEVICE, "borealis-cli", NOON)
    twice, fast = poll_device(once, "borealis-cli", NOON + timedelta(seconds=1))
    _, still = poll_device(twice, "borealis-cli", NOON + timedelta(seconds=7))

    assert (fast, still, twice.interval_s) == (Verdict.TOO_FAST, Verdict.TOO_FAST, 10)


def test_a_device_learns_of_a_refusal_of_its_end_and_nothing_of_others():
    denied, _ = answer_device(DEVICE, None, NOON)

    assert poll_device(denied, "borealis-cli", NOON)[1] is Verdict.DENIED
    assert poll_device(DEVICE, "borealis-cli", NOON + timedelta(minutes=15))[1] is Verdict.EXPIRED
    assert poll_device(DEVICE, "other", NOON)[1] is Verdict.INVALID


@pytest.mark.parametrize("state", [DeviceState.APPROVED, DeviceState.DENIED, DeviceState.SPENT])
def test_the_first_answer_of_a_person_counts(state):
    settled = replace(DEVICE, state=state)

    assert answer_device(settled, APPROVAL, NOON) == (settled, Verdict.INVALID)


def test_an_answer_after_the_end_counts_for_nothing():
    assert answer_device(DEVICE, APPROVAL, NOON + timedelta(minutes=15))[1] is Verdict.EXPIRED


def presented(rotating, **change):
    given = {
        "client_id": "borealis-cli",
        "family": "family",
        "rotating": rotating,
        "next_hash": hashed("r1"),
        "tenant": "",
        "lifetime": timedelta(days=30),
        "at": NOON + timedelta(days=1),
    }
    return RefreshPresented(**(given | change))


def test_a_refresh_token_is_good_once_and_the_next_one_takes_its_place():
    after, verdict = refresh(SESSION, presented("r0"))

    assert verdict is Verdict.GRANTED
    assert after.expires_at == NOON + timedelta(days=31)
    assert refresh(after, presented("r1", next_hash=hashed("r2")))[1] is Verdict.GRANTED


def test_one_that_comes_twice_ends_the_family_for_thief_and_owner_alike():
    after, _ = refresh(SESSION, presented("r0"))
    over, verdict = refresh(after, presented("r0"))

    assert verdict is Verdict.REPLAYED
    assert not is_live(over, NOON)
    assert refresh(over, presented("r1"))[1] is Verdict.INVALID


@pytest.mark.parametrize(
    "change",
    [{"family": "guess"}, {"client_id": "other"}, {"at": NOON + timedelta(days=30)}, {"rotating": "x", "family": ""}],
    ids=["stranger", "other-client", "late", "nothing"],
)
def test_strangers_get_nothing_and_end_nothing(change):
    after, verdict = refresh(SESSION, presented(**({"rotating": "r0"} | change)))

    assert (after, verdict) == (SESSION, Verdict.INVALID)


def test_a_session_without_refresh_tokens_cannot_be_refreshed():
    assert refresh(replace(SESSION, current_hash=""), presented(""))[1] is Verdict.INVALID


def test_a_session_of_an_identity_provider_ends_however_often_it_is_used():
    limited = replace(SESSION, latest_end=NOON + timedelta(days=2))

    after, _ = refresh(limited, presented("r0"))

    assert after.expires_at == NOON + timedelta(days=2)


def test_only_the_holder_of_a_family_can_give_it_up():
    assert revoke(SESSION, "guess", "borealis-cli") == (SESSION, Verdict.INVALID)
    assert revoke(SESSION, "family", "other") == (SESSION, Verdict.INVALID)
    over, verdict = revoke(SESSION, "family", "borealis-cli")
    assert verdict is Verdict.GRANTED
    assert ended(over, "another reason") == over


@given(st.lists(st.integers(min_value=0, max_value=5), max_size=12))
def test_whoever_presents_tokens_in_whatever_order_at_most_one_chain_lives(order):
    """Token `n` is made by presenting token `n - 1`. Nothing is granted after anything came twice."""
    session, newest, is_over = SESSION, 0, False
    for token in order:
        session, verdict = refresh(session, presented(f"r{token}", next_hash=hashed(f"r{newest + 1}")))
        is_granted = verdict is Verdict.GRANTED
        assert is_granted == (not is_over and token == newest)
        newest += is_granted
        is_over = is_over or not is_granted

    assert is_live(session, NOON) is not is_over
