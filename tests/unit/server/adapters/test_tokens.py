"""Tokens as they are written and read. What is refused over the wire is tested at the gRPC door."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from borealis_server.adapters.tokens import JwtSigner, open_signing_key
from borealis_server.domain.errors import Unauthenticated
from borealis_server.domain.startup import StartRefusedError
from borealis_server.ports.identity import TokenClaims

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CLAIMS = TokenClaims(
    tenant="main", subject="clients/abc", issued_at=NOON, expires_at=NOON + timedelta(minutes=15), token_id="t1"
)
KEY = ec.generate_private_key(ec.SECP256R1())
SIGNER = JwtSigner(KEY, issuer="https://localhost:1")


def test_what_is_signed_is_read_whenever_that_is():
    assert SIGNER.read(SIGNER.sign(CLAIMS)) == CLAIMS


def test_the_same_key_has_the_same_id_after_every_start():
    again = JwtSigner(KEY, issuer="https://localhost:1")

    assert again.read(SIGNER.sign(CLAIMS)) == CLAIMS
    assert again.public_keys() == SIGNER.public_keys()


def test_public_keys_hold_nothing_private():
    keys = SIGNER.public_keys()["keys"]
    assert isinstance(keys, list)
    (key,) = keys

    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


@pytest.mark.parametrize("other", ["issuer", "key"])
def test_tokens_of_another_installation_are_refused(other):
    key = ec.generate_private_key(ec.SECP256R1()) if other == "key" else KEY
    stranger = JwtSigner(key, issuer="https://localhost:2" if other == "issuer" else "https://localhost:1")

    with pytest.raises(Unauthenticated):
        SIGNER.read(stranger.sign(CLAIMS))


@pytest.mark.parametrize(
    "change",
    [
        {"sub": "abc"},
        {"sub": "agents/abc"},
        {"sub": "clients/../a"},
        {"sub": 7},
        {"tenant": None},
        {"tenant": 5},
        {"exp": 1.5},
        {"iat": "now"},
        {"jti": 7},
    ],
    ids=repr,
)
def test_claims_of_another_form_are_refused(change):
    token = SIGNER.sign(CLAIMS)
    payload = jwt.decode(token, options={"verify_signature": False}) | change

    with pytest.raises(Unauthenticated):
        SIGNER.read(jwt.encode(payload, KEY, algorithm="ES256", headers=jwt.get_unverified_header(token)))


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: f"e30.{data.hex()}.e30"))
def test_rubbish_is_refused_and_never_crashes(text):
    with pytest.raises(Unauthenticated):
        SIGNER.read(text)


@given(st.integers(min_value=0), st.characters(codec="ascii", categories=["L", "N"]))
def test_a_token_with_one_letter_changed_is_refused_or_the_same(position, letter):
    token = SIGNER.sign(replace(CLAIMS, token_id="t2"))
    position %= len(token)
    changed = token[:position] + letter + token[position + 1 :]

    try:
        read = SIGNER.read(changed)
    except Unauthenticated:
        return
    assert read.subject == "clients/abc"
    assert read.token_id == "t2"


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path):
    file = tmp_path / "keys" / "token.pem"

    made = open_signing_key(file)

    assert open_signing_key(file).private_numbers() == made.private_numbers()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_with_something_else_is_refused(tmp_path):
    file = tmp_path / "token.pem"
    rsa_pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for content in (b"", b"rubbish", rsa_pem):
        file.write_bytes(content)
        with pytest.raises(StartRefusedError, match="ECDSA P-256"):
            open_signing_key(file)
