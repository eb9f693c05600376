"""What keeping secrets needs: a store of sealed values, a cipher that seals them, and the keys behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection

    from borealis_server.domain.secret import Sealed, SecretName, SecretRecord


class SecretStore(Protocol):
    """Keeps secrets. Everything written is durable when the call returns."""

    async def set_secret(self, record: SecretRecord) -> SecretRecord:
        """Keep the secret in place of the one of its name; what is kept: it was created when the first one was."""
        ...

    async def get_secrets(self, tenant: str, names: Collection[str]) -> tuple[SecretRecord, ...]:
        """Those of the tenant's secrets that exist, in no particular order."""
        ...

    async def list_secrets(self, tenant: str, *, after: str, limit: int) -> tuple[SecretRecord, ...]:
        """At most `limit` secrets of the tenant with names behind `after`, by name."""
        ...

    async def secret_names(self, tenant: str) -> frozenset[str]:
        """The names of all secrets of the tenant."""
        ...

    async def remove_secret(self, name: SecretName) -> bool:
        """Forget a secret; whether there was one."""
        ...

    async def key_ids(self) -> frozenset[str]:
        """The ids of all keys that something is sealed with, in whichever tenant."""
        ...

    async def sealed_with_others(
        self, key_id: str, *, after: SecretName | None, limit: int
    ) -> tuple[SecretRecord, ...]:
        """At most `limit` secrets of all tenants that another key than `key_id` sealed, behind `after`, by name."""
        ...

    async def replace_seal(self, name: SecretName, before: Sealed, after: Sealed) -> bool:
        """Replace the seal of a secret; False, with nothing changed, when it is not sealed by `before` any more."""
        ...


class SecretCipher(Protocol):
    """Seals values and opens them. Shape: what is sealed for one name cannot be opened for another."""

    async def current_key(self) -> str:
        """Id of the key that seals."""
        ...

    async def rotate(self) -> str:
        """Make or find a newer key, which seals from now on; its id. Older ones still open. Errors: KeyRefused."""
        ...

    async def readable_keys(self) -> frozenset[str]:
        """Ids of the keys that can open."""
        ...

    async def seal(self, name: SecretName, value: str) -> Sealed:
        """The value, sealed for `name` with the current key."""
        ...

    async def unseal(self, name: SecretName, sealed: Sealed) -> str:
        """The value. Errors: SecretUnreadable when its key is missing, or it was not sealed for this name."""
        ...

    async def reseal(self, name: SecretName, sealed: Sealed) -> Sealed:
        """The same with its data key wrapped by the current key. Errors: SecretUnreadable."""
        ...


class KeyEncryption(Protocol):
    """Keys that wrap other keys, and never leave where they are: the shape of a key management service."""

    async def current_key(self) -> str:
        """Id of the key that wraps."""
        ...

    async def readable_keys(self) -> frozenset[str]:
        """Ids of the keys that can unwrap."""
        ...

    async def rotate(self) -> str:
        """Make or find a newer key, which wraps from now on; its id. Errors: KeyRefused when that cannot be."""
        ...

    async def wrap(self, data_key: bytes, context: bytes) -> tuple[str, bytes]:
        """The id of the current key, and the data key wrapped by it for `context` only."""
        ...

    async def unwrap(self, key_id: str, wrapped_key: bytes, context: bytes) -> bytes | None:
        """The data key; None when there is no such key, or it has not wrapped this for `context`."""
        ...
