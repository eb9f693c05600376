"""People whom an identity provider vouches for, and machines that another issuer does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_server.domain.errors import Unauthenticated
from borealis_server.domain.login.records import Standing
from borealis_server.domain.login.refusals import GrantFault, GrantRefused, LoginExpired, LoginRefused
from borealis_server.domain.login.trust import is_met
from borealis_server.domain.roles import DEPLOYER
from borealis_server.ports.issuers import IdentityProvider, IssuerRefused, IssuerUnavailable, TrustRule
from borealis_server.services.token_exchange import SUBJECT_TYPES
from kit.issuer import Bench

OKTA = IdentityProvider(
    id="okta",
    name="Okta",
    issuer="https://okta.example",
    client_id="us",
    client_secret="s",
    organization="home",
)
JWT = "urn:ietf:params:oauth:token-type:jwt"
GITHUB = TrustRule(
    id="github",
    issuer="https://ci.example",
    audience="https://borealis.example",
    conditions={"repository": ("acme/shop",), "ref": ("refs/heads/main", "refs/tags/*")},
    tenant="main",
    roles=("deployments full access",),
)
CLAIMS = {"iss": "https://ci.example", "sub": "repo:acme/shop", "repository": "acme/shop", "ref": "refs/heads/main"}
BOB = {
    "sub": "okta|7",
    "email": "Bob@Example.com",
    "email_verified": True,
    "name": "Bob",
    "groups": ["deployments FULL access", "unknown", 7],
}


@pytest.fixture
async def bench():
    bench = Bench(providers=[OKTA], rules=[GITHUB, replace(GITHUB, id="tags", conditions={"ref": ("refs/tags/*",)})])
    await bench.organizations.open_home()
    return bench


async def arrive(bench, claims, *, browser="browser", back="browser", provider="okta"):
    address = await bench.federation.depart(provider, browser, "/device")
    state = address.partition("state=")[2]
    bench.issuers.said["code"] = claims
    return await bench.federation.arrive(back, state=state, code="code", issuer="", address="192.0.2.1")


async def test_ia_05_a_group_that_is_named_like_a_role_gives_its_grants(bench):
    begun = await arrive(bench, BOB)

    assert (begun.login.standing, begun.login.next_path) == (Standing.LOGGED_IN, "/device")
    tokens = await bench.session_of(begun.login)
    caller = await bench.identity.verify(tokens.access_token)
    assert caller.email == "bob@example.com"
    assert caller.role_names == (DEPLOYER.name,)
    directory = await bench.directories.of_user(begun.login.user_id)
    assert directory.users[begun.login.user_id].roles == ()


async def test_groups_are_those_of_the_newest_login(bench):
    await arrive(bench, BOB)
    begun = await arrive(bench, {**BOB, "groups": "nothing"})

    caller = await bench.identity.verify((await bench.session_of(begun.login)).access_token)

    assert caller.role_names == ()


async def test_a_session_by_a_provider_ends_after_half_a_day_however_it_is_used(bench):
    begun = await arrive(bench, BOB)
    tokens = await bench.session_of(begun.login)
    bench.clock.advance(11 * 3600)
    tokens = await bench.sessions.refresh("borealis-cli", tokens.refresh_token, scope=(), tenant="")
    bench.clock.advance(3600)

    with pytest.raises(GrantRefused):
        await bench.sessions.refresh("borealis-cli", tokens.refresh_token, scope=(), tenant="")
    with pytest.raises(Unauthenticated):
        await bench.identity.verify(tokens.access_token)


async def test_a_person_is_known_by_the_providers_own_identifier_even_with_another_address(bench):
    first = await arrive(bench, BOB)

    second = await arrive(bench, {**BOB, "email": "robert@example.com"})

    assert second.login.user_id == first.login.user_id


@pytest.mark.parametrize(
    ("claims", "text"),
    [
        ({**BOB, "email_verified": False}, "does not say that your e-mail address is yours"),
        ({**BOB, "email_verified": "true"}, "does not say that your e-mail address is yours"),
        ({"sub": "okta|8"}, "does not say that your e-mail address is yours"),
        ({**BOB, "email": "no address"}, "cannot join"),
        (IssuerRefused("bad signature"), "did not confirm"),
        (IssuerUnavailable("down"), "does not answer"),
    ],
    ids=["unverified", "text", "no-address", "bad-address", "refused", "away"],
)
async def test_who_is_not_vouched_for_stays_outside(bench, claims, text):
    with pytest.raises(LoginRefused, match=text):
        await arrive(bench, claims)


async def test_somebody_of_another_organization_is_not_taken_over(bench):
    await bench.found("bob@example.com", "Elsewhere")

    with pytest.raises(LoginRefused, match="another organization"):
        await arrive(bench, BOB)


async def test_an_answer_counts_once_in_the_browser_that_was_sent_and_in_time(bench):
    with pytest.raises(LoginExpired):
        await arrive(bench, BOB, back="another browser")
    address = await bench.federation.depart("okta", "browser", "/")
    state = address.partition("state=")[2]
    bench.issuers.said["code"] = BOB
    await bench.federation.arrive("browser", state=state, code="code", issuer="", address="")
    with pytest.raises(LoginExpired):
        await bench.federation.arrive("browser", state=state, code="code", issuer="", address="")
    late = (await bench.federation.depart("okta", "browser", "/")).partition("state=")[2]
    bench.clock.advance(timedelta(minutes=15).total_seconds())

    with pytest.raises(LoginExpired):
        await bench.federation.arrive("browser", state=late, code="code", issuer="", address="")


async def test_an_unknown_provider_is_none(bench):
    with pytest.raises(LoginRefused, match="no such way"):
        await bench.federation.depart("nobody", "browser", "/")


async def test_a_machine_that_another_issuer_vouches_for_gets_the_roles_of_the_rule(bench):
    bench.issuers.said["token"] = CLAIMS

    tokens = await bench.exchange.exchange("token", JWT)
    caller = await bench.identity.verify(tokens.access_token)

    assert (caller.subject, caller.tenant) == ("external/github/repo:acme/shop", "main")
    assert caller.role_names == (DEPLOYER.name,)
    assert tokens.refresh_token == ""


@pytest.mark.parametrize(
    "claims",
    [
        {**CLAIMS, "repository": "acme/other"},
        {**CLAIMS, "ref": "refs/heads/feature"},
        {**CLAIMS, "ref": "refs/heads/main/x"},
        {"iss": CLAIMS["iss"], "sub": "x"},
        {**CLAIMS, "iss": "https://evil.example"},
        IssuerRefused("bad signature"),
    ],
    ids=["repository", "branch", "longer", "nothing", "issuer", "signature"],
)
async def test_what_meets_no_rule_is_refused_in_the_same_words(bench, claims):
    bench.issuers.said["token"] = claims

    with pytest.raises(GrantRefused) as error:
        await bench.exchange.exchange("token", JWT)
    assert (error.value.fault, error.value.description) == (
        GrantFault.INVALID_GRANT,
        "subject_token meets no rule of trust in this installation",
    )


async def test_an_exchange_says_when_the_issuer_is_away_and_takes_only_json_web_tokens(bench):
    bench.issuers.said["token"] = IssuerUnavailable("down")
    with pytest.raises(GrantRefused) as error:
        await bench.exchange.exchange("token", JWT)
    assert error.value.fault is GrantFault.TEMPORARILY_UNAVAILABLE
    with pytest.raises(GrantRefused) as error:
        await bench.exchange.exchange("token", "urn:ietf:params:oauth:token-type:saml2")
    assert error.value.fault is GrantFault.INVALID_REQUEST
    assert JWT in SUBJECT_TYPES
    with pytest.raises(GrantRefused):
        await bench.exchange.exchange("x" * 9000, JWT)


async def test_a_rule_that_was_removed_ends_its_tokens(bench):
    bench.issuers.said["token"] = CLAIMS
    tokens = await bench.exchange.exchange("token", JWT)
    bench.identity._rules.clear()

    with pytest.raises(Unauthenticated, match="rule"):
        await bench.identity.verify(tokens.access_token)


@pytest.mark.parametrize(
    ("pattern", "value", "is_fitting"),
    [
        ("acme/*", "acme/shop", True),
        ("acme/*", "acme/shop/x", False),
        ("acme/**", "acme/shop/x", True),
        ("*", "a/b", False),
        ("**", "a/b", True),
        ("a.c", "abc", False),
        ("a", "a\n", False),
        ("(a|b)", "a", False),
        ("true", True, True),
        ("7", 7, True),
        ("x", ["y", "x"], True),
        ("x", None, False),
        ("x", {"x": 1}, False),
    ],
)
def test_patterns_know_stars_and_nothing_else(pattern, value, is_fitting):
    assert is_met({"claim": (pattern,)}, {"claim": value}) is is_fitting


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=4))
def test_without_a_condition_nothing_is_met(claims):
    assert not is_met({}, claims)


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_pattern_without_stars_fits_its_own_text_only(pattern, value):
    pattern = pattern.replace("*", "x")

    assert is_met({"c": (pattern,)}, {"c": value}) is (pattern == value)
