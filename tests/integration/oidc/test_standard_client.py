"""A certified client of OpenID Connect, which is not ours, gets through every flow."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import aiohttp
import grpc
import jwt
import pytest
from joserfc import jwt as jose
from joserfc.jwk import KeySet

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCOPE = "openid profile email offline_access"


async def agree(ana, address):
    """The person agrees; where the browser is sent."""
    page = await ana.get(address)
    assert page.title == "Let a program act for you?", page.text
    return await ana.submit(page, "/oauth/authorize/decision", ("decision", "allow"))


@pytest.fixture
def logged_in(client, ana):
    async def log_in(scope=SCOPE):
        begun = await client.get("begin", scope=scope)
        back = await agree(ana, begun["address"])
        return await client.get("finish", address=back.url)

    return log_in


async def test_discovery_is_what_a_standard_client_reads(client, site):
    found = await client.get("metadata")

    assert found["issuer"] == site.issuer
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["authorization_response_iss_parameter_supported"] is True
    assert "none" not in found["id_token_signing_alg_values_supported"]


async def test_authorization_code_with_pkce(logged_in, site):
    tokens = await logged_in()

    assert tokens["claims"]["email"] == "ana@shop.example"
    assert tokens["expires_in"] == 3600
    caller = await site.caller(tokens["access_token"])
    assert caller.display_name == "Ana Lopez"
    assert caller.subject == tokens["claims"]["sub"]


async def test_another_library_validates_the_tokens_by_our_keys(logged_in, site):
    tokens = await logged_in()
    async with site.http() as session, session.get(f"{site.issuer}/oauth/jwks") as response:
        keys = KeySet.import_key_set(await response.json())

    for token, audience in ((tokens["id_token"], "borealis-cli"), (tokens["access_token"], "borealis")):
        read = jose.decode(token, keys, algorithms=["ES256"])
        registry = jose.JWTClaimsRegistry(
            iss={"essential": True, "value": site.issuer},
            aud={"essential": True, "value": audience},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        registry.validate(read.claims)


async def test_refresh_rotates_and_a_token_that_comes_twice_ends_everything(client, logged_in, site):
    first = await logged_in()
    second = await client.get("refresh", token=first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    await site.caller(second["access_token"])

    assert (await client.ask("refresh", token=first["refresh_token"]))["error"] == "invalid_grant"

    assert (await client.ask("refresh", token=second["refresh_token"]))["error"] == "invalid_grant"
    await until_refused(site, second["access_token"])


async def until_refused(site, token):
    deadline = time.monotonic() + 5
    text = ""
    while "session behind the token has ended" not in text:
        assert time.monotonic() < deadline, f"still let in after five seconds: {text}"
        try:
            await site.caller(token)
        except grpc.aio.AioRpcError as error:
            text = str(error.details())


async def test_userinfo_and_revocation(client, logged_in, site):
    tokens = await logged_in()
    subject = tokens["claims"]["sub"]

    found = await client.get("userinfo", token=tokens["access_token"], subject=subject)
    assert (found["email"], found["name"]) == ("ana@shop.example", "Ana Lopez")
    await client.get("revoke", token=tokens["refresh_token"])

    assert (await client.ask("refresh", token=tokens["refresh_token"]))["error"] == "invalid_grant"
    await until_refused(site, tokens["access_token"])


async def test_device_code(client, ana, site):
    begun = await client.get("device", scope=SCOPE)
    page = await ana.get(begun["verification_uri_complete"])
    assert begun["user_code"] in page.text
    page = await ana.submit(page, "/device/decision", ("decision", "allow"))
    assert page.title == "Done"

    tokens = await client.get("poll")

    assert (await site.caller(tokens["access_token"])).display_name == "Ana Lopez"


async def test_a_device_that_is_refused_learns_it(client, ana):
    begun = await client.get("device", scope=SCOPE)
    page = await ana.get(begun["verification_uri_complete"])
    page = await ana.submit(page, "/device/decision", ("decision", "deny"))

    assert page.title == "Refused"
    assert (await client.ask("poll"))["error"] == "access_denied"


@pytest.mark.parametrize("way", ["basic", "post"])
async def test_ia_04_client_credentials_last_a_day(client, site, way):
    who = site.running.client

    tokens = await client.get("machine", id=who.client_id, secret=who.client_secret, way=way)

    assert tokens["expires_in"] == 86400
    assert (await site.caller(tokens["access_token"])).display_name == "local-admin"


async def test_ia_04_json_without_an_audience_and_a_misspelt_form_are_understood(site):
    who = site.running.client
    asked = {
        "grant_type": "client_credentials",
        "client_id": who.client_id,
        "client_secret": who.client_secret,
    }
    async with site.http() as session:
        for options in ({"json": asked}, {"data": asked | {"data": "audience=https://api.example"}}):
            async with session.post(f"{site.issuer}/oauth/token", **options) as response:
                body = await response.json()
                assert (response.status, body["expires_in"]) == (200, 86400)


async def test_a_token_of_a_trusted_ci_is_exchanged(client, site):
    token = await ci_token(site)

    tokens = await client.get("exchange", token=token)
    caller = await site.caller(tokens["access_token"])

    assert caller.subject == "external/ci/ci"
    assert tokens["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert "refresh_token" not in tokens


async def ci_token(site, audience="https://borealis.example"):
    form = {"grant_type": "client_credentials", "scope": "deploy", "resource": audience}
    auth = ("ci", "secret-of-ci")
    async with (
        site.http() as session,
        session.post(
            f"{site.provider}/token",
            data=form,
            headers={"Authorization": aiohttp.encode_basic_auth(*auth)},
        ) as response,
    ):
        body = await response.json()
    assert "access_token" in body, body
    return body["access_token"]


async def test_a_forged_or_foreign_token_is_not_exchanged(client, site):
    token = await ci_token(site)
    head, body, _ = token.split(".")
    claims = jwt.decode(token, options={"verify_signature": False})
    own = await logged_in_machine(site)
    forged = {
        "no signature": f"{head}.{body}.",
        "alg none": jwt.encode(claims, "", algorithm="none", headers={"kid": jwt.get_unverified_header(token)["kid"]}),
        "alg HS256": jwt.encode(
            claims, "x" * 64, algorithm="HS256", headers=jwt.get_unverified_header(token) | {"alg": "HS256"}
        ),
        "our own": own,
        "rubbish": "a.b.c",
    }
    for name, text in forged.items():
        answer = await client.ask("exchange", token=text)
        assert answer.get("error") == "invalid_grant", (name, answer)


async def logged_in_machine(site):
    who = site.running.client
    form = {"grant_type": "client_credentials", "client_id": who.client_id, "client_secret": who.client_secret}
    _, body = await site.post("/oauth/token", form)
    return body["access_token"]


async def test_the_answer_names_its_issuer_and_keeps_the_state(client, ana, site):
    begun = await client.get("begin", scope=SCOPE)
    back = await agree(ana, begun["address"])

    asked, answer = parse_qs(urlsplit(begun["address"]).query), parse_qs(urlsplit(back.url).query)
    assert answer["iss"] == [site.issuer]
    assert answer["state"] == asked["state"]
    assert set(answer) == {"code", "iss", "state"}
