"""What a new agent needs to connect: its credential, the server's address, the authority to trust: one JSON file."""

from __future__ import annotations

import json
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from borealis_cli.exit_codes import ExitCode
from borealis_cli.failures import CommandFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from borealis_client import Borealis

_NOT_IN_DISPLAY_NAMES: Final = re.compile(r"[^a-z0-9-]")
_DISPLAY_NAME_LIMIT: Final = 63


async def create(borealis: Borealis, agent: str, agent_server: str) -> dict[str, str]:
    """The content of the agent's credentials file, with a credential just created."""
    ca_file = borealis.settings.ca_file
    ca_pem = ca_file.read_text() if ca_file else ""
    display_name = _NOT_IN_DISPLAY_NAMES.sub("-", f"agent-{agent}".lower())[:_DISPLAY_NAME_LIMIT]
    created = await borealis.identity.create_credential(display_name, role="agent", agent=agent)
    return {
        "server": agent_server or str(borealis.settings.server),
        "ca_pem": ca_pem,
        "agent": agent,
        "client_id": created.credential.client_id,
        "client_secret": created.client_secret,
    }


@contextmanager
def written(path: Path) -> Iterator[Callable[[dict[str, str]], None]]:
    """A new file that only its owner may read, filled by the function given; gone again when the block fails.

    It is opened before the credential is created, so that no secret gets lost for want of a place.

    Errors: CommandFailedError when the file exists or cannot be made.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandFailedError(
            f"cannot make {path}: {error.strerror}", code=ExitCode.USAGE, advice="name another file with --out"
        ) from error
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        try:
            yield lambda content: json.dump(content, opened, indent=2)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
