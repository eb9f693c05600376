"""Secrets of tenants: set, listed and deleted by people, and read by nobody but the platform at the moment of use.

Owns who may see what of them: no method gives a value, except `values`, for whoever sends it on and redacts the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from borealis_server.domain.errors import SecretNotFound, SecretUnreadable
from borealis_server.domain.paging import Page, page_token
from borealis_server.domain.secret import SecretRecord, checked_secret
from borealis_server.ports.audit_notes import note_change

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from borealis_server.domain.paging import PageRequest
    from borealis_server.domain.secret import SecretName
    from borealis_server.ports.clock import Clock
    from borealis_server.ports.secrets import SecretCipher, SecretStore


_REWRAP_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What a rotation has done."""

    key_id: str
    """The key that seals now."""
    resealed: int
    """Secrets that this key seals now, and did not before."""
    unreadable: tuple[SecretName, ...]
    """Secrets whose key is missing; they have to be set again."""


class SecretUses(Protocol):
    """Tells who uses a secret."""

    async def uses(self, name: SecretName) -> tuple[str, ...]:
        """One line of words for each user."""
        ...


class SecretService:
    """Keeps secrets sealed, and opens them for use."""

    def __init__(
        self, store: SecretStore, cipher: SecretCipher, clock: Clock, *, users: Sequence[SecretUses] = ()
    ) -> None:
        self._users = users
        self._store = store
        self._cipher = cipher
        self._clock = clock

    async def values(self, tenant: str, names: Collection[str]) -> Mapping[str, str]:
        """The values of the tenant's secrets of these names, for use at this moment: never to be kept or shown.

        Errors: SecretNotFound with every name that does not exist; SecretUnreadable when a key is missing.
        """
        found = await self._store.get_secrets(tenant, frozenset(names))
        missing = sorted(set(names) - {record.name.id for record in found})
        if missing:
            raise SecretNotFound(tenant, missing)
        return {record.name.id: await self._cipher.unseal(record.name, record.sealed) for record in found}

    async def names(self, tenant: str) -> frozenset[str]:
        """The names of all secrets of the tenant."""
        return await self._store.secret_names(tenant)

    async def set(self, tenant: str, secret_id: str, value: str, *, actor: str) -> SecretRecord:
        """Keep `value` as the tenant's secret of that name, in place of what it was. Errors: InvalidArgument."""
        name = checked_secret(tenant, secret_id, value)
        now = self._clock.now()
        sealed = await self._cipher.seal(name, value)
        record = SecretRecord(name=name, sealed=sealed, created_at=now, updated_at=now, updated_by=actor)
        before = await self._store.get_secrets(tenant, [name.id])
        kept = await self._store.set_secret(record)
        note_change(name, before=_facts(before[0]) if before else None, after=_facts(kept))
        return kept

    async def list(self, tenant: str, page: PageRequest) -> Page[SecretRecord]:
        """Secrets of the tenant by name. Errors: InvalidArgument, PageTokenInvalid."""
        query, limit = f"secrets/{tenant}", page.limit()
        found = await self._store.list_secrets(tenant, after=page.after(query), limit=limit + 1)
        items = found[:limit]
        return Page(items=items, next_token=page_token(query, items[-1].name.id) if len(found) > limit else "")

    async def delete(self, tenant: str, name: SecretName, *, dry_run: bool = False) -> tuple[str, ...]:
        """Forget a secret, unless it is a `dry_run`; who uses it, in words.

        Errors: SecretNotFound, also for a secret of another tenant.
        """
        found = await self._store.get_secrets(tenant, [name.id]) if name.tenant == tenant else ()
        if not found:
            raise SecretNotFound(name.tenant, (name.id,))
        uses = tuple([line for user in self._users for line in await user.uses(name)])
        if not dry_run:
            await self._store.remove_secret(name)
            note_change(name, before=_facts(found[0]))
        return uses

    async def rotate_key(self) -> Rotation:
        """Seal everything with a newer key. Meanwhile secrets are set and used as ever.

        Errors: KeyRefused when there is no newer key. What was sealed until a failure stays so; `reseal` goes on.
        """
        before = await self._cipher.current_key()
        note_change("secret key", before={"key": before}, after={"key": await self._cipher.rotate()})
        return await self.reseal()

    async def reseal(self) -> Rotation:
        """Seal with the current key what another one has sealed; nothing to do is no error."""
        key_id = await self._cipher.current_key()
        resealed, unreadable = 0, []
        after: SecretName | None = None
        while batch := await self._store.sealed_with_others(key_id, after=after, limit=_REWRAP_AT_ONCE):
            for record in batch:
                try:
                    sealed = await self._cipher.reseal(record.name, record.sealed)
                except SecretUnreadable:
                    unreadable.append(record.name)
                    continue
                # Whoever has set it in between has used the current key.
                resealed += await self._store.replace_seal(record.name, record.sealed, sealed)
            after = batch[-1].name
        return Rotation(key_id=key_id, resealed=resealed, unreadable=tuple(unreadable))

    async def missing_keys(self) -> frozenset[str]:
        """Ids of keys that seal something and are not there: what they seal cannot be read."""
        return await self._store.key_ids() - await self._cipher.readable_keys()


def _facts(record: SecretRecord) -> Mapping[str, object]:
    """What the audit may know of a secret."""
    return {"key": record.sealed.key_id, "set": record.updated_at.isoformat(), "set_by": record.updated_by}
