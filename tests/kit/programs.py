"""Starts programs for tests, keeps their logs, and ends them with everything they started."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_POLL_S = 0.05
_LOG_TAIL_LINES = 25


class ProgramFailedError(AssertionError):
    """A program ended, or did not get ready in time; the text holds the end of its log."""


class Program:
    """One running program: its own process group, its output in `log`."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = os.path.basename(command[0])  # noqa: PTH119 - a command may be a plain string
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*_die_with_parent(), *(str(part) for part in command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=None if env is None else dict(env),
                cwd=cwd,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id, also the id of the process group."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """What the program ended with; None while it runs."""
        return self._process.poll()

    def log_tail(self) -> str:
        """The end of the log, for an error message."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_LOG_TAIL_LINES:])

    def wait_until(self, is_ready: Callable[[], bool], *, what: str, limit_s: float) -> None:
        """Return once `is_ready()`; fail with the log if the program ends first or `limit_s` passes."""
        deadline = time.monotonic() + limit_s
        while not is_ready():
            if self.exit_code is not None:
                raise ProgramFailedError(f"{self.name} ended with {self.exit_code} before {what}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise ProgramFailedError(f"{self.name}: no {what} within {limit_s:g} s:\n{self.log_tail()}")
            time.sleep(_POLL_S)

    def stop(self, *, grace_s: float = 3.0) -> None:
        """Ask the whole group to end, and kill it when `grace_s` has passed."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace_s)
        self.kill()

    def kill(self) -> None:
        """End the whole group at once, as `kill -9` does."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def free_ports(count: int) -> list[int]:
    """Ports on 127.0.0.1 that were free a moment ago, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _die_with_parent() -> list[str]:
    """A prefix that ends the program when the test run is killed without a chance to clean up."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
