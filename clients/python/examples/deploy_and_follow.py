"""Starts a deployment from a deploy file and follows it to its end, a line for each change.

    python deploy_and_follow.py deploy.yaml [--approve]

Server and credential come from BOREALIS_* variables or the context file; see `borealis_client.connect`. The exit
status is 0 when the deployment succeeded, 1 when it ended otherwise, 2 when it was not even started.
"""

# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import borealis_client
from borealis_client import DeploymentState

if TYPE_CHECKING:
    from borealis_client import Borealis, DeploymentUpdate


async def deploy_and_follow(deploy_file: Path, *, is_approving: bool) -> DeploymentState:
    """The final state of the deployment that `deploy_file` describes."""
    async with borealis_client.connect() as borealis:
        started = await borealis.deployments.start(deploy_file)
        name = started.deployment.name
        say(f"started {name}")
        state = started.deployment.state
        async for update in borealis.deployments.watch(name):
            describe(update)
            before, state = state, update.deployment.state
            if is_approving and state is DeploymentState.AWAITING_APPROVAL and before is not state:
                await approve(borealis, name)
        return state


async def approve(borealis: Borealis, name: str) -> None:
    """Approves what waits, unless a person was faster."""
    try:
        await borealis.deployments.approve(name, comment="by the example")
    except (borealis_client.AlreadyDecidedError, borealis_client.NotAwaitingApprovalError) as error:
        say(f"not approved: {error.message}")


def describe(update: DeploymentUpdate) -> None:
    """One line about what changed."""
    if update.event is None:
        say(f"{update.sequence} {update.deployment.state.name} {update.deployment.message}")
        return
    place = "/".join(part for part in (update.event.target, update.event.step) if part)
    say(f"{update.sequence} {update.deployment.state.name} {place} {update.event.message}")


def say(line: str) -> None:
    """Prints at once, also into a pipe."""
    print(line, flush=True)  # noqa: T201  # printing is what the example does


def main() -> int:
    """Reads the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Start a deployment and follow it to its end.")
    parser.add_argument("deploy_file", type=Path)
    parser.add_argument("--approve", action="store_true", help="approve whatever waits for an approval")
    arguments = parser.parse_args()
    try:
        state = asyncio.run(deploy_and_follow(arguments.deploy_file, is_approving=arguments.approve))
    except borealis_client.BorealisError as error:
        print(f"error: {error.message}", file=sys.stderr)  # noqa: T201  # as above
        for violation in error.violations:
            print(f"  {violation.field}: {violation.description}", file=sys.stderr)  # noqa: T201  # as above
        return 2
    return 0 if state is DeploymentState.SUCCEEDED else 1


if __name__ == "__main__":
    sys.exit(main())
