"""Secrets that are forgotten with the process: for tests, with the same contract as the real store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from borealis_server.domain.secret import Sealed, SecretName, SecretRecord


class MemorySecretStore:
    """Implements `ports.secrets.SecretStore`."""

    def __init__(self) -> None:
        self._records: dict[SecretName, SecretRecord] = {}

    async def set_secret(self, record: SecretRecord) -> SecretRecord:
        """Keep the secret in place of the one of its name; what is kept."""
        before = self._records.get(record.name, record)
        self._records[record.name] = replace(record, created_at=before.created_at)
        return self._records[record.name]

    async def get_secrets(self, tenant: str, names: Collection[str]) -> tuple[SecretRecord, ...]:
        """Those of the tenant's secrets that exist, in no particular order."""
        return tuple(one for name, one in self._records.items() if name.tenant == tenant and name.id in names)

    async def list_secrets(self, tenant: str, *, after: str, limit: int) -> tuple[SecretRecord, ...]:
        """At most `limit` secrets of the tenant with names behind `after`, by name."""
        found = (name for name in sorted(self._records) if name.tenant == tenant and name.id > after)
        return tuple(self._records[name] for name in found)[:limit]

    async def secret_names(self, tenant: str) -> frozenset[str]:
        """The names of all secrets of the tenant."""
        return frozenset(name.id for name in self._records if name.tenant == tenant)

    async def remove_secret(self, name: SecretName) -> bool:
        """Forget a secret; whether there was one."""
        return self._records.pop(name, None) is not None

    async def key_ids(self) -> frozenset[str]:
        """The ids of all keys that something is sealed with."""
        return frozenset(one.sealed.key_id for one in self._records.values())

    async def sealed_with_others(
        self, key_id: str, *, after: SecretName | None, limit: int
    ) -> tuple[SecretRecord, ...]:
        """At most `limit` secrets of all tenants that another key than `key_id` sealed, behind `after`, by name."""
        behind = (self._records[name] for name in sorted(self._records) if after is None or name > after)
        return tuple(one for one in behind if one.sealed.key_id != key_id)[:limit]

    async def replace_seal(self, name: SecretName, before: Sealed, after: Sealed) -> bool:
        """Replace the seal of a secret; False when it is not sealed by `before` any more."""
        kept = self._records.get(name)
        if kept is None or kept.sealed != before:
            return False
        self._records[name] = replace(kept, sealed=after)
        return True
