"""The web door: standard OAuth clients get tokens, machines see health and metrics."""

from __future__ import annotations

import json
import ssl

import aiohttp
import jwt
import pytest
import pytest_asyncio

from borealis.identity.v1 import identity_service_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Web:
    def __init__(self, session: aiohttp.ClientSession, url: str, server) -> None:
        self.session = session
        self.url = url
        self.client_id = server.running.client.client_id
        self.client_secret = server.running.client.client_secret

    async def get(self, path: str):
        async with self.session.get(self.url + path) as response:
            return response.status, response.headers, await response.read()

    async def post_token(self, data, **options):
        async with self.session.post(f"{self.url}/oauth/token", data=data, **options) as response:
            return response.status, response.headers, await response.json()


@pytest_asyncio.fixture(loop_scope="session")
async def web(server):
    context = ssl.create_default_context(cadata=server.ca_pem.decode())
    connector = aiohttp.TCPConnector(ssl=context)
    limit = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(connector=connector, timeout=limit) as session:
        yield Web(session, f"https://localhost:{server.running.web_port}", server)


@pytest.mark.parametrize("way", ["basic", "form"])
async def test_a_standard_client_gets_a_token_that_the_grpc_door_accepts(web, as_token, way):
    form = {"grant_type": "client_credentials"}
    options = {}
    if way == "basic":
        options["headers"] = {"Authorization": aiohttp.encode_basic_auth(web.client_id, web.client_secret)}
    else:
        form |= {"client_id": web.client_id, "client_secret": web.client_secret}

    status, headers, body = await web.post_token(form, **options)

    assert (status, body["token_type"], body["expires_in"]) == (200, "Bearer", 86400)
    assert headers["Cache-Control"] == "no-store"
    client = as_token(body["access_token"])
    answer = await client.identity.GetCaller(pb.GetCallerRequest(), metadata=client.metadata, timeout=5)
    assert answer.principal.display_name == "local-admin"


async def test_discovery_leads_to_keys_that_verify_our_tokens(web, token):
    _, _, discovery = await web.get("/.well-known/openid-configuration")
    document = json.loads(discovery)
    _, _, keys = await web.get(document["jwks_uri"].removeprefix(document["issuer"]))
    key = jwt.PyJWKSet.from_json(keys.decode())[jwt.get_unverified_header(token)["kid"]]

    claims = jwt.decode(token, key, algorithms=["ES256"], audience="borealis", issuer=document["issuer"])

    assert claims["sub"] == f"clients/{web.client_id}"
    assert document["token_endpoint"] == f"{web.url}/oauth/token"
    assert b'"d"' not in keys


REFUSED = {
    "wrong secret": (
        {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b"},
        401,
        "invalid_client",
    ),
    "no secret": ({"grant_type": "client_credentials", "client_id": "a"}, 401, "invalid_client"),
    "no grant": ({"client_id": "a", "client_secret": "b"}, 400, "invalid_request"),
    "other grant": ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    "too large": ({"grant_type": "client_credentials", "x": "y" * 20_000}, 413, "invalid_request"),
    "repeated": (
        [("grant_type", "client_credentials"), ("client_id", "a"), ("client_id", "b")],
        400,
        "invalid_request",
    ),
}


@pytest.mark.parametrize(("form", "status", "error"), REFUSED.values(), ids=REFUSED)
async def test_refusals_are_in_the_words_of_rfc_6749(web, form, status, error):
    answer = await web.post_token(form)

    assert (answer[0], answer[2]["error"]) == (status, error)
    assert answer[2]["error_description"]
    assert answer[1]["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in answer[1]) == (status == 401)


@pytest.mark.parametrize("header", ["Basic !!!", "Basic YWJj", "Bearer abc", "Basic"])
async def test_a_malformed_authorization_header_is_an_invalid_client(web, header):
    form = {"grant_type": "client_credentials"}

    status, _, body = await web.post_token(form, headers={"Authorization": header})

    assert (status, body["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}",
        b"[]",
        b'"text"',
        b'[["grant_type", "client_credentials"]]',
        b'{"grant_type": ["client_credentials"]}',
        b'{"grant_type": "client_credentials", "client_id": {"a": "b"}}',
        b'{"grant_type": "a", "grant_type": "b"}',
        b"[" * 10_000,
        b"\xff",
    ],
)
async def test_json_that_is_no_flat_object_is_refused(web, body):
    status, _, answer = await web.post_token(body, headers={"Content-Type": "application/json"})

    assert (status, answer["error"]) == (400, "invalid_request")


async def test_other_content_types_are_refused(web):
    status, _, body = await web.post_token(b"grant_type=x", headers={"Content-Type": "text/plain"})

    assert (status, body["error"]) == (400, "invalid_request")


async def test_health_readiness_and_metrics_answer(web, admin):
    await admin.identity.GetCaller(pb.GetCallerRequest(), metadata=admin.metadata, timeout=5)

    assert (await web.get("/healthz"))[::2] == (200, b"ok\n")
    assert (await web.get("/readyz"))[::2] == (200, b"ready\n")
    status, _, text = await web.get("/metrics")
    assert status == 200
    assert b'borealis_server_rpcs_total{method="borealis.identity.v1.IdentityService/GetCaller",status="OK"}' in text


async def test_other_paths_and_methods_are_refused(web):
    assert (await web.get("/nothing"))[0] == 404
    assert (await web.get("/oauth/token"))[0] == 405
