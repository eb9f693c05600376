"""The key that the tokens of callbacks are made of: a file that the server makes when there is none."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from borealis_server.adapters import private_files
from borealis_server.domain.startup import StartRefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from borealis_server.ports.randomness import Randomness

_KEY_BYTES: Final = 32


def open_callback_key(file: Path, randomness: Randomness) -> bytes:
    """The key in the file. Errors: StartRefusedError when the file holds none."""
    if not file.exists():
        private_files.open_directory(file.parent)
        private_files.write(file, base64.b64encode(randomness.token_bytes(_KEY_BYTES)) + b"\n")
    try:
        key = base64.b64decode(private_files.read(file).strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _KEY_BYTES:
        message = f"{file} holds no key of callbacks: remove it to have a new one made"
        raise StartRefusedError(message)
    return key
