"""The ways a call can take in the benchmarks: straight to the origin, through an agent, through a relay that was lamed.

Hub and callers live in this process, as the engine does; each agent and the origin in their own. Everything is on: TLS
on both legs, tokens, the allow-list, the audit of every call, metrics.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog

import borealis_agent.session
from bench.origin import TOKEN
from borealis_agent.main import run as run_agent
from borealis_server.adapters.clock import SystemClock
from borealis_server.adapters.randomness import SystemRandomness
from borealis_server.adapters.relay.connection import RelaySettings
from borealis_server.adapters.store.audit import SqliteAuditStore
from borealis_server.adapters.store.sqlite import open_database
from borealis_server.ports.relay import AgentRef
from borealis_server.services.audit import open_audit_trail
from borealis_wire.limits import MIB, Limits
from kit.agent_program import RUN, clean_environment, start_agent_program
from kit.direct_relay import DirectCluster, DirectRelay
from kit.programs import Program
from kit.tunnel import TENANT, open_hub, wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from borealis_server.ports.relay import Relay
    from kit.tunnel import TunnelHub

AGENT: Final = AgentRef(tenant=TENANT, name="bench")
START_LIMIT_S: Final = 60.0

LAMED: Final[dict[str, dict[str, int]]] = {
    "no batching": {"batch_frames": 1},
    "no credit": {"initial_credit_bytes": 1024 * MIB, "scarce_credit_bytes": 1024 * MIB},
}
"""What is switched off: limits of both sides of the tunnel, replaced in the benchmark's own composition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What is called."""

    name: str
    kubeconfig: Path
    cluster: DirectCluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to call the origin."""

    name: str
    relay: Relay
    agent_pid: int | None
    """Process of its agent; None if there is none."""


@contextmanager
def open_origin(folder: Path) -> Iterator[Origin]:
    """The fast HTTPS server, in a process of its own."""
    kubeconfig = folder / "origin" / "kubeconfig"
    log = folder / "origin.log"
    with Program(
        [sys.executable, "-m", "bench.origin", kubeconfig.parent], log=log, env=clean_environment()
    ) as program:
        program.wait_until(kubeconfig.exists, what="answer", limit_s=START_LIMIT_S)
        cluster = json.loads(kubeconfig.read_text())["clusters"][0]["cluster"]
        ca_pem = Path(cluster["certificate-authority"]).read_text()
        yield Origin(
            name="origin",
            kubeconfig=kubeconfig,
            cluster=DirectCluster(url=cluster["server"], ca_pem=ca_pem, token=TOKEN),
        )


@asynccontextmanager
async def open_ways(origin: Origin, folder: Path, *, lamed: bool) -> AsyncIterator[dict[str, Way]]:
    """All ways to the origin, connected; the lamed ones if they are wanted."""
    async with AsyncExitStack() as stack:
        ways = {}
        for name, keeps in (("direct", True), ("direct, new connections", False)):
            direct = DirectRelay({AGENT: origin.cluster}, SystemClock(), keeps_connections=keeps)
            ways[name] = Way(name=name, relay=await stack.enter_async_context(direct), agent_pid=None)
        for name, limits in {"relay": {}, **(LAMED if lamed else {})}.items():
            place = folder / name.replace(" ", "-")
            relayed = await stack.enter_async_context(_open_relayed(name, origin, place, limits))
            ways[name] = relayed
        yield ways


@asynccontextmanager
async def _open_relayed(name: str, origin: Origin, folder: Path, limits: dict[str, int]) -> AsyncIterator[Way]:
    settings = RelaySettings(limits=Limits(**limits))
    folder.mkdir(parents=True)
    async with (
        open_database(folder / "borealis.db") as database,
        open_audit_trail(SqliteAuditStore(database), SystemClock(), SystemRandomness()) as trail,
        open_hub(folder, settings=settings, audit=trail) as bed,
    ):
        with await start_agent(bed, origin.kubeconfig, folder, limits=limits) as program:
            await until_connected(bed, program)
            yield Way(name=name, relay=bed.hub, agent_pid=program.pid)


async def start_agent(
    bed: TunnelHub, kubeconfig: Path, folder: Path, *, limits: dict[str, int] | None = None, port: int = 0
) -> Program:
    """An agent in a process of its own. `limits` lame it; `port` is a way to the hub."""
    run = ("-m", "bench.ways", json.dumps(limits)) if limits else RUN
    env = {"BOREALIS_AGENT_KUBE_PATH_PREFIXES": "/version,/api", "BOREALIS_AGENT_MAX_STREAMS": "2000"}
    return await start_agent_program(bed, kubeconfig, folder, name=AGENT.name, port=port, run=run, env=env)


async def until_connected(bed: TunnelHub, program: Program) -> None:
    """Wait until the hub has the agent; fails with the agent's log."""
    try:
        await wait_until(lambda: bed.hub.is_connected(AGENT), START_LIMIT_S)
    except TimeoutError:
        raise SystemExit(f"the agent did not connect:\n{program.log_tail()}") from None


def quiet() -> None:
    """Write all logs of this process as JSON, but show none: writing them is part of the work."""
    structlog.configure(
        processors=[structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(Path(os.devnull).open("w")),  # noqa: SIM115 - kept
        cache_logger_on_first_use=True,
    )


def _run_lamed_agent(limits: dict[str, Any]) -> int:  # Any: fields of Limits
    """The agent, with some limits of the tunnel replaced."""
    borealis_agent.session.Limits = partial(Limits, **limits)  # type: ignore[attr-defined,assignment]  # to lame it
    return run_agent(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(_run_lamed_agent(json.loads(sys.argv[1])))
