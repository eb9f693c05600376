"""What is believed of an issuer that somebody else runs. The issuer is in this process, and lies when told to."""

from __future__ import annotations

import base64
import hmac
import json
import ssl
import time
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from borealis_server.adapters.login.issuers import open_issuers
from borealis_server.adapters.pki import open_own_certificate
from borealis_server.ports.issuers import IssuerRefused, IssuerUnavailable

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())


class Liar:
    """An issuer."""

    def __init__(self):
        self.url = ""
        self.keys = [
            {**json.loads(RSAAlgorithm.to_jwk(RSA.public_key())), "kid": "rsa", "use": "sig"},
            {**json.loads(ECAlgorithm.to_jwk(EC.public_key())), "kid": "ec"},
            {"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "kid": "oct"},
            {"kty": "strange", "kid": "strange"},
        ]
        self.metadata = {}
        self.looks = 0
        self.issuers: Any = None

    async def discovery(self, _request):
        self.looks += 1
        return web.json_response({"issuer": self.url, "jwks_uri": f"{self.url}/keys"} | self.metadata)

    async def jwks(self, _request):
        return web.json_response({"keys": self.keys})

    def token(self, key=RSA, algorithm="RS256", kid="rsa", **claims):
        now = int(time.time())
        said = {"iss": self.url, "aud": "us", "sub": "x", "iat": now, "exp": now + 60} | claims
        return jwt.encode(said, key, algorithm=algorithm, headers={"kid": kid})


@pytest.fixture
def clock():
    class Clock:
        now = 1000.0

        def __call__(self):
            return self.now

    return Clock()


@pytest.fixture
async def liar(tmp_path, clock):
    certificate = open_own_certificate(tmp_path, ["localhost"], datetime.now(UTC))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate.certificate_file, certificate.key_file)
    liar, app = Liar(), web.Application()
    app.router.add_get("/.well-known/openid-configuration", liar.discovery)
    app.router.add_get("/keys", liar.jwks)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    liar.url = f"https://localhost:{runner.addresses[0][1]}"
    try:
        async with open_issuers(certificate.authority_file, clock) as issuers:
            liar.issuers = issuers
            yield liar
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"), [(RSA, "RS256", "rsa"), (RSA, "PS256", "rsa"), (EC, "ES256", "ec")]
)
async def test_a_token_of_the_issuer_is_believed(liar, key, algorithm, kid):
    claims = await liar.issuers.external_claims(liar.url, "us", liar.token(key, algorithm, kid))

    assert claims["sub"] == "x"


def public_pem():
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return RSA.public_key().public_bytes(serialization.Encoding.PEM, form)


def hs256(token, key):
    """The token with its algorithm exchanged, signed with `key` as a shared secret: no library makes one."""
    head = base64.urlsafe_b64encode(b'{"alg": "HS256", "kid": "rsa", "typ": "JWT"}').rstrip(b"=")
    signed = head + b"." + token.split(".")[1].encode()
    signature = base64.urlsafe_b64encode(hmac.digest(key, signed, "sha256")).rstrip(b"=")
    return (signed + b"." + signature).decode()


FORGED = {
    "another key": lambda liar: liar.token(rsa.generate_private_key(65537, 2048)),
    "key of another kind": lambda liar: liar.token(EC, "ES256", "rsa"),
    "unknown key": lambda liar: liar.token(kid="nobody"),
    "shared key": lambda liar: liar.token("secretsecretsecretsecretsecret" * 2, "HS256", "oct"),
    "public key as a shared one": lambda liar: hs256(liar.token(), public_pem()),
    "none": lambda liar: liar.token("", "none", "rsa"),
    "over": lambda liar: liar.token(exp=int(time.time()) - 60),
    "not yet": lambda liar: liar.token(nbf=int(time.time()) + 600),
    "no end": lambda liar: jwt.encode({"iss": liar.url, "aud": "us", "sub": "x"}, RSA, "RS256", {"kid": "rsa"}),
    "audience": lambda liar: liar.token(aud="them"),
    "issuer": lambda liar: liar.token(iss="https://other.example"),
    "rubbish": lambda _: "a.b.c",
    "empty": lambda _: "",
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
async def test_a_forged_one_is_not(liar, forge):
    with pytest.raises(IssuerRefused):
        await liar.issuers.external_claims(liar.url, "us", forge(liar))


async def test_new_keys_are_found_and_unknown_ones_make_nobody_look_all_the_time(liar, clock):
    await liar.issuers.external_claims(liar.url, "us", liar.token())
    liar.keys.append({**json.loads(ECAlgorithm.to_jwk(EC.public_key())), "kid": "new"})
    for _ in range(5):
        with pytest.raises(IssuerRefused):
            await liar.issuers.external_claims(liar.url, "us", liar.token(EC, "ES256", "new"))
    assert liar.looks == 1

    clock.now += 30
    await liar.issuers.external_claims(liar.url, "us", liar.token(EC, "ES256", "new"))

    assert liar.looks == 2


@pytest.mark.parametrize(
    "metadata",
    [{"issuer": "https://other.example"}, {"jwks_uri": "http://localhost/keys"}, {"jwks_uri": None}],
    ids=["another-issuer", "no-tls", "no-keys"],
)
async def test_a_discovery_document_that_does_not_hold_is_not_believed(liar, metadata):
    liar.metadata = metadata

    with pytest.raises(IssuerUnavailable):
        await liar.issuers.external_claims(liar.url, "us", liar.token())


async def test_an_issuer_that_is_away_or_talks_too_much_is_unavailable(liar):
    liar.metadata = {"x": "y" * 2_000_000}
    with pytest.raises(IssuerUnavailable, match="larger"):
        await liar.issuers.external_claims(liar.url, "us", liar.token())
    with pytest.raises(IssuerUnavailable):
        await liar.issuers.external_claims("https://localhost:1", "us", liar.token())


def test_whose_a_token_claims_to_be_is_read_from_tokens_only(liar):
    assert liar.issuers.issuer_of(liar.token()) == liar.url
    assert liar.issuers.issuer_of("rubbish") == ""
