"""What every credential store does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from borealis_server.domain.errors import CredentialExists
from borealis_server.domain.identity import ClientCredential

ADMIN = ClientCredential(
    tenant="main",
    client_id="id-admin",
    display_name="admin",
    roles=("admin", "release"),
    agent="",
    secret_hash="ab" * 32,
    created_at=datetime(2026, 1, 1, 12, 0, 0, 654321, tzinfo=UTC),
)


def a_credential(name: str, *, tenant: str = "main", agent: str = "") -> ClientCredential:
    roles = ("agent" if agent else "viewer",)
    return replace(ADMIN, tenant=tenant, client_id=f"id-{tenant}-{name}", display_name=name, roles=roles, agent=agent)


@pytest.fixture
def credentials(stores):
    return stores.credentials


async def test_what_is_added_comes_back_as_it_was(credentials):
    await credentials.add_credential(ADMIN)

    assert await credentials.get_credential("id-admin") == ADMIN
    assert await credentials.find_credential("main", "admin") == ADMIN


async def test_unknown_ids_and_names_give_nothing(credentials):
    await credentials.add_credential(ADMIN)

    assert await credentials.get_credential("id-other") is None
    assert await credentials.find_credential("main", "other") is None
    assert await credentials.find_credential("other", "admin") is None


async def test_a_display_name_is_taken_once_in_a_tenant(credentials):
    await credentials.add_credential(ADMIN)

    with pytest.raises(CredentialExists):
        await credentials.add_credential(replace(ADMIN, client_id="id-second"))
    await credentials.add_credential(replace(ADMIN, client_id="id-third", tenant="other"))
    assert await credentials.get_credential("id-second") is None
    assert await credentials.get_credential("id-third") is not None


async def test_pages_are_sorted_by_display_name_and_stay_in_the_tenant(credentials):
    for name in ("d", "b", "c", "a"):
        await credentials.add_credential(a_credential(name))
    await credentials.add_credential(a_credential("bb", tenant="other"))

    first = await credentials.list_credentials("main", after="", limit=3)
    rest = await credentials.list_credentials("main", after="c", limit=3)

    assert [kept.display_name for kept in first] == ["a", "b", "c"]
    assert [kept.display_name for kept in rest] == ["d"]


async def test_agents_are_those_that_a_credential_is_bound_to_each_once(credentials):
    for name, agent in (("one", "west"), ("two", "west"), ("three", "east"), ("four", "")):
        await credentials.add_credential(a_credential(name, agent=agent))
    await credentials.add_credential(a_credential("five", tenant="other", agent="south"))

    assert await credentials.list_agent_names("main", after="", limit=10) == ("east", "west")
    assert await credentials.list_agent_names("main", after="east", limit=10) == ("west",)
    assert await credentials.list_agent_names("main", after="", limit=1) == ("east",)


async def test_an_agent_exists_in_the_tenant_of_its_credential_only(credentials):
    await credentials.add_credential(a_credential("one", agent="west"))
    await credentials.add_credential(a_credential("two"))

    assert await credentials.has_agent("main", "west")
    assert not await credentials.has_agent("other", "west")
    assert not await credentials.has_agent("main", "east")
    assert not await credentials.has_agent("main", "")
