"""The authority behind a long exchange: it ends with its token, with its credential, and not before."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from borealis_server.domain.access import Permission
from borealis_server.domain.errors import ServerUnavailable, Unauthenticated
from borealis_server.domain.roles import ADMINISTRATOR, VIEWER
from borealis_server.services.kube_access import AUTHORITY_GRACE_S, Authority
from kit.callers import a_caller

pytestmark = pytest.mark.looptime

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class LoopClock:
    def now(self):
        return NOON + timedelta(seconds=asyncio.get_running_loop().time())


class Tokens:
    """Tokens by their text: whose they are, until when; or what verifying them raises."""

    def __init__(self, **tokens):
        self.known = tokens

    async def verify(self, token, tenant):
        assert tenant in ("", "main")
        found = self.known[token]
        if isinstance(found, Exception):
            raise found
        return found


def somebody(lasts_s, subject="clients/a", role=ADMINISTRATOR):
    return a_caller(role, subject=subject, expires_at=NOON + timedelta(seconds=lasts_s))


def authority(tokens, lasts_s=60):
    return Authority(somebody(lasts_s), "first", tokens.verify, LoopClock(), lambda one: one.may(Permission.KUBE_WRITE))


async def test_it_ends_some_time_after_the_token(looptime):
    await authority(Tokens(first=somebody(60))).ended()

    assert looptime == 60 + AUTHORITY_GRACE_S


async def test_a_newer_token_prolongs_it(looptime):
    tokens = Tokens(first=somebody(60), second=somebody(600))
    held = authority(tokens)

    async with asyncio.TaskGroup() as group:
        group.create_task(held.ended())
        await asyncio.sleep(50)
        await held.renew("second")

    assert looptime == 600 + AUTHORITY_GRACE_S


@pytest.mark.parametrize("found", [Unauthenticated("revoked"), somebody(60, role=VIEWER)], ids=["revoked", "lost"])
async def test_it_ends_soon_after_the_right_was_taken_away(looptime, found):
    tokens = Tokens(first=somebody(60))

    async with asyncio.TaskGroup() as group:
        group.create_task(authority(tokens).ended())
        await asyncio.sleep(12)
        tokens.known["first"] = found

    assert looptime == 12.5


async def test_a_store_that_is_away_cuts_nobody_off(looptime):
    await authority(Tokens(first=ServerUnavailable("its store is away"))).ended()

    assert looptime == 60 + AUTHORITY_GRACE_S


async def test_a_token_of_somebody_else_is_refused():
    held = authority(Tokens(first=somebody(60), other=somebody(600, subject="clients/b")))

    with pytest.raises(Unauthenticated, match="somebody else's"):
        await held.renew("other")
