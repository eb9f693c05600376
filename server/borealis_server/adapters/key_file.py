"""Key-encryption keys in a file: one line for each key, its id and 32 bytes in base64; the first line encrypts.

The server makes the file when there is none. Whoever hands the file in from outside adds a line at its top to rotate.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final

from borealis_server.adapters import private_files
from borealis_server.adapters.envelope import KEY_BYTES, decrypt, encrypt
from borealis_server.domain.errors import KeyRefused
from borealis_server.domain.names import RANDOM_ID_BYTES, random_id
from borealis_server.domain.startup import StartRefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from borealis_server.ports.randomness import Randomness

_HEAD: Final = """\
# Keys that encrypt the secrets of Borealis: id and key. The first one encrypts, the others read what they encrypted.
# Without this file nobody can read a secret any more, so back it up, and not beside the store that it protects.
"""
_ID: Final = re.compile(r"[a-z0-9-]{1,63}")


class KeyFile:
    """Implements `ports.secrets.KeyEncryption` with keys in a file that this process may read.

    Shape: with `is_given`, somebody else writes the file, and a rotation reads it again.
    """

    def __init__(self, file: Path, keys: dict[str, bytes], randomness: Randomness, *, is_given: bool) -> None:
        self._file = file
        self._keys = keys
        self._randomness = randomness
        self._is_given = is_given

    async def current_key(self) -> str:
        """Id of the key that wraps."""
        return next(iter(self._keys))

    async def readable_keys(self) -> frozenset[str]:
        """Ids of the keys that can unwrap."""
        return frozenset(self._keys)

    async def rotate(self) -> str:
        """A newer key at the top of the file, which wraps from now on; its id.

        Errors: KeyRefused when somebody else writes the file and has added none, or it cannot be written.
        """
        before = next(iter(self._keys))
        try:
            if self._is_given:
                keys = _parsed(private_files.read(self._file), self._file)
            else:
                keys = {**_new_key(self._randomness), **self._keys}
                private_files.write(self._file, _formatted(keys))
        except (OSError, StartRefusedError) as error:
            raise KeyRefused(str(error)) from error
        if self._is_given and next(iter(keys)) == before:
            raise KeyRefused(f"{self._file} still begins with the key {before}; put the new one above it")
        self._keys = {**keys, **{key_id: key for key_id, key in self._keys.items() if key_id not in keys}}
        return next(iter(self._keys))

    async def wrap(self, data_key: bytes, context: bytes) -> tuple[str, bytes]:
        """The id of the current key, and the data key wrapped by it for `context` only."""
        key_id, key = next(iter(self._keys.items()))
        return key_id, encrypt(key, data_key, context, self._randomness)

    async def unwrap(self, key_id: str, wrapped_key: bytes, context: bytes) -> bytes | None:
        """The data key; None when there is no such key, or it has not wrapped this for `context`."""
        key = self._keys.get(key_id)
        return None if key is None else decrypt(key, wrapped_key, context)


def open_key_file(file: Path, randomness: Randomness, *, is_given: bool = False) -> KeyFile:
    """The keys in `file`, which is made when there is none and nobody else writes it.

    Errors: StartRefusedError when it cannot be read or is no such file.
    """
    if not is_given and not file.exists():
        private_files.write(file, _formatted(_new_key(randomness)))
    return KeyFile(file, _parsed(private_files.read(file), file), randomness, is_given=is_given)


def _new_key(randomness: Randomness) -> dict[str, bytes]:
    return {random_id(randomness.token_bytes(RANDOM_ID_BYTES)): randomness.token_bytes(KEY_BYTES)}


def _formatted(keys: dict[str, bytes]) -> bytes:
    lines = [f"{key_id} {base64.b64encode(key).decode()}\n" for key_id, key in keys.items()]
    return (_HEAD + "".join(lines)).encode()


def _parsed(content: bytes, file: Path) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        key_id, _, text = line.strip().partition(" ")
        if not _ID.fullmatch(key_id) or key_id in keys:
            raise StartRefusedError(f"{file}, line {number}: a key needs an id of its own, of `a-z`, `0-9` and `-`")
        try:
            keys[key_id] = base64.b64decode(text.strip(), validate=True)
        except binascii.Error:
            keys[key_id] = b""
        if len(keys[key_id]) != KEY_BYTES:
            raise StartRefusedError(f"{file}, line {number}: a key is {KEY_BYTES} bytes in base64, behind its id")
    if not keys:
        raise StartRefusedError(f"{file} holds no key: restore it from a backup, or move it away")
    return keys
