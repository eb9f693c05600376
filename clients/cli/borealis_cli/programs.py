"""The other programs of the platform: this process becomes them, so that signals and exit codes are their own."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import TYPE_CHECKING, Final

from borealis_cli.exit_codes import ExitCode
from borealis_cli.failures import CommandFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_MODULES: Final[Mapping[str, str]] = {
    "server": "borealis_server",
    "agent": "borealis_agent",
    "sandbox": "borealis_sandbox",
}


def become(program: str, arguments: Sequence[str], *, execute: Callable[[str, list[str]], None] = os.execv) -> None:
    """Replaces this process by `program`; returns only when `execute` does, in tests.

    Errors: CommandFailedError when the program is not installed.
    """
    module = _MODULES[program]
    if importlib.util.find_spec(module) is None:
        raise CommandFailedError(
            f"the {program} is not installed here",
            code=ExitCode.USAGE,
            advice=f"pip install 'borealis-cd[{program}]'",
        )
    sys.stdout.flush()
    sys.stderr.flush()
    execute(sys.executable, [sys.executable, "-m", module, *arguments])
