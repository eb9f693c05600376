"""Tokens in the system's keyring. Nothing imports this by name: the library comes with the extra `cli`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import keyring
from keyring.backends import chainer, fail, null

from borealis_client.login.vault import tokens_of

if TYPE_CHECKING:
    from borealis_client.login.vault import KeptTokens

_SERVICE: Final = "borealis"


class KeyringVault:
    """Implements `vault.Vault`."""

    def read(self, name: str) -> KeptTokens | None:
        """What is kept under that name."""
        text = keyring.get_password(_SERVICE, name)
        try:
            return tokens_of(json.loads(text)) if text else None
        except ValueError:
            return None

    def write(self, name: str, tokens: KeptTokens) -> None:
        """Keep these."""
        keyring.set_password(_SERVICE, name, json.dumps(asdict(tokens)))

    def remove(self, name: str) -> None:
        """Forget what is kept."""
        if keyring.get_password(_SERVICE, name):
            keyring.delete_password(_SERVICE, name)


def works() -> bool:
    """Whether there is a keyring that gives back what it was given."""
    backend = keyring.get_keyring()
    is_none = isinstance(backend, fail.Keyring | null.Keyring)
    is_empty = isinstance(backend, chainer.ChainerBackend) and not backend.backends
    if backend.priority < 1 or is_none or is_empty:
        return False
    keyring.set_password(_SERVICE, "probe", "works")
    found = keyring.get_password(_SERVICE, "probe")
    keyring.delete_password(_SERVICE, "probe")
    return found == "works"
