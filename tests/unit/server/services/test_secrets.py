"""Secrets are set by people and read by the platform alone; keys change while both go on."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from borealis_server.adapters.clock import ManualClock
from borealis_server.adapters.envelope import EnvelopeCipher
from borealis_server.adapters.key_file import open_key_file
from borealis_server.adapters.randomness import CountingRandomness, SystemRandomness
from borealis_server.adapters.store.memory import MemoryDeploymentStore
from borealis_server.adapters.store.memory_secrets import MemorySecretStore
from borealis_server.domain.deployment import Deployment, DeploymentInputs, DeploymentKey
from borealis_server.domain.errors import InvalidArgument, KeyRefused, SecretNotFound, SecretUnreadable
from borealis_server.domain.paging import PageRequest
from borealis_server.domain.secret import MAX_VALUE_BYTES, SecretName
from borealis_server.domain.startup import StartRefusedError
from borealis_server.domain.states import DeploymentState
from borealis_server.services.secret_uses import DeploymentSecretUses
from borealis_server.services.secrets import SecretService

FIRST = PageRequest(size=2, token="")


class Vault:
    """A service with its store and the file of its keys."""

    def __init__(self, folder) -> None:
        self.file = folder / "keys" / "secrets.keys"
        self.store = MemorySecretStore()
        self.clock = ManualClock()
        self.randomness = CountingRandomness()
        self.service = self.reopened()

    def reopened(self, *, is_given=False) -> SecretService:
        keys = open_key_file(self.file, self.randomness, is_given=is_given)
        return SecretService(self.store, EnvelopeCipher(keys, self.randomness), self.clock)

    async def set(self, name: str, value: str, *, tenant: str = "main"):
        return await self.service.set(tenant, name, value, actor="ann")


@pytest.fixture
def vault(tmp_path):
    return Vault(tmp_path)


async def test_a_value_is_read_at_the_moment_of_use(vault):
    await vault.set("ci-token", "grüße")
    await vault.set("other", "2")

    assert await vault.service.values("main", ["ci-token"]) == {"ci-token": "grüße"}
    assert await vault.service.values("main", []) == {}
    assert await vault.reopened().values("main", ["ci-token", "other"]) == {"ci-token": "grüße", "other": "2"}


async def test_every_missing_name_is_told_with_its_tenant(vault):
    await vault.set("a", "1")

    with pytest.raises(SecretNotFound) as caught:
        await vault.service.values("other", ["b", "a"])

    assert caught.value.metadata == {"tenant": "other", "secrets": "a, b"}
    assert "borealis secret set" in caught.value.message


async def test_nothing_that_is_kept_holds_the_value(vault):
    value = "a value that nobody may read"
    record = await vault.set("a", value)

    assert value not in repr(record)
    assert value.encode() not in record.sealed.ciphertext + record.sealed.wrapped_key
    assert record.updated_by == "ann"


async def test_the_same_value_is_sealed_differently_each_time(vault):
    once, again = await vault.set("a", "same"), await vault.set("a", "same")

    assert once.sealed.ciphertext != again.sealed.ciphertext
    assert once.sealed.wrapped_key != again.sealed.wrapped_key


@pytest.mark.parametrize("part", ["ciphertext", "wrapped_key", "both"])
async def test_whoever_exchanges_records_in_the_store_exchanges_no_values(vault, part):
    cheap, dear = await vault.set("cheap", "1"), await vault.set("dear", "2")
    forged = {
        "ciphertext": replace(cheap.sealed, ciphertext=dear.sealed.ciphertext),
        "wrapped_key": replace(cheap.sealed, wrapped_key=dear.sealed.wrapped_key),
        "both": dear.sealed,
    }
    await vault.store.set_secret(replace(cheap, sealed=forged[part]))

    with pytest.raises(SecretUnreadable):
        await vault.service.values("main", ["cheap"])


async def test_a_value_of_another_tenant_cannot_be_carried_over(vault):
    record = await vault.set("a", "1", tenant="rich")
    await vault.store.set_secret(replace(record, name=SecretName("poor", "a")))

    with pytest.raises(SecretUnreadable):
        await vault.service.values("poor", ["a"])


@pytest.mark.parametrize(
    ("name", "value", "fields"),
    [
        pytest.param("a b", "1", ["secret_id"], id="name-with-blank"),
        pytest.param("", "1", ["secret_id"], id="no-name"),
        pytest.param("a" * 129, "1", ["secret_id"], id="long-name"),
        pytest.param("a/b", "", ["secret_id", "value"], id="both"),
        pytest.param("a", "", ["value"], id="empty"),
        pytest.param("a", "ü" * (MAX_VALUE_BYTES // 2) + "x", ["value"], id="large"),
    ],
)
async def test_what_cannot_be_a_secret_is_refused_without_showing_it(vault, name, value, fields):
    with pytest.raises(InvalidArgument) as caught:
        await vault.set(name, value)

    assert [violation.field for violation in caught.value.violations] == fields
    assert not value or len(value) < 3 or value not in caught.value.message


async def test_lists_page_by_name(vault):
    for name in ("b", "a", "c"):
        await vault.set(name, "1")

    first = await vault.service.list("main", FIRST)
    rest = await vault.service.list("main", replace(FIRST, token=first.next_token))

    assert [record.name.id for record in first.items] == ["a", "b"]
    assert [record.name.id for record in rest.items] == ["c"]
    assert rest.next_token == ""
    assert await vault.service.names("main") == {"a", "b", "c"}


async def test_a_secret_of_another_tenant_is_not_found(vault):
    await vault.set("a", "1")

    for tenant, name in (("other", SecretName("main", "a")), ("main", SecretName("main", "b"))):
        with pytest.raises(SecretNotFound):
            await vault.service.delete(tenant, name)
    await vault.service.delete("main", SecretName("main", "a"))
    assert await vault.service.names("main") == frozenset()


async def test_a_newer_key_seals_everything_and_the_old_one_still_opens_backups(vault):
    old = await vault.set("a", "1")

    rotation = await vault.service.rotate_key()

    assert rotation.resealed == 1
    assert rotation.unreadable == ()
    assert await vault.store.key_ids() == {rotation.key_id}
    assert rotation.key_id != old.sealed.key_id
    reopened = vault.reopened()
    assert await reopened.values("main", ["a"]) == {"a": "1"}
    await vault.store.set_secret(old)
    assert await reopened.values("main", ["a"]) == {"a": "1"}
    assert (await reopened.reseal()).resealed == 1


async def test_a_lost_key_is_named_and_the_rest_goes_on(vault):
    await vault.set("lost", "1")
    (lost,) = await vault.store.key_ids()
    vault.file.unlink()
    service = vault.reopened()
    await service.set("main", "new", "2", actor="ann")

    assert await service.missing_keys() == {lost}
    with pytest.raises(SecretUnreadable, match=lost):
        await service.values("main", ["lost"])
    rotation = await service.rotate_key()
    assert rotation.unreadable == (SecretName("main", "lost"),)
    assert await service.values("main", ["new"]) == {"new": "2"}
    await service.set("main", "lost", "again", actor="ann")
    assert await service.missing_keys() == frozenset()


async def test_rotation_under_load_loses_nothing(tmp_path):
    randomness = SystemRandomness()
    vault = Vault(tmp_path)
    cipher = EnvelopeCipher(open_key_file(vault.file, randomness), randomness)
    service = SecretService(vault.store, cipher, vault.clock)
    names = [f"s{number}" for number in range(50)]
    for name in names:
        await service.set("main", name, f"{name} 0", actor="ann")
    newest = dict.fromkeys(names, 0)

    async def keep_setting() -> None:
        for turn in range(1, 20):
            for name in names:
                await service.set("main", name, f"{name} {turn}", actor="ann")
                newest[name] = turn
                await asyncio.sleep(0)

    async def keep_using() -> None:
        for _ in range(200):
            values = await service.values("main", names)
            assert all(value.startswith(f"{name} ") for name, value in values.items())
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for task in (keep_setting(), keep_using(), keep_using()):
            group.create_task(task)
        for _ in range(20):
            await service.rotate_key()
            await asyncio.sleep(0)

    last = await service.reseal()
    assert await vault.store.key_ids() == {last.key_id}
    assert await service.values("main", names) == {name: f"{name} {newest[name]}" for name in names}


async def test_keys_from_outside_rotate_by_a_new_line_at_the_top(vault):
    service = vault.reopened(is_given=True)
    await service.set("main", "a", "1", actor="ann")
    (old,) = await vault.store.key_ids()

    with pytest.raises(KeyRefused, match=f"begins with the key {old}"):
        await service.rotate_key()
    vault.file.write_text(f"newer {'A' * 43}=\n{vault.file.read_text()}")
    rotation = await service.rotate_key()

    assert rotation.key_id == "newer"
    assert await service.values("main", ["a"]) == {"a": "1"}


async def test_a_file_that_cannot_be_written_leaves_the_key_as_it_was(vault):
    await vault.set("a", "1")
    before = await vault.store.key_ids()
    vault.file.unlink()
    vault.file.parent.rmdir()
    vault.file.parent.write_text("in the way")

    with pytest.raises(KeyRefused):
        await vault.service.rotate_key()

    await vault.set("b", "2")
    assert await vault.store.key_ids() == before


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param("", "holds no key", id="empty"),
        pytest.param("# nothing\n", "holds no key", id="comments"),
        pytest.param("a AAAA\n", "line 1: a key is 32 bytes", id="short"),
        pytest.param("a !\n", "line 1: a key is 32 bytes", id="no-base64"),
        pytest.param("# a\nA B\n", "line 2: a key needs an id", id="bad-id"),
        pytest.param(f"a {'A' * 43}=\na {'B' * 42}A=\n", "line 2: a key needs an id of its own", id="twice"),
    ],
)
def test_a_file_without_keys_stops_the_start(tmp_path, content, fault):
    file = tmp_path / "secrets.keys"
    file.write_text(content)

    with pytest.raises(StartRefusedError, match=fault):
        open_key_file(file, CountingRandomness())


def test_the_file_of_keys_is_private(vault):
    assert vault.file.stat().st_mode & 0o777 == 0o600


async def test_who_uses_a_secret_is_told_before_it_goes(vault):
    store = MemoryDeploymentStore()
    for number, (tenant, state) in enumerate(
        (("main", DeploymentState.RUNNING), ("main", DeploymentState.SUCCEEDED), ("other", DeploymentState.RUNNING))
    ):
        deployment = Deployment(
            key=DeploymentKey(tenant=tenant, id=f"d{number}"),
            application=f"shop{number}",
            targets=(),
            started_by="ann",
            started_at=vault.clock.now(),
            readiness_timeout_s=60,
            state=state,
            sequence=0,
        )
        inputs = DeploymentInputs(deploy_file="token: '{{ secrets.ci-token }}'", objects={})
        await store.insert(deployment, inputs, [])
    keys = open_key_file(vault.file, vault.randomness)
    cipher = EnvelopeCipher(keys, vault.randomness)
    service = SecretService(vault.store, cipher, vault.clock, users=[DeploymentSecretUses(store)])
    for name in ("ci-token", "ci"):
        await service.set("main", name, "1", actor="ann")

    used = await service.delete("main", SecretName("main", "ci-token"), dry_run=True)
    unused = await service.delete("main", SecretName("main", "ci"), dry_run=True)

    assert used == ("tenants/main/deployments/d0 of shop0",)
    assert unused == ()
    assert await service.names("main") == {"ci-token", "ci"}
    assert await service.delete("main", SecretName("main", "ci-token")) == used
    assert await service.names("main") == {"ci"}
