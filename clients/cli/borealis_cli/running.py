"""Runs a command's coroutine, and says what goes on without it when a person presses Ctrl-C."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from borealis_cli.exit_codes import ExitCode
from borealis_cli.output import note

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


@dataclass(slots=True)
class Attachment:
    """The deployment that a command follows; empty while there is none."""

    name: str = ""


def run(command: Callable[[Attachment], Coroutine[None, None, int]]) -> None:
    """Ends the command with the exit code that the coroutine returns."""
    attachment = Attachment()
    try:
        code = asyncio.run(command(attachment))
    except KeyboardInterrupt:
        note("", _farewell(attachment))
        code = ExitCode.DETACHED
    if code:
        raise typer.Exit(code)


def _farewell(attachment: Attachment) -> str:
    if not attachment.name:
        return "interrupted; what the server has done by then is done: borealis list"
    short = attachment.name.rsplit("/", 1)[-1]
    return f"detached; the deployment goes on: borealis watch {short}"
