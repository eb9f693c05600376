"""Tokens and addresses of callbacks: one for each run of a step, and nobody guesses another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_server.domain.callback_tokens import CallbackAddress, CallbackPlace, CallbackTokens, address_of
from borealis_server.domain.deployment import DeploymentKey
from kit.delivery import a_deployment, a_target

KEY = DeploymentKey(tenant="main", id="abc")
NAMES = st.text(max_size=8)
PLACES = st.builds(
    lambda tenant, key, target, step: CallbackPlace(
        deployment=DeploymentKey(tenant=tenant, id=key), target=target, step=step
    ),
    *[NAMES] * 4,
)
TOKENS = CallbackTokens(bytes(range(32)))


@given(PLACES, PLACES)
def test_each_place_has_a_token_and_a_key_of_its_own(one, other):
    assert TOKENS.is_of(one, TOKENS.token(one))
    assert (TOKENS.token(one) == TOKENS.token(other)) == (one == other)
    assert (TOKENS.call_key(one) == TOKENS.call_key(other)) == (one == other)
    assert TOKENS.call_key(one) not in TOKENS.token(one)


@given(PLACES)
def test_another_server_makes_another_token(place):
    assert not TOKENS.is_of(place, CallbackTokens(bytes(32)).token(place))


@pytest.mark.parametrize("token", ["", "bcb_", "bcb_x", "\u00e4", "x" * 10_000])
def test_what_is_no_token_is_none(token):
    assert not TOKENS.is_of(CallbackPlace(deployment=KEY, target="prod", step="step-1"), token)


def test_a_short_key_is_refused():
    with pytest.raises(ValueError, match="fewer than 32 bytes"):
        CallbackTokens(bytes(31))


def test_an_address_leads_back_to_its_step_whatever_its_target_is_called():
    names = ("prod", "eu/west 1", "ä?#")
    deployment = a_deployment(*(a_target(name) for name in names)).deployment

    for name in names:
        place = CallbackPlace(deployment=deployment.key, target=name, step="before-2")
        address = CallbackAddress.parse(str(address_of(deployment, place)))
        assert address is not None
        assert address.place(deployment) == place


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/main/abc",
        "/webhooks/main/abc/0.step-1",
        "/webhooks/main/abc/1.step-0",
        "/webhooks/main/abc/1.step-1/",
        "/webhooks/main/abc/1.step-1\n",
        "/webhooks/ma in/abc/1.step-1",
        "/webhooks/main/../1.step-1",
        "/webhooks/main/abc/99999.step-1",
    ],
)
def test_what_is_no_address_is_none(path):
    assert CallbackAddress.parse(path) is None


def test_an_address_of_a_target_that_is_not_there_leads_nowhere():
    address = CallbackAddress(deployment=KEY, target_number=2, step="step-1")

    assert address.place(a_deployment().deployment) is None
