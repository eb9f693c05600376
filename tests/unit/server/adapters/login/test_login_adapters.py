"""Slow hashes, one-time codes, seals, and the file that names other issuers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from borealis_server.adapters.login.factors import TotpFactors
from borealis_server.adapters.login.issuers_file import read_issuers_file
from borealis_server.adapters.login.passwords import Argon2Passwords
from borealis_server.adapters.login.sealing import AesSealer, open_sealing_key
from borealis_server.adapters.randomness import SystemRandomness
from borealis_server.domain.login.refusals import LoginBusy
from borealis_server.domain.startup import StartRefusedError
from kit.issuer import CHEAP

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
SEALER = AesSealer(b"k" * 32, SystemRandomness())
GOOD = """
[[providers]]
id = "acme"
name = "Acme"
issuer = "https://login.example"
client_id = "us"
client_secret_file = "secret"

[[trust]]
id = "ci"
issuer = "https://ci.example"
audience = "us"
roles = ["Deployments Full Access"]
conditions = {repository = "acme/shop", ref = ["a", "b"]}
"""
SECOND = '[[providers]]\nid = "acme"\nname = "x"\nissuer = "https://x.example"\nclient_id = "y"\n'


async def test_a_hash_is_of_argon2id_and_knows_its_password_only():
    passwords = Argon2Passwords(CHEAP)
    kept = await passwords.hash("päss\ud800word")

    assert kept.startswith("$argon2id$")
    assert await passwords.is_right(kept, "päss\ud800word")
    assert not await passwords.is_right(kept, "other")
    assert not await passwords.is_right("rubbish", "other")


async def test_nobodys_hash_is_never_right():
    passwords = Argon2Passwords(CHEAP)

    assert not await passwords.is_right("", "nobody has this password")
    assert not await passwords.is_right("", "")


async def test_a_weaker_hash_is_outdated_and_the_default_is_that_of_rfc_9106():
    weaker = await Argon2Passwords(CHEAP).hash("x")

    assert Argon2Passwords().is_outdated(weaker)
    assert not Argon2Passwords(CHEAP).is_outdated(weaker)
    default = PasswordHasher()
    assert (default.time_cost, default.memory_cost, default.parallelism) == (3, 64 * 1024, 4)


async def test_a_flood_is_turned_away_before_it_costs_anything():
    passwords = Argon2Passwords(PasswordHasher(time_cost=20, memory_cost=1024, parallelism=1))
    kept = await passwords.hash("x")

    async def outcome():
        try:
            return await passwords.is_right(kept, "x")
        except LoginBusy:
            return "busy"

    async with asyncio.TaskGroup() as group:
        tries = [group.create_task(outcome()) for _ in range(60)]

    outcomes = [one.result() for one in tries]
    assert (outcomes.count(True), outcomes.count("busy")) == (42, 18)
    assert await passwords.is_right(kept, "x")


@pytest.mark.parametrize(("ahead_s", "is_near"), [(0, True), (30, True), (-30, True), (60, False), (-60, False)])
def test_a_code_is_known_for_half_a_minute_before_and_after(ahead_s, is_near):
    code = pyotp.TOTP(SECRET).at(NOON + timedelta(seconds=ahead_s))

    step = TotpFactors("Borealis").step_of(SECRET, code, NOON)

    assert step == ((int(NOON.timestamp()) + ahead_s) // 30 if is_near else None)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "\uff11\uff12\uff13\uff14\uff15\uff16", "ü\ud800"])
def test_what_is_no_code_is_none(code):
    assert TotpFactors("Borealis").step_of(SECRET, code, NOON) is None


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"), max_size=20))
def test_what_is_sealed_opens_in_its_own_context_only(text, context):
    sealed = SEALER.seal(text, context)

    assert SEALER.unseal(sealed, context) == text
    assert SEALER.unseal(sealed, f"{context}x") is None
    assert AesSealer(b"l" * 32, SystemRandomness()).unseal(sealed, context) is None


@given(st.text(max_size=60))
def test_what_was_not_sealed_does_not_open(text):
    assert SEALER.unseal(text, "device") is None


def test_the_sealing_key_is_made_once_and_is_its_owners_alone(tmp_path):
    file = tmp_path / "keys" / "login.key"

    made = open_sealing_key(file, SystemRandomness())

    assert open_sealing_key(file, SystemRandomness()) == made
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_bytes(b"short")
    with pytest.raises(StartRefusedError, match="32 bytes"):
        open_sealing_key(file, SystemRandomness())


def test_a_file_of_issuers_is_read_with_its_secrets(tmp_path):
    (tmp_path / "issuers.toml").write_text(GOOD)
    (tmp_path / "secret").write_text("s3cret\n")

    found = read_issuers_file(tmp_path / "issuers.toml")

    (provider,), (rule,) = found.providers, found.rules
    assert (provider.client_secret, provider.organization, provider.groups_claim) == ("s3cret", "home", "groups")
    assert "s3cret" not in repr(provider)
    assert rule.conditions == {"repository": ("acme/shop",), "ref": ("a", "b")}
    assert read_issuers_file(None).providers == ()


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ('id = "ci"', "id =", "issuers.toml: Invalid value"),
        ('audience = "us"', 'audiense = "us"', "audience|audiense"),
        ('name = "Acme"', "name = 5", "name"),
        ('id = "acme"', 'id = "A B"', "an id has 1 to 32"),
        ('issuer = "https://ci.example"', 'issuer = "http://ci.example"', "https://"),
        ('conditions = {repository = "acme/shop", ref = ["a", "b"]}', "conditions = {}", "at least one condition"),
        ('conditions = {repository = "acme/shop", ref = ["a", "b"]}', 'conditions = {sub = "**"}', "at least one cond"),
        ('roles = ["Deployments Full Access"]', "roles = []", "at least one role"),
        ("[[trust]]", f"{SECOND}\n[[trust]]", "the id is taken"),
        ('client_secret_file = "secret"', 'client_secret_file = "nowhere"', "cannot read"),
    ],
    ids=["toml", "unknown-field", "type", "id", "http", "no-condition", "everybody", "no-role", "twice", "no-secret"],
)
def test_a_mistake_in_it_stops_the_start_with_its_place(tmp_path, before, after, text):
    (tmp_path / "secret").write_text("s")
    (tmp_path / "issuers.toml").write_text(GOOD.replace(before, after, 1))

    with pytest.raises(StartRefusedError, match=text):
        read_issuers_file(tmp_path / "issuers.toml")
