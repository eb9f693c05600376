"""What every store of secrets does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from borealis_server.domain.secret import Sealed, SecretName, SecretRecord

NOON = datetime(2026, 1, 1, 12, 0, 0, 654321, tzinfo=UTC)
SEAL = Sealed(key_id="k1", wrapped_key=b"\x00\xffwrapped", ciphertext=bytes(range(256)))


def a_secret(name: str, *, tenant: str = "main", seal: Sealed = SEAL) -> SecretRecord:
    return SecretRecord(
        name=SecretName(tenant, name), sealed=seal, created_at=NOON, updated_at=NOON, updated_by="somebody"
    )


@pytest.fixture
def secrets(stores):
    return stores.secrets


async def test_what_is_set_comes_back_as_it_was(secrets):
    kept = await secrets.set_secret(a_secret("ci-token"))

    assert kept == a_secret("ci-token")
    assert await secrets.get_secrets("main", ["ci-token", "other"]) == (kept,)
    assert await secrets.get_secrets("other", ["ci-token"]) == ()
    assert await secrets.get_secrets("main", []) == ()


async def test_setting_again_replaces_all_but_the_time_of_creation(secrets):
    await secrets.set_secret(a_secret("a"))
    later = NOON + timedelta(hours=1)
    newer = replace(
        a_secret("a", seal=replace(SEAL, key_id="k2", ciphertext=b"x")),
        created_at=later,
        updated_at=later,
        updated_by="somebody else",
    )

    kept = await secrets.set_secret(newer)

    assert kept == replace(newer, created_at=NOON)
    assert await secrets.get_secrets("main", ["a"]) == (kept,)


async def test_names_are_distinct_by_case_and_tenant(secrets):
    for record in (a_secret("a"), a_secret("A"), a_secret("a", tenant="other")):
        await secrets.set_secret(record)

    assert await secrets.secret_names("main") == {"a", "A"}
    assert await secrets.secret_names("other") == {"a"}
    assert await secrets.secret_names("none") == frozenset()


async def test_pages_are_sorted_and_stay_in_the_tenant(secrets):
    for name in ("c", "a", "b"):
        await secrets.set_secret(a_secret(name))
    await secrets.set_secret(a_secret("aa", tenant="other"))

    first = await secrets.list_secrets("main", after="", limit=2)
    rest = await secrets.list_secrets("main", after="b", limit=2)

    assert [record.name.id for record in first] == ["a", "b"]
    assert [record.name.id for record in rest] == ["c"]


async def test_a_secret_goes_once(secrets):
    await secrets.set_secret(a_secret("a"))

    assert not await secrets.remove_secret(SecretName("other", "a"))
    assert await secrets.remove_secret(SecretName("main", "a"))
    assert not await secrets.remove_secret(SecretName("main", "a"))
    assert await secrets.secret_names("main") == frozenset()


async def test_what_other_keys_sealed_is_found_page_by_page_in_all_tenants(secrets):
    newer = replace(SEAL, key_id="k2")
    for record in (a_secret("b"), a_secret("c", seal=newer), a_secret("a", tenant="other"), a_secret("a")):
        await secrets.set_secret(record)

    first = await secrets.sealed_with_others("k2", after=None, limit=2)
    rest = await secrets.sealed_with_others("k2", after=first[-1].name, limit=2)

    assert [str(record.name) for record in first] == ["tenants/main/secrets/a", "tenants/main/secrets/b"]
    assert [str(record.name) for record in rest] == ["tenants/other/secrets/a"]
    assert await secrets.key_ids() == {"k1", "k2"}


async def test_a_seal_is_replaced_only_as_it_was_found(secrets):
    record = await secrets.set_secret(a_secret("a"))
    newer = replace(SEAL, key_id="k2", wrapped_key=b"again")

    assert await secrets.replace_seal(record.name, SEAL, newer)
    assert not await secrets.replace_seal(record.name, SEAL, replace(SEAL, key_id="k3"))
    assert not await secrets.replace_seal(SecretName("main", "b"), SEAL, newer)

    assert await secrets.get_secrets("main", ["a"]) == (replace(record, sealed=newer),)
