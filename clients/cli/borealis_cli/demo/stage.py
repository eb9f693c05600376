"""The demo's processes: server, agent and simulated cluster, each on its own, started and stopped in order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_START_LIMIT_S = 60.0
_STOP_LIMIT_S = 15.0
_POLL_S = 0.1
_TAIL_LINES = 12


class ProcessFailedError(Exception):
    """A process of the demo did not start; the text holds the end of its log."""


def default_folder() -> Path:
    """Where the demo keeps its data and logs unless told otherwise."""
    return Path(tempfile.gettempdir()) / f"borealis-demo-{os.getuid()}"


@dataclass(slots=True)
class Stage:
    """Starts processes with their output in `folder`, and ends them in reverse order."""

    folder: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def context_file(self) -> Path:
        """What the server writes for clients on this machine."""
        return self.folder / "server" / "client.json"

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """For every process of the demo: nothing of another installation leaks in."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BOREALIS_")}
        return {**kept, "BOREALIS_CONTEXT_FILE": str(self.context_file), **(extra or {})}

    def start(self, name: str, *arguments: str, is_ready: Callable[[], bool], env: Mapping[str, str]) -> None:
        """Start `python -m ARGUMENTS` and wait until it is ready. Errors: ProcessFailedError."""
        log = self.folder / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own modules
                [sys.executable, "-m", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.environment(env),
                start_new_session=True,
            )
        self.processes[name] = process
        deadline = time.monotonic() + _START_LIMIT_S
        while not is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])
                raise ProcessFailedError(f"the {name} did not get ready:\n{tail}")
            time.sleep(_POLL_S)

    def keep(self) -> None:
        """Remember what is left running, for `stop_kept`."""
        pids = {name: process.pid for name, process in self.processes.items()}
        (self.folder / "processes.json").write_text(json.dumps(pids))

    def stop(self) -> None:
        """End everything, the last one first."""
        for process in reversed(self.processes.values()):
            _signal_group(process.pid, signal.SIGTERM)
            try:
                process.wait(_STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                _signal_group(process.pid, signal.SIGKILL)
                process.wait()


def stop_kept(folder: Path) -> list[str]:
    """End what an earlier demo left running in `folder`; the names of what was told to end."""
    file = folder / "processes.json"
    if not file.exists():
        return []
    pids: dict[str, int] = json.loads(file.read_text())
    stopped = [name for name, pid in reversed(pids.items()) if _is_ours(pid) and _signal_group(pid, signal.SIGTERM)]
    file.unlink()
    return stopped


def _is_ours(pid: int) -> bool:
    """Whether the process is still one of ours: its number may belong to somebody else by now."""
    try:
        return b"borealis_" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _signal_group(pid: int, number: signal.Signals) -> bool:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return False
    return True
