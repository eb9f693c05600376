"""How soon a dead line is noticed with the settings that users have, and that a pause is not taken for one."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.ways import AGENT, start_agent, until_connected
from kit.fault_proxy import FaultProxy
from kit.tunnel import open_hub, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from bench.ways import Origin

_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """When each side gave up a line that froze, and whether a pause of an agent cost its session."""

    hub_s: float
    agent_s: float
    pause_s: float
    false_alarms: int


async def measure(origin: Origin, folder: Path, *, pause_s: float) -> Silence:
    """Stop an agent for `pause_s`; then freeze its line."""
    async with open_hub(folder / "hub") as bed, FaultProxy(bed.port) as proxy:
        with await start_agent(bed, origin.kubeconfig, folder, port=proxy.port) as program:
            await until_connected(bed, program)
            (first,) = bed.hub.sessions(AGENT)
            os.kill(program.pid, signal.SIGSTOP)
            await asyncio.sleep(pause_s)
            os.kill(program.pid, signal.SIGCONT)
            await asyncio.sleep(1.0)
            still = [one.session_id for one in bed.hub.sessions(AGENT)]
            logged = len(program.log.read_bytes())
            proxy.freeze()
            began_at = time.monotonic()
            ends: dict[str, float] = {}

            async def note(side: str, is_over: object) -> None:
                await wait_until(is_over, _LIMIT_S)  # type: ignore[arg-type]  # a function without arguments
                ends[side] = time.monotonic() - began_at

            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(note("hub", lambda: not bed.hub.is_connected(AGENT)))
                tasks.create_task(note("agent", lambda: b"no sign of life" in program.log.read_bytes()[logged:]))
            return Silence(
                hub_s=ends["hub"],
                agent_s=ends["agent"],
                pause_s=pause_s,
                false_alarms=int(still != [first.session_id]),
            )
