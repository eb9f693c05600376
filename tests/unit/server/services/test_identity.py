"""Tokens and credentials, with a clock that stands still."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from borealis_server.adapters.clock import ManualClock
from borealis_server.adapters.randomness import CountingRandomness
from borealis_server.adapters.store.memory import MemoryCredentialStore
from borealis_server.adapters.tokens import JwtSigner
from borealis_server.domain.errors import (
    CredentialExists,
    CredentialNotFound,
    CredentialRefused,
    EscalationRefused,
    InvalidArgument,
    LastAdministrator,
    PageTokenInvalid,
    TenantDenied,
    Unauthenticated,
)
from borealis_server.domain.identity import NewCredential
from borealis_server.domain.names import CredentialName
from borealis_server.domain.paging import PageRequest
from borealis_server.services.directories import LAG_S
from borealis_server.services.local_access import local_credential
from kit.callers import EVERYTHING, a_directory_store, an_identity

if TYPE_CHECKING:
    from borealis_server.services.identity import IdentityService

LIFETIME_S = 900


class CountedStore(MemoryCredentialStore):
    """Counts how often credentials are read."""

    reads = 0

    async def get_credential(self, client_id: str):
        self.reads += 1
        return await super().get_credential(client_id)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store() -> CountedStore:
    return CountedStore()


@pytest.fixture
def directories(store):
    return a_directory_store(store)


@pytest.fixture
def identity(clock, store, directories) -> IdentityService:
    signer = JwtSigner(ec.generate_private_key(ec.SECP256R1()), issuer="https://localhost:1")
    return an_identity(
        clock,
        signer,
        store=store,
        directories=directories,
        randomness=CountingRandomness(),
        token_lifetime_s=LIFETIME_S,
    )


@pytest.fixture
async def deployer(identity):
    return await identity.create_credential(
        "main", NewCredential(display_name="ci", roles=("deployer",)), giver=EVERYTHING
    )


@pytest.fixture
async def token(identity, deployer):
    return (await identity.issue_token(deployer.credential.client_id, deployer.secret)).access_token


async def test_a_token_tells_who_sends_it_until_when(identity, deployer, token, clock):
    principal = await identity.verify(token)

    assert principal.subject == f"clients/{deployer.credential.client_id}"
    assert (principal.display_name, principal.tenant, principal.agent_name) == ("ci", "main", "")
    assert principal.role_names == ("Deployments Full Access",)
    assert principal.expires_at == clock.now() + timedelta(seconds=LIFETIME_S)


async def test_a_token_is_good_to_its_last_second_and_no_longer(identity, token, clock):
    clock.advance(LIFETIME_S - 1)
    await identity.verify(token)

    clock.advance(1)
    with pytest.raises(Unauthenticated, match="expired"):
        await identity.verify(token)


async def test_a_token_from_the_future_is_refused(identity, token, clock):
    clock.advance(-60)

    with pytest.raises(Unauthenticated, match="not good yet"):
        await identity.verify(token)


async def test_the_secret_is_kept_as_a_hash_only(store, deployer):
    kept = await store.get_credential(deployer.credential.client_id)

    assert deployer.secret not in repr(kept)
    assert len(kept.secret_hash) == 64


@pytest.mark.parametrize(
    ("client_id", "secret"),
    [("right", "wrong"), ("wrong", "right"), ("right", ""), ("", ""), ("right", "ü\ud800")],
    ids=["wrong-secret", "wrong-id", "no-secret", "nothing", "no-text"],
)
async def test_anything_but_the_right_pair_is_refused_in_the_same_words(identity, deployer, client_id, secret):
    words = {"right": (deployer.credential.client_id, deployer.secret), "wrong": ("nobody", "wrong"), "": ("", "")}
    client_id = words.get(client_id, (client_id,))[0]
    secret = words[secret][1] if secret in words else secret

    with pytest.raises(CredentialRefused) as error:
        await identity.issue_token(client_id, secret)
    assert error.value.message == CredentialRefused().message


async def test_revoking_takes_the_tokens_along_at_once(identity, deployer, token):
    await identity.verify(token)
    await identity.delete_credential("main", CredentialName("main", deployer.credential.client_id), giver=EVERYTHING)

    with pytest.raises(Unauthenticated, match="revoked"):
        await identity.verify(token)
    with pytest.raises(CredentialRefused):
        await identity.issue_token(deployer.credential.client_id, deployer.secret)


async def test_a_credential_that_another_server_revoked_is_refused_after_the_lag(identity, directories, token, clock):
    await identity.verify(token)
    await directories.change("home", lambda one: replace(one, credentials={}), with_credentials=True)

    clock.advance(LAG_S)

    with pytest.raises(Unauthenticated, match="revoked"):
        await identity.verify(token)


async def test_a_busy_token_reads_the_store_once_in_a_while_only(identity, store, token):
    before = store.reads
    for _ in range(100):
        await identity.verify(token)

    assert store.reads == before + 1


async def test_a_call_that_names_a_tenant_acts_there_if_it_may(identity):
    made = await identity.create_credential("main", NewCredential(display_name="b", roles=("admin",)), giver=EVERYTHING)
    token = (await identity.issue_token(made.credential.client_id, made.secret)).access_token

    assert [(await identity.verify(token, tenant)).tenant for tenant in ("", "main", "other", "OTHER")] == [
        "main",
        "main",
        "other",
        "other",
    ]
    with pytest.raises(TenantDenied):
        await identity.verify(token, "nowhere")


async def test_who_is_at_home_in_one_tenant_acts_in_no_other(identity, token):
    with pytest.raises(TenantDenied, match="tenant other"):
        await identity.verify(token, "other")


async def test_nobody_gives_a_credential_more_than_they_hold(identity, deployer, token):
    giver = (await identity.verify(token)).grants
    name = CredentialName("main", deployer.credential.client_id)

    with pytest.raises(EscalationRefused):
        await identity.create_credential("main", NewCredential(display_name="b", roles=("admin",)), giver=giver)
    with pytest.raises(EscalationRefused):
        await identity.update_credential(name, ["deployer", "admin"], tenant="main", giver=giver)
    changed = await identity.update_credential(name, ["viewer"], tenant="main", giver=giver)
    assert [role.id for role in changed.roles] == ["viewer"]


async def test_the_last_administrator_keeps_the_credential(identity, store):
    made = await local_credential(identity, store, "main", None)
    name = CredentialName("main", made[0])

    with pytest.raises(LastAdministrator):
        await identity.delete_credential("main", name, giver=EVERYTHING)
    with pytest.raises(LastAdministrator):
        await identity.update_credential(name, ["viewer"], tenant="main", giver=EVERYTHING)
    assert await local_credential(identity, store, "main", made) == made


async def test_a_credential_of_the_same_id_in_another_tenant_is_not_the_one_behind_the_token(
    identity, store, deployer, token
):
    other = await identity.create_credential(
        "other", NewCredential(display_name="x", roles=("admin",)), giver=EVERYTHING
    )
    kept = store._credentials
    kept[deployer.credential.client_id] = kept[other.credential.client_id]

    with pytest.raises(Unauthenticated, match="revoked"):
        await identity.verify(token)


async def test_secrets_and_ids_never_repeat(identity):
    issued = [
        await identity.create_credential(
            "main", NewCredential(display_name=f"c{n}", roles=("viewer",)), giver=EVERYTHING
        )
        for n in range(50)
    ]

    assert len({one.secret for one in issued}) == len({one.credential.client_id for one in issued}) == 50


async def test_an_agents_credential_is_bound_to_its_agent(identity):
    issued = await identity.create_credential(
        "main", NewCredential(display_name="w", roles=("agent",), agent="West_1"), giver=EVERYTHING
    )
    token = await identity.issue_token(issued.credential.client_id, issued.secret)

    assert (await identity.verify(token.access_token)).agent_name == "West_1"


FAULTY = {
    "no name": (NewCredential(display_name="", roles=("admin",)), {"display_name"}),
    "capitals": (NewCredential(display_name="CI", roles=("admin",)), {"display_name"}),
    "long name": (NewCredential(display_name="c" * 64, roles=("admin",)), {"display_name"}),
    "no role": (NewCredential(display_name="ci", roles=()), {"roles"}),
    "agent without name": (NewCredential(display_name="ci", roles=("agent",)), {"agent"}),
    "bad agent name": (NewCredential(display_name="ci", roles=("agent",), agent="a b"), {"agent"}),
    "agent for a person": (NewCredential(display_name="ci", roles=("admin",), agent="west"), {"agent"}),
    "everything": (NewCredential(display_name="!", roles=(), agent="!"), {"display_name", "roles", "agent"}),
}


@pytest.mark.parametrize(("wanted", "fields"), FAULTY.values(), ids=FAULTY)
async def test_every_fault_of_a_wish_is_named_and_nothing_is_kept(identity, store, wanted, fields):
    with pytest.raises(InvalidArgument) as error:
        await identity.create_credential("main", wanted, giver=EVERYTHING)

    assert {violation.field for violation in error.value.violations} == fields
    assert await store.list_credentials("main", after="", limit=10) == ()


@pytest.mark.usefixtures("deployer")
async def test_a_taken_name_is_refused(identity):
    with pytest.raises(CredentialExists):
        await identity.create_credential("main", NewCredential(display_name="ci", roles=("viewer",)), giver=EVERYTHING)


async def test_pages_of_credentials_join_without_gap_or_repeat(identity):
    for number in range(7):
        await identity.create_credential(
            "main", NewCredential(display_name=f"c{number}", roles=("viewer",)), giver=EVERYTHING
        )
    await identity.create_credential("other", NewCredential(display_name="c9", roles=("viewer",)), giver=EVERYTHING)

    seen, token = [], ""
    for _ in range(10):
        page = await identity.list_credentials("main", PageRequest(size=3, token=token))
        seen += [one.credential.display_name for one in page.items]
        token = page.next_token
        if not token:
            break

    assert seen == [f"c{number}" for number in range(7)]
    with pytest.raises(PageTokenInvalid):
        await identity.list_credentials("other", PageRequest(token=(await _first(identity)).next_token))


async def _first(identity):
    return await identity.list_credentials("main", PageRequest(size=1))


@pytest.mark.parametrize("tenant", ["main", "other"])
async def test_nobody_deletes_across_tenants(identity, deployer, tenant):
    name = CredentialName("main" if tenant == "other" else "other", deployer.credential.client_id)

    with pytest.raises(CredentialNotFound):
        await identity.delete_credential(tenant, name, giver=EVERYTHING)


async def test_the_local_credential_is_made_once_and_kept(identity, store):
    made = await local_credential(identity, store, "main", None)

    assert await local_credential(identity, store, "main", made) == made
    assert (await identity.verify((await identity.issue_token(*made)).access_token)).is_administrator


async def test_a_lost_local_credential_is_replaced_and_the_lost_one_revoked(identity, store):
    lost = await local_credential(identity, store, "main", None)

    made = await local_credential(identity, store, "main", None)

    assert made != lost
    await identity.issue_token(*made)
    with pytest.raises(CredentialRefused):
        await identity.issue_token(*lost)


async def test_a_local_credential_with_a_damaged_secret_is_replaced(identity, store):
    client_id, _ = await local_credential(identity, store, "main", None)

    made = await local_credential(identity, store, "main", (client_id, "damaged"))

    await identity.issue_token(*made)


async def test_a_revoked_local_credential_is_not_brought_back(identity, store):
    made = await local_credential(identity, store, "main", None)
    await identity.create_credential("main", NewCredential(display_name="boss", roles=("admin",)), giver=EVERYTHING)
    await identity.delete_credential("main", CredentialName("main", made[0]), giver=EVERYTHING)

    assert await local_credential(identity, store, "main", made) == made
    with pytest.raises(CredentialRefused):
        await identity.issue_token(*made)
