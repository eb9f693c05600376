"""Contexts: the servers that a person has logged in to, and which one is meant when none is named.

One small JSON file of the user's, without secrets. Only its owner may read it all the same.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from borealis_client.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAME: Final = re.compile(r"[A-Za-z0-9._@-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginContext:
    """One login."""

    name: str
    """What the person calls it."""
    server: str
    """`host:port` of the gRPC door."""
    issuer: str
    """Address of the web door, which issues tokens."""
    ca_file: str = ""
    """PEM of the authority to trust; empty when the system trusts it anyway."""
    tenant: str = ""
    """Tenant that its tokens are good for."""
    user: str = ""
    """Who is logged in, for people to read."""
    kept_in: str = "file"
    """Where its tokens are: `keyring` or `file`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contexts:
    """All of them."""

    contexts: tuple[LoginContext, ...] = ()
    """By name."""
    current: str = ""
    """The one that is meant when none is named; empty when none is."""

    def get(self, name: str) -> LoginContext | None:
        """The context of that name."""
        return next((context for context in self.contexts if context.name == name), None)

    def with_context(self, context: LoginContext) -> Contexts:
        """The same with this one in the place of the one of its name, and meant from now on."""
        others = [one for one in self.contexts if one.name != context.name]
        ordered = tuple(sorted([*others, context], key=lambda one: one.name))
        return Contexts(contexts=ordered, current=context.name)

    def without(self, name: str) -> Contexts:
        """The same without the one of that name."""
        left = tuple(one for one in self.contexts if one.name != name)
        return Contexts(contexts=left, current="" if self.current == name else self.current)


def config_folder(env: Mapping[str, str]) -> Path:
    """Where a person's settings of Borealis are."""
    home = env.get("XDG_CONFIG_HOME", "")
    return (Path(home) if home else Path(env.get("HOME", "") or Path.home()) / ".config") / "borealis"


def read_contexts(folder: Path) -> Contexts:
    """What is kept in the folder. Errors: SettingsError when it cannot be read."""
    file = folder / "contexts.json"
    try:
        content = json.loads(file.read_bytes())
        contexts = tuple(LoginContext(name=name, **fields) for name, fields in content["contexts"].items())
        current = content["current"]
    except FileNotFoundError:
        return Contexts()
    except OSError as error:
        raise SettingsError(f"cannot read {file}: {error.strerror}.") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SettingsError(f"{file} is damaged ({error}). Remove it and log in again.") from error
    texts = [current, *(value for context in contexts for value in asdict(context).values())]
    if not all(isinstance(text, str) for text in texts):
        raise SettingsError(f"{file} is damaged (a value is no text). Remove it and log in again.")
    return Contexts(contexts=contexts, current=current)


def write_contexts(folder: Path, contexts: Contexts) -> None:
    """Keep them. Errors: SettingsError when that cannot be."""
    document = {
        "current": contexts.current,
        "contexts": {
            one.name: {field: value for field, value in asdict(one).items() if field != "name"}
            for one in contexts.contexts
        },
    }
    write_private(folder / "contexts.json", document)


def read_private(file: Path) -> dict[str, Any]:  # Any: values of JSON
    """The JSON object in a file; empty without one, or when it is damaged."""
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_private(file: Path, document: Mapping[str, object]) -> None:
    """Replace a file atomically: mode 0600, in a folder of mode 0700 that is made when there is none.

    Errors: SettingsError when that cannot be.
    """
    try:
        private_folder(file.parent)
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(descriptor, "w") as stream:
                json.dump(document, stream, indent=2)
            Path(temporary).replace(file)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SettingsError(f"cannot write {file}: {error.strerror}.") from error


def private_folder(folder: Path) -> None:
    """Make the folder for its owner alone, and close it to others when it is open to them."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold a lock that one process at a time holds; the kernel frees it when the process dies."""
    private_folder(file.parent)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
