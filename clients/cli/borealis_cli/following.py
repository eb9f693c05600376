"""Follows a deployment to its end: as a live tree on a terminal, as lines in a pipe, as JSON for programs."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, Self

from borealis_cli.exit_codes import ExitCode
from borealis_cli.failures import CommandFailedError
from borealis_cli.options import Format
from borealis_cli.output import message_json, note, say, say_json
from borealis_cli.render.changes import ChangeLines
from borealis_cli.render.text import duration, short_id
from borealis_client import DeploymentState, TargetRunRollback

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from borealis_client import Borealis, BorealisError, Deployment, DeploymentUpdate


class Follower(Protocol):
    """Shows updates as they come."""

    def show(self, update: DeploymentUpdate) -> None:
        """One more update."""
        ...


async def follow(borealis: Borealis, name: str, *, output: Format, timeout_s: float | None) -> ExitCode:
    """The exit code that the deployment's end stands for, after it was shown.

    Errors: CommandFailedError when `timeout_s` passed before the end.
    """
    last: Deployment | None = None
    try:
        async with (
            asyncio.timeout(timeout_s) as limit,
            _follower(output) as follower,
            aclosing(borealis.deployments.watch(name, on_interruption=_interrupted)) as updates,
        ):
            async for update in updates:
                last = update.deployment
                follower.show(update)
    except TimeoutError:
        if not limit.expired():
            raise
        raise CommandFailedError(
            f"the deployment has not ended after {duration(timeout_s or 0)}; it goes on",
            code=ExitCode.TIMED_OUT,
            advice=reattach(name),
        ) from None
    if last is None:
        raise AssertionError("a watch ends with an update or an error")
    if output is Format.JSON:
        say_json(message_json(last), output)
    return outcome(last)


def outcome(deployment: Deployment) -> ExitCode:
    """The exit code for a deployment that has ended."""
    if deployment.state is DeploymentState.SUCCEEDED:
        return ExitCode.OK
    if deployment.state in {DeploymentState.CANCELLED, DeploymentState.REPLACED}:
        return ExitCode.CANCELLED
    is_back = any(target.rollback is TargetRunRollback.DONE for target in deployment.targets)
    return ExitCode.ROLLED_BACK if is_back else ExitCode.FAILED


def reattach(name: str) -> str:
    """What to type to watch again."""
    return f"borealis watch {short_id(name)}"


class PlainFollower:
    """A line for each change."""

    def __init__(self, *, is_answer: bool) -> None:
        self._changes = ChangeLines()
        self._is_answer = is_answer

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    def show(self, update: DeploymentUpdate) -> None:
        """Writes the lines of `update`: to stdout, or to stderr when the answer is a document."""
        lines = self._changes.of(update, datetime.now(UTC))
        if self._is_answer:
            say(lines)
        else:
            note(*lines)


class EventFollower:
    """A line of JSON for each update: what the server sent, in the form of its proto."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    def show(self, update: DeploymentUpdate) -> None:
        """Writes the event, or the whole state where the server sent that."""
        change = (
            {"event": message_json(update.event)} if update.event else {"snapshot": message_json(update.deployment)}
        )
        say_json({"sequence": str(update.sequence), **change}, Format.JSONL)


def _follower(output: Format) -> AbstractAsyncContextManager[Follower]:
    if output is Format.JSONL:
        return EventFollower()
    if output is Format.JSON:
        return PlainFollower(is_answer=False)
    if is_live():
        from borealis_cli.live import LiveFollower  # noqa: PLC0415  # loads rich, which pipes do not need

        return LiveFollower()
    return PlainFollower(is_answer=True)


def is_live() -> bool:
    """Whether stdout is a terminal that can be redrawn, and its reader sees it."""
    is_readable = os.environ.get("TERM", "") not in {"", "dumb"} and not os.environ.get("BOREALIS_SCREEN_READER")
    return sys.stdout.isatty() and is_readable


def _interrupted(error: BorealisError, wait_s: float) -> None:
    note(f"connection lost, trying again in {wait_s:.1f}s: {error.message}")
