"""What every store of logins does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from borealis_server.adapters.store.logins import SqliteLoginStore
from borealis_server.adapters.store.memory_logins import MemoryLoginStore
from borealis_server.adapters.store.sqlite import open_database
from borealis_server.domain.login.records import (
    KINDS,
    Account,
    Approval,
    AuthorizationCode,
    BrowserLogin,
    DeviceGrant,
    DeviceState,
    ProviderLink,
    ProviderTrip,
    Session,
    Standing,
    UserCode,
)

NOON = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
LATER = NOON + timedelta(minutes=15)
APPROVAL = Approval(user_id="u1", tenant="main", authenticated_at=NOON, group_roles=("Größe",), provider="okta")
RECORDS = (
    Account(key="u1", user_id="u1", password_hash="$argon2id$x", factor_sealed="sealed", last_step=7),
    BrowserLogin(
        key="b1",
        user_id="u1",
        expires_at=LATER,
        standing=Standing.PASSWORD_GIVEN,
        authenticated_at=NOON,
        group_roles=("a", "b"),
        provider="okta",
        new_factor_sealed="x",
        tries=2,
        next_path="/device",
    ),
    AuthorizationCode(
        key="c1",
        expires_at=LATER,
        client_id="cli",
        redirect_uri="http://127.0.0.1:1/callback",
        challenge="abc",
        scope=("openid",),
        nonce="n",
        approval=APPROVAL,
        session_id="s1",
    ),
    DeviceGrant(
        key="d1",
        expires_at=LATER,
        client_id="cli",
        scope=("openid",),
        asked_at=NOON,
        address="192.0.2.1",
        interval_s=5,
        session_id="s2",
        polled_at=NOON,
        state=DeviceState.APPROVED,
        approval=APPROVAL,
    ),
    UserCode(key="BCDFGHJK", expires_at=LATER, device_key="d1"),
    Session(
        key="s1",
        user_id="u1",
        expires_at=LATER,
        client_id="cli",
        tenant="main",
        scope=("openid",),
        family_hash="f",
        current_hash="r",
        began_at=NOON,
        used_at=NOON,
        authenticated_at=NOON,
        latest_end=LATER,
        group_roles=("a",),
        provider="okta",
        ended_why="over",
    ),
    ProviderTrip(
        key="t1", expires_at=LATER, provider="okta", nonce="n", verifier="v", browser_hash="b", next_path="/device"
    ),
    ProviderLink(key="l1", user_id="u1", provider="okta"),
)


@pytest.fixture(params=["memory", "sqlite"])
async def logins(request, tmp_path):
    if request.param == "memory":
        yield MemoryLoginStore()
        return
    async with open_database(tmp_path / "borealis.db") as database:
        yield SqliteLoginStore(database)


def test_every_kind_is_among_the_records_and_has_a_word_of_its_own():
    assert {type(record) for record in RECORDS} == set(KINDS)
    assert len({kind.kind for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.kind)
async def test_what_is_added_comes_back_as_it_was_once(logins, record):
    assert await logins.add(record)

    assert not await logins.add(record)
    assert await logins.get(type(record), record.key) == record
    assert await logins.remove(type(record), record.key)
    assert not await logins.remove(type(record), record.key)
    assert await logins.get(type(record), record.key) is None


async def test_a_change_is_kept_and_says_what_else_it_found(logins):
    account = RECORDS[0]
    await logins.add(account)

    before = await logins.change(Account, "u1", lambda kept: (replace(kept, last_step=8), kept.last_step))

    assert before == 7
    assert (await logins.get(Account, "u1")).last_step == 8


async def test_what_is_not_there_is_not_changed(logins):
    assert await logins.change(Account, "u1", lambda kept: (kept, 1)) is None


async def test_a_change_moves_the_time_and_the_owner(logins):
    device = RECORDS[3]
    await logins.add(device)
    await logins.change(DeviceGrant, "d1", lambda kept: (replace(kept, user_id="u2", expires_at=NOON), None))

    assert len(await logins.of_user(DeviceGrant, "u2")) == 1
    assert await logins.forget(NOON, limit=10) == 1


async def test_kinds_and_users_do_not_mix(logins):
    for record in RECORDS:
        await logins.add(record)
    await logins.add(replace(RECORDS[5], key="s0"))
    await logins.add(replace(RECORDS[5], key="s2", user_id="u2"))

    assert [one.key for one in await logins.of_user(Session, "u1")] == ["s0", "s1"]
    assert await logins.of_user(UserCode, "") == ()
    assert await logins.get(Session, "u1") is None


async def test_what_is_over_is_forgotten_bit_by_bit_and_nothing_else_is(logins):
    for record in RECORDS:
        await logins.add(record)

    assert await logins.forget(LATER - timedelta(microseconds=1), limit=10) == 0
    assert await logins.forget(LATER, limit=4) == 4
    assert await logins.forget(LATER, limit=4) == 2
    assert await logins.get(Account, "u1") == RECORDS[0]
    assert await logins.get(ProviderLink, "l1") == RECORDS[7]
