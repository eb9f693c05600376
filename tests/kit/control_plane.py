"""The delivery engine in the test's own process, on any API server, without doors, agents or tunnels."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from borealis_deployfile.manifests import FileContent
from borealis_server.adapters.clock import SystemClock
from borealis_server.adapters.cluster.client import RelayedCluster
from borealis_server.adapters.randomness import SystemRandomness
from borealis_server.adapters.store.memory import MemoryDeploymentStore
from borealis_server.domain.deployment import Deployment, DeploymentKey, PersonsDecision
from borealis_server.domain.start import StartRequest
from borealis_server.ports.relay import AgentRef
from borealis_server.services.deployments import Deployments
from borealis_server.services.journal import Journal
from borealis_server.services.queue import open_queue
from borealis_server.services.runner import open_runner
from borealis_server.services.targets import TargetKey
from kit.direct_relay import DirectCluster, DirectRelay
from kit.web import KnownAddresses

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from borealis_server.domain.states import DeploymentState
    from borealis_server.ports.relay import Relay
    from borealis_server.ports.store import DeploymentStore
    from borealis_server.services.runner import Runner
    from kit.api_server import ApiServer

ACCOUNT = "cluster-1"
TENANT = "main"
AGENT = AgentRef(tenant=TENANT, name=ACCOUNT)


class JumpingClock(SystemClock):
    """The real clock, until a test lets time jump forward."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The present, and what was jumped."""
        return super().now() + self._ahead

    def jump(self, seconds: float) -> None:
        """Be `seconds` later from now on."""
        self._ahead += timedelta(seconds=seconds)


@dataclass(slots=True)
class _Agents:
    async def agent_names(self, tenant: str) -> tuple[str, ...]:
        return (ACCOUNT,) if tenant == TENANT else ()

    async def away(self, tenant: str, names: Sequence[str]) -> dict[str, datetime | None]:  # noqa: ARG002 - nobody is
        """Nobody is away."""
        return {}


@dataclass(slots=True, kw_only=True)
class ControlPlane:
    """Starts deployments and decides about them, as a servicer would."""

    deployments: Deployments
    journal: Journal
    clock: JumpingClock
    runner: Runner | None
    actor: str = "ana"
    writes: Sequence[str] = ()
    """What the engine has asked the cluster to change, as the wire between them saw it."""
    started: list[DeploymentKey] = field(default_factory=list)

    async def start(self, deploy_file: str, *, given: Mapping[str, str] | None = None, **files: str) -> Deployment:
        """Start, with the variables `given`; `files` maps manifest paths (dots as underscores) to their text."""
        contents = {
            path.replace("_", "."): (FileContent(name=path.replace("_", "."), content=text.encode()),)
            for path, text in files.items()
        }
        request = StartRequest(
            tenant=TENANT,
            actor=self.actor,
            deploy_file=deploy_file.encode(),
            files=contents,
            file_name="deploy.yaml",
            context=given or {},
        )
        deployment, _ = await self.deployments.start(request)
        self.started.append(deployment.key)
        return deployment

    def look_again(self, deployment: Deployment) -> None:
        """Have every target looked at now, as when its agent comes back."""
        for run in deployment.targets:
            assert self.runner is not None
            self.runner.wake(TargetKey(deployment.key, run.name))

    async def until(self, key: DeploymentKey, holds: Callable[[Deployment], bool], limit_s: float = 40.0) -> Deployment:
        """The deployment, once `holds`. Errors: AssertionError with the newest state when it does not in time."""
        deployment = await self.deployments.get(key)
        try:
            async with asyncio.timeout(limit_s):
                async for _ in self.journal.follow(key, 0):
                    deployment = await self.deployments.get(key)
                    if holds(deployment):
                        return deployment
        except TimeoutError:
            raise AssertionError(f"still {describe(deployment)} after {limit_s} s") from None
        deployment = await self.deployments.get(key)
        assert holds(deployment), describe(deployment)
        return deployment

    async def until_state(self, key: DeploymentKey, state: DeploymentState, limit_s: float = 40.0) -> Deployment:
        """The deployment, once it is in `state`."""
        return await self.until(key, lambda deployment: deployment.state is state, limit_s)

    async def until_end(self, key: DeploymentKey, limit_s: float = 40.0) -> Deployment:
        """The deployment, once it is final."""
        return await self.until(key, lambda deployment: deployment.state.is_final, limit_s)

    def wish(self, kind: str, **fields: Any) -> PersonsDecision:  # Any: the record's own fields
        """A decision of the actor, now."""
        return PersonsDecision(kind=kind, by=self.actor, at=self.deployments.now(), **fields)


def describe(deployment: Deployment) -> str:
    """A deployment in one line, for failure messages."""
    targets = ", ".join(
        f"{run.name}={run.state}/{run.phase} {run.message} {run.wait.what if run.wait else ''}"
        for run in deployment.targets
    )
    return f"{deployment.state}: {deployment.message} [{targets}]"


@asynccontextmanager
async def open_control_plane(api: ApiServer, store: DeploymentStore | None = None) -> AsyncIterator[ControlPlane]:
    """An engine whose one account is the cluster behind `api`."""
    clock = JumpingClock()
    async with open_relay(api, clock) as relay, open_engine(relay, clock, store) as plane:
        plane.writes = relay.writes
        yield plane


@asynccontextmanager
async def open_relay(api: ApiServer, clock: JumpingClock) -> AsyncIterator[DirectRelay]:
    """The way to the cluster behind `api`."""
    cluster = DirectCluster(url=api.url, ca_pem=api.ca_pem.decode(), token=api.token)
    async with DirectRelay({AGENT: cluster}, clock) as relay:
        yield relay


@asynccontextmanager
async def open_engine(
    relay: Relay, clock: JumpingClock, store: DeploymentStore | None = None
) -> AsyncIterator[ControlPlane]:
    """An engine over `relay`, whose one account is `AGENT`."""
    journal = Journal(store or MemoryDeploymentStore())
    async with (
        open_runner(journal, RelayedCluster(relay), relay, clock) as runner,
        open_queue(journal, _Agents(), clock),
    ):
        yield ControlPlane(
            deployments=Deployments(journal, _Agents(), clock, SystemRandomness(), KnownAddresses()),
            journal=journal,
            clock=clock,
            runner=runner,
        )
