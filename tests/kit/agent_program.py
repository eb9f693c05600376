"""An agent as a process of its own, for a hub that runs in the test."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kit.programs import Program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kit.tunnel import TunnelHub

RUN = ("-m", "borealis_agent")
"""The agent as users run it."""
RUN_AND_BLOCK = (
    "-c",
    """
import signal, sys, time
from borealis_agent.main import run
signal.signal(signal.SIGUSR1, lambda *_: time.sleep(5.0))
sys.exit(run())
""",
)
"""The agent, whose event loop stands still for 5 s at SIGUSR1."""


async def start_agent_program(
    bed: TunnelHub,
    kubeconfig: Path,
    folder: Path,
    *,
    name: str = "prod",
    port: int = 0,
    run: Sequence[str] = RUN,
    env: Mapping[str, str] | None = None,
) -> Program:
    """Start an agent; the caller waits until it is connected. `port` is a way to the hub."""
    settings = await bed.link_settings(name)
    folder.mkdir(parents=True, exist_ok=True)
    credentials = folder / "agent.json"
    credentials.write_text(
        json.dumps(
            {
                "server": f"localhost:{port or bed.port}",
                "ca_pem": bed.ca_pem.decode(),
                "agent": settings.agent,
                "client_id": settings.client_id,
                "client_secret": settings.client_secret.get_secret_value(),
            },
        ),
    )
    command: list[str | Path] = [sys.executable, *run, "--credentials-file", credentials, "--kubeconfig", kubeconfig]
    return Program(command, log=folder / "agent.log", env=clean_environment() | dict(env or {}))


def clean_environment() -> dict[str, str]:
    """Of programs that are started: the test tools are importable, nothing else of ours is set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BOREALIS_")}
    return kept | {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
