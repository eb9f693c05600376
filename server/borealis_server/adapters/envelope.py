"""Envelope encryption with AES-256-GCM: a data key for each value, wrapped by a key that others hold.

A wrapped key and a ciphertext are bound to the name of their secret, so that nobody who can write to the store can
exchange the values of two secrets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from borealis_server.domain.errors import SecretUnreadable
from borealis_server.domain.secret import Sealed

if TYPE_CHECKING:
    from borealis_server.domain.secret import SecretName
    from borealis_server.ports.randomness import Randomness
    from borealis_server.ports.secrets import KeyEncryption

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


def encrypt(key: bytes, plain: bytes, context: bytes, randomness: Randomness) -> bytes:
    """A fresh nonce and what AES-256-GCM makes of `plain`; it opens with the same key and context only."""
    nonce = randomness.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, context)


def decrypt(key: bytes, encrypted: bytes, context: bytes) -> bytes | None:
    """What was encrypted; None unless it was with this key and context."""
    try:
        return AESGCM(key).decrypt(encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:], context)
    except (InvalidTag, ValueError):
        return None


class EnvelopeCipher:
    """Implements `ports.secrets.SecretCipher`."""

    def __init__(self, keys: KeyEncryption, randomness: Randomness) -> None:
        self._keys = keys
        self._randomness = randomness

    async def current_key(self) -> str:
        """Id of the key that seals."""
        return await self._keys.current_key()

    async def readable_keys(self) -> frozenset[str]:
        """Ids of the keys that can open."""
        return await self._keys.readable_keys()

    async def rotate(self) -> str:
        """A newer key, which seals from now on; its id. Errors: KeyRefused."""
        return await self._keys.rotate()

    async def seal(self, name: SecretName, value: str) -> Sealed:
        """The value, sealed for `name` with the current key."""
        data_key = self._randomness.token_bytes(KEY_BYTES)
        ciphertext = encrypt(
            data_key, value.encode("utf-8", "surrogatepass"), _context("value", name), self._randomness
        )
        key_id, wrapped_key = await self._keys.wrap(data_key, _context("key", name))
        return Sealed(key_id=key_id, wrapped_key=wrapped_key, ciphertext=ciphertext)

    async def unseal(self, name: SecretName, sealed: Sealed) -> str:
        """The value. Errors: SecretUnreadable."""
        plain = decrypt(await self._data_key(name, sealed), sealed.ciphertext, _context("value", name))
        if plain is None:
            raise SecretUnreadable(name, sealed.key_id)
        return plain.decode("utf-8", "surrogatepass")

    async def reseal(self, name: SecretName, sealed: Sealed) -> Sealed:
        """The same with its data key wrapped by the current key. Errors: SecretUnreadable."""
        data_key = await self._data_key(name, sealed)
        key_id, wrapped_key = await self._keys.wrap(data_key, _context("key", name))
        return Sealed(key_id=key_id, wrapped_key=wrapped_key, ciphertext=sealed.ciphertext)

    async def _data_key(self, name: SecretName, sealed: Sealed) -> bytes:
        data_key = await self._keys.unwrap(sealed.key_id, sealed.wrapped_key, _context("key", name))
        if data_key is None:
            raise SecretUnreadable(name, sealed.key_id)
        return data_key


def _context(what: str, name: SecretName) -> bytes:
    return f"borealis secret v1 {what} {name}".encode()
