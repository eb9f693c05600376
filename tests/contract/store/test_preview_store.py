"""What every store of previews does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from borealis_server.domain.preview import Preview, PreviewName, PreviewRule, PreviewState

NOON = datetime(2026, 1, 1, 12, 0, 0, 654321, tzinfo=UTC)
HOUR = timedelta(hours=1)


def a_preview(name: str = "one", *, tenant: str = "main", minutes: int = 0, **fields) -> Preview:
    preview = Preview(
        name=PreviewName(tenant, name),
        token=f"token-{tenant}-{name}",
        deployment="run",
        target="prod",
        step="step-2",
        agent="cluster-1",
        namespace="shop",
        service=name,
        port=80,
        requires_login=True,
        key=bytes(range(32)),
        created_at=NOON + timedelta(minutes=minutes),
        expires_at=NOON + HOUR + timedelta(minutes=minutes),
    )
    return replace(preview, **fields)


@pytest.fixture
def previews(stores):
    return stores.previews


async def test_what_is_added_comes_back_as_it_was(previews):
    one, two = a_preview("one"), a_preview("two", requires_login=False)

    assert await previews.add_previews([one, two]) == (one, two)
    assert await previews.preview_of(one.token) == one
    assert await previews.get_preview(two.name) == two
    assert await previews.preview_of("other") is None
    assert await previews.get_preview(PreviewName("other", "one")) is None


async def test_a_step_that_exposes_a_service_again_gets_the_address_of_before(previews):
    first = a_preview("one")
    await previews.add_previews([first])
    again = replace(first, name=PreviewName("main", "later"), token="later", created_at=NOON + HOUR)
    more = a_preview("two")

    assert await previews.add_previews([again, more]) == (first, more)
    assert await previews.preview_of("later") is None
    elsewhere = [replace(again, step="step-3"), replace(again, name=PreviewName("main", "x"), token="x", target="qa")]
    assert await previews.add_previews(elsewhere) == tuple(elsewhere)


async def test_lists_are_newest_first_of_one_tenant_in_pages_and_as_wanted(previews):
    made = [a_preview(f"p{number}", minutes=number, deployment=f"run-{number % 2}") for number in range(5)]
    for one in (*made, a_preview("p9", tenant="other", minutes=99)):
        await previews.add_previews([one])
    newest = made[::-1]

    assert await previews.list_previews("main", limit=9) == tuple(newest)
    first = await previews.list_previews("main", limit=2)
    assert first == tuple(newest[:2])
    position = (first[-1].created_at, first[-1].name.id)
    assert await previews.list_previews("main", limit=2, after=position) == tuple(newest[2:4])
    assert await previews.list_previews("main", limit=9, deployment="run-1") == (made[3], made[1])
    at = made[1].expires_at
    assert await previews.list_previews("main", limit=9, active_at=at) == tuple(newest[:3])


async def test_a_revoked_preview_stays_as_it_was_revoked(previews):
    await previews.add_previews([a_preview("one"), a_preview("two")])

    ended = await previews.revoke_preview(PreviewName("main", "one"), NOON, "somebody did")
    again = await previews.revoke_preview(PreviewName("main", "one"), NOON + HOUR, "somebody else did")

    assert ended == again == a_preview("one", revoked_at=NOON, revoked_why="somebody did")
    assert ended.state(NOON) is PreviewState.REVOKED
    assert await previews.list_previews("main", limit=9, active_at=NOON) == (a_preview("two"),)
    assert await previews.revoke_preview(PreviewName("other", "one"), NOON, "") is None


async def test_a_targets_previews_end_together_and_no_others(previews):
    mine = [a_preview("one"), a_preview("two")]
    others = [
        a_preview("qa", target="qa"),
        a_preview("run", deployment="other"),
        a_preview("one", tenant="other"),
        a_preview("old", expires_at=NOON),
    ]
    for one in (*mine, *others):
        await previews.add_previews([one])

    assert await previews.revoke_previews("main", "run", "prod", NOON, "turned back") == 2
    assert await previews.revoke_previews("main", "run", "prod", NOON, "turned back") == 0
    assert {one.name for one in await previews.live_previews(NOON)} == {one.name for one in others[:3]}


async def test_old_previews_are_forgotten_oldest_first(previews):
    made = [a_preview(f"p{number}", minutes=number) for number in range(4)]
    await previews.add_previews(made)

    assert await previews.prune_previews(made[2].expires_at, limit=1) == 1
    assert await previews.prune_previews(made[2].expires_at, limit=9) == 1
    assert await previews.list_previews("main", limit=9) == (made[3], made[2])


async def test_a_tenant_allows_previews_until_it_says_otherwise(previews):
    assert await previews.preview_rule("main") is PreviewRule.PUBLIC
    for rule in (PreviewRule.FORBIDDEN, PreviewRule.LOGIN):
        await previews.set_preview_rule("main", rule)
        assert await previews.preview_rule("main") is rule
    assert await previews.preview_rule("other") is PreviewRule.PUBLIC
