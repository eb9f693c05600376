"""Programs that act for people: what they get, and how it ends."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import jwt
import pytest

from borealis_server.domain.errors import Unauthenticated
from borealis_server.domain.login.clients import CLI, CONSOLE
from borealis_server.domain.login.flows import Verdict, challenge_of
from borealis_server.domain.login.records import Session
from borealis_server.domain.login.refusals import GrantFault, GrantRefused
from borealis_server.domain.tenants import with_new_tenant
from borealis_server.services.sessions import PRINCIPAL_ALIAS, PRINCIPAL_CLAIM
from kit.issuer import ISSUER, REDIRECT, SCOPE, VERIFIER


def said(token):
    return jwt.decode(token, options={"verify_signature": False})


async def refused(awaitable, fault):
    with pytest.raises(GrantRefused) as error:
        await awaitable
    assert error.value.fault is fault, error.value.description
    return error.value


async def test_a_program_gets_tokens_that_say_who_where_and_for_how_long(bench):
    login, _ = await bench.found()

    tokens = await bench.session_of(login)
    caller = await bench.identity.verify(tokens.access_token)

    assert (caller.subject, caller.email) == (f"users/{login.user_id}", "ana@example.com")
    assert caller.is_administrator
    assert caller.expires_at == bench.clock.now() + timedelta(seconds=3600)
    claims = said(tokens.access_token)
    assert claims[PRINCIPAL_CLAIM] == claims[PRINCIPAL_ALIAS]
    assert claims[PRINCIPAL_CLAIM] == {
        "type": "user",
        "orgId": caller.organization,
        "orgName": "Shop",
        "envId": caller.tenant,
        "envName": "main",
        "name": "Ana Lopez",
        "roles": ["Organization Admin"],
    }
    identity = said(tokens.id_token)
    assert (identity["aud"], identity["iss"], identity["nonce"], identity["sub"]) == (
        CLI,
        ISSUER,
        "n-1",
        caller.subject,
    )
    assert identity["email"] == "ana@example.com"


async def test_what_was_not_asked_for_is_not_given(bench):
    login, _ = await bench.found()

    tokens = await bench.session_of(login, scope=())

    assert (tokens.refresh_token, tokens.id_token) == ("", "")
    assert (await bench.identity.verify(tokens.access_token)).email == "ana@example.com"


async def test_an_id_token_opens_no_door(bench):
    login, _ = await bench.found()
    tokens = await bench.session_of(login)

    with pytest.raises(Unauthenticated):
        await bench.identity.verify(tokens.id_token)


async def a_code(bench, login, client=CLI, redirect_uri=REDIRECT):
    approval = await bench.authorization.approval(login, (await bench.authorization.choices(login))[0].id)
    return await bench.authorization.grant_code(
        bench.authorization.client(client),
        approval,
        redirect_uri=redirect_uri,
        challenge=challenge_of(VERIFIER),
        scope=SCOPE,
        nonce="",
    )


async def test_a_code_that_comes_twice_ends_what_it_began(bench):
    login, _ = await bench.found()
    code = await a_code(bench, login)
    tokens = await bench.authorization.redeem_code(CLI, code, redirect_uri=REDIRECT, verifier=VERIFIER)

    await refused(
        bench.authorization.redeem_code(CLI, code, redirect_uri=REDIRECT, verifier=VERIFIER), GrantFault.INVALID_GRANT
    )

    bench.clock.advance(1)
    with pytest.raises(Unauthenticated, match="ended"):
        await bench.identity.verify(tokens.access_token)
    await refused(bench.sessions.refresh(CLI, tokens.refresh_token, scope=(), tenant=""), GrantFault.INVALID_GRANT)


async def test_a_code_that_two_redeem_at_once_gives_nobody_a_living_session(bench):
    login, _ = await bench.found()
    code = await a_code(bench, login)

    async def redeem():
        return await bench.authorization.redeem_code(CLI, code, redirect_uri=REDIRECT, verifier=VERIFIER)

    results = await asyncio.gather(redeem(), redeem(), return_exceptions=True)  # noqa: TID251 - both outcomes matter

    assert sum(isinstance(result, GrantRefused) for result in results) >= 1
    bench.clock.advance(1)
    for session in await bench.store.of_user(Session, login.user_id):
        assert session.ended_why


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"client_id": CONSOLE}, GrantFault.INVALID_GRANT),
        ({"client_id": "nobody"}, GrantFault.INVALID_CLIENT),
        ({"code": "guess"}, GrantFault.INVALID_GRANT),
        ({"redirect_uri": "http://127.0.0.1:4001/callback"}, GrantFault.INVALID_GRANT),
        ({"redirect_uri": ""}, GrantFault.INVALID_GRANT),
        ({"verifier": "w" * 43}, GrantFault.INVALID_GRANT),
        ({"verifier": "short"}, GrantFault.INVALID_GRANT),
    ],
    ids=["other-client", "no-client", "guess", "other-address", "no-address", "other-verifier", "short-verifier"],
)
async def test_a_code_needs_its_client_its_address_and_its_verifier(bench, change, fault):
    login, _ = await bench.found()
    code = await a_code(bench, login)
    presented = {"client_id": CLI, "code": code, "redirect_uri": REDIRECT, "verifier": VERIFIER} | change

    client_id, code = presented.pop("client_id"), presented.pop("code")
    await refused(bench.authorization.redeem_code(client_id, code, **presented), fault)


async def test_a_code_lasts_a_minute(bench):
    login, _ = await bench.found()
    code = await a_code(bench, login)
    bench.clock.advance(60)

    await refused(
        bench.authorization.redeem_code(CLI, code, redirect_uri=REDIRECT, verifier=VERIFIER), GrantFault.INVALID_GRANT
    )


async def test_a_tenant_that_is_not_ones_own_cannot_be_agreed_to(bench):
    login, _ = await bench.found()
    other, _ = await bench.found("eve@example.com", "Evil")
    (theirs,) = await bench.authorization.choices(other)

    await refused(bench.authorization.approval(login, theirs.id), GrantFault.ACCESS_DENIED)


async def test_refreshing_gives_other_tokens_and_the_old_one_ends_the_family(bench):
    login, _ = await bench.found()
    first = await bench.session_of(login)
    second = await bench.sessions.refresh(CLI, first.refresh_token, scope=(), tenant="")
    assert second.refresh_token not in ("", first.refresh_token)
    assert (await bench.identity.verify(second.access_token)).email == "ana@example.com"

    await refused(bench.sessions.refresh(CLI, first.refresh_token, scope=(), tenant=""), GrantFault.INVALID_GRANT)

    await refused(bench.sessions.refresh(CLI, second.refresh_token, scope=(), tenant=""), GrantFault.INVALID_GRANT)
    bench.clock.advance(1)
    for tokens in (first, second):
        with pytest.raises(Unauthenticated, match="ended"):
            await bench.identity.verify(tokens.access_token)


async def test_ia_03_a_refresh_switches_the_tenant_and_names_those_there_are(bench):
    login, _ = await bench.found()
    directory = await bench.directories.of_user(login.user_id)
    await bench.directories.change(
        directory.organization.id,
        lambda newest: with_new_tenant(newest, "payments", random="tenantid2222", now=bench.clock.now()),
    )
    tokens = await bench.session_of(login)

    switched = await bench.sessions.refresh(CLI, tokens.refresh_token, scope=(), tenant="Payments")

    before, after = said(tokens.access_token), said(switched.access_token)
    assert after["tenant"] == after[PRINCIPAL_CLAIM]["envId"] == switched.tenant != before["tenant"]
    assert (await bench.identity.verify(switched.access_token)).tenant == switched.tenant
    error = await refused(
        bench.sessions.refresh(CLI, switched.refresh_token, scope=(), tenant="nowhere"), GrantFault.INVALID_TARGET
    )
    assert "main, payments" in error.description
    # A wish that cannot be fulfilled costs nobody the session.
    assert (await bench.sessions.refresh(CLI, switched.refresh_token, scope=(), tenant="")).tenant == switched.tenant


@pytest.mark.parametrize("token", ["", "x", "brt.a.b.c", "eyJ.e.y", "brt..", "brt.a.b.c.d", "ü" * 600])
async def test_rubbish_is_no_refresh_token(bench, token):
    await refused(bench.sessions.refresh(CLI, token, scope=(), tenant=""), GrantFault.INVALID_GRANT)


async def test_somebody_who_knows_the_session_but_not_its_secret_learns_and_ends_nothing(bench):
    login, _ = await bench.found()
    tokens = await bench.session_of(login)
    session = said(tokens.access_token)["sid"]

    error = await refused(
        bench.sessions.refresh(CLI, f"brt.{session}.guess.guess", scope=(), tenant="nowhere"), GrantFault.INVALID_GRANT
    )

    assert "main" not in error.description
    await bench.sessions.refresh(CLI, tokens.refresh_token, scope=(), tenant="")


async def test_more_cannot_be_asked_for_than_was_agreed_to(bench):
    login, _ = await bench.found()
    tokens = await bench.session_of(login, scope=("offline_access",))

    await refused(
        bench.sessions.refresh(CLI, tokens.refresh_token, scope=("openid",), tenant=""), GrantFault.INVALID_SCOPE
    )


async def test_a_session_that_nobody_uses_for_a_month_is_over(bench):
    login, _ = await bench.found()
    tokens = await bench.session_of(login)
    bench.clock.advance(29 * 86400)
    tokens = await bench.sessions.refresh(CLI, tokens.refresh_token, scope=(), tenant="")
    bench.clock.advance(30 * 86400)

    await refused(bench.sessions.refresh(CLI, tokens.refresh_token, scope=(), tenant=""), GrantFault.INVALID_GRANT)


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
async def test_revoking_either_token_ends_the_session(bench, kind):
    login, _ = await bench.found()
    tokens = await bench.session_of(login)
    await bench.identity.verify(tokens.access_token)

    await bench.sessions.revoke(CLI, getattr(tokens, kind))

    bench.clock.advance(1)
    with pytest.raises(Unauthenticated, match="ended"):
        await bench.identity.verify(tokens.access_token)


async def test_another_client_or_a_stranger_revokes_nothing(bench):
    login, _ = await bench.found()
    tokens = await bench.session_of(login)
    for client, token in (
        (CONSOLE, tokens.refresh_token),
        (CONSOLE, tokens.access_token),
        (CLI, "rubbish"),
        (CLI, f"brt.{said(tokens.access_token)['sid']}.x.y"),
    ):
        await bench.sessions.revoke(client, token)

    bench.clock.advance(1)
    await bench.identity.verify(tokens.access_token)


async def test_who_is_deactivated_gets_no_tokens(bench):
    login, _ = await bench.found()
    tokens = await bench.session_of(login)
    directory = await bench.directories.of_user(login.user_id)
    user = directory.users[login.user_id]
    object.__setattr__(user, "deactivated_at", bench.clock.now())

    await refused(bench.sessions.refresh(CLI, tokens.refresh_token, scope=(), tenant=""), GrantFault.INVALID_GRANT)


async def test_a_person_sees_their_sessions_and_ends_them_all(bench):
    login, _ = await bench.found()
    for _ in range(2):
        await bench.session_of(login)
    assert len(await bench.sessions.of_user(login.user_id)) == 2

    await bench.sessions.end_all(login.user_id, "test")

    assert await bench.sessions.of_user(login.user_id) == ()


async def test_a_device_logs_in_when_its_person_agrees(bench):
    login, _ = await bench.found()
    begun = await bench.authorization.begin_device(CLI, SCOPE, "192.0.2.1")
    await refused(bench.authorization.redeem_device(CLI, begun.device_code), GrantFault.AUTHORIZATION_PENDING)
    await refused(bench.authorization.redeem_device(CLI, begun.device_code), GrantFault.SLOW_DOWN)
    waiting = await bench.authorization.device_of(begun.user_code.lower().replace("-", " "))
    assert waiting.address == "192.0.2.1"
    (choice,) = await bench.authorization.choices(login)
    approval = await bench.authorization.approval(login, choice.id)

    assert await bench.authorization.answer_device(begun.user_code, approval) is Verdict.GRANTED
    bench.clock.advance(10)
    tokens = await bench.authorization.redeem_device(CLI, begun.device_code)

    assert (await bench.identity.verify(tokens.access_token)).email == "ana@example.com"
    assert await bench.authorization.device_of(begun.user_code) is None
    bench.clock.advance(10)
    await refused(bench.authorization.redeem_device(CLI, begun.device_code), GrantFault.INVALID_GRANT)
    with pytest.raises(Unauthenticated, match="ended"):
        await bench.identity.verify(tokens.access_token)


async def test_a_device_learns_that_it_was_refused_or_forgotten(bench):
    refused_one = await bench.authorization.begin_device(CLI, SCOPE, "")
    assert await bench.authorization.answer_device(refused_one.user_code, None) is Verdict.DENIED
    await refused(bench.authorization.redeem_device(CLI, refused_one.device_code), GrantFault.ACCESS_DENIED)
    forgotten = await bench.authorization.begin_device(CLI, SCOPE, "")
    bench.clock.advance(15 * 60)

    await refused(bench.authorization.redeem_device(CLI, forgotten.device_code), GrantFault.EXPIRED_TOKEN)
    assert await bench.authorization.device_of(forgotten.user_code) is None


async def test_only_clients_that_need_it_get_device_codes(bench):
    await refused(bench.authorization.begin_device(CONSOLE, SCOPE, ""), GrantFault.UNAUTHORIZED_CLIENT)
    await refused(bench.authorization.begin_device("nobody", SCOPE, ""), GrantFault.INVALID_CLIENT)


async def test_user_codes_are_no_words_and_differ(bench):
    codes = {(await bench.authorization.begin_device(CLI, (), "")).user_code for _ in range(200)}

    assert len(codes) == 200
    assert all(len(code) == 9 and not set(code) & set("AEIOUY01") for code in codes)
