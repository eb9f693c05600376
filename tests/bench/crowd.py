"""A thousand agents that do nothing: what they cost a hub, and how soon they are back after it was killed.

The hub is a process of its own, so that its memory is its own; the agents share one: each has a channel, a token and a
session over TLS, made by the agent's own code. Run as a program with a role, a folder and a number.
"""

from __future__ import annotations

import asyncio
import pickle
import random
import resource
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil
import uvloop

from bench.ways import START_LIMIT_S, quiet
from borealis_agent.link import Link, Offer
from borealis_agent.streams import StreamServer
from borealis_agent.targets.catalog import Catalog
from borealis_agent.targets.policy import Policy
from borealis_agent.telemetry import AgentMetrics
from kit.agent_program import clean_environment
from kit.programs import Program
from kit.tunnel import TENANT, TunnelHub, open_hub

if TYPE_CHECKING:
    from collections.abc import Callable

    from borealis_agent.settings import LinkSettings

_RAMP_S: Final = 0.01
"""Time between the first dials of two agents."""
_BACK_LIMIT_S: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """What idle agents cost, and how soon they were back."""

    agents: int
    kib_each: float
    """Memory of the hub for each agent, KiB."""
    agents_per_gib: float
    hub_cpu_percent: float
    """Of one core, while nothing is asked of anybody."""
    connect_s: float
    """Until all were connected at first; they dial one after another."""
    half_back_s: float
    """After the killed hub answered again, until half of them were connected."""
    all_back_s: float
    """The same for all."""


def measure(folder: Path, *, agents: int, idle_s: float) -> Crowd:
    """Start a hub and its agents, let them idle, kill the hub, and start it again."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        hub = stack.enter_context(_start("hub", folder, agents))
        _until((folder / "hub.pickle").exists, hub, "answer")
        time.sleep(1.0)
        process = psutil.Process(hub.pid)
        empty_bytes = process.memory_info().rss
        began_at = time.monotonic()
        crowd = stack.enter_context(_start("agents", folder, agents))
        _until(lambda: _connected(folder) >= agents, crowd, "connect")
        connect_s = time.monotonic() - began_at
        time.sleep(2.0)
        cpu_s, idle_from = _cpu_s(process), time.monotonic()
        time.sleep(idle_s)
        cpu_percent = (_cpu_s(process) - cpu_s) / (time.monotonic() - idle_from) * 100
        each_bytes = (process.memory_info().rss - empty_bytes) / agents
        hub.kill()
        (folder / "connected").unlink()
        hub = stack.enter_context(_start("hub", folder, agents))
        _until((folder / "connected").exists, hub, "answer again")
        back_from = time.monotonic()
        _until(lambda: _connected(folder) >= agents / 2, crowd, "come back")
        half_back_s = time.monotonic() - back_from
        _until(lambda: _connected(folder) >= agents, crowd, "come back")
        return Crowd(
            agents=agents,
            kib_each=each_bytes / 1024,
            agents_per_gib=2**30 / each_bytes,
            hub_cpu_percent=cpu_percent,
            connect_s=connect_s,
            half_back_s=half_back_s,
            all_back_s=time.monotonic() - back_from,
        )


def _start(role: str, folder: Path, agents: int) -> Program:
    command: list[str | Path] = [sys.executable, "-m", "bench.crowd", role, folder, str(agents)]
    return Program(command, log=folder / f"{role}.log", env=clean_environment())


def _until(is_so: Callable[[], bool], program: Program, what: str) -> None:
    program.wait_until(is_so, what=what, limit_s=_BACK_LIMIT_S + START_LIMIT_S)


def _connected(folder: Path) -> int:
    try:
        return int((folder / "connected").read_text() or 0)
    except FileNotFoundError:
        return 0


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


async def _hub(folder: Path, agents: int) -> None:
    """A hub that knows the credentials of all agents, and says how many are connected."""
    kept = folder / "hub.pickle"
    before = None
    if kept.exists():
        store, port, credentials = pickle.loads(kept.read_bytes())  # noqa: S301 - this program wrote it
        before = TunnelHub(hub=None, identity=None, store=store, port=port, ca_pem=b"", credentials=credentials)  # type: ignore[arg-type]  # only these three are asked for
    async with open_hub(folder / "hub", before=before) as bed:
        if before is None:
            made: list[LinkSettings] = [await bed.link_settings(f"agent-{number}") for number in range(agents)]
            (folder / "agents.pickle").write_bytes(pickle.dumps(made))
            kept.write_bytes(pickle.dumps((bed.store, bed.port, bed.credentials)))
        said = -1
        while True:
            count = len(bed.hub.all_sessions(TENANT)) if said < agents else agents
            if count != said:
                (folder / "connected").write_text(str(count))
                said = count
            await asyncio.sleep(0.05 if said < agents else 3600)


async def _agents(folder: Path, agents: int) -> None:
    """So many agents without a cluster, each as the agent's own program makes it."""

    async def version() -> str:
        return "v1.30.0+bench"

    settings: list[LinkSettings] = pickle.loads((folder / "agents.pickle").read_bytes())  # noqa: S301 - the hub wrote it
    metrics, stop = AgentMetrics(), asyncio.Event()
    offer = Offer(targets=(), policy_digest="", kubernetes_version=version)
    async with asyncio.TaskGroup() as tasks:
        for one in settings[:agents]:
            server = StreamServer(Catalog(Policy()), metrics)
            link = Link(one, server, metrics, max_streams=100, offer=offer, chance=random.random)
            tasks.create_task(link.keep(stop))
            await asyncio.sleep(_RAMP_S)


if __name__ == "__main__":
    quiet()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    _, _role, _folder, _count = sys.argv
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run({"hub": _hub, "agents": _agents}[_role](Path(_folder), int(_count)))
