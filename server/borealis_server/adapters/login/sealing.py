"""Texts sealed with AES-256-GCM and a key in a file of its own: who has the store alone cannot read them."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from borealis_server.adapters import private_files
from borealis_server.domain.startup import StartRefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from borealis_server.ports.randomness import Randomness

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class AesSealer:
    """Implements `ports.login.Sealer`."""

    def __init__(self, key: bytes, randomness: Randomness) -> None:
        self._cipher = AESGCM(key)
        self._randomness = randomness

    def seal(self, text: str, context: str) -> str:
        """The text, unreadable and unchangeable; it opens in the same `context` only."""
        nonce = self._randomness.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, text.encode(), context.encode())
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def unseal(self, sealed: str, context: str) -> str | None:
        """The text; None unless it was sealed here, in this context."""
        try:
            raw = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode()).decode()
        except (binascii.Error, InvalidTag, ValueError):
            return None


def open_sealing_key(file: Path, randomness: Randomness) -> bytes:
    """The key in `file`; a new one is made and kept there when there is none.

    Errors: StartRefusedError when the file holds something else.
    """
    if not file.exists():
        key = randomness.token_bytes(_KEY_BYTES)
        private_files.write(file, key)
        return key
    key = private_files.read(file)
    if len(key) != _KEY_BYTES:
        raise StartRefusedError(
            f"{file} holds no key of {_KEY_BYTES} bytes: restore it, or remove it and everybody sets up their second "
            "factor again"
        )
    return key
