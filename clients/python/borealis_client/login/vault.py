"""Where the tokens of logins are kept: the system's keyring, or a file that only its owner may read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from borealis_client.login.contexts import read_private, write_private

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SERVICE: Final = "borealis"
_FILE: Final = "credentials.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTokens:
    """What a login is worth."""

    access_token: str = field(repr=False)
    expires_at: float
    """When the access token ends, in seconds since 1970."""
    refresh_token: str = field(repr=False)
    """Empty when the server gave none."""


class Vault(Protocol):
    """Keeps tokens by name."""

    def read(self, name: str) -> KeptTokens | None:
        """What is kept under that name."""
        ...

    def write(self, name: str, tokens: KeptTokens) -> None:
        """Keep these. Errors: SettingsError."""
        ...

    def remove(self, name: str) -> None:
        """Forget what is kept."""
        ...


class FileVault:
    """One JSON file, mode 0600, in a folder of mode 0700."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / _FILE

    def read(self, name: str) -> KeptTokens | None:
        """What is kept under that name."""
        return _tokens(read_private(self._file).get(name))

    def write(self, name: str, tokens: KeptTokens) -> None:
        """Keep these. Errors: SettingsError."""
        write_private(self._file, {**read_private(self._file), name: asdict(tokens)})

    def remove(self, name: str) -> None:
        """Forget what is kept."""
        kept = read_private(self._file)
        if kept.pop(name, None) is not None:
            write_private(self._file, kept)


class KeyringVault:
    """The system's keyring."""

    def __init__(self) -> None:
        import keyring  # noqa: PLC0415  # slow to load, and not there without the extra `cli`

        self._keyring: Any = keyring  # Any: the library's functions

    def read(self, name: str) -> KeptTokens | None:
        """What is kept under that name."""
        text = self._keyring.get_password(_SERVICE, name)
        try:
            return _tokens(json.loads(text)) if text else None
        except ValueError:
            return None

    def write(self, name: str, tokens: KeptTokens) -> None:
        """Keep these."""
        self._keyring.set_password(_SERVICE, name, json.dumps(asdict(tokens)))

    def remove(self, name: str) -> None:
        """Forget what is kept."""
        if self._keyring.get_password(_SERVICE, name):
            self._keyring.delete_password(_SERVICE, name)


def vault_of(kept_in: str, folder: Path) -> Vault:
    """The vault of that word."""
    return KeyringVault() if kept_in == "keyring" else FileVault(folder)


def best_vault(env: Mapping[str, str]) -> str:
    """`keyring` where one works, else `file`. BOREALIS_KEYRING=off always gives `file`."""
    if env.get("BOREALIS_KEYRING", "").lower() in ("0", "off", "false", "no"):
        return "file"
    try:
        import keyring  # noqa: PLC0415  # as above
        from keyring.backends import chainer, fail, null  # noqa: PLC0415

        backend = keyring.get_keyring()
        is_real = backend.priority >= 1 and not isinstance(backend, fail.Keyring | null.Keyring)
        if isinstance(backend, chainer.ChainerBackend):
            is_real = is_real and bool(backend.backends)
        if not is_real:
            return "file"
        keyring.set_password(_SERVICE, "probe", "works")
        works = keyring.get_password(_SERVICE, "probe") == "works"
        keyring.delete_password(_SERVICE, "probe")
    except Exception:  # noqa: BLE001  # backends fail in ways of their own; then there is the file
        return "file"
    return "keyring" if works else "file"


def _tokens(content: object) -> KeptTokens | None:
    if not isinstance(content, dict):
        return None
    try:
        return KeptTokens(
            access_token=str(content["access_token"]),
            expires_at=float(content["expires_at"]),
            refresh_token=str(content["refresh_token"]),
        )
    except (KeyError, TypeError, ValueError):
        return None
