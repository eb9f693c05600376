"""Kubeconfig files: entries for clusters behind agents, merged into what is there. Owns files, no network."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from borealis_cli.exit_codes import ExitCode
from borealis_cli.failures import CommandFailedError

EXEC_API: Final = "client.authentication.k8s.io/v1beta1"
"""Version of the credential plugin protocol: known to kubectl since 1.10, and still."""

# Any: kubeconfigs are documents of Kubernetes' own.
Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """How one cluster is reached."""

    name: str
    """Name of cluster, user and context."""
    server: str
    """Address of the API."""
    ca_file: Path | None = None
    """Certificate authority to trust; None for the system's, or where none is needed."""
    user: Document | None = None
    """How to log in; None where the address is enough."""

    def document(self) -> Document:
        """A kubeconfig with this entry alone."""
        cluster: Document = {"server": self.server}
        if self.ca_file is not None:
            cluster["certificate-authority"] = str(self.ca_file)
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": self.name,
            "clusters": [{"name": self.name, "cluster": cluster}],
            "users": [{"name": self.name, "user": self.user or {}}],
            "contexts": [{"name": self.name, "context": {"cluster": self.name, "user": self.name}}],
        }


def token_plugin(arguments: list[str], environment: dict[str, str]) -> Document:
    """A user who logs in with what `borealis kube token` prints: no secret stands in the file."""
    return {
        "exec": {
            "apiVersion": EXEC_API,
            "command": sys.executable,
            "args": ["-m", "borealis_cli", "kube", "token", *arguments],
            "env": [{"name": name, "value": value} for name, value in environment.items()],
            "interactiveMode": "Never",
            "provideClusterInfo": False,
        }
    }


def render(document: Document) -> str:
    """The file's text."""
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    return text


def merge_into(path: Path, entry: Entry) -> bool:
    """Put the entry into the file, in place of one of the same name; True when the file was there before.

    Shape: everything else stays, the current context too. The file is replaced at once, mode 0600.
    Errors: CommandFailedError when it is no kubeconfig, or cannot be written.
    """
    is_there = path.exists()
    document = _read(path) if is_there else {}
    merged = _merged(document, entry.document())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            file.write(render(merged))
        Path(file.name).replace(path.resolve())
    except OSError as error:
        raise CommandFailedError(
            f"cannot write {path}: {error.strerror}", code=ExitCode.USAGE, advice="name another file with --out"
        ) from error
    return is_there


def write_new(path: Path, entry: Entry) -> None:
    """Write a file of its own for this user alone. Errors: OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(render(entry.document()))


def _read(path: Path) -> Document:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _no_kubeconfig(path, str(error)) from error
    if document is None:
        return {}
    lists = ("clusters", "users", "contexts")
    if not isinstance(document, dict) or not all(isinstance(document.get(name) or [], list) for name in lists):
        raise _no_kubeconfig(path, "it has not the lists clusters, users and contexts")
    return document


def _merged(old: Document, new: Document) -> Document:
    merged = {**new, **old}
    for name in ("clusters", "users", "contexts"):
        (added,) = new[name]
        kept = [one for one in old.get(name) or [] if not (isinstance(one, dict) and one.get("name") == added["name"])]
        merged[name] = [*kept, added]
    merged["current-context"] = old.get("current-context") or new["current-context"]
    return merged


def _no_kubeconfig(path: Path, why: str) -> CommandFailedError:
    return CommandFailedError(
        f"{path} is no kubeconfig: {why}",
        code=ExitCode.USAGE,
        advice="nothing was changed; name another file with --out",
    )
