"""`client.json`: what the CLI on the same machine needs to reach this server, for the owner of the data folder only."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from borealis_server.adapters import private_files

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFile:
    """How a client reaches the server, and as whom."""

    server: str
    """`host:port` of the gRPC door."""
    web: str
    """URL of the web door."""
    ca_file: str
    """PEM of the authority to trust; empty when the system trusts it anyway."""
    tenant: str
    """Tenant of the credential."""
    client_id: str
    """Credential to log in with."""
    client_secret: str
    """Its secret."""


def write_client_file(file: Path, content: ClientFile) -> None:
    """Replace the file; only its owner may read it."""
    private_files.write(file, (json.dumps(asdict(content), indent=2) + "\n").encode())


def read_client_file(file: Path) -> ClientFile | None:
    """What the file holds; None when there is no such file or it holds something else."""
    if not file.exists():
        return None
    try:
        content = ClientFile(**json.loads(private_files.read(file)))
    except (ValueError, TypeError):
        return None
    return content if all(isinstance(value, str) for value in asdict(content).values()) else None
