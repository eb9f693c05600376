"""Files that nobody else may read, and the folder that holds them.

Owns modes, atomic replacement and the lock of the data folder. Knows nothing of what the files hold.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
from typing import TYPE_CHECKING

from borealis_server.domain.startup import StartRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PRIVATE_DIRECTORY = 0o700
_OTHERS = 0o077


def open_directory(directory: Path) -> Path:
    """The absolute folder, made with mode 0700 when there is none.

    Errors: StartRefusedError when it cannot be used, belongs to somebody else, or is open to others.
    """
    try:
        directory.mkdir(mode=_PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        state = directory.stat()
        if state.st_uid != os.geteuid():
            raise StartRefusedError(
                f"{directory} belongs to another user (uid {state.st_uid}): choose another data folder or start as them"
            )
        if state.st_mode & _OTHERS:
            _close_to_others(directory, state.st_mode)
    except OSError as error:
        raise StartRefusedError(f"cannot use {directory} as data folder: {error.strerror}") from error
    return directory.resolve()


def write(file: Path, content: bytes) -> None:
    """Replace the file atomically and durably; only the owner may read it (mode 0600)."""
    file.parent.mkdir(mode=_PRIVATE_DIRECTORY, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, file)  # noqa: PTH105 - names from mkstemp are strings
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)  # noqa: PTH108 - as above
        raise
    _sync_directory(file.parent)


def read(file: Path) -> bytes:
    """Content of the file. Errors: StartRefusedError when it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise StartRefusedError(f"cannot read {file}: {error.strerror}") from error


@contextlib.contextmanager
def hold_lock(file: Path) -> Iterator[None]:
    """Hold the lock of a data folder: one server at a time. The kernel frees it when the process dies.

    Errors: StartRefusedError when another process holds it.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise StartRefusedError(
                f"another server (process {holder}) uses {file.parent}: stop it, or choose another data folder"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _close_to_others(directory: Path, mode: int) -> None:
    if any(directory.iterdir()):
        raise StartRefusedError(
            f"{directory} is open to other users (mode {stat.S_IMODE(mode):04o}): run `chmod 700 {directory}`, "
            "or choose another data folder"
        )
    directory.chmod(_PRIVATE_DIRECTORY)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
