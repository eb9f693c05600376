"""Keys in files: made once, changed in time, removed when no token can have them."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from borealis_server.adapters.clock import ManualClock
from borealis_server.adapters.signing_keys import KeyFolder, open_signing_key
from borealis_server.adapters.tokens import JwtSigner
from borealis_server.domain.errors import Unauthenticated
from borealis_server.domain.signing_keys import KeySchedule
from borealis_server.ports.identity import TokenClaims

DAY_S = 86400
SCHEDULE = KeySchedule(signs_for=timedelta(days=90), shown_before=timedelta(days=1), shown_after=timedelta(days=2))
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CLAIMS = TokenClaims(
    tenant="main", subject="clients/abc", issued_at=NOON, expires_at=NOON + timedelta(minutes=15), token_id="t1"
)


@pytest.fixture
def clock():
    return ManualClock(NOON)


@pytest.fixture
def keys(tmp_path, clock):
    return KeyFolder(tmp_path, clock, SCHEDULE)


def key_ids(keys):
    return [key["kid"] for key in keys.as_key_set()["keys"]]


def test_a_key_that_was_there_before_keeps_signing_after_a_start(tmp_path, clock):
    made = open_signing_key(tmp_path / "token-signing.pem")
    os.utime(tmp_path / "token-signing.pem", (NOON.timestamp(), NOON.timestamp()))

    keys = KeyFolder(tmp_path, clock, SCHEDULE)

    assert keys.signing()[1].private_numbers() == made.private_numbers()


def test_tokens_stay_good_while_keys_change(tmp_path, clock, keys):
    signer = JwtSigner(keys, issuer="https://localhost:1")
    first = signer.sign(CLAIMS)
    clock.advance(89 * DAY_S)
    keys.tend()
    before = signer.sign(CLAIMS)
    assert len(key_ids(keys)) == 2
    clock.advance(DAY_S)
    after = signer.sign(CLAIMS)

    assert signer.read(first) == signer.read(before) == signer.read(after) == CLAIMS
    assert keys.signing()[0] == key_ids(keys)[1]
    clock.advance(2 * DAY_S)
    keys.tend()
    with pytest.raises(Unauthenticated, match="not ours"):
        signer.read(before)
    assert signer.read(after) == CLAIMS
    assert len(list(tmp_path.iterdir())) == 1


def test_what_one_start_made_another_one_finds(tmp_path, clock, keys):
    os.utime(tmp_path / "token-signing.pem", (NOON.timestamp(), NOON.timestamp()))
    clock.advance(90 * DAY_S)
    keys.tend()

    again = KeyFolder(tmp_path, clock, SCHEDULE)

    assert key_ids(again) == key_ids(keys)
    assert again.signing()[0] == keys.signing()[0]
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in tmp_path.iterdir())


def test_strange_files_are_left_alone(tmp_path, clock):
    (tmp_path / "token-signing-backup.pem").write_text("not ours")

    keys = KeyFolder(tmp_path, clock, SCHEDULE)

    assert len(key_ids(keys)) == 1


@pytest.mark.parametrize(
    ("claims", "subject"),
    [
        (CLAIMS, "clients/abc"),
        (replace(CLAIMS, subject="users/u1", client_id="borealis-cli", session_id="s1"), "users/u1"),
        (replace(CLAIMS, subject="external/github/repo:a/b:ref:refs/heads/main"), "external/github/repo:a/b:ref"),
    ],
    ids=["client", "user", "external"],
)
def test_every_kind_of_holder_is_read_as_it_was_signed(keys, claims, subject):
    signer = JwtSigner(keys, issuer="https://localhost:1")

    assert claims.subject.startswith(subject)
    assert signer.read(signer.sign(claims, {"sub": "clients/admin", "tenant": "other", "x": 1})) == claims


def test_an_id_token_opens_no_door(keys):
    signer = JwtSigner(keys, issuer="https://localhost:1")
    now = int(NOON.timestamp())
    identity = {
        "sub": "users/u1",
        "tenant": "main",
        "iat": now,
        "nbf": now,
        "exp": now + 900,
        "jti": "j",
        "aud": "borealis",
    }

    with pytest.raises(Unauthenticated, match="audience"):
        signer.read(signer.sign_identity(identity, audience="borealis-cli"))
