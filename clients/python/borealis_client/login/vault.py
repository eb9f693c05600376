"""Where the tokens of logins are kept: the system's keyring, or a file that only its owner may read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol

from borealis_client.errors import SettingsError
from borealis_client.login.contexts import read_private, write_private

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_KEYRING: Final = "borealis_client.login.system_keyring"  # slow to load, and its library is not there without the CLI
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
        return tokens_of(read_private(self._file).get(name))

    def write(self, name: str, tokens: KeptTokens) -> None:
        """Keep these. Errors: SettingsError."""
        write_private(self._file, {**read_private(self._file), name: asdict(tokens)})

    def remove(self, name: str) -> None:
        """Forget what is kept."""
        kept = read_private(self._file)
        if kept.pop(name, None) is not None:
            write_private(self._file, kept)


def vault_of(kept_in: str, folder: Path) -> Vault:
    """The vault of that word. Errors: SettingsError when it is the keyring, and its library is not installed."""
    if kept_in != "keyring":
        return FileVault(folder)
    try:
        vault: Vault = import_module(_KEYRING).KeyringVault()
    except ImportError as error:
        raise SettingsError(
            "the login is in the keyring, and its library is missing: install borealis-cd[cli]."
        ) from error
    return vault


def best_vault(env: Mapping[str, str]) -> str:
    """`keyring` where one works, else `file`. BOREALIS_KEYRING=off always gives `file`."""
    if env.get("BOREALIS_KEYRING", "").lower() in ("0", "off", "false", "no"):
        return "file"
    try:
        works = import_module(_KEYRING).works()
    except Exception:  # noqa: BLE001  # backends fail in ways of their own; then there is the file
        return "file"
    return "keyring" if works else "file"


def tokens_of(content: object) -> KeptTokens | None:
    """What was kept; None when it is something else."""
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
